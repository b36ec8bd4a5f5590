//! Mail into an application: `cargo run -p mailwright-examples --example receive`, then
//! `swaks --server 127.0.0.1:2525 --to ticket-42@mx.example.org`.

use mailwright_core::Address;
use mailwright_smtp::Rejection;
use mailwright_tokio::SmtpServer;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use tokio::net::TcpListener;

struct Tickets;

impl SmtpHandler for Tickets {
    async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
        if to.local().starts_with("ticket-") { Ok(()) } else { Err(Rejection::no_such_user()) }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        println!("{} -> {:?}: {} octets", envelope.from, envelope.to, body.bytes().await?.len());
        Ok(format!("filed as {}", cx.trace_id()))
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:2525").await?;
    println!("listening on {}", listener.local_addr()?);
    SmtpServer::new("mx.example.org", Tickets).serve(listener).await;
    Ok(())
}
