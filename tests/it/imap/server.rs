//! Which server the tests talk to: ours, or, to see whether the tests themselves are right, Dovecot.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Dev, Dovecot, Imap, cpu_time, resident};

/// A server that runs until this goes out of scope.
#[derive(Debug)]
pub(crate) enum Server {
    Ours(Dev),
    Dovecot(Dovecot),
}

impl Server {
    /// Ours, with mail in memory; with `MAILWRIGHT_TEST_IMAP=dovecot` the other.
    pub(crate) fn start() -> Option<Self> {
        Self::started(Dev::start)
    }

    /// With mail on disk, so that memory is needed for nothing else than serving it.
    pub(crate) fn start_on_disk() -> Option<Self> {
        Self::started(Dev::start_on_disk)
    }

    fn started(ours: fn() -> Dev) -> Option<Self> {
        match env::var("MAILWRIGHT_TEST_IMAP") {
            Ok(name) if name == "dovecot" => Some(Self::Dovecot(Dovecot::start()?)),
            Ok(name) => panic!("MAILWRIGHT_TEST_IMAP={name}: only dovecot is known"),
            Err(_) => Some(Self::Ours(ours())),
        }
    }

    /// Some of what others do is not to be copied.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Ours(_))
    }

    pub(crate) fn imap(&self) -> SocketAddr {
        match self {
            Self::Ours(dev) => dev.imap,
            Self::Dovecot(dovecot) => dovecot.imap,
        }
    }

    pub(crate) fn imaps(&self) -> SocketAddr {
        match self {
            Self::Ours(dev) => dev.imaps,
            Self::Dovecot(dovecot) => dovecot.imaps,
        }
    }

    /// What it needs from now on. Of the many processes of Dovecot nothing is told.
    pub(crate) fn watch(&self) -> Watch {
        let id = match self {
            Self::Ours(dev) => Some(dev.id()),
            Self::Dovecot(_) => None,
        };
        // A session, so that what is needed once is there.
        let mut imap = Imap::login(self.imap(), "bob");
        imap.ok("SELECT INBOX");
        imap.ok("LOGOUT");
        let (memory, time) = id.map_or((0, Duration::ZERO), |id| (resident(id).0, cpu_time(id)));
        Watch { id, memory, time }
    }

    /// The file with the certificate to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        match self {
            Self::Ours(dev) => dev.ca(),
            Self::Dovecot(dovecot) => dovecot.ca(),
        }
    }
}

/// What a server needs.
#[derive(Debug)]
pub(crate) struct Watch {
    id: Option<u32>,
    memory: u64,
    time: Duration,
}

impl Watch {
    /// Octets by which its memory has grown, at the most in between, are no more than this.
    #[track_caller]
    pub(crate) fn grown_at_most(&self, most: u64) {
        let Some(id) = self.id else { return };
        let grown = resident(id).1.saturating_sub(self.memory);
        println!("{} KiB more", grown >> 10);
        assert!(grown <= most, "{grown} octets more");
    }

    /// It has computed no longer than this since the last time; five times as long if it is not optimized.
    #[track_caller]
    pub(crate) fn computed_at_most(&mut self, most: Duration, what: &str) {
        let Some(id) = self.id else { return };
        let most = if cfg!(debug_assertions) { 5 * most } else { most };
        let now = cpu_time(id);
        let took = now - self.time;
        self.time = now;
        assert!(took <= most, "{what}: {took:?}");
    }
}
