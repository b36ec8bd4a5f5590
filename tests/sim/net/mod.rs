//! A network in memory: latency, pieces, refusals, silence, cuts and partitions, all from the seed.

mod connection;
mod end;
mod fault;
mod tape;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use mailwright_tokio::{Io, Listen, Peer};
use tokio::sync::mpsc;
use tokio::time::sleep;

use self::connection::Connection;
pub(crate) use self::connection::{Cut, CutManner, Side};
use self::end::End;
pub(crate) use self::fault::Trouble;
pub(crate) use self::tape::Tape;
use crate::ledger::Ledger;
use crate::random::Random;
use crate::trace::{Trace, note};

/// Clones are the same network.
#[derive(Clone)]
pub(crate) struct Net(Arc<Shared>);

struct Shared {
    trace: Trace,
    ledger: Ledger,
    inside: Mutex<Inside>,
}

struct Inside {
    random: Random,
    trouble: Trouble,
    names: BTreeMap<IpAddr, String>,
    listeners: BTreeMap<SocketAddr, mpsc::Sender<Accepted>>,
    /// Of whom the next connection is recorded, and perhaps cut.
    watched: BTreeMap<SocketAddr, (Option<Cut>, Tape)>,
    /// Pairs of hosts that do not reach each other, the lower address first.
    apart: BTreeSet<(IpAddr, IpAddr)>,
    /// Who waits for two hosts to reach each other again.
    waiting: Vec<Waker>,
    connections: Vec<Weak<Mutex<Connection>>>,
    count: u32,
}

type Accepted = (Box<dyn Io>, Peer);

/// Takes the connections to an address.
pub(crate) struct Listener(mpsc::Receiver<Accepted>);

impl Listen for Listener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        match self.0.recv().await {
            Some(accepted) => Ok(accepted),
            // Somebody else listens there now.
            None => pending().await,
        }
    }
}

impl Net {
    pub(crate) fn new(random: Random, trace: Trace, ledger: &Ledger) -> Self {
        let inside = Inside {
            random,
            trouble: Trouble::default(),
            names: BTreeMap::new(),
            listeners: BTreeMap::new(),
            watched: BTreeMap::new(),
            apart: BTreeSet::new(),
            waiting: Vec::new(),
            connections: Vec::new(),
            count: 0,
        };
        Self(Arc::new(Shared { trace, ledger: ledger.clone(), inside: Mutex::new(inside) }))
    }

    /// What a host is called in the trace.
    pub(crate) fn name(&self, host: IpAddr, name: &str) {
        self.lock().names.insert(host, name.to_owned());
    }

    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.lock().trouble = trouble;
    }

    /// The next connection to there is recorded, and cut if it is to be.
    pub(crate) fn watch(&self, at: SocketAddr, cut: Option<Cut>) -> Tape {
        let tape = Tape::default();
        self.lock().watched.insert(at, (cut, tape.clone()));
        tape
    }

    /// From now on connections to there come here.
    pub(crate) fn listen(&self, at: SocketAddr) -> Listener {
        let (sender, receiver) = mpsc::channel(1000);
        self.lock().listeners.insert(at, sender);
        Listener(receiver)
    }

    /// Two hosts no longer reach each other, or do again.
    pub(crate) fn part(&self, one: IpAddr, other: IpAddr, apart: bool) {
        let mut inside = self.lock();
        let pair = (one.min(other), one.max(other));
        let changed = if apart { inside.apart.insert(pair) } else { inside.apart.remove(&pair) };
        let waiting = std::mem::take(&mut inside.waiting);
        let names = (inside.name_of(one), inside.name_of(other));
        drop(inside);
        if changed {
            self.mishap(&[one, other]);
            let what = if apart { "are apart" } else { "reach each other again" };
            note!(self.0.trace, "net {} and {} {what}", names.0, names.1);
        }
        waiting.into_iter().for_each(Waker::wake);
    }

    /// A host is no more: its connections break, or fall silent, and nobody listens there.
    pub(crate) fn crash(&self, host: IpAddr) {
        let mut inside = self.lock();
        inside.listeners.retain(|at, _| at.ip() != host);
        let connections: Vec<_> = inside.connections.iter().filter_map(Weak::upgrade).collect();
        for connection in connections {
            let (silent, lost) = (inside.random.chance(40), inside.random.chance(50));
            connection.lock().unwrap_or_else(PoisonError::into_inner).crash(host, silent, lost);
        }
    }

    /// Connects. Never ends if nothing comes back.
    pub(crate) async fn connect(&self, from: IpAddr, to: SocketAddr) -> io::Result<Box<dyn Io>> {
        let (number, latency, plan) = {
            let mut inside = self.lock();
            inside.count += 1;
            let latency = Duration::from_millis(inside.random.between(1, 60));
            let trouble = inside.trouble;
            (inside.count, latency, trouble.plan(&mut inside.random))
        };
        let names = {
            let inside = self.lock();
            (inside.name_of(from), inside.name_of(to.ip()))
        };
        let trace = &self.0.trace;
        sleep(latency).await;
        if plan.silent || self.are_apart(from, to.ip()) {
            note!(trace, "c{number} {}>{} no answer", names.0, names.1);
            return pending().await;
        }
        let listener = self.lock().listeners.get(&to).cloned();
        sleep(latency).await;
        let Some(listener) = listener.filter(|_| !plan.refused) else {
            note!(trace, "c{number} {}>{} refused", names.0, names.1);
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let local = SocketAddr::new(from, 1024 + (number % 60_000) as u16);
        let connection = {
            let mut inside = self.lock();
            let random = inside.random.fork(&number.to_string());
            let (cut, tape) = match inside.watched.remove(&to) {
                Some((cut, tape)) => (cut, Some(tape)),
                None => (plan.cut, None),
            };
            let hosts = [from, to.ip()];
            let connection = Connection::new(number, hosts, [names.0, names.1], latency, (cut, tape), random);
            let connection = Arc::new(Mutex::new(connection));
            inside.connections.retain(|connection| connection.strong_count() > 0);
            inside.connections.push(Arc::downgrade(&connection));
            connection
        };
        let ends = [Side::Client, Side::Server].map(|side| End::new(self, &connection, side));
        let [client, server] = ends;
        if listener.try_send((Box::new(server), Peer { remote: local, local: to })).is_err() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(Box::new(client))
    }

    /// Something on its way between them may be lost.
    fn mishap(&self, hosts: &[IpAddr]) {
        let now = self.0.trace.now();
        self.0.ledger.mishap(now, now, hosts);
    }

    fn are_apart(&self, one: IpAddr, other: IpAddr) -> bool {
        self.lock().apart.contains(&(one.min(other), one.max(other)))
    }

    /// Whether two hosts are apart; if so, wakes when that has changed.
    fn wait_if_apart(&self, [one, other]: [IpAddr; 2], waker: &Waker) -> bool {
        let apart = self.are_apart(one, other);
        if apart {
            self.lock().waiting.push(waker.clone());
        }
        apart
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn name_of(&self, host: IpAddr) -> String {
        self.names.get(&host).cloned().unwrap_or_else(|| host.to_string())
    }
}
