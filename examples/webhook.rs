//! SMTP to webhook: each message is POSTed as JSON, and the client is told 250 once the hook has said 2xx. No queue is
//! needed: while the hook is down clients are told 451, and they have a queue. As ever, what was taken and not answered
//! for in time comes twice (RFC 1047): a hook that minds looks at the Message-ID.
//!
//! `cargo run -p mailwright-examples --example webhook -- http://127.0.0.1:8080/mail`, then `swaks --server ADDRESS --to
//! ann@example.org`.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use mailwright::message::{decode_header, scan};
use mailwright::tokio::smtp::{Mail, SmtpServer, on_message};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long the hook may take. Clients wait 10 minutes for the reply to a message (RFC 5321 §4.5.3.2.6).
const PATIENCE: Duration = Duration::from_secs(60);

/// Most octets of its response that are read. Only the first line counts.
const RESPONSE_MAX: u64 = 4096;

/// Where it is: `http://host:port/path`.
#[derive(Clone)]
struct Hook {
    host: String,
    path: String,
}

impl Hook {
    fn parse(url: &str) -> Option<Self> {
        let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
        Some(Self { host: host.to_owned(), path: format!("/{path}") })
    }

    async fn post(&self, json: &str) -> Result<()> {
        let Self { host, path } = self;
        let mut stream = TcpStream::connect(host).await?;
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        let of_body = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", json.len());
        stream.write_all(format!("{head}{of_body}{json}").as_bytes()).await?;
        let mut response = Vec::new();
        stream.take(RESPONSE_MAX).read_to_end(&mut response).await?;
        // What it says besides need not be UTF-8, and is no reason to be told again.
        let response = String::from_utf8_lossy(&response);
        match response.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => Ok(()),
            _ => {
                Err(Error::other(format!("the hook says {:?}", response.lines().next().unwrap_or_default())))
            }
        }
    }
}

fn as_json(mail: &Mail) -> String {
    let to: Vec<String> = mail.to.iter().map(ToString::to_string).collect();
    // Null if nobody wants to hear of failures, as with reports.
    let from = mail.from.address().map(ToString::to_string);
    let subject = scan(&mail.body).envelope().ok().and_then(|envelope| envelope.subject.map(decode_header));
    let message = String::from_utf8_lossy(&mail.body);
    let id = mail.cx.trace_id().to_string();
    json!({ "id": id, "from": from, "to": to, "subject": subject, "message": message }).to_string()
}

#[tokio::main]
async fn main() -> Result<()> {
    let hook = std::env::args().nth(1).as_deref().and_then(Hook::parse);
    let hook =
        hook.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "usage: webhook http://host:port/path"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let post = on_message(move |mail| {
        let hook = hook.clone();
        // Each `?` is a 451, and its error is in the log.
        async move { Ok(timeout(PATIENCE, hook.post(&as_json(&mail))).await??) }
    });
    SmtpServer::new("mx.example.org", post).serve(listener).await;
    Ok(())
}
