//! A whole server, with its machine: it crashes, and comes back.

mod gullible;
mod sabotage;
mod serve;
mod tampered;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use mailwright_core::testing::SeededEntropy;
use mailwright_dns::Zones;
use mailwright_server::{Running, Service};
use mailwright_smtp::client;
use mailwright_store::{Health, Store};
use mailwright_store_sqlite::testing::{Pause, SimConfig, SimDisks, SimStore};
use tokio::time::sleep;

pub(crate) use self::sabotage::Sabotage;
use self::serve::serve;
use crate::clock::SimClock;
use crate::ledger::Ledger;
use crate::net::Net;
use crate::random::Random;
use crate::trace::{Trace, note};

/// What a server runs on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) host: IpAddr,
    pub(crate) domain: String,
    /// Its users' addresses.
    pub(crate) users: Vec<String>,
    pub(crate) net: Net,
    pub(crate) zones: Zones,
    pub(crate) clock: SimClock,
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
    pub(crate) sabotage: Sabotage,
    pub(crate) setup: Setup,
}

/// What there is to be said of a single server.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) users: usize,
    /// How it sends.
    pub(crate) client: client::Limits,
    /// How often its power goes off while it starts or soon after, in percent.
    pub(crate) bad_starts: u64,
}

/// What it offers, and at which ports.
const SERVICES: [(Service, u16); 3] = [(Service::Smtp, 25), (Service::Pop3, 110), (Service::Imap, 143)];

/// How often somebody looks after it.
const LOOK: Duration = Duration::from_secs(60);

/// Clones are the same.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) parts: Parts,
    state: Arc<Mutex<State>>,
}

struct State {
    random: Random,
    starts: u64,
    power: Power,
}

enum Power {
    /// There is no server yet, or no more, while it starts or stops.
    On(SimStore, Option<Running>),
    Off(SimDisks),
}

impl Node {
    pub(crate) fn new(parts: Parts, random: Random) -> Self {
        let disks = match parts.sabotage {
            Sabotage::LyingDisks => SimDisks::ignoring_syncs(),
            _ => SimDisks::new(),
        };
        parts.net.name(parts.host, &parts.domain);
        let state = State { random, starts: 0, power: Power::Off(disks) };
        Self { parts, state: Arc::new(Mutex::new(state)) }
    }

    /// Where it has a service.
    pub(crate) fn at(&self, service: Service) -> SocketAddr {
        let (_, port) = *SERVICES.iter().find(|(other, _)| *other == service).unwrap();
        SocketAddr::new(self.parts.host, port)
    }

    /// Its store, while it runs.
    pub(crate) fn store(&self) -> Option<SimStore> {
        match &self.lock().power {
            Power::On(store, _) => Some(store.clone()),
            Power::Off(_) => None,
        }
    }

    /// Goes on with what is on the disks, if it does not run.
    pub(crate) async fn start(&self) {
        let (store, entropy) = {
            let mut state = self.lock();
            let Power::Off(disks) = &mut state.power else { return };
            let disks = disks.clone();
            let mut random = state.random.fork(&format!("start {}", state.starts));
            state.starts += 1;
            let mut config = SimConfig::default();
            config.limits.items_per_page = 1000;
            config.image_groups = 30;
            config.pause = self.latency(random.fork("disk"));
            // Not for ever.
            let fails = state.starts < 20 && random.chance(self.parts.setup.bad_starts);
            config.cut_power = fails.then(|| (random.between(1, 12), random.below(9000) as usize));
            // Whoever looks after it makes room first.
            disks.set_capacity(None);
            let (store, report) = match SimStore::open(disks.clone(), config) {
                Ok(opened) => opened,
                Err(error) => {
                    assert!(fails, "{} cannot be opened: {error}", self.parts.domain);
                    note!(self.parts.trace, "{} does not come up", self.parts.domain);
                    state.power = Power::Off(disks.crash(random.next()));
                    drop(state);
                    return self.start_later();
                }
            };
            assert_eq!(report.damage, [], "a crash damages nothing");
            let (replayed, cut) = (report.replayed, report.cut.is_some());
            note!(self.parts.trace, "{} starts: {replayed} replayed, cut: {cut}", self.parts.domain);
            state.power = Power::On(store.clone(), None);
            (store, SeededEntropy::new(random.fork("entropy").next()))
        };
        let (node, watched) = (self.clone(), store.clone());
        tokio::spawn(async move {
            watched.power_lost().await;
            node.crash_if(&watched);
        });
        let (node, watched) = (self.clone(), store.clone());
        tokio::spawn(async move { node.attend(&watched).await });
        let started = tokio::select! {
            biased;
            // It is started anew by whoever has noticed.
            () = store.power_lost() => return,
            started = serve(&self.parts, &store, Arc::new(entropy)) => started,
        };
        match started {
            Ok(running) => self.has_started(&store, running),
            Err(error) => {
                note!(self.parts.trace, "{} does not start: {error}", self.parts.domain);
                self.crash_if(&store);
            }
        }
    }

