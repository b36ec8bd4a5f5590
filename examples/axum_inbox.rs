//! Received mail on a web page: SMTP and axum in one program, with the messages between them.
//!
//! `cargo run -p mailwright-examples --example axum_inbox`, then `swaks --server ADDRESS --to ann@example.org`, and
//! `curl http://ADDRESS/`, with the addresses that it prints.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use mailwright::tokio::smtp::{Mail, SmtpServer, on_message};
use tokio::net::TcpListener;

/// Messages that are kept; older ones make room.
const KEPT: usize = 100;

/// The newest first.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<VecDeque<Mail>>>);

impl Inbox {
    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<Mail>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, mail: Mail) {
        self.with(|mails| {
            mails.push_front(mail);
            mails.truncate(KEPT);
        });
    }
}

/// A line a message.
async fn list(State(inbox): State<Inbox>) -> String {
    let line = |mail: &Mail| format!("{} {} -> {:?}\n", mail.cx.trace_id(), mail.from, mail.to);
    inbox.with(|mails| mails.iter().map(line).collect())
}

/// A message as it came. As plain text: what strangers send is not shown as HTML.
async fn show(State(inbox): State<Inbox>, Path(id): Path<String>) -> Result<String, StatusCode> {
    let found = inbox.with(|mails| mails.iter().find(|mail| mail.cx.trace_id().to_string() == id).cloned());
    found.map(|mail| String::from_utf8_lossy(&mail.body).into_owned()).ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (smtp, http) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    println!("listening on {} for SMTP, on {} for HTTP", smtp.local_addr()?, http.local_addr()?);
    let inbox = Inbox::default();
    let router = Router::new().route("/", get(list)).route("/{id}", get(show)).with_state(inbox.clone());
    let keep = on_message(move |mail| {
        inbox.keep(mail);
        async { Ok(()) }
    });
    tokio::spawn(SmtpServer::new("mx.example.org", keep).serve(smtp));
    axum::serve(http, router).await
}
