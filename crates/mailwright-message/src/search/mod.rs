//! SEARCH in texts (RFC 9051 §6.4.4): decoded, and without regard to case.

pub(crate) mod envelope;
pub(crate) mod fold;
pub(crate) mod header;
pub(crate) mod needle;
pub(crate) mod text;
