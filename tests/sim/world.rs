//! One run: everything is set up by the seed, happens, and comes to rest.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mailwright_server::Service;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::clock::SimClock;
use crate::dns::Dns;
use crate::ledger::Ledger;
use crate::mail::{Rest, is_quiet, look};
use crate::net::Net;
use crate::node::{Node, Parts, Sabotage, Setup};
use crate::peer::{Mood, Offers, Peer};
use crate::random::Random;
use crate::reader::Reader;
use crate::scenario::{Event, NODES, Other, PEERS, Scenario, user};
use crate::trace::{Trace, note};

/// How it ended.
pub(crate) struct Outcome {
    pub(crate) trace: String,
    pub(crate) ledger: Ledger,
    /// What each node has.
    pub(crate) rest: Vec<Rest>,
    /// The nodes' addresses.
    pub(crate) hosts: Vec<IpAddr>,
}

/// How long a world has to come to rest, and how often it is looked at.
const REST: Duration = Duration::from_secs(7 * 86_400);
const LOOK: Duration = Duration::from_secs(600);
/// How often it is tried to see what there is.
const LOOKS: usize = 20;
/// By then everything is over.
const END: Duration = Duration::from_secs(40 * 86_400);

/// Runs a world of its own.
pub(crate) fn run(seed: u64, sabotage: Sabotage) -> Outcome {
    in_a_world(seed, sabotage, async |world| {
        let scenario = Scenario::new(&mut world.random.fork("scenario"));
        world.happen(scenario).await
    })
}

/// Lets something happen in a world of its own, to its end.
pub(crate) fn in_a_world<T>(seed: u64, sabotage: Sabotage, happen: impl AsyncFnOnce(World) -> T) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let happening = happen(World::new(&Random::new(seed), sabotage));
        timeout(END, happening).await.unwrap_or_else(|_| panic!("seed {seed}: it never ends"))
    })
}

pub(crate) struct World {
    random: Random,
    sabotage: Sabotage,
    pub(crate) net: Net,
    dns: Dns,
    pub(crate) clock: SimClock,
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
}

fn node_host(node: usize) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, 10 + node as u8).into()
}

/// The second one is for when the first cannot be had.
pub(crate) fn peer_hosts(peer: usize) -> [IpAddr; 2] {
    [10, 20].map(|number| Ipv4Addr::new(198, 51, 100, number + peer as u8).into())
}

impl World {
    fn new(random: &Random, sabotage: Sabotage) -> Self {
        let clock = SimClock::new();
        let trace = Trace::new(clock);
        let ledger = Ledger::default();
        let net = Net::new(random.fork("net"), trace.clone(), &ledger);
        let nodes = (0..NODES).map(|node| (format!("n{node}.example"), vec![node_host(node)]));
        let peers = (0..PEERS).map(|peer| (format!("p{peer}.example"), peer_hosts(peer).to_vec()));
        let dns = Dns::new(nodes.chain(peers).collect());
        Self { random: random.clone(), sabotage, net, dns, clock, trace, ledger }
    }

    async fn happen(self, scenario: Scenario) -> Outcome {
        for (peer, moods) in scenario.moods.iter().enumerate() {
            self.start_peer(peer, moods, Offers { pipelining: 80, chunking: 50 });
        }
        let nodes: Vec<Node> =
            (0..).zip(&scenario.setups).map(|(number, setup)| self.node(number, setup.clone())).collect();
        for node in &nodes {
            node.start().await;
        }
        for (at, event) in &scenario.events {
            sleep(at.saturating_sub(self.clock.elapsed())).await;
            self.event(event, &nodes);
        }
        sleep(scenario.calm.saturating_sub(self.clock.elapsed())).await;
        note!(self.trace, "all is well again");
        // Clients wait no longer than this.
        sleep(6 * LOOK).await;
        let rest = self.look(&nodes).await;
        Outcome {
            trace: self.trace.text(),
            ledger: self.ledger.clone(),
            rest,
            hosts: (0..NODES).map(node_host).collect(),
        }
    }

    /// Starts both hosts of a peer.
    pub(crate) fn start_peer(&self, peer: usize, moods: &[Vec<(Duration, Mood)>; 2], offers: Offers) {
        for (number, (host, moods)) in (1..).zip(peer_hosts(peer).into_iter().zip(moods)) {
            let name = format!("mx{number}.p{peer}.example");
            let random = self.random.fork(&name);
            let (host, manners) = ((host, name.as_str()), (moods.clone(), offers));
            Peer::new(host, manners, self.clock, &self.trace, &self.ledger, random).start(&self.net);
        }
    }

