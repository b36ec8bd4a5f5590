//! What is asked for in notifications (RFC 3461 §4), as values that are read, and can be written safely.

use std::fmt::{self, Write as _};

use mailwright_core::OctetSet;
use thiserror::Error;

use super::xtext::{self, Xtext};

/// How much of the message a report of failure returns: `RET` (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

impl Ret {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        if value.eq_ignore_ascii_case(b"FULL") {
            Some(Self::Full)
        } else if value.eq_ignore_ascii_case(b"HDRS") {
            Some(Self::Headers)
        } else {
            None
        }
    }
}

impl fmt::Display for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        })
    }
}

/// When the sender is told: `NOTIFY` (RFC 3461 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Notify {
    success: bool,
    failure: bool,
    delay: bool,
}

impl Notify {
    /// Never.
    pub const NEVER: Self = Self::on(false, false, false);

    /// In these cases; none of them is [`NEVER`](Self::NEVER).
    pub const fn on(success: bool, failure: bool, delay: bool) -> Self {
        Self { success, failure, delay }
    }

    /// Whether the sender is told that the message was delivered.
    pub const fn success(self) -> bool {
        self.success
    }

    /// Whether the sender is told that it could not be delivered.
    pub const fn failure(self) -> bool {
        self.failure
    }

    /// Whether the sender is told that it is delayed.
    pub const fn delay(self) -> bool {
        self.delay
    }

    /// `notify-esmtp-value = "NEVER" / 1#notify-list-element`
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        if value.eq_ignore_ascii_case(b"NEVER") {
            return Some(Self::NEVER);
        }
        let mut notify = Self::NEVER;
        for case in value.split(|&byte| byte == b',') {
            if case.eq_ignore_ascii_case(b"SUCCESS") {
                notify.success = true;
            } else if case.eq_ignore_ascii_case(b"FAILURE") {
                notify.failure = true;
            } else if case.eq_ignore_ascii_case(b"DELAY") {
                notify.delay = true;
            } else {
                return None;
            }
        }
        Some(notify)
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cases = [(self.success, "SUCCESS"), (self.failure, "FAILURE"), (self.delay, "DELAY")];
        let mut wanted = cases.iter().filter(|case| case.0).map(|case| case.1);
        f.write_str(wanted.next().unwrap_or("NEVER"))?;
        wanted.try_for_each(|case| write!(f, ",{case}"))
    }
}

/// Why a text is no value of ENVID or ORCPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// It is empty, or has characters that are not printable ASCII.
    #[error("not printable ASCII")]
    NotPrintable,
    /// It is too long, as it would be written.
    #[error("too long")]
    TooLong,
    /// The type of an address is no atom (RFC 5322 §3.2.3).
    #[error("not a type of addresses")]
    AddressType,
}

/// RFC 3461 §4.4.
const ENVID_MAX: usize = 100;
/// RFC 3461 §4.2.
const ORCPT_MAX: usize = 500;

/// What the sender calls the transaction: `ENVID` (RFC 3461 §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvelopeId(String);

impl EnvelopeId {
    /// # Errors
    /// If it is not printable ASCII, or over 100 characters when written as xtext.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidValue> {
        let text = text.into();
        printable(&text, ENVID_MAX)?;
        Ok(Self(text))
    }

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        // RFC 3461 §4.4: at most 100 characters, as it is written.
        let text = xtext::decode(value).filter(|_| value.len() <= ENVID_MAX)?;
        Self::new(text).ok()
    }

    /// As the sender gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As xtext.
impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Xtext(&self.0).fmt(f)
    }
}

/// The type of an address beyond ASCII (RFC 6533 §3).
const UTF8: &str = "utf-8";

/// The recipient as the sender named it: `ORCPT` (RFC 3461 §4.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    /// Type, `;`, address.
    text: Box<str>,
    /// Where the `;` between them is.
    at: u16,
}

