//! Mail into an application: a closure, and a name to be called by.
//!
//! `cargo run -p mailwright-examples --example a_receive`, then `swaks --server ADDRESS --to ann@example.org`, with the
//! address that it prints.

use mailwright::tokio::smtp::{SmtpServer, on_message};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // Any free port. In earnest `SmtpServer::new(..).listen("0.0.0.0:25").await`, and no listener.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let print = on_message(|mail| async move {
        println!("{} -> {:?}: {} octets", mail.from, mail.to, mail.body.len());
        Ok(()) // 250: the mail is ours now. An error is a 451: the client keeps it, and tries again.
    });
    SmtpServer::new("mx.example.org", print).serve(listener).await;
    Ok(())
}
