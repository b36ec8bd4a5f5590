//! Which server the tests talk to: ours, or, to see whether the tests themselves are right, Dovecot.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::support::{Dev, Dovecot, addr_in, run, skip};

/// A server that runs until this goes out of scope.
#[derive(Debug)]
pub(crate) enum Server {
    Ours(Dev),
    Dovecot(Dovecot),
}

impl Server {
    /// Ours; with `MAILWRIGHT_TEST_IMAP=dovecot` the other.
    pub(crate) fn start() -> Option<Self> {
        match env::var("MAILWRIGHT_TEST_IMAP") {
            Ok(name) if name == "dovecot" => Some(Self::Dovecot(Dovecot::start()?)),
            Ok(name) => panic!("MAILWRIGHT_TEST_IMAP={name}: only dovecot is known"),
            Err(_) => Some(Self::Ours(ours()?)),
        }
    }

    pub(crate) fn imap(&self) -> SocketAddr {
        match self {
            Self::Ours(dev) => addr_in(&dev.banner, "IMAP"),
            Self::Dovecot(dovecot) => dovecot.imap,
        }
    }

    pub(crate) fn imaps(&self) -> SocketAddr {
        match self {
            Self::Ours(dev) => addr_in(&dev.banner, "IMAPS"),
            Self::Dovecot(dovecot) => dovecot.imaps,
        }
    }

    /// The file with the certificate to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        match self {
            Self::Ours(dev) => dev.ca(),
            Self::Dovecot(dovecot) => dovecot.ca(),
        }
    }
}

/// `mailwright dev`, if it speaks IMAP.
pub(crate) fn ours() -> Option<Dev> {
    let help =
        run(std::process::Command::new(crate::support::binary()).args(["dev", "--help"]), b"").ok().text();
    if !help.contains("--imap ") {
        skip("`mailwright dev` does not speak IMAP yet");
        return None;
    }
    Some(Dev::start_with(&["--imap", "127.0.0.1:0", "--imaps", "127.0.0.1:0"]))
}
