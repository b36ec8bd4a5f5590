//! tower's layers around accept: a session is a `Service<Connection>`, so whatever there is for services limits,
//! delays, sheds or refuses connections, before a word is said.
//!
//! `cargo run -p mailwright-examples --example tower_accept`, then `swaks --server ADDRESS --to ann@example.org` once
//! from 127.0.0.1, and once with `--local-interface 127.0.0.2`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use mailwright::bytes::Bytes;
use mailwright::tokio::smtp::{SmtpServer, on_message};
use mailwright::tokio::{Gate, GateLimits, Io, Peer, Shutdown, accept_all};
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

/// What the services take: a connection, and whose it is.
struct Connection {
    io: Box<dyn Io>,
    peer: Peer,
}

/// Nobody is let in from there.
const BANNED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn allowed(connection: Connection) -> Result<Connection, BoxError> {
    // What is not handed on is dropped, and so closed.
    if connection.peer.remote.ip() == BANNED { Err("not from there".into()) } else { Ok(connection) }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let print = on_message(|mail| async move {
        println!("{} -> {:?}: {} octets", mail.from, mail.to, mail.body.len());
        Ok(())
    });
    let server = Arc::new(SmtpServer::new("mx.example.org", print));
    let session = service_fn(move |Connection { io, peer }| {
        let server = Arc::clone(&server);
        async move {
            server.session(io, peer).await;
            Ok::<_, BoxError>(())
        }
    });
    let sessions = ServiceBuilder::new()
        .load_shed() // who finds no room is let go, and not kept waiting
        .concurrency_limit(100)
        .filter(allowed)
        .timeout(Duration::from_secs(3600)) // however busy it looks
        .service(session);
    let sessions = BoxCloneSyncService::new(sessions);
    // The gate counts by address, which no layer above does.
    let gate = Gate::new(GateLimits::default());
    accept_all(listener, gate, Shutdown::new(), Bytes::from_static(b"421 busy\r\n"), |io, peer| {
        let session = sessions.clone().oneshot(Connection { io, peer });
        async move {
            if let Err(error) = session.await {
                println!("{}: {error}", peer.remote.ip());
            }
        }
    })
    .await;
    Ok(())
}
