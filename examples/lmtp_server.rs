//! An LMTP server (RFC 2033): the last step behind a mail server that has the queue, as Postfix has with its transport
//! `lmtp`. Each recipient has an answer of its own, so that a full mailbox keeps nobody else waiting.
//!
//! `cargo run -p mailwright-examples --example lmtp_server`, then `swaks --protocol LMTP --server ADDRESS --to
//! ann@example.org,bob@example.org`, three times. Mail is put into `mail/`.

use mailwright::smtp::{Config, server::Protocol};
use mailwright::tokio::smtp::{Address, Body, Ctx, Envelope, Rejection, SmtpHandler, SmtpServer, Verdict};
use tokio::fs;

/// Who has a mailbox, and how many mails fit into it.
const MAILBOXES: [(&str, usize); 2] = [("ann", 100), ("bob", 2)];

struct Mailboxes;

impl Mailboxes {
    async fn deliver(&self, cx: &Ctx, to: &Address, mail: &[u8]) -> Verdict<String> {
        let mailbox = MAILBOXES.into_iter().find(|(name, _)| *name == to.local());
        let (name, room) = mailbox.ok_or_else(Rejection::no_such_user)?;
        let folder = format!("mail/{name}");
        fs::create_dir_all(&folder).await?;
        if std::fs::read_dir(&folder)?.count() >= room {
            return Err(Rejection::mailbox_full()); // 452: the server before us tries again
        }
        let file = format!("{folder}/{}.eml", cx.trace_id()); // not of the address, which anybody may choose
        fs::write(&file, mail).await?;
        fs::File::open(&file).await?.sync_all().await?;
        Ok(format!("delivered to {name}"))
    }
}

impl SmtpHandler for Mailboxes {
    async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
        let known = MAILBOXES.iter().any(|(name, _)| *name == to.local());
        if known { Ok(()) } else { Err(Rejection::no_such_user()) }
    }

    async fn deliveries(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Vec<Verdict<String>> {
        let mut verdicts = Vec::new();
        match body.bytes().await {
            Ok(mail) => {
                for to in &envelope.to {
                    verdicts.push(self.deliver(cx, to, &mail).await);
                }
            }
            Err(gone) => println!("{gone}"), // who has no answer is told to try again
        }
        verdicts
    }

    // What SMTP would ask, where one answer is for all.
    async fn message(&self, _cx: &Ctx, _envelope: &Envelope, _body: Body) -> Verdict<String> {
        Err(Rejection::local_error())
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let config =
        Config { hostname: "store.example.org".to_owned(), protocol: Protocol::Lmtp, ..Config::default() };
    SmtpServer::with_config(config, Mailboxes).serve(listener).await;
    Ok(())
}
