//! tower's layers around the delivery of each message: a limit, with shedding in front of it, and a time-out. A message
//! for which there is no room, or no time, stays with its sender, who is told 451 and comes again.
//!
//! `cargo run -p mailwright-examples --example tower_delivery`, then `swaks --server ADDRESS --to ann@example.org`, and
//! the same with `--to slow@example.org`.

use std::time::Duration;

use mailwright::tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, SmtpServer, Verdict};
use mailwright::tokio::tower::{Layered, Transaction};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::ServiceBuilder;

/// An archive that is slow at times.
struct Archive;

impl SmtpHandler for Archive {
    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let octets = body.bytes().await?.len();
        if envelope.to.iter().any(|to| to.local() == "slow") {
            sleep(Duration::from_secs(3600)).await;
        }
        println!("{}: {octets} octets are in the archive", cx.trace_id());
        Ok(format!("archived as {}", cx.trace_id()))
    }
}

fn begins(transaction: Transaction) -> Transaction {
    println!("{}: from {}", transaction.cx.trace_id(), transaction.envelope.from);
    transaction
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let layers = ServiceBuilder::new()
        .load_shed() // without it, senders would wait until there is room
        .concurrency_limit(2)
        .timeout(Duration::from_secs(2))
        .map_request(begins);
    SmtpServer::new("mx.example.org", Layered::new(Archive, layers)).serve(listener).await;
    Ok(())
}
