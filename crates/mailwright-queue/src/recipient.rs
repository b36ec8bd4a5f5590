//! What the queue knows of a recipient.

use mailwright_message::report::OriginalRecipient;
use mailwright_store::Opaque;

use crate::diagnostic::Diagnostic;
use crate::wire::{DecodeError, Reader, put_option, put_text};
use crate::xtext;

/// What came with RCPT, and what has happened since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecipientState {
    /// NOTIFY (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// ORCPT (RFC 3461 §4.2).
    pub orcpt: Option<OriginalAddress>,
    /// RRVS (RFC 7293 §3.1).
    pub valid_since: Option<ValidSince>,
    /// Whether the sender was told of the delay.
    pub warned: bool,
    /// What was said when this recipient was last tried.
    pub last: Option<Diagnostic>,
}

/// When the sender wants to be told (RFC 3461 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// `NEVER`.
    Never,
    /// In each case that is `true`; one at least is.
    On {
        /// `SUCCESS`
        success: bool,
        /// `FAILURE`
        failure: bool,
        /// `DELAY`
        delay: bool,
    },
}

impl RecipientState {
    /// The version of the format that [`encode`](Self::encode) writes.
    pub const VERSION: u16 = 2;

    /// Whether the sender wants to know of success (RFC 3461 §5.2.2 b, e).
    pub fn wants_success(&self) -> bool {
        matches!(self.notify, Some(Notify::On { success: true, .. }))
    }

    /// Whether the sender wants to know of failure: yes, unless the contrary was said (RFC 3461 §5.2.6).
    pub fn wants_failure(&self) -> bool {
        matches!(self.notify, None | Some(Notify::On { failure: true, .. }))
    }

    /// Whether the sender may be told of a delay (RFC 3461 §5.2.5).
    pub fn wants_delay(&self) -> bool {
        matches!(self.notify, None | Some(Notify::On { delay: true, .. }))
    }

    /// As it is kept in the store.
    pub fn encode(&self) -> Opaque {
        let mut out = Vec::with_capacity(32);
        put_option(&mut out, self.notify, |out, notify| {
            out.push(match notify {
                Notify::Never => 0,
                Notify::On { success, failure, delay } => {
                    8 | u8::from(success) | u8::from(failure) << 1 | u8::from(delay) << 2
                }
            });
        });
        put_option(&mut out, self.orcpt.as_ref(), |out, orcpt| put_text(out, orcpt.as_orcpt()));
        out.push(u8::from(self.warned));
        put_option(&mut out, self.last.as_ref(), |out, last| last.put(out));
        put_option(&mut out, self.valid_since.as_ref(), |out, since| put_text(out, since.as_rrvs()));
        Opaque { version: Self::VERSION, bytes: out.into() }
    }

    /// What [`encode`](Self::encode) gave, also in version 1, which had no RRVS; nothing known if nothing was ever kept.
    ///
    /// # Errors
    /// If it is of another version, or damaged. A delivery then goes on with the default.
    pub fn decode(opaque: &Opaque) -> Result<Self, DecodeError> {
        if *opaque == Opaque::default() {
            return Ok(Self::default());
        }
        if !(1..=Self::VERSION).contains(&opaque.version) {
            return Err(DecodeError::Version(opaque.version));
        }
        let mut reader = Reader::new(&opaque.bytes);
        let notify = reader.option(|reader| match reader.octet()? {
            0 => Ok(Notify::Never),
            bits @ 8..=15 => {
                Ok(Notify::On { success: bits & 1 != 0, failure: bits & 2 != 0, delay: bits & 4 != 0 })
            }
            _ => Err(DecodeError::Damaged),
        })?;
        let orcpt = reader
            .option(|reader| OriginalAddress::from_orcpt(reader.text()?).ok_or(DecodeError::Damaged))?;
        let warned = reader.option(|_| Ok(()))?.is_some();
        let last = reader.option(Diagnostic::read)?;
        let since =
            |reader: &mut Reader<'_>| ValidSince::from_rrvs(reader.text()?).ok_or(DecodeError::Damaged);
        let valid_since = if opaque.version < 2 { None } else { reader.option(since)? };
        reader.end()?;
        Ok(Self { notify, orcpt, valid_since, warned, last })
    }
}

