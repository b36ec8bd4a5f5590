//! Mail into an application that decides who gets any, and streams it to the disk, however large it is.
//!
//! `cargo run -p mailwright-examples --example a2_receive_policy`, then `swaks --server ADDRESS --to
//! ticket-42@mx.example.org`, and to somebody else. Mail is put into `inbox/`.

use mailwright::tokio::smtp::{Address, Body, Ctx, Envelope, Rejection, SmtpHandler, SmtpServer, Verdict};

struct Tickets;

impl SmtpHandler for Tickets {
    async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
        if to.local().starts_with("ticket-") { Ok(()) } else { Err(Rejection::no_such_user()) }
    }

    async fn message(&self, cx: &Ctx, _envelope: &Envelope, body: Body) -> Verdict<String> {
        let id = cx.trace_id(); // no other message has it, and the client is told it, too
        body.save_to(format!("inbox/{id}.eml")).await?; // whole and synced, or not there: an error is a 451
        Ok(format!("queued as {id} for {}", cx.peer()))
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("inbox")?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    SmtpServer::new("mx.example.org", Tickets).serve(listener).await;
    Ok(())
}
