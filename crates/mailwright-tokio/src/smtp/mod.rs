//! Receiving mail: a server around the machine of `mailwright-smtp`.

mod body;
mod handler;
mod on_message;
mod server;
mod session;

pub use body::{Body, BodyError};
pub use handler::{Ctx, Envelope, SmtpHandler, Verdict};
pub use on_message::{Mail, OnMessage, on_message};
pub use server::SmtpServer;

// What the methods of a handler are asked about, and say no with.
pub use mailwright_core::{Address, ReversePath};
pub use mailwright_smtp::Rejection;
