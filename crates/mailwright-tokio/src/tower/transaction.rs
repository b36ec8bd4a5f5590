//! A service that is given messages.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;

use mailwright_smtp::Rejection;
use thiserror::Error;
use tower_service::Service;

use super::BoxError;
use crate::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};

/// One message, as [`SmtpHandler::message`] is given it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Transaction {
    /// The client, and the trace id.
    pub cx: Ctx,
    /// From whom, to whom.
    pub envelope: Envelope,
    /// The content, as it arrives.
    pub body: Body,
}

/// A [`Rejection`] as an error of a service, for a `Rejection` itself is no [`Error`]. However many layers wrap it, the
/// client is told what it says.
#[derive(Debug, Clone, Error)]
#[error("{0}")]
pub struct Rejected(pub Rejection);

impl From<Rejection> for Rejected {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

/// The handler that [`on_transaction`] makes.
#[derive(Clone)]
pub struct OnTransaction<S>(S);

/// A handler that is a service: it takes mail for anybody, and the client is told 250 and the text that the service gives.
/// Each message is given to a clone.
///
/// Until the service is ready, the content is not read, and the client can send no further: that is the back-pressure.
/// An error is told as "451 4.3.0 local error", so the client keeps the message and comes again, be it of a time-out, of
/// shedding or of a filter; but a [`Rejected`] is told as what it says.
///
/// ```
/// use std::time::Duration;
///
/// use mailwright_tokio::tower::{BoxError, Transaction, on_transaction};
/// use tower::{ServiceBuilder, service_fn};
///
/// let deliver = service_fn(|transaction: Transaction| async move {
///     let octets = transaction.body.bytes().await?;
///     Ok::<_, BoxError>(format!("{} octets for {:?}", octets.len(), transaction.envelope.to))
/// });
/// let limits = ServiceBuilder::new().load_shed().concurrency_limit(16).timeout(Duration::from_secs(60));
/// let handler = on_transaction(limits.service(deliver));
/// # let _ = handler;
/// ```
///
/// Who is timed out is dropped where it is. If that is behind the point at which the message was safe, the message comes
/// twice, and is not lost.
pub fn on_transaction<S>(service: S) -> OnTransaction<S>
where
    S: Service<Transaction, Response = String> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    OnTransaction(service)
}

impl<S> SmtpHandler for OnTransaction<S>
where
    S: Service<Transaction, Response = String> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        // Each its own: what one was told of readiness is not for another.
        let mut service = self.0.clone();
        let transaction = Transaction { cx: cx.clone(), envelope: envelope.clone(), body };
        let delivered = async {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(transaction).await
        };
        delivered.await.map_err(|error: S::Error| rejection(error.into()))
    }
}

impl<S> fmt::Debug for OnTransaction<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnTransaction")
    }
}

/// What somebody within has refused; else something has failed here, and the client keeps the message.
fn rejection(error: BoxError) -> Rejection {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if let Some(Rejected(rejection)) = error.downcast_ref() {
            return rejection.clone();
        }
        cause = error.source();
    }
    io::Error::other(error).into()
}
