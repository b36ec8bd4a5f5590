//! What stands in header fields: addresses, media types and parameters, dates. All of it lenient, because mail is
//! what it is, but for [`mailbox`], which decides who may say that he is whom; and all of it in one pass, because mail
//! is not always meant well.

pub(crate) mod address;
pub(crate) mod date;
pub(crate) mod date_time;
pub(crate) mod lexer;
pub(crate) mod mailbox;
pub(crate) mod media;
pub(crate) mod moment;
pub(crate) mod parameter;
