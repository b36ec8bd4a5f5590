//! What stands in header fields: addresses, media types and parameters, dates. All of it lenient, because mail is
//! what it is; and all of it in one pass, because mail is not always meant well.

pub(crate) mod address;
pub(crate) mod date;
pub(crate) mod lexer;
pub(crate) mod media;
pub(crate) mod parameter;
