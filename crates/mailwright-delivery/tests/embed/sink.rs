//! A server that keeps what it is sent, but for whom it refuses.

use std::time::Duration;

use mailwright_auth::Credentials;
use mailwright_core::Address;
use mailwright_smtp::{Body as BodyType, Rejection};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) const USER: &str = "app@us.example";
pub(crate) const PASSWORD: &str = "correct horse";

/// What arrived.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) user: Option<String>,
    pub(crate) tls: bool,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) eight_bit: bool,
    pub(crate) content: String,
}

/// All that arrives.
pub(crate) struct Inbox(mpsc::Receiver<Kept>);

impl Inbox {
    pub(crate) async fn next(&mut self) -> Kept {
        // Of a time that may stand still.
        timeout(Duration::from_secs(30 * 24 * 3600), self.0.recv()).await.unwrap().unwrap()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Takes all mail but that for `never...` and, for now, `later...`.
pub(crate) struct Sink(mpsc::Sender<Kept>);

impl Sink {
    pub(crate) fn new() -> (Self, Inbox) {
        let (kept, mail) = mpsc::channel(16);
        (Self(kept), Inbox(mail))
    }
}

impl SmtpHandler for Sink {
    async fn auth(&self, _: &Ctx, credentials: Credentials) -> Verdict<String> {
        match credentials.password.expose() == PASSWORD.as_bytes() && credentials.user == USER {
            true => Ok(credentials.user),
            false => Err(Rejection::auth_failed()),
        }
    }

    async fn rcpt(&self, _: &Ctx, to: &Address) -> Verdict {
        match to.local() {
            local if local.starts_with("never") => Err(Rejection::no_such_user()),
            local if local.starts_with("later") => Err(Rejection::new(450, (4, 3, 0), "not today")?),
            _ => Ok(()),
        }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let kept = Kept {
            name: cx.hello().unwrap().name.clone(),
            user: cx.user().map(str::to_owned),
            tls: cx.tls().is_some(),
            from: envelope.from.to_string(),
            to: envelope.to.iter().map(ToString::to_string).collect(),
            eight_bit: envelope.params.body == Some(BodyType::EightBitMime),
            content: String::from_utf8(body.bytes().await?.to_vec()).unwrap(),
        };
        self.0.send(kept).await.unwrap();
        Ok("kept".to_owned())
    }
}
