//! A server that keeps what it takes, and refuses some.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mailwright_core::Address;
use mailwright_smtp::{Config, Hello, Rejection};
use mailwright_tokio::SmtpServer;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};

use crate::support::Background;

/// A message that was taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) message: String,
    /// When the connection said EHLO: whoever began it was there then.
    pub(super) since: Instant,
}

/// Runs until this goes out of scope. Who begins with `refused` is refused for good, who begins with `later` the first
/// time that mail comes.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) smtp: SocketAddr,
    handler: Arc<Handler>,
    _background: Background,
}

#[derive(Debug, Default)]
struct Handler {
    taken: Mutex<Vec<Taken>>,
    told_later: Mutex<BTreeSet<String>>,
    since: Mutex<BTreeMap<SocketAddr, Instant>>,
}

impl Sink {
    pub(super) fn start() -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    pub(super) fn start_at(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        listener.set_nonblocking(true).unwrap();
        let smtp = listener.local_addr().unwrap();
        let handler = Arc::new(Handler::default());
        let server = SmtpServer::with_config(Config::default(), Shared(Arc::clone(&handler)));
        let background = Background::start(move || async move {
            server.serve(tokio::net::TcpListener::from_std(listener).unwrap()).await;
        });
        Self { smtp, handler, _background: background }
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.handler.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Shared(Arc<Handler>);

impl SmtpHandler for Shared {
    async fn hello(&self, cx: &Ctx, _hello: &Hello) -> Verdict {
        self.0.since.lock().unwrap_or_else(PoisonError::into_inner).insert(cx.peer(), Instant::now());
        Ok(())
    }

    async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
        if to.local().starts_with("refused") {
            return Err(Rejection::new(550, (5, 1, 1), "nobody of that name")?);
        }
        let mut told_later = self.0.told_later.lock().unwrap_or_else(PoisonError::into_inner);
        if to.local().starts_with("later") && told_later.insert(to.to_string()) {
            return Err(Rejection::new(451, (4, 2, 0), "come back")?);
        }
        Ok(())
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let message = String::from_utf8_lossy(&body.bytes().await?).into_owned();
        let since = *self.0.since.lock().unwrap_or_else(PoisonError::into_inner).get(&cx.peer()).unwrap();
        let to = envelope.to.iter().map(ToString::to_string).collect();
        let taken = Taken { from: envelope.from.to_string(), to, message, since };
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
        Ok("sunk".to_owned())
    }
}