/// RRVS, as it stood in the command: a server must pass it on as it was (RFC 7293 §5.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidSince(String);

impl ValidSince {
    /// A time with nanoseconds and an offset, and what becomes of the message, have 37.
    pub const OCTETS_MAX: usize = 50;

    /// From the parameter's value, which whoever has read the command has checked. `None` if it could not stand in a
    /// command, or is more than [`OCTETS_MAX`](Self::OCTETS_MAX) long.
    pub fn from_rrvs(value: &str) -> Option<Self> {
        let is_value = |octet: u8| octet.is_ascii_graphic() && octet != b'=';
        let fits = (1..=Self::OCTETS_MAX).contains(&value.len()) && value.bytes().all(is_value);
        fits.then(|| Self(value.to_owned()))
    }

    /// The parameter's value, to be passed on.
    pub fn as_rrvs(&self) -> &str {
        &self.0
    }
}

/// ORCPT, as it stood in the command: a server must pass it on as it was (RFC 3461 §5.2.1 d).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalAddress {
    value: String,
    /// Where the `;` behind the type of the address is.
    split: usize,
}

impl OriginalAddress {
    /// RFC 3461 §4.2.
    pub const OCTETS_MAX: usize = 500;

    /// From the parameter's value, `addr-type ";" xtext`, or for the type `utf-8` what RFC 6533 §3 adds. `None` if
    /// it is something else or more than [`OCTETS_MAX`](Self::OCTETS_MAX) long.
    pub fn from_orcpt(value: &str) -> Option<Self> {
        let (address_type, address) = value.split_once(';')?;
        let is_atom = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
        let is_value = value.len() <= Self::OCTETS_MAX
            && !address_type.is_empty()
            && address_type.bytes().all(is_atom)
            && decoded(address_type, address).is_some_and(|text| !text.chars().any(char::is_control));
        is_value.then(|| Self { value: value.to_owned(), split: address_type.len() })
    }

    /// Of an address given in plain text: encodes it, as `rfc822`, or beyond ASCII as `utf-8` (RFC 6533 §3). `None` if
    /// that is too long.
    pub fn of(address: &mailwright_core::Address) -> Option<Self> {
        let text = address.to_string();
        Self::from_orcpt(&if address.is_ascii() {
            format!("rfc822;{}", xtext::encode(&text))
        } else {
            format!("{UTF8};{}", xtext::encode_unitext(&text))
        })
    }

    /// The parameter's value, to be passed on.
    pub fn as_orcpt(&self) -> &str {
        &self.value
    }

    /// As reports tell it. With `utf8`, an address of the type `utf-8` in its own characters (RFC 6533 §4.1).
    pub fn reported(&self, utf8: bool) -> OriginalRecipient {
        let (address_type, address) = self.value.split_at_checked(self.split).unwrap_or_default();
        let address = address.strip_prefix(';').unwrap_or_default();
        let plain = match address_type.eq_ignore_ascii_case(UTF8) && !utf8 {
            // It stays in the form that is ASCII.
            true => None,
            false => decoded(address_type, address),
        };
        OriginalRecipient {
            address_type: address_type.to_owned(),
            address: plain.unwrap_or_else(|| address.to_owned()),
        }
    }
}

const UTF8: &str = "utf-8";

fn decoded(address_type: &str, address: &str) -> Option<String> {
    if address_type.eq_ignore_ascii_case(UTF8) {
        let is_plain = address.chars().all(|c| !c.is_whitespace() && !matches!(c, '+' | '='));
        xtext::decode_unitext(address).filter(|_| is_plain)
    } else {
        xtext::decode(address).filter(|text| text.is_ascii())
    }
}
