//! Names of mailboxes, as they come from clients.

use std::borrow::Cow;

use mailwright_imap::Rejection;
use mailwright_store::MailboxName;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::refusal::of_name;

/// The text in NFC, in which names are compared (RFC 9051 §5.1, RFC 5198).
pub(super) fn nfc(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    }
}

pub(super) fn parse(text: &str) -> Result<MailboxName, Rejection> {
    nfc(text).parse().map_err(of_name)
}

/// A name that is to be: with a separator at the end, which says that there will be others below it (RFC 9051
/// §6.3.4), it is the same one.
pub(super) fn parse_new(text: &str) -> Result<MailboxName, Rejection> {
    // RFC 3501 §5.1: LIST could not tell it from others.
    if text.contains(['*', '%']) {
        return Err(Rejection::invalid_name());
    }
    parse(text.strip_suffix(MailboxName::SEPARATOR).unwrap_or(text))
}
