//! POP3 over a store.

mod locks;
mod server;
mod session;

pub use locks::Locks;
pub use server::Pop3Server;
