//! Failures on demand, for those who test how their software takes them: `rcpt-451@localhost` is refused at RCPT,
//! `data-550@localhost` at the end of the content.

use mailwright_core::Address;
use mailwright_smtp::Rejection;

/// Whether local parts may ask for failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chaos {
    Off,
    On,
}

/// Where a failure is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Rcpt,
    Data,
}

impl Chaos {
    /// The failure that `to` asks for, if it does.
    pub(crate) fn wanted(self, to: &Address) -> Option<(At, Rejection)> {
        if self == Self::Off {
            return None;
        }
        let (stage, code) = to.local().split_once('-')?;
        let at = match stage {
            "rcpt" => At::Rcpt,
            "data" => At::Data,
            _ => return None,
        };
        let code: u16 = code.parse().ok()?;
        let class = u8::try_from(code / 100).ok()?;
        let rejection = Rejection::new(code, (class, 0, 0), format!("you asked for it: {}", to.local()));
        Some((at, rejection.ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_ask_for_failures() {
        let wanted = |local: &str| {
            let to = format!("{local}@localhost").parse().unwrap();
            Chaos::On.wanted(&to).map(|(at, rejection)| (at, rejection.code().get()))
        };
        assert_eq!(wanted("rcpt-451"), Some((At::Rcpt, 451)));
        assert_eq!(wanted("data-550"), Some((At::Data, 550)));
        for other in ["ann", "rcpt-250", "rcpt-x", "rcpt-99999", "mail-451"] {
            assert_eq!(wanted(other), None, "{other}");
        }
        assert_eq!(Chaos::Off.wanted(&"rcpt-451@localhost".parse().unwrap()), None);
    }
}
