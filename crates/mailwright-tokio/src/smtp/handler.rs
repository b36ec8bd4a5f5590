//! What an application implements to receive mail.

use std::future::Future;
use std::net::SocketAddr;

use mailwright_auth::Credentials;
use mailwright_core::{Address, ReversePath, TlsInfo, TraceId};
use mailwright_smtp::{Hello, MailParams, Rejection};

use super::body::Body;
use crate::listener::Peer;

/// A decision. Any error becomes a temporary refusal by `?`, so the client keeps the message. The client is told "451
/// 4.3.0 local error" and the trace id, and the log, which is that of the crate `tracing`, what the error was.
pub type Verdict<T = ()> = Result<T, Rejection>;

/// Decides what mail is taken, and takes it. One method has to be written; the others say yes, but for
/// [`auth`](Self::auth).
///
/// ```
/// use mailwright_core::Address;
/// use mailwright_smtp::Rejection;
/// use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
///
/// struct Tickets;
///
/// impl SmtpHandler for Tickets {
///     async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
///         if to.local().starts_with("ticket-") { Ok(()) } else { Err(Rejection::no_such_user()) }
///     }
///
///     async fn message(&self, cx: &Ctx, _envelope: &Envelope, body: Body) -> Verdict<String> {
///         let id = cx.trace_id();
///         body.save_to(format!("inbox/{id}.eml")).await?;
///         Ok(format!("queued as {id}"))
///     }
/// }
/// ```
///
/// A method is not called again before it has returned, and its future is dropped when the connection ends;
/// only [`message`](Self::message) is run to its end once the whole content has come.
pub trait SmtpHandler: Send + Sync + 'static {
    /// A client introduces itself.
    fn hello(&self, _cx: &Ctx, _hello: &Hello) -> impl Future<Output = Verdict> + Send {
        async { Ok(()) }
    }

    /// Is it this user? Gives the name that [`Ctx::user`] has from then on. Called only if mechanisms are
    /// offered; says no unless written.
    fn auth(&self, _cx: &Ctx, _credentials: Credentials) -> impl Future<Output = Verdict<String>> + Send {
        async { Err(Rejection::auth_failed()) }
    }

    /// A transaction begins.
    fn mail(
        &self,
        _cx: &Ctx,
        _from: &ReversePath,
        _params: &MailParams,
    ) -> impl Future<Output = Verdict> + Send {
        async { Ok(()) }
    }

    /// A recipient more. `<Postmaster>` comes as `postmaster` at the server's own name.
    fn rcpt(&self, _cx: &Ctx, _to: &Address) -> impl Future<Output = Verdict> + Send {
        async { Ok(()) }
    }

    /// The content is to follow.
    fn data(&self, _cx: &Ctx, _envelope: &Envelope) -> impl Future<Output = Verdict> + Send {
        async { Ok(()) }
    }

    /// Takes responsibility for a message, and gives the text of the 250 reply: a good place for
    /// [`Ctx::trace_id`]. When this returns `Ok` the message must be durable. What it returns before it has seen
    /// the end of the body counts once the end has come.
    ///
    /// It has [`body_answer`](mailwright_smtp::server::Timeouts::body_answer), 8 minutes, for it once the end has come;
    /// then the client is told to try again, and the message may come twice. Messages of other connections are taken at
    /// the same time.
    fn message(
        &self,
        cx: &Ctx,
        envelope: &Envelope,
        body: Body,
    ) -> impl Future<Output = Verdict<String>> + Send;
}

/// What is known of a connection and of its current transaction.
#[derive(Debug, Clone)]
pub struct Ctx {
    pub(super) peer: Peer,
    pub(super) tls: Option<TlsInfo>,
    pub(super) hello: Option<Hello>,
    pub(super) user: Option<String>,
    pub(super) trace_id: TraceId,
}

impl Ctx {
    /// The client's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer.remote
    }

    /// Our address that it connected to.
    pub fn local(&self) -> SocketAddr {
        self.peer.local
    }

    /// What was negotiated, if TLS is on.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// How the client introduced itself.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Who the client has proved to be.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The id of the current transaction, which stands in refusals, too.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }
}

/// From whom, to whom (RFC 5321 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where failures are reported to.
    pub from: ReversePath,
    /// The recipients that were taken, in order.
    pub to: Vec<Address>,
    /// What else the client said about the message.
    pub params: MailParams,
}
