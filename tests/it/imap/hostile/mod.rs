//! Those who mean harm: before the login, after it, and by mail.

mod bombs;
mod commands;
mod echo;
mod names;
mod others;
mod preauth;
mod unread;

use super::server::Server;
use crate::support::Imap;

/// Whoever comes next is served as ever.
#[track_caller]
fn others_are_served(server: &Server) {
    let mut imap = Imap::login(server.imap(), "bob");
    imap.ok("SELECT INBOX");
    imap.ok("LOGOUT");
}
