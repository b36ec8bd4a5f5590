//! What is known of a connection by those who listen to it and those who may break it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};

use super::recording::Recording;
use super::writer::Tape;
use crate::protocol::Protocol;

/// What a transcript says where a connection breaks.
const CUT: &str = "the connection breaks here, as it was told to";

/// Where a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// When the server has received so many octets from the client.
    Received(u64),
    /// When the server has sent so many.
    Sent(u64),
}

/// Where it is heard what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Transport,
    Tls,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    state: Mutex<State>,
    /// Apart from the rest: one layer asks while the other one holds that.
    broken: AtomicBool,
    /// It is heard within TLS.
    inside: AtomicBool,
}

#[derive(Debug)]
struct State {
    tape: Tape,
    received: u64,
    sent: u64,
    cut: Option<Cut>,
}

impl Wire {
    pub(crate) fn new(protocol: Protocol, peer: SocketAddr, cut: Option<Cut>, limit: usize) -> Arc<Self> {
        let mut tape = Tape::new(protocol, limit);
        tape.comment(&format!("from {peer}"));
        Arc::new(Self {
            state: Mutex::new(State { tape, received: 0, sent: 0, cut }),
            broken: AtomicBool::new(cut == Some(Cut::Sent(0))),
            inside: AtomicBool::new(false),
        })
    }

    /// What was said so far.
    pub(crate) fn recording(&self) -> Recording {
        self.lock().tape.recording()
    }

    /// Breaks the connection: neither side hears of the other any more.
    pub(crate) fn disconnect(&self, why: &str) {
        self.break_off(&mut self.lock(), why);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// What is said can be read within TLS from now on.
    pub(super) fn listen_inside(&self) {
        self.inside.store(true, Ordering::Release);
        self.lock().tape.listen();
    }

    /// Octets have come from the client: how many of them the server gets. Those that nobody reads at this layer, all.
    pub(super) fn received(&self, layer: Layer, octets: &[u8]) -> usize {
        if !self.is_heard(layer) {
            return octets.len();
        }
        let mut state = self.lock();
        let room = match state.cut {
            Some(Cut::Received(at)) => at.saturating_sub(state.received),
            _ => u64::MAX,
        };
        let taken = octets.get(..usize::try_from(room).unwrap_or(usize::MAX)).unwrap_or(octets);
        state.received += taken.len() as u64;
        state.tape.client(taken);
        if taken.len() as u64 == room {
            self.break_off(&mut state, CUT);
        }
        taken.len()
    }

    /// Lets the server send by `write`, as much as it may. It is written down before anybody who has heard it can ask.
    pub(super) fn send(
        &self,
        layer: Layer,
        octets: &[u8],
        write: impl FnOnce(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_heard(layer) {
            return write(octets);
        }
        let mut state = self.lock();
        let room = match state.cut {
            Some(Cut::Sent(at)) => at.saturating_sub(state.sent),
            _ => u64::MAX,
        };
        let octets = octets.get(..usize::try_from(room).unwrap_or(usize::MAX)).unwrap_or(octets);
        let written = ready!(write(octets))?;
        state.sent += written as u64;
        state.tape.server(octets.get(..written).unwrap_or_default());
        if written as u64 == room {
            self.break_off(&mut state, CUT);
        }
        Poll::Ready(Ok(written))
    }

    fn is_heard(&self, layer: Layer) -> bool {
        self.inside.load(Ordering::Acquire) == (layer == Layer::Tls)
    }

    fn break_off(&self, state: &mut State, why: &str) {
        if !self.broken.swap(true, Ordering::AcqRel) {
            state.tape.comment(why);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
