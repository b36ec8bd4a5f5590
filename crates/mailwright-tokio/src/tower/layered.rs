//! Layers around the delivery of each message.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use mailwright_auth::{Credentials, LookUp, ScramKeys, ScramProof, Token, TokenRefusal};
use mailwright_core::{Address, ReversePath};
use mailwright_smtp::server::Etrn;
use mailwright_smtp::{Hello, MailParams, RcptParams};
use tower_layer::Layer;
use tower_service::Service;

use super::BoxError;
use super::transaction::{OnTransaction, Rejected, Transaction, on_transaction};
use crate::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};

/// A handler with layers around its [`message`](SmtpHandler::message); all else it does as before, but for
/// [`deliveries`](SmtpHandler::deliveries): in LMTP, too, each message goes through the layers, and so all its recipients
/// have the same answer.
///
/// ```
/// use std::time::Duration;
///
/// use mailwright_tokio::smtp::on_message;
/// use mailwright_tokio::tower::Layered;
/// use tower::ServiceBuilder;
///
/// let print = on_message(|mail| async move { Ok(println!("{} octets", mail.body.len())) });
/// let limits = ServiceBuilder::new().load_shed().concurrency_limit(16).timeout(Duration::from_secs(60));
/// let handler = Layered::new(print, limits);
/// # let _ = handler;
/// ```
///
/// What errors of layers are told as, and what a time-out means, is as with [`on_transaction`].
pub struct Layered<H, S> {
    handler: Arc<H>,
    message: OnTransaction<S>,
}

impl<H: SmtpHandler, S> Layered<H, S> {
    /// The layer is around a [`Deliver`], which gives messages to `handler`.
    pub fn new<L>(handler: H, layer: L) -> Self
    where
        L: Layer<Deliver<H>, Service = S>,
        S: Service<Transaction, Response = String> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
    {
        let handler = Arc::new(handler);
        let message = on_transaction(layer.layer(Deliver(Arc::clone(&handler))));
        Self { handler, message }
    }
}

impl<H, S> fmt::Debug for Layered<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layered")
    }
}

impl<H, S> SmtpHandler for Layered<H, S>
where
    H: SmtpHandler,
    OnTransaction<S>: SmtpHandler,
{
    fn connect(&self, cx: &Ctx) -> impl Future<Output = Verdict> + Send {
        self.handler.connect(cx)
    }

    fn hello(&self, cx: &Ctx, hello: &Hello) -> impl Future<Output = Verdict> + Send {
        self.handler.hello(cx, hello)
    }

    fn auth(&self, cx: &Ctx, credentials: Credentials) -> impl Future<Output = Verdict<String>> + Send {
        self.handler.auth(cx, credentials)
    }

    fn scram(&self, cx: &Ctx, wanted: &LookUp) -> impl Future<Output = Verdict<Vec<ScramKeys>>> + Send {
        self.handler.scram(cx, wanted)
    }

    fn proof(&self, cx: &Ctx, proof: ScramProof) -> impl Future<Output = Verdict<String>> + Send {
        self.handler.proof(cx, proof)
    }

    fn token(
        &self,
        cx: &Ctx,
        token: Token,
    ) -> impl Future<Output = Verdict<Result<String, TokenRefusal>>> + Send {
        self.handler.token(cx, token)
    }

    fn mail(
        &self,
        cx: &Ctx,
        from: &ReversePath,
        params: &MailParams,
    ) -> impl Future<Output = Verdict> + Send {
        self.handler.mail(cx, from, params)
    }

    fn rcpt(&self, cx: &Ctx, to: &Address) -> impl Future<Output = Verdict> + Send {
        self.handler.rcpt(cx, to)
    }

    fn recipient(&self, cx: &Ctx, to: &Address, params: &RcptParams) -> impl Future<Output = Verdict> + Send {
        self.handler.recipient(cx, to, params)
    }

    fn data(&self, cx: &Ctx, envelope: &Envelope) -> impl Future<Output = Verdict> + Send {
        self.handler.data(cx, envelope)
    }

    fn message(
        &self,
        cx: &Ctx,
        envelope: &Envelope,
        body: Body,
    ) -> impl Future<Output = Verdict<String>> + Send {
        self.message.message(cx, envelope, body)
    }

    fn burl(&self, cx: &Ctx, url: &str) -> impl Future<Output = Verdict<Bytes>> + Send {
        self.handler.burl(cx, url)
    }

    fn vrfy(&self, cx: &Ctx, name: &str) -> impl Future<Output = Verdict<Vec<String>>> + Send {
        self.handler.vrfy(cx, name)
    }

    fn expn(&self, cx: &Ctx, list: &str) -> impl Future<Output = Verdict<Vec<String>>> + Send {
        self.handler.expn(cx, list)
    }

    fn etrn(&self, cx: &Ctx, node: &str) -> impl Future<Output = Verdict<Etrn>> + Send {
        self.handler.etrn(cx, node)
    }
}

/// Gives messages to a handler: the innermost service of [`Layered`].
pub struct Deliver<H>(Arc<H>);

impl<H> Clone for Deliver<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for Deliver<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deliver")
    }
}

impl<H: SmtpHandler> Service<Transaction> for Deliver<H> {
    type Response = String;
    type Error = Rejected;
    type Future = Pin<Box<dyn Future<Output = Result<String, Rejected>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let handler = Arc::clone(&self.0);
        Box::pin(async move {
            let Transaction { cx, envelope, body } = transaction;
            Ok(handler.message(&cx, &envelope, body).await?)
        })
    }
}
