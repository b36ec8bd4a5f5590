//! What all connections of a server share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailwright_access::Locks;
use mailwright_tokio::Tls;

use crate::arrivals::Arrivals;
use crate::fault::Faults;
use crate::greylist::Greylist;
use crate::limits::Limits;
use crate::login::Logins;
use crate::protocol::Protocol;
use crate::tape::{Cut, Recording, Wire};

/// Whether there is TLS.
#[derive(Clone)]
pub(crate) enum Encryption {
    None,
    /// When the client asks for it.
    Offered(Arc<dyn Tls>),
    /// From the beginning.
    Implicit(Arc<dyn Tls>),
}

/// What all connections of a server share.
pub(crate) struct Shared {
    pub(crate) hostname: String,
    pub(crate) logins: Arc<Logins>,
    pub(crate) login_required: bool,
    pub(crate) encryption: Encryption,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) arrivals: Arrivals,
    pub(crate) locks: Locks,
    pub(crate) greylist: Mutex<Option<Greylist>>,
    /// For connections to come, in order.
    pub(crate) cuts: Mutex<Vec<(Protocol, Cut)>>,
    pub(crate) wires: Mutex<VecDeque<Arc<Wire>>>,
}

impl Shared {
    /// The greylist, if there is one.
    pub(crate) fn greylist(&self) -> MutexGuard<'_, Option<Greylist>> {
        lock(&self.greylist)
    }

    /// Where connections of this protocol break, from the next one on.
    pub(crate) fn cuts(&self) -> MutexGuard<'_, Vec<(Protocol, Cut)>> {
        lock(&self.cuts)
    }

    /// What was said in the connections so far, oldest first.
    pub(crate) fn recordings(&self) -> Vec<Recording> {
        let wires: Vec<_> = lock(&self.wires).iter().map(Arc::clone).collect();
        wires.iter().map(|wire| wire.recording()).collect()
    }

    /// A connection more. The oldest ones are forgotten.
    pub(crate) fn connected(&self, wire: Arc<Wire>) {
        let mut wires = lock(&self.wires);
        wires.push_back(wire);
        while wires.len() > self.limits.sessions {
            wires.pop_front();
        }
    }

    /// Where the connection that begins now breaks.
    pub(crate) fn take_cut(&self, protocol: Protocol) -> Option<Cut> {
        let mut cuts = self.cuts();
        let at = cuts.iter().position(|(of, _)| *of == protocol)?;
        Some(cuts.remove(at).1)
    }
}

/// What is under these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
