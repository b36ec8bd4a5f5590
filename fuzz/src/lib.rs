//! The fuzz targets: a plain function for each parser and each machine, which panics if what it holds to be
//! true is not. `fuzz_targets/` hands them to libFuzzer; an ordinary test replays their corpora through
//! [`TARGETS`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
mod auth;
mod codec;
mod dns;
mod framing;
mod imap;
mod imap_grammar;
mod imap_wire;
mod machine;
mod mailbox;
mod message;
mod pieces;
mod pop3;
mod proxy;
mod smtp;
mod smtp_app;
mod smtp_client;
mod smtp_model;
mod smtp_params;
mod smtp_reply;
mod smtp_server;
mod socks;
mod trace;
mod uid_set;

pub use address::address;
pub use auth::{auth_exchange, auth_verifier};
pub use codec::codec;
pub use dns::dns_reply;
pub use framing::{framing_dot, framing_line, framing_literal};
pub use imap::imap_server;
pub use imap_grammar::{imap_command, imap_search, imap_utf7};
pub use mailbox::mailbox_name;
pub use message::message_scanner;
pub use pop3::{pop3_command, pop3_server};
pub use proxy::proxy_header;
pub use smtp::smtp_command;
pub use smtp_client::smtp_client;
pub use smtp_params::smtp_params;
pub use smtp_reply::smtp_reply;
pub use smtp_server::smtp_server;
pub use socks::socks_reply;
pub use trace::trace_id;
pub use uid_set::uid_set;

/// A fuzz target: takes any octets, and panics if it finds a fault.
pub type Target = fn(&[u8]);

/// All targets by name; `corpus/<name>/` has the inputs of each.
pub const TARGETS: &[(&str, Target)] = &[
    ("address", address),
    ("auth_exchange", auth_exchange),
    ("auth_verifier", auth_verifier),
    ("codec", codec),
    ("dns_reply", dns_reply),
    ("framing_dot", framing_dot),
    ("framing_line", framing_line),
    ("framing_literal", framing_literal),
    ("imap_command", imap_command),
    ("imap_search", imap_search),
    ("imap_server", imap_server),
    ("imap_utf7", imap_utf7),
    ("mailbox_name", mailbox_name),
    ("message_scanner", message_scanner),
    ("pop3_command", pop3_command),
    ("pop3_server", pop3_server),
    ("proxy_header", proxy_header),
    ("smtp_client", smtp_client),
    ("smtp_command", smtp_command),
    ("smtp_params", smtp_params),
    ("smtp_reply", smtp_reply),
    ("smtp_server", smtp_server),
    ("socks_reply", socks_reply),
    ("trace_id", trace_id),
    ("uid_set", uid_set),
];