    pub(crate) fn node(&self, number: usize, setup: Setup) -> Node {
        let domain = format!("n{number}.example");
        let random = self.random.fork(&domain);
        let users = (0..setup.users).map(|name| user(number, name)).collect();
        let parts = Parts {
            host: node_host(number),
            domain,
            users,
            net: self.net.clone(),
            zones: self.dns.zones(),
            clock: self.clock,
            trace: self.trace.clone(),
            ledger: self.ledger.clone(),
            sabotage: self.sabotage,
            setup,
        };
        Node::new(parts, random)
    }

    fn event(&self, event: &Event, nodes: &[Node]) {
        if !matches!(event, Event::Send(_) | Event::Read(..)) {
            note!(self.trace, "event {event:?}");
        }
        match event {
            Event::Send(message) => {
                let client = self.client();
                let (message, at) = (message.clone(), nodes[message.node].at(Service::Smtp));
                tokio::spawn(async move { client.send(message, at).await });
            }
            Event::Read(node, number, service) => {
                let (reader, user) = (self.reader(), user(*node, *number));
                let (node, service) = (nodes[*node].clone(), *service);
                tokio::spawn(async move { reader.look(&node, &user, service).await });
            }
            Event::Restart(node) => {
                let node = nodes[*node].clone();
                tokio::spawn(async move { node.restart().await });
            }
            Event::Crash(node) => nodes[*node].crash(),
            Event::Trouble(trouble) => self.net.trouble(*trouble),
            Event::Part(node, other, time) => {
                let other = match other {
                    Other::Node(other) => node_host(*other),
                    Other::Peer(peer) => peer_hosts(*peer)[0],
                };
                self.for_a_while(*time, {
                    let (net, node) = (self.net.clone(), node_host(*node));
                    move |apart| net.part(node, other, apart)
                });
            }
            Event::NoDns(peer, time) => {
                let (dns, domain) = (self.dns.clone(), format!("p{peer}.example"));
                self.for_a_while(*time, move |down| dns.fail(&domain, down));
            }
            Event::CutPower(node, ..)
            | Event::FailSync(node, _)
            | Event::FailWrite(node, ..)
            | Event::FullDisk(node, _) => self.disk(event, &nodes[*node]),
        }
    }

    fn disk(&self, event: &Event, node: &Node) {
        let Some(store) = node.store() else { return };
        match *event {
            Event::CutPower(_, nth, octets) => store.cut_power(nth, octets),
            Event::FailSync(_, nth) => store.fail_sync(nth),
            Event::FailWrite(_, nth, octets) => store.fail_write(nth, octets),
            Event::FullDisk(_, time) => {
                let now = self.clock.elapsed();
                self.ledger.mishap(now, now + time, &[node.parts.host]);
                self.for_a_while(time, move |full| store.set_capacity(full.then_some(0)));
            }
            _ => {}
        }
    }

    /// Does something, and takes it back later.
    fn for_a_while(&self, time: Duration, turn: impl Fn(bool) + Send + 'static) {
        turn(true);
        tokio::spawn(async move {
            sleep(time).await;
            turn(false);
        });
    }

    /// Waits until nothing is queued any more, and looks at what there is.
    pub(crate) async fn look(&self, nodes: &[Node]) -> Vec<Rest> {
        let until = self.clock.elapsed() + REST;
        let mut quiet = false;
        while !quiet && self.clock.elapsed() < until {
            sleep(LOOK).await;
            quiet = true;
            for node in nodes {
                quiet &= is_quiet(node).await;
            }
        }
        let mut rest = Vec::new();
        let reader = self.reader();
        for node in nodes {
            for _ in 0..LOOKS {
                if let Some(found) = look(node, &reader).await {
                    rest.push(found);
                    break;
                }
                // It may just be down.
                sleep(LOOK).await;
            }
        }
        rest
    }

    pub(crate) fn client(&self) -> Client {
        Client {
            host: Ipv4Addr::new(203, 0, 113, 1).into(),
            net: self.net.clone(),
            clock: self.clock,
            trace: self.trace.clone(),
            ledger: self.ledger.clone(),
        }
    }

    fn reader(&self) -> Reader {
        Reader {
            host: Ipv4Addr::new(203, 0, 113, 2).into(),
            net: self.net.clone(),
            trace: self.trace.clone(),
            ledger: self.ledger.clone(),
        }
    }
}
