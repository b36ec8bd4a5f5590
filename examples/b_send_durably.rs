//! Mail that survives: `MAILWRIGHT_RELAY='smtp://ADDRESS?tls=never' cargo run -p mailwright-examples --example
//! b_send_durably`, with `--example a_receive` beside it; kill either, and start it again.

use mailwright::delivery::outbound::Route;
use mailwright::delivery::{Envelope, Queue, QueueEvent};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In earnest `smtps://app@relay.example.org?secret_file=/run/secrets/relay`, or `Route::mx()` and a hostname.
    let relay = Route::smarthost(&std::env::var("MAILWRIGHT_RELAY")?)?;
    let queue = Queue::open(std::env::temp_dir().join("mailwright-queue")).await?.route(relay).start()?;
    let mut events = queue.events(); // from here on, so before anything is submitted
    let mail = "From: app@example.org\nTo: ticket-42@mx.example.org\nSubject: Tea\n\nAt four.\n";
    let envelope = Envelope::new("app@example.org", ["ticket-42@mx.example.org"])?;
    println!("on the disk as {}", queue.submit(envelope, mail).await?);
    loop {
        match events.recv().await? {
            QueueEvent::Delivered { to, reply, .. } => break println!("{to} has it: {}", reply.text),
            QueueEvent::Deferred { to, next, .. } => println!("{to} not yet, again at {next:?}"),
            QueueEvent::Bounced { to, reply, .. } => break println!("{to} never: {}", reply.text),
            _ => {}
        }
    }
    queue.shutdown().await;
    Ok(())
}
