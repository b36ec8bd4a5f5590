//! The reference server inside a process of one's own: accounts, mailboxes and TLS, in memory.
//!
//! `cargo run -p mailwright-examples --example f_whole_server`, then `swaks --server ADDRESS --to ann@localhost`, and
//! read it by IMAP as `ann@localhost`, password `correct horse`. Ctrl-C ends it.

use mailwright::server::{Server, Service};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mail = Server::new("localhost")
        .account("ann@localhost", "correct horse")
        .listen(Service::Smtp, ([127, 0, 0, 1], 0)) // any free port
        .listen(Service::Imaps, ([127, 0, 0, 1], 0))
        .start()
        .await?;
    println!("listening on {:?}", mail.addrs());
    tokio::signal::ctrl_c().await?;
    mail.shutdown().await; // finishes what is under way
    Ok(())
}
