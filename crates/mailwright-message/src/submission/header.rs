//! The header as a whole, and what it lacks.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bytes::Bytes;
use mailwright_core::{Address, Domain, Timestamp};

use crate::syntax::date_time::date_time;

/// The header of a message that a user submits. It follows RFC 5322 as far as it says from whom the message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedHeader {
    pub(super) octets: Bytes,
    pub(super) from: Vec<Address>,
    pub(super) sender: Option<Address>,
    pub(super) unqualified: BTreeSet<Domain>,
    pub(super) has_date: bool,
    pub(super) has_message_id: bool,
}

/// What missing fields are made of.
#[derive(Debug, Clone, Copy)]
pub struct Completion<'a> {
    /// Who submits the message: for From.
    pub from: &'a Address,
    /// The server's name: for Message-ID.
    pub hostname: &'a Domain,
    /// For Date.
    pub now: Timestamp,
    /// Random octets: for Message-ID, which has to be another each time.
    pub nonce: [u8; 16],
}

impl SubmittedHeader {
    /// Who has written the message; nobody if there is no From.
    pub fn from(&self) -> &[Address] {
        &self.from
    }

    /// Who has sent it, if that is said apart.
    pub fn sender(&self) -> Option<&Address> {
        self.sender.as_ref()
    }

    /// The domains in its fields with addresses that are not fully qualified (RFC 6409 §4.2), each once.
    pub fn unqualified(&self) -> impl Iterator<Item = &Domain> {
        self.unqualified.iter()
    }

    /// The fields that it lacks of those that every message should have (RFC 5322 §3.6), for its front: From, Date
    /// (RFC 6409 §8.2) and Message-ID (§8.3). Fields that are there stay as they are, whatever is in them.
    pub fn missing(&self, completion: &Completion<'_>) -> String {
        let Completion { from, hostname, now, nonce } = *completion;
        let mut fields = String::new();
        // Writing to a `String` cannot fail.
        if self.from.is_empty() {
            let _ = write!(fields, "From: {from}\r\n");
        }
        if !self.has_date {
            let _ = write!(fields, "Date: {}\r\n", date_time(now));
        }
        if !self.has_message_id {
            let _ = write!(fields, "Message-ID: <{:032x}@{hostname}>\r\n", u128::from_be_bytes(nonce));
        }
        fields
    }

    /// The header as it came, with the empty line behind it if there was one.
    pub fn into_octets(self) -> Bytes {
        self.octets
    }
}
