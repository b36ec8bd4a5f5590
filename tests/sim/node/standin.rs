//! A server made of the libraries: SMTP in, one commit, the queue, and SMTP out.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::Entropy;
use mailwright_delivery::outbound::{Dial, Dialed, Environment, Outbound, OutboundConfig};
use mailwright_delivery::{Queue, QueueConfig, QueueEvent, QueueParts};
use mailwright_queue::SettleConfig;
use mailwright_store::{DirectoryConfig, ManagedDirectory};
use mailwright_store_sqlite::testing::SimStore;
use mailwright_tokio::{Shutdown, SmtpServer};

use super::Parts;
use super::receive::Receive;
use super::sabotage::Tampered;
use crate::net::Net;
use crate::trace::{Trace, note};

/// Serves, as long as its network and its store do.
pub(super) fn serve(parts: &Parts, store: &SimStore, entropy: &Arc<dyn Entropy>) {
    let clock = Arc::new(parts.clock);
    let domain = || parts.domain.parse().unwrap();
    let directory = || ManagedDirectory::new(DirectoryConfig::new([domain()]), store.clone());
    let settle = SettleConfig::new(domain(), format!("postmaster@{}", parts.domain).parse().unwrap());

    let receive = Receive {
        store: store.clone(),
        directory: directory(),
        settle: settle.clone(),
        clock: parts.clock,
        entropy: Arc::clone(entropy),
        sabotage: parts.sabotage,
    };
    let server = SmtpServer::new(&parts.domain, receive).environment(clock.clone(), Arc::clone(entropy));
    tokio::spawn(server.serve(parts.net.listen((parts.host, 25).into())));

    let environment = Environment {
        resolver: Arc::new(parts.zones.clone()),
        dial: Arc::new(Dialer { net: parts.net.clone(), from: parts.host }),
        clock: clock.clone(),
        entropy: Arc::clone(entropy),
    };
    let queue = QueueParts {
        store: Arc::new(store.clone()),
        deliver: Tampered {
            outbound: Outbound::new(OutboundConfig::new(domain()), environment),
            sabotage: parts.sabotage,
        },
        directory: directory(),
        clock,
        entropy: Arc::clone(entropy),
    };
    let shutdown = Shutdown::new();
    let mut config = QueueConfig::new(settle);
    // It costs nothing but the time of whoever waits for the simulation.
    config.scheduler.poll = Duration::from_secs(60);
    let queue = Queue::start(queue, config, &shutdown);
    tokio::spawn(tell(parts.trace.clone(), parts.domain.clone(), queue));
}

/// Writes into the trace what the queue does.
fn tell(trace: Trace, domain: String, queue: Queue<SimStore>) -> impl Future<Output = ()> {
    let mut events = queue.events();
    async move {
        while let Ok(event) = events.recv().await {
            match event {
                QueueEvent::Started { entry, route } => note!(trace, "{domain} tries {entry} to {route}"),
                QueueEvent::Delivered { entry, to, .. } => {
                    note!(trace, "{domain} {entry} for {to}: delivered");
                }
                QueueEvent::Deferred { entry, to, reply, .. } => {
                    let why = reply.map(|reply| reply.summary()).unwrap_or_default();
                    note!(trace, "{domain} {entry} for {to}: deferred, {why}");
                }
                QueueEvent::Bounced { entry, to, reply } => {
                    note!(trace, "{domain} {entry} for {to}: bounced, {}", reply.summary());
                }
                other => note!(trace, "{domain} {other:?}"),
            }
        }
        drop(queue);
    }
}

/// The way out, by the simulated network.
struct Dialer {
    net: Net,
    from: IpAddr,
}

impl Dial for Dialer {
    fn dial(&self, address: IpAddr, port: u16) -> Dialed {
        let (net, from) = (self.net.clone(), self.from);
        Box::pin(async move { net.connect(from, (address, port).into()).await })
    }
}
