//! Our server as a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use mailwright_benches::process::Measured;
use mailwright_delivery::QueueConfig;
use mailwright_delivery::outbound::{OutboundConfig, Pattern, Relay, RelayHost, Route, TlsPolicy, Way};
use mailwright_dns::HickoryConfig;
use mailwright_queue::SettleConfig;
use mailwright_server::{Auth, Listener, Server, Service};
use mailwright_store_sqlite::{SqliteConfig, SqliteStore};
use mailwright_tokio::GateLimits;

pub(crate) struct Ours {
    pub(crate) addr: SocketAddr,
    _process: Measured,
}

impl Ours {
    pub(crate) fn start(dir: &Path, sink: SocketAddr) -> Self {
        let dir = dir.to_str().expect("UTF-8");
        let mut process = Measured::this_program(&["serve", dir, &sink.to_string()]);
        let addr = process.line().parse().expect("an address");
        Self { addr, _process: process }
    }
}

/// Serves, and passes all mail on to `sink`.
pub(crate) fn serve(dir: &Path, sink: SocketAddr) {
    std::fs::create_dir_all(dir).expect("a directory");
    let (store, _) = SqliteStore::open(SqliteConfig::at(dir)).expect("opened");
    let name = "localhost".parse().expect("a domain");
    let relay = Relay { tls: TlsPolicy::Never, ..Relay::new(RelayHost::at(sink.ip(), sink.port())) };
    let mut outbound = OutboundConfig::new(name);
    outbound.routes = vec![Route::new(Pattern::Any, Way::Relay(relay))];
    let settle =
        SettleConfig::new("localhost".parse().expect("one"), "postmaster@localhost".parse().expect("one"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let running = Server::new("localhost")
            .for_development()
            .account("ann@localhost", "ann")
            .store(Arc::new(store))
            .connections(GateLimits { total: 10_000, per_address: 10_000 })
            .outbound(outbound, QueueConfig::new(settle), HickoryConfig::new([]))
            .listen(Listener::new(Service::Smtp).auth(Auth::Offered), (Ipv4Addr::LOCALHOST, 0))
            .start();
        let running = running.await.expect("a server");
        println!("{}", running.addr(Service::Smtp).expect("bound"));
        std::future::pending::<()>().await;
    });
}
