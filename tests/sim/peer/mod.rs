//! Servers of others, which do what servers of others do.

mod content;
mod mood;
mod session;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailwright_tokio::Listen;

pub(crate) use self::mood::Mood;
use crate::clock::SimClock;
use crate::ledger::Ledger;
use crate::net::Net;
use crate::random::Random;
use crate::trace::Trace;

/// How often it offers an extension, in percent of its sessions: it may be several machines under one address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offers {
    pub(crate) pipelining: u64,
    pub(crate) chunking: u64,
}

/// A server that only takes mail.
pub(crate) struct Peer {
    pub(crate) host: IpAddr,
    pub(crate) name: String,
    /// What it is like, from when on.
    pub(crate) moods: Vec<(Duration, Mood)>,
    pub(crate) offers: Offers,
    pub(crate) clock: SimClock,
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
    random: Mutex<Random>,
    /// When somebody first wrote to somebody: for greylisting.
    seen: Mutex<BTreeMap<(String, String), Duration>>,
}

impl Peer {
    pub(crate) fn new(
        (host, name): (IpAddr, &str),
        (moods, offers): (Vec<(Duration, Mood)>, Offers),
        clock: SimClock,
        trace: &Trace,
        ledger: &Ledger,
        random: Random,
    ) -> Arc<Self> {
        Arc::new(Self {
            host,
            name: name.to_owned(),
            moods,
            offers,
            clock,
            trace: trace.clone(),
            ledger: ledger.clone(),
            random: Mutex::new(random),
            seen: Mutex::default(),
        })
    }

    /// Serves on port 25, as long as the runtime lives.
    pub(crate) fn start(self: &Arc<Self>, net: &Net) {
        net.name(self.host, &self.name);
        let mut listener = net.listen(SocketAddr::new(self.host, 25));
        let peer = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                let peer = Arc::clone(&peer);
                tokio::spawn(async move {
                    // How a session ends stands in the trace.
                    let _ = session::run(&peer, io).await;
                });
            }
        });
    }

    fn mood(&self) -> Mood {
        let now = self.clock.elapsed();
        self.moods.iter().rev().find(|(from, _)| *from <= now).map_or(Mood::Fine, |(_, mood)| *mood)
    }

    /// What it offers in a session, a line each.
    fn offers(&self) -> String {
        let mut random = self.random.lock().unwrap();
        let Offers { pipelining, chunking } = self.offers;
        let keywords = [
            ("8BITMIME", 100),
            ("ENHANCEDSTATUSCODES", 100),
            ("PIPELINING", pipelining),
            ("CHUNKING", chunking),
        ];
        let offered = keywords.into_iter().filter(|(_, percent)| random.chance(*percent));
        offered.map(|(keyword, _)| format!("250-{keyword}\r\n")).collect()
    }

    /// Whether it is too soon: RFC 6647 calls it greylisting.
    fn is_grey(&self, from: &str, to: &str) -> bool {
        let now = self.clock.elapsed();
        let mut seen = self.seen.lock().unwrap();
        let first = *seen.entry((from.to_owned(), to.to_owned())).or_insert(now);
        now < first + Duration::from_secs(300)
    }
}