impl OriginalRecipient {
    /// An address of a type, which is `rfc822` for mail as we know it, and `utf-8` for one beyond ASCII (RFC 6533 §3).
    ///
    /// # Errors
    /// If the type is no atom, or the address has characters that it may not have, or both are over 500 octets when
    /// written.
    pub fn new(address_type: &str, address: &str) -> Result<Self, InvalidValue> {
        static TYPE: OctetSet = OctetSet::LETTERS_AND_DIGITS.with(b"-_/");
        let len = address_type.len();
        if address_type.is_empty() || TYPE.run(address_type.as_bytes()) < len {
            return Err(InvalidValue::AddressType);
        }
        let room = (ORCPT_MAX - 1).checked_sub(len).ok_or(InvalidValue::TooLong)?;
        let at = u16::try_from(len).map_err(|_| InvalidValue::TooLong)?;
        if address_type.eq_ignore_ascii_case(UTF8) && !address.chars().any(char::is_control) {
            fits(address, room)?;
        } else {
            printable(address, room)?;
        }
        let mut text = String::with_capacity(len + 1 + address.len());
        text.extend([address_type, ";", address]);
        Ok(Self { text: text.into(), at })
    }

    /// `original-recipient-address = addr-type ";" xtext`. An address beyond ASCII that comes as xtext of the type
    /// `rfc822` is one of the type `utf-8`.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let value = std::str::from_utf8(value).ok()?;
        let (address_type, address) = value.split_once(';')?;
        let address = xtext::decode_text(address)?;
        if address_type.eq_ignore_ascii_case("rfc822") && value.is_ascii() && !address.is_ascii() {
            // So says Postfix, and would return the message if that were refused. It is of the other type.
            let is_address = !address.chars().any(char::is_control);
            return Self::new(UTF8, &unitext(&address)).ok().filter(|_| is_address);
        }
        Self::new(address_type, &address).ok()
    }

    /// Whether it can be sent without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// The type.
    pub fn address_type(&self) -> &str {
        self.text.get(..usize::from(self.at)).unwrap_or_default()
    }

    /// The address.
    pub fn address(&self) -> &str {
        self.text.get(usize::from(self.at) + 1..).unwrap_or_default()
    }
}

/// As it is written: type, semicolon, xtext.
impl fmt::Display for OriginalRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.address_type(), Xtext(self.address()))
    }
}

/// `utf-8-addr-xtext` (RFC 6533 §3), which needs no SMTPUTF8.
fn unitext(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '+' | '=');
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            written.push(c);
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(written, "\\x{{{:02X}}}", u32::from(c));
        }
    }
    written
}

fn printable(text: &str, max: usize) -> Result<(), InvalidValue> {
    // All are looked at, so that the compiler looks at many at once.
    if !text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        return Err(InvalidValue::NotPrintable);
    }
    fits(text, max)
}

fn fits(text: &str, max: usize) -> Result<(), InvalidValue> {
    match text.len() {
        0 => Err(InvalidValue::NotPrintable),
        // Written, each character has three at most.
        len if 3 * len > max && xtext::written_len(text) > max => Err(InvalidValue::TooLong),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_xtext() {
        assert_eq!(EnvelopeId::new("a b+c=d").unwrap().to_string(), "a+20b+2Bc+3Dd");
        let orcpt = OriginalRecipient::new("rfc822", "ann+x@example.org").unwrap();
        assert_eq!(orcpt.to_string(), "rfc822;ann+2Bx@example.org");
        assert_eq!(Notify::NEVER.to_string(), "NEVER");
        assert_eq!(Notify::on(true, false, true).to_string(), "SUCCESS,DELAY");
    }

    #[test]
    fn what_would_not_be_a_value_is_refused() {
        use InvalidValue::{AddressType, NotPrintable, TooLong};
        for (text, expected) in [
            (String::new(), Err(NotPrintable)),
            ("a\r\nRSET".to_owned(), Err(NotPrintable)),
            ("ä".to_owned(), Err(NotPrintable)),
            ("a".repeat(101), Err(TooLong)),
            ("+".repeat(34), Err(TooLong)),
            ("a".repeat(100), Ok(())),
        ] {
            assert_eq!(EnvelopeId::new(&text[..]).map(|_| ()), expected, "{text:?}");
        }
        for (kind, address, expected) in [
            ("", "a@b", Err(AddressType)),
            ("rfc822;x", "a@b", Err(AddressType)),
            ("rfc822", "", Err(NotPrintable)),
            ("rfc822", &"a".repeat(494), Err(TooLong)),
            ("rfc822", &"a".repeat(493), Ok(())),
            (&"a".repeat(500), "a", Err(TooLong)),
        ] {
            assert_eq!(OriginalRecipient::new(kind, address).map(|_| ()), expected, "{kind};{address}");
        }
    }
}
