//! SASLprep (RFC 4013): one spelling of a text that can be typed in several.

use std::borrow::Cow;

/// The prepared text. None if nothing is left of it, or if it has characters that are prohibited, or were unassigned
/// in Unicode 3.2: peers would not agree on what becomes of those.
pub(crate) fn prepare(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok().filter(|prepared| !prepared.is_empty())
}