    fn has_started(&self, store: &SimStore, running: Running) {
        if let Power::On(present, place) = &mut self.lock().power
            && present.is_same(store)
        {
            *place = Some(running);
        }
    }

    /// The operator: who looks now and then, and starts it anew when its store takes nothing more.
    async fn attend(&self, store: &SimStore) {
        loop {
            sleep(LOOK).await;
            if self.store().is_none_or(|present| !present.is_same(store)) {
                return;
            }
            if store.health() == Health::Poisoned {
                note!(self.parts.trace, "{} is poisoned", self.parts.domain);
                return self.crash();
            }
        }
    }

    /// Ends it, now; it is started again some time later.
    pub(crate) fn crash(&self) {
        let running = {
            let mut state = self.lock();
            let Power::On(store, running) = &mut state.power else { return };
            let (store, running) = (store.clone(), running.take());
            let seed = state.random.next();
            state.power = Power::Off(store.crash(seed));
            note!(self.parts.trace, "{} crashes after {} groups", self.parts.domain, store.groups());
            running
        };
        self.mishap();
        self.parts.net.crash(self.parts.host);
        // Whatever it still does, nobody sees.
        running.map(|running| tokio::spawn(running.shutdown()));
        self.start_later();
    }

    /// Stops it as one should, and starts it again: nothing is lost, and nothing happens twice.
    pub(crate) async fn restart(&self) {
        let Some((store, running)) = self.take_running() else { return };
        note!(self.parts.trace, "{} stops", self.parts.domain);
        let finished = running.shutdown().await;
        {
            let mut state = self.lock();
            // The power may have gone off meanwhile.
            if !matches!(&state.power, Power::On(present, _) if present.is_same(&store)) {
                return;
            }
            // Killed in some way: there is nothing to finish.
            let seed = state.random.next() & !7;
            state.power = Power::Off(store.crash(seed));
        }
        note!(self.parts.trace, "{} has stopped, all finished: {finished}", self.parts.domain);
        if !finished {
            self.mishap();
        }
        self.start_later();
    }

    fn take_running(&self) -> Option<(SimStore, Running)> {
        match &mut self.lock().power {
            Power::On(store, running) => running.take().map(|running| (store.clone(), running)),
            Power::Off(_) => None,
        }
    }

    fn start_later(&self) {
        let pause = Duration::from_millis(self.lock().random.between(10, 600_000));
        let node = self.clone();
        tokio::spawn(async move {
            sleep(pause).await;
            Box::pin(node.start()).await;
        });
    }

    fn crash_if(&self, store: &SimStore) {
        if self.store().is_some_and(|present| present.is_same(store)) {
            self.crash();
        }
    }

    /// Something happens that may cost an answer.
    fn mishap(&self) {
        let now = self.parts.clock.elapsed();
        // It may have been poisoned for a while.
        self.parts.ledger.mishap(now.saturating_sub(LOOK), now, &[self.parts.host]);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A disk takes some milliseconds, and who comes meanwhile is of the same group.
    fn latency(&self, random: Random) -> Pause {
        let (random, trace, domain) =
            (Mutex::new(random), self.parts.trace.clone(), self.parts.domain.clone());
        Arc::new(move || {
            let millis = random.lock().unwrap().below(8);
            note!(trace, "{domain} writes");
            Box::pin(sleep(Duration::from_millis(millis)))
        })
    }
}
