//! What a queue needs to start.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use mailwright_delivery::outbound::{Relay, RelayHost, Route, Way};
use mailwright_delivery::{OpenQueue, Queue, StartError};
use mailwright_dns::Zones;
use mailwright_store::MemoryStore;

fn queue() -> OpenQueue<MemoryStore> {
    Queue::on(Arc::default()).dns(Zones::default())
}

fn some_by_relay() -> Route {
    let relay = Relay::new(RelayHost::at(IpAddr::V4(Ipv4Addr::LOCALHOST), 25));
    Route::new("example.net".parse().unwrap(), Way::Relay(relay))
}

fn plain() -> Route {
    Route::smarthost("smtp://127.0.0.1?tls=never").unwrap()
}

fn may_be_secure() -> Route {
    Route::smarthost("smtp://127.0.0.1?tls=opportunistic").unwrap()
}

fn secure() -> Route {
    Route::smarthost("smtps://127.0.0.1").unwrap()
}

/// What is missing is told before any mail is taken. No provider is installed in this process.
#[tokio::test]
async fn what_is_missing_is_told() {
    let name = || "us.example".parse().unwrap();
    for (number, (queue, told)) in [
        (queue(), "no hostname"),
        (queue().route(Route::mx()), "no hostname"),
        (queue().route(some_by_relay()), "no hostname"),
        (queue().route(some_by_relay()).route(Route::mx()).route(plain()), "no hostname"),
        (queue().hostname(name()), "no TLS"),
        (queue().route(secure()), "no TLS"),
        (queue().route(may_be_secure()), "no TLS"),
        (queue().route(secure()).without_tls(), "a route demands TLS"),
        (queue().route(some_by_relay()).hostname(name()).without_tls(), "a route demands TLS"),
        (queue().hostname(name()).without_tls(), ""),
        (queue().route(may_be_secure()).without_tls(), ""),
        (queue().route(plain()), ""),
        (queue().route(plain()).route(Route::mx()), ""),
    ]
    .into_iter()
    .enumerate()
    {
        match queue.start() {
            Ok(queue) => {
                assert_eq!(told, "", "{number}");
                assert!(queue.shutdown().await);
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!told.is_empty() && text.contains(told), "{number}: {text}");
            }
        }
    }
}

#[test]
fn there_is_a_runtime() {
    let error = queue().route(plain()).start().unwrap_err();
    assert!(matches!(error, StartError::NoRuntime), "{error}");
}
