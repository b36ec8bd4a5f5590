//! From whom a message is, and for whom.

use std::collections::BTreeSet;

use mailwright_core::{Address, InvalidAddress, ReversePath};
use thiserror::Error;

/// From whom a message is, and for whom (RFC 5321 §2.3.1). What stands in its header is another matter: who is named
/// in Bcc there gets it only if named here too.
///
/// ```
/// use mailwright_delivery::Envelope;
///
/// let envelope = Envelope::new("app@example.org", ["ann@example.net", "bob@example.com"])?;
/// assert_eq!(envelope.from().to_string(), "<app@example.org>");
/// assert!(Envelope::new("app@example.org", ["ann@example..net"]).is_err());
/// # Ok::<_, mailwright_delivery::InvalidEnvelope>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    from: ReversePath,
    /// One at least, each once.
    to: Vec<Address>,
}

/// Why it is no envelope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEnvelope {
    /// The sender is no address.
    #[error("the sender {text:?} is no address: {cause}")]
    Sender {
        /// What was given.
        text: String,
        /// Why not.
        cause: InvalidAddress,
    },
    /// A recipient is no address.
    #[error("recipient {place} {text:?} is no address: {cause}")]
    Recipient {
        /// Which one, counted from zero.
        place: usize,
        /// What was given.
        text: String,
        /// Why not.
        cause: InvalidAddress,
    },
    /// There is nobody to send it to.
    #[error("there is no recipient")]
    NoRecipient,
}

impl Envelope {
    /// From an address, to which failures are reported, to one or more others, each as `local-part@domain` without a
    /// display name.
    ///
    /// # Errors
    /// If one of them is no address, or there is no recipient.
    pub fn new<A: AsRef<str>>(from: &str, to: impl IntoIterator<Item = A>) -> Result<Self, InvalidEnvelope> {
        let from = from.parse().map_err(|cause| InvalidEnvelope::Sender { text: from.to_owned(), cause })?;
        Self::of(ReversePath::Address(from), parse(to)?)
    }

    /// From nobody: for what must not be answered, as automatic replies and reports (RFC 5321 §4.5.5). No failure of
    /// it is reported by mail.
    ///
    /// # Errors
    /// If a recipient is no address, or there is none.
    pub fn without_sender<A: AsRef<str>>(to: impl IntoIterator<Item = A>) -> Result<Self, InvalidEnvelope> {
        Self::of(ReversePath::Null, parse(to)?)
    }

    /// Of addresses that were read before.
    ///
    /// # Errors
    /// If there is no recipient.
    pub fn of(from: ReversePath, to: impl IntoIterator<Item = Address>) -> Result<Self, InvalidEnvelope> {
        let mut seen = BTreeSet::new();
        let to: Vec<Address> = to.into_iter().filter(|address| seen.insert(address.clone())).collect();
        if to.is_empty() { Err(InvalidEnvelope::NoRecipient) } else { Ok(Self { from, to }) }
    }

    /// Where failures are reported to.
    pub fn from(&self) -> &ReversePath {
        &self.from
    }

    /// For whom it is: one at least, each once.
    pub fn to(&self) -> &[Address] {
        &self.to
    }
}

fn parse<A: AsRef<str>>(to: impl IntoIterator<Item = A>) -> Result<Vec<Address>, InvalidEnvelope> {
    let address = |(place, text): (usize, A)| {
        let text = text.as_ref();
        text.parse().map_err(|cause| InvalidEnvelope::Recipient { place, text: text.to_owned(), cause })
    };
    to.into_iter().enumerate().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_is_there_once() {
        let to = ["b@x.example", "a@x.example", "b@X.example", "B@x.example"];
        let envelope = Envelope::new("app@example.org", to).unwrap();
        let to: Vec<String> = envelope.to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["b@x.example", "a@x.example", "B@x.example"], "a local part's case may matter");
        assert_eq!(Envelope::without_sender(["a@x.example"]).unwrap().from(), &ReversePath::Null);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let nobody: [&str; 0] = [];
        for (from, to, told) in [
            ("app", &["a@x"][..], "the sender \"app\" is no address: the address does not follow RFC 5321"),
            ("", &["a@x"], "the sender \"\" is no address: the address does not follow RFC 5321"),
            ("a@x", &["b@x", "b"], "recipient 1 \"b\" is no address: the address does not follow RFC 5321"),
            (
                "a@x",
                &["Bob <b@x>"],
                "recipient 0 \"Bob <b@x>\" is no address: the address does not follow RFC 5321",
            ),
            ("a@x", &nobody, "there is no recipient"),
        ] {
            assert_eq!(Envelope::new(from, to).unwrap_err().to_string(), told);
        }
        assert_eq!(Envelope::without_sender(nobody), Err(InvalidEnvelope::NoRecipient));
    }
}
