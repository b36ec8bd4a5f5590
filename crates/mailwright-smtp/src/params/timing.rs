//! When a message is to be released, delivered, and since when its recipient is the one who is meant.

use std::fmt;
use std::str;

/// A moment as RFC 3339 §5.6 writes it: `2026-11-23T08:00:00Z`. Its form and its ranges have been checked; what it is on
/// a clock is for the application to work out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateTime(Box<str>);

impl DateTime {
    /// Reads one; `None` if it is none.
    pub fn new(text: &str) -> Option<Self> {
        let (date, time) = text.split_at_checked(10)?;
        let time = time.strip_prefix(['T', 't'])?;
        let (clock, rest) = time.split_at_checked(8)?;
        let zone = rest.find(['Z', 'z', '+', '-']).and_then(|at| rest.split_at_checked(at));
        let (fraction, zone) = zone?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = fraction.is_empty() || fraction.strip_prefix('.').is_some_and(digits);
        let zone = matches!(zone, "Z" | "z")
            || zone.strip_prefix(['+', '-']).is_some_and(|zone| numbers(zone, ':', [(2, 0, 23), (2, 0, 59)]));
        let date = numbers(date, '-', [(4, 0, 9999), (2, 1, 12), (2, 1, 31)]);
        let clock = numbers(clock, ':', [(2, 0, 23), (2, 0, 59), (2, 0, 60)]);
        (date && clock && fraction && zone && text.len() <= DATE_TIME_MAX).then(|| Self(text.into()))
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        Self::new(str::from_utf8(value).ok()?)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// With nanoseconds and an offset it has 35.
const DATE_TIME_MAX: usize = 40;

/// Whether these are numbers of so many digits, within these bounds.
fn numbers<const N: usize>(text: &str, separator: char, each: [(usize, u16, u16); N]) -> bool {
    let mut parts = text.split(separator);
    let fits = each.iter().all(|&(len, min, max)| {
        let part = parts.next().filter(|part| part.len() == len && part.bytes().all(|b| b.is_ascii_digit()));
        part.and_then(|part| part.parse().ok()).is_some_and(|number: u16| (min..=max).contains(&number))
    });
    fits && parts.next().is_none()
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a submitted message is released: `HOLDFOR`, `HOLDUNTIL` (RFC 4865 §3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hold {
    /// After so many seconds, 1 to 999,999,999.
    For(u32),
    /// At that moment.
    Until(DateTime),
}

/// `future-release-integer = %x31-39 *8DIGIT`
pub(super) fn hold_for(value: &[u8]) -> Option<u32> {
    let fits = value.len() <= 9 && !value.starts_with(b"0") && value.iter().all(u8::is_ascii_digit);
    str::from_utf8(value).ok().filter(|_| fits)?.parse().ok()
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(seconds) => write!(f, "HOLDFOR={seconds}"),
            Self::Until(moment) => write!(f, "HOLDUNTIL={moment}"),
        }
    }
}

/// How soon a message is to be delivered: `BY` (RFC 2852 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliverBy {
    /// Within so many seconds, -999,999,999 to 999,999,999. Zero or less, which stands for a moment that is over, only
    /// with [`Late::Notify`].
    pub seconds: i32,
    /// What becomes of it then.
    pub late: Late,
    /// The sender is told each time that it is passed on to a server that does not know `BY`.
    pub trace: bool,
}

/// What becomes of a message that could not be delivered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Late {
    /// It is returned to its sender.
    Return,
    /// Its sender is told, and it is delivered all the same.
    Notify,
}

impl DeliverBy {
    /// `by-value = by-time ";" by-mode [by-trace]`
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (time, mode) = str::from_utf8(value).ok()?.split_once(';')?;
        let digits = time.strip_prefix(['-', '+']).unwrap_or(time);
        if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let seconds: i32 = time.parse().ok()?;
        let (late, trace) = match &mode.to_ascii_uppercase()[..] {
            "R" => (Late::Return, false),
            "RT" => (Late::Return, true),
            "N" => (Late::Notify, false),
            "NT" => (Late::Notify, true),
            _ => return None,
        };
        (late == Late::Notify || seconds > 0).then_some(Self { seconds, late, trace })
    }
}

impl fmt::Display for DeliverBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let late = match self.late {
            Late::Return => "R",
            Late::Notify => "N",
        };
        write!(f, "{};{late}{}", self.seconds, if self.trace { "T" } else { "" })
    }
}

/// The recipient is to be whoever had the address at that moment: `RRVS` (RFC 7293 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValidSince {
    /// The moment.
    pub moment: DateTime,
    /// What becomes of the message at a server that has to pass it on to one that does not know RRVS; `None` if nothing
    /// was said. It is passed on as it came (RFC 7293 §5.1.1).
    pub no_support: Option<NoSupport>,
}

/// What becomes of a message where RRVS comes to its end: the no-support action (RFC 7293 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoSupport {
    /// `R`: it is returned.
    Reject,
    /// `C`: it goes on without RRVS.
    Continue,
}

impl ValidSince {
    /// Whether the message is returned rather than passed on without RRVS: so it is if nothing was said.
    pub fn or_reject(&self) -> bool {
        self.no_support != Some(NoSupport::Continue)
    }

    /// Reads one as RCPT has it; `None` if it is none.
    pub fn new(value: &str) -> Option<Self> {
        Self::read(value.as_bytes())
    }

    /// `date-time [ ";" ( "C" / "R" ) ]`
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        let (moment, no_support) = match text.split_once(';') {
            None => (text, None),
            Some((moment, "R" | "r")) => (moment, Some(NoSupport::Reject)),
            Some((moment, "C" | "c")) => (moment, Some(NoSupport::Continue)),
            Some(_) => return None,
        };
        Some(Self { moment: DateTime::new(moment)?, no_support })
    }
}

impl fmt::Display for ValidSince {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.moment.fmt(f)?;
        match self.no_support {
            None => Ok(()),
            Some(NoSupport::Reject) => f.write_str(";R"),
            Some(NoSupport::Continue) => f.write_str(";C"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_rfc_3339() {
        for text in ["2026-11-23T08:00:00Z", "2026-11-23t23:59:60.123+05:30", "0000-01-01T00:00:00z"] {
            assert_eq!(DateTime::new(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "2026-11-23",
            "2026-11-23 08:00:00Z",
            "2026-13-23T08:00:00Z",
            "2026-11-32T08:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T08:00:00",
            "2026-11-23T08:00:00.Z",
            "2026-11-23T08:00:00+0530",
            "2026-11-23T08:00:00ZZ",
            "2026-11-23T08:00:00Z05:30",
            "2026-1-23T08:00:00Z",
            "2026-11-23T08:00:00Z;R",
            "+026-11-23T08:00:00Z",
            "2026-11-23T08:00:00.00000000000000000000000000Z",
        ] {
            assert_eq!(DateTime::new(text), None, "{text}");
        }
    }
}
