//! A program that sends with lettre, and becomes durable by another transport: nothing else in it changes.
//!
//! `MAILWRIGHT_RELAY='smtp://ADDRESS?tls=never' cargo run -p mailwright-examples --example lettre_transport`, with
//! `--example a_receive` beside it.

use std::error::Error;

use lettre::{AsyncTransport, Message};
use mailwright::core::TraceId;
use mailwright::delivery::outbound::Route;
use mailwright::delivery::{Envelope, Queue, QueueEvent, RunningQueue, SqliteStore};

type Failure = Box<dyn Error + Send + Sync>;

/// lettre's way into our queue.
struct Durable(RunningQueue<SqliteStore>);

#[async_trait::async_trait]
impl AsyncTransport for Durable {
    type Ok = TraceId;
    type Error = Failure;

    async fn send_raw(&self, envelope: &lettre::address::Envelope, mail: &[u8]) -> Result<TraceId, Failure> {
        let envelope = match envelope.from() {
            Some(from) => Envelope::new(from.as_ref(), envelope.to())?,
            None => Envelope::without_sender(envelope.to())?,
        };
        Ok(self.0.submit(envelope, mail.to_vec()).await?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let relay = Route::smarthost(&std::env::var("MAILWRIGHT_RELAY")?)?;
    let queue = Queue::open(std::env::temp_dir().join("mailwright-queue")).await?.route(relay).start()?;
    let mut events = queue.events();
    let transport = Durable(queue);

    let mail = Message::builder()
        .from("App <app@example.org>".parse()?)
        .to("Ann <ann@example.net>".parse()?)
        .subject("Tea")
        .body("At four.\n".to_owned())?;
    println!("on the disk as {}", transport.send(mail).await?);

    while let Ok(event) = events.recv().await {
        if let QueueEvent::Delivered { to, reply, .. } | QueueEvent::Bounced { to, reply, .. } = event {
            println!("{to}: {}", reply.text);
            break;
        }
    }
    transport.0.shutdown().await;
    Ok(())
}
