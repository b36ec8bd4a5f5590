//! A closure as a handler.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use mailwright_core::{Address, ReversePath};

use super::body::Body;
use super::handler::{Ctx, Envelope, SmtpHandler, Verdict};

/// A message as [`on_message`] gives it: whole, in memory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mail {
    /// Where failures are reported to; `<>` if nowhere. Nobody has proved it. Its
    /// [`address`](ReversePath::address) is shown without angle brackets, as those of `to` are.
    pub from: ReversePath,
    /// The recipients, one at least, in the order in which they were named. Who stands in the fields To and Cc is
    /// another matter.
    pub to: Vec<Address>,
    /// Header and body with CRLF line ends, as RFC 5322 has them; at most
    /// [`message_size`](mailwright_smtp::server::Limits::message_size) octets, which is 25 MiB by default. They need not
    /// be UTF-8. `scan` and `decode_header` of `mailwright-message` find the subject; a parser of mail, the parts.
    pub body: Bytes,
    /// From where, and the trace id.
    pub cx: Ctx,
}

/// The handler that [`on_message`] makes.
#[derive(Clone)]
pub struct OnMessage<F>(F);

/// A handler that is a closure: it takes mail for anybody, and the client is told 250 when the closure's future is
/// `Ok`. Any error becomes a 451 by `?`, so the client keeps the message and tries again.
///
/// ```no_run
/// use mailwright_tokio::smtp::{SmtpServer, on_message};
///
/// # async fn main_() -> std::io::Result<()> {
/// let print = on_message(|mail| async move {
///     println!("{} -> {:?}: {} octets", mail.from, mail.to, mail.body.len());
///     Ok(())
/// });
/// SmtpServer::new("mx.example.org", print).listen("127.0.0.1:2525").await
/// # }
/// ```
///
/// The client is told no more of an error than that there was one. Who has something to say returns a
/// [`Rejection`](mailwright_smtp::Rejection):
///
/// ```
/// use mailwright_tokio::smtp::{Rejection, on_message};
///
/// # async fn hand_on(_message: &[u8]) -> std::io::Result<()> { Ok(()) }
/// on_message(|mail| async move {
///     if mail.body.len() > 1 << 20 {
///         return Err(Rejection::too_big().with_text("1 MiB at most, please")); // 552: the client gives up
///     }
///     let asleep = |error| Rejection::from(error).with_text("our archive is asleep, try again later");
///     hand_on(&mail.body).await.map_err(asleep) // 451, and the log has the error
/// });
/// ```
///
/// It has [`body_answer`](mailwright_smtp::server::Timeouts::body_answer), 8 minutes, like
/// [`SmtpHandler::message`]. Who wants to refuse recipients, or to stream the content, writes an [`SmtpHandler`].
pub fn on_message<F, A>(take: F) -> OnMessage<F>
where
    F: Fn(Mail) -> A + Send + Sync + 'static,
    A: Future<Output = Verdict> + Send,
{
    OnMessage(take)
}

impl<F, A> SmtpHandler for OnMessage<F>
where
    F: Fn(Mail) -> A + Send + Sync + 'static,
    A: Future<Output = Verdict> + Send,
{
    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let Envelope { from, to, .. } = envelope.clone();
        let body = body.bytes().await?;
        (self.0)(Mail { from, to, body, cx: cx.clone() }).await?;
        Ok(format!("accepted as {}", cx.trace_id()))
    }
}

impl<F> fmt::Debug for OnMessage<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnMessage")
    }
}
