//! Receiving mail: for anybody, unless something is to go wrong.

use std::sync::{Arc, Mutex, PoisonError};

use mailwright_access::{Authenticate as _, LoginError};
use mailwright_auth::Credentials;
use mailwright_core::{Address, ReversePath};
use mailwright_smtp::{Hello, MailParams, Rejection};
use mailwright_tokio::smtp::{Body, BodyError, Ctx, Envelope, SmtpHandler, Verdict};
use tokio::time::sleep;

use crate::content::Content;
use crate::fault::{Fault, Stage};
use crate::message::{self, Message};
use crate::shared::Shared;
use crate::tape::Wire;

/// One connection's.
pub(crate) struct Handler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wire: Arc<Wire>,
    /// The sender of the current transaction.
    pub(crate) from: Mutex<String>,
}

/// What is still to go wrong, when all has gone well.
#[must_use]
enum Then {
    Answer,
    LoseReply,
}

impl SmtpHandler for Handler {
    async fn hello(&self, _cx: &Ctx, _hello: &Hello) -> Verdict {
        self.stage(Stage::Hello).await
    }

    async fn auth(&self, cx: &Ctx, credentials: Credentials) -> Verdict<String> {
        self.stage(Stage::Auth).await?;
        match self.shared.logins.login(cx.peer().ip(), credentials).await {
            Ok(user) => Ok(user.login),
            Err(LoginError::Wrong) => Err(Rejection::auth_failed()),
            Err(_) => Err(Rejection::auth_unavailable()),
        }
    }

    async fn mail(&self, _cx: &Ctx, from: &ReversePath, _params: &MailParams) -> Verdict {
        self.stage(Stage::Mail).await?;
        *self.from.lock().unwrap_or_else(PoisonError::into_inner) = from.to_string();
        Ok(())
    }

    async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
        self.stage(Stage::Rcpt).await?;
        let from = self.from.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_new = self.shared.greylist().as_mut().is_some_and(|greylist| greylist.is_new(from, to));
        if is_new { Err(Rejection::new(451, (4, 7, 1), "greylisted, try again later")?) } else { Ok(()) }
    }

    async fn data(&self, _cx: &Ctx, _envelope: &Envelope) -> Verdict {
        self.stage(Stage::Data).await
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let raw = body.bytes().await.map_err(|gone: BodyError| Rejection::from(gone))?;
        let then = self.fault(Stage::Message).await?;
        if self.shared.arrivals.are_full() {
            return Err(Rejection::insufficient_storage());
        }
        self.shared.logins.mailboxes.deliver(&envelope.to, &raw).await?;
        let envelope = message::Envelope {
            from: envelope.from.address().map(ToString::to_string).unwrap_or_default(),
            to: envelope.to.iter().map(ToString::to_string).collect(),
            user: cx.user().map(str::to_owned),
        };
        self.shared
            .arrivals
            .push(Message { envelope: Arc::new(envelope), content: Arc::new(Content::read(raw)) });
        if let Then::LoseReply = then {
            self.wire.disconnect(
                "the message was taken, and the connection breaks before the reply, as it was told to",
            );
        }
        Ok(format!("accepted as {}", cx.trace_id()))
    }
}

impl Handler {
    /// Does what is to go wrong at a stage that has nothing to lose.
    async fn stage(&self, stage: Stage) -> Verdict {
        if let Then::LoseReply = self.fault(stage).await? {
            self.wire.disconnect("the connection breaks before the reply, as it was told to");
        }
        Ok(())
    }

    async fn fault(&self, stage: Stage) -> Verdict<Then> {
        match self.shared.faults.take(stage) {
            None => {}
            Some(Fault::Refuse(rejection)) => return Err(rejection),
            Some(Fault::Delay(time)) => sleep(time).await,
            Some(Fault::Disconnect) => {
                self.wire.disconnect("the connection breaks here, as it was told to");
                // Nobody hears it.
                return Err(Rejection::local_error());
            }
            Some(Fault::LoseReply) => return Ok(Then::LoseReply),
        }
        Ok(Then::Answer)
    }
}
