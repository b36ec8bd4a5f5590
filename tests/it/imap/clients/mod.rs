//! The programs and libraries that people read mail with.

mod curl;
mod fetch;
mod libraries;
mod maildir;
mod neomutt;
mod sync;

use std::net::SocketAddr;

use super::server::Server;

/// How a connection becomes secure, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Plain,
    StartTls,
    Implicit,
}

use Transport::{Implicit, Plain, StartTls};

impl Transport {
    fn addr(self, server: &Server) -> SocketAddr {
        if self == Implicit { server.imaps() } else { server.imap() }
    }

    /// As our scripts call it.
    fn name(self) -> &'static str {
        match self {
            Plain => "plain",
            StartTls => "starttls",
            Implicit => "implicit",
        }
    }
}

fn message(subject: &str) -> String {
    format!("From: app@client.example\r\nSubject: {subject}\r\n\r\nthis is {subject}\r\n.\r\n")
}
