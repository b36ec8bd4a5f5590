//! Names of the DNS: host names, and names with underscores that no host has.

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::str::FromStr;

use mailwright_core::Domain;
use thiserror::Error;

/// As text without the final dot: 255 octets on the wire (RFC 1035 §2.3.4) have two more.
const NAME_MAX: usize = 253;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;

/// Why a text is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// A label is empty, or has an octet that no label of ours may have.
    #[error("the name has an empty label or a character that is not allowed")]
    Syntax,
    /// The name is over 253 octets, or one of its labels over 63.
    #[error("the name is too long")]
    TooLong,
}

/// An absolute name in lower case, written without the final dot; the root is `.`.
///
/// A label may have letters, digits, and what else an atom of an address may have (RFC 5322 §3.2.3): `_25._tcp`,
/// the `/` of delegated reverse zones (RFC 2317), what SPF makes of a local part. It has no space, quote, bracket,
/// backslash or control, so that a name from the DNS can be written to a header or a log as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// As text, without the final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The root, as which a null MX names its host (RFC 7505 §3).
    pub fn root() -> Self {
        Self(".".into())
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        &*self.0 == "."
    }

    /// The name under which an address is looked up backwards (RFC 1035 §3.5, RFC 3596 §2.5). An IPv4 address that
    /// is mapped into IPv6 is looked up as what it is.
    pub fn reverse(address: IpAddr) -> Self {
        let mut name = String::new();
        // Writing to a string does not fail.
        match address.to_canonical() {
            IpAddr::V4(address) => {
                for octet in address.octets().iter().rev() {
                    let _ = write!(name, "{octet}.");
                }
                name.push_str("in-addr.arpa");
            }
            IpAddr::V6(address) => {
                for octet in address.octets().iter().rev() {
                    let _ = write!(name, "{:x}.{:x}.", octet & 15, octet >> 4);
                }
                name.push_str("ip6.arpa");
            }
        }
        Self(name.into())
    }

    /// The name with more labels in front: `_25._tcp` before `mx.example.org`.
    ///
    /// # Errors
    /// If it gets too long, or the labels are none.
    pub fn prefixed(&self, labels: &str) -> Result<Self, InvalidName> {
        if self.is_root() { labels.parse() } else { format!("{labels}.{self}").parse() }
    }

    /// The labels, the last one of the tree first to go: `mx`, `example`, `org`. None of the root.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|label| !label.is_empty())
    }

    /// The name without its first label; of the root, none.
    pub fn parent(&self) -> Option<Self> {
        match self.0.split_once('.') {
            Some(("", _)) => None,
            Some((_, rest)) => Some(Self(rest.into())),
            None => Some(Self::root()),
        }
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    /// With or without the final dot; always absolute.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text == "." {
            return Ok(Self::root());
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > NAME_MAX {
            return Err(InvalidName::TooLong);
        }
        for label in text.split('.') {
            if label.is_empty() || !label.bytes().all(is_atext) {
                return Err(InvalidName::Syntax);
            }
            if label.len() > LABEL_MAX {
                return Err(InvalidName::TooLong);
            }
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

/// The domain of an address. An address literal is no name: it is not looked up.
impl TryFrom<&Domain> for Name {
    type Error = InvalidName;

    fn try_from(domain: &Domain) -> Result<Self, InvalidName> {
        domain.as_str().parse()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

/// RFC 5322 §3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (given, shown) in [
            ("Example.ORG", "example.org"),
            ("example.org.", "example.org"),
            (".", "."),
            ("_25._tcp.mx.example.org", "_25._tcp.mx.example.org"),
            ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa"),
        ] {
            assert_eq!(given.parse::<Name>().map(|name| name.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        use InvalidName::{Syntax, TooLong};
        let long = |label: usize, times| format!("{}.", "a".repeat(label)).repeat(times);
        for (given, why) in [
            ("".to_owned(), Syntax),
            ("..".to_owned(), Syntax),
            (".a".to_owned(), Syntax),
            ("a..b".to_owned(), Syntax),
            ("a b".to_owned(), Syntax),
            ("a\r\nb".to_owned(), Syntax),
            ("[192.0.2.1]".to_owned(), Syntax),
            ("ü.example".to_owned(), Syntax),
            (long(64, 1), TooLong),
            (long(63, 4), TooLong),
        ] {
            assert_eq!(given.parse::<Name>(), Err(why), "{given}");
        }
        assert!(long(63, 3).parse::<Name>().is_ok());
    }

    #[test]
    /// RFC 1035 §3.5, RFC 3596 §2.5
    fn addresses_are_turned_round() {
        let reverse = |address: &str| Name::reverse(address.parse().unwrap()).to_string();
        assert_eq!(reverse("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(reverse("::ffff:192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(
            reverse("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }

    #[test]
    fn names_have_parents_and_prefixes() {
        let name: Name = "mx.example".parse().unwrap();
        assert_eq!(name.prefixed("_25._tcp").unwrap().as_str(), "_25._tcp.mx.example");
        assert_eq!(Name::root().prefixed("a").unwrap().as_str(), "a");
        assert_eq!(name.parent().unwrap().as_str(), "example");
        assert_eq!(name.parent().unwrap().parent(), Some(Name::root()));
        assert_eq!(Name::root().parent(), None);
        assert_eq!((name.labels().count(), Name::root().labels().count()), (2, 0));
    }

    mailwright_core::properties! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            if let Ok(name) = text.parse::<Name>() {
                prop_assert_eq!(name.to_string().parse::<Name>(), Ok(name));
            }
        }
    }
}
