//! tower's layers around the taking of a connection: whatever there is for services limits, delays, sheds or refuses
//! connections, before a word is said.
//!
//! `cargo run -p mailwright-examples --example tower_accept`, then `swaks --server ADDRESS --to ann@example.org` once
//! from 127.0.0.1, and once with `--local-interface 127.0.0.2`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use mailwright::tokio::smtp::{SmtpServer, on_message};
use mailwright::tokio::tower::{BoxError, Connection, serve};
use mailwright::tokio::{Gate, GateLimits, Shutdown};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// Nobody is let in from there.
const BANNED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn allowed(connection: Connection) -> Result<Connection, BoxError> {
    let client = connection.peer.remote.ip();
    // What is not handed on is dropped, and so closed.
    if client == BANNED {
        println!("{client}: not from there");
        return Err("not from there".into());
    }
    Ok(connection)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let print = on_message(|mail| async move {
        println!("{} -> {:?}: {} octets", mail.from, mail.to, mail.body.len());
        Ok(())
    });
    let sessions = ServiceBuilder::new()
        .load_shed() // who finds no room is let go, and not kept waiting
        .concurrency_limit(100)
        .filter(allowed)
        .timeout(Duration::from_secs(3600)) // however busy it looks
        .service(Arc::new(SmtpServer::new("mx.example.org", print)));
    // The gate counts by address, which no layer above does.
    let gate = Gate::new(GateLimits::default());
    serve(listener, gate, Shutdown::new(), "421 4.7.0 too many connections\r\n".into(), sessions).await;
    Ok(())
}
