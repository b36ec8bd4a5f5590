//! Receiving mail: a server around the machine of `mailwright-smtp`.

mod body;
mod handler;
mod server;
mod session;

pub use body::{Body, BodyError};
pub use handler::{Ctx, Envelope, SmtpHandler, Verdict};
pub use server::SmtpServer;
