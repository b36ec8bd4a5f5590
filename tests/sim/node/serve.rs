//! The server itself, with everything that it is given.

use std::future::{Future, pending};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mailwright_auth::{Cost, Inline};
use mailwright_core::{Clock, Entropy};
use mailwright_delivery::outbound::{Dial, Dialed, Environment, Outbound, OutboundConfig};
use mailwright_delivery::{QueueConfig, QueueEvent};
use mailwright_dns::{Cache, CacheConfig};
use mailwright_queue::SettleConfig;
use mailwright_server::{Auth, Listener, Running, Server, Service, StartError};
use mailwright_store_sqlite::testing::SimStore;

use super::gullible::Gullible;
use super::sabotage::{Sabotage, TamperedOutbound, tampered};
use super::{Parts, SERVICES};
use crate::net::Net;
use crate::scenario::password;
use crate::trace::note;

/// Starts it; it then serves as long as its network and its store do.
pub(super) async fn serve(
    parts: &Parts,
    store: &SimStore,
    entropy: Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(parts.clock);
    let domain = || parts.domain.parse().unwrap();
    let environment = Environment {
        resolver: Arc::new(Cache::new(parts.zones.clone(), CacheConfig::default(), Arc::clone(&clock))),
        dial: Arc::new(Dialer { net: parts.net.clone(), from: parts.host, store: store.clone() }),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    };
    let mut config = OutboundConfig::new(domain());
    config.client.limits = parts.setup.client.clone();
    let outbound = Outbound::new(config, environment);
    let postmaster = format!("postmaster@{}", parts.domain).parse().unwrap();
    let mut queue = QueueConfig::new(SettleConfig::new(domain(), postmaster));
    // It costs nothing but the time of whoever waits for the simulation.
    queue.scheduler.poll = Duration::from_secs(60);
    let mut server = Server::new(&parts.domain)
        .environment(clock, entropy)
        .store(tampered(store, parts.sabotage))
        .deliver(Arc::new(TamperedOutbound { outbound, sabotage: parts.sabotage }), queue)
        .offload(Arc::new(Inline))
        .password_cost(Cost::new(8, 1, 1).unwrap())
        .without_tls()
        .login_without_tls();
    for user in &parts.users {
        server = server.account(user, password(user));
    }
    for (service, port) in SERVICES {
        let is_gullible = service == Service::Smtp && parts.sabotage == Sabotage::HalfIsWhole;
        let listening = Gullible { listener: parts.net.listen((parts.host, port).into()), is_gullible };
        server = server.listener(Listener::new(service).auth(Auth::Offered), listening);
    }
    let running = server.start().await?;
    tokio::spawn(tell(parts, &running));
    Ok(running)
}

/// Writes into the trace what the queue does.
fn tell(parts: &Parts, running: &Running) -> impl Future<Output = ()> + use<> {
    let mut events = running.queue().unwrap().events();
    let (trace, domain) = (parts.trace.clone(), parts.domain.clone());
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
    }
}

/// The way out, by the simulated network, as long as there is power.
struct Dialer {
    net: Net,
    from: IpAddr,
    store: SimStore,
}

impl Dial for Dialer {
    fn dial(&self, to: SocketAddr, _from: Option<IpAddr>) -> Dialed {
        let (net, from, store) = (self.net.clone(), self.from, self.store.clone());
        Box::pin(async move {
            tokio::select! {
                biased;
                () = store.power_lost() => pending().await,
                connected = net.connect(from, to) => connected.map_err(Into::into),
            }
        })
    }
}
