//! What an application implements to receive mail.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use mailwright_auth::{Credentials, LookUp, ScramKeys, ScramProof, Token, TokenRefusal};
use mailwright_core::{Address, ReversePath, TlsInfo, TraceId};
use mailwright_smtp::server::Etrn;
use mailwright_smtp::{Hello, MailParams, RcptParams, Rejection, Told, XClient};

use super::body::Body;
use crate::listener::Peer;

/// A decision. Any error becomes a temporary refusal by `?`, so the client keeps the message. The client is told "451
/// 4.3.0 local error" and the trace id, and the log, which is that of the crate `tracing`, what the error was (WARN).
///
/// What is no [`Error`](std::error::Error) becomes one by `std::io::Error::other`: a text, a `Box<dyn Error + Send +
/// Sync>`, an `anyhow::Error`.
///
/// ```
/// use std::io::Error;
///
/// use mailwright_tokio::smtp::Verdict;
///
/// fn check(status: u16) -> Result<(), String> {
///     if status == 200 { Ok(()) } else { Err(format!("status {status}")) }
/// }
///
/// fn taken(status: u16) -> Verdict {
///     Ok(check(status).map_err(Error::other)?)
/// }
/// assert!(taken(500).is_err_and(|no| no.to_string().starts_with("451 4.3.0 local error")));
/// ```
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
    /// A client has connected, and has not been greeted. Refused with 421 it is let go; with another code it is told 554,
    /// and that there is only QUIT. Who takes a while here finds out those who do not wait for the greeting: they are let
    /// go, and this is not asked to its end.
    fn connect(&self, _cx: &Ctx) -> impl Future<Output = Verdict> + Send {
        async { Ok(()) }
    }

    /// A client introduces itself.
    fn hello(&self, _cx: &Ctx, _hello: &Hello) -> impl Future<Output = Verdict> + Send {
        async { Ok(()) }
    }

    /// Is it this user? Gives the name that [`Ctx::user`] has from then on. Called only if mechanisms are
    /// offered; says no unless written.
    fn auth(&self, _cx: &Ctx, _credentials: Credentials) -> impl Future<Output = Verdict<String>> + Send {
        async { Err(Rejection::auth_failed()) }
    }

    /// What is stored of a user's passwords for SCRAM: of one who is not there, a [decoy](ScramKeys::decoy). Asked only
    /// if SCRAM is offered; says no unless written.
    fn scram(&self, _cx: &Ctx, _wanted: &LookUp) -> impl Future<Output = Verdict<Vec<ScramKeys>>> + Send {
        async { Err(Rejection::auth_failed()) }
    }

    /// What came of SCRAM by these keys, right or wrong. Gives the name that [`Ctx::user`] has from then on. Unless
    /// written, it is that of who has shown the password, and means to act as nobody else; whether its keys are still
    /// stored is then not asked.
    fn proof(&self, _cx: &Ctx, proof: ScramProof) -> impl Future<Output = Verdict<String>> + Send {
        async move {
            let ScramProof { user, authzid, right } = proof;
            if right.is_some() && authzid.is_none() { Ok(user) } else { Err(Rejection::auth_failed()) }
        }
    }

    /// Whose token is it? Gives the name that [`Ctx::user`] has from then on, or what the client is told before it is
    /// refused. Asked only if OAUTHBEARER or XOAUTH2 is offered; says no unless written.
    fn token(
        &self,
        _cx: &Ctx,
        _token: Token,
    ) -> impl Future<Output = Verdict<Result<String, TokenRefusal>>> + Send {
        async { Ok(Err(TokenRefusal::default())) }
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

    /// The same with what else the client said about the recipient (DSN, RRVS). Asks [`rcpt`](Self::rcpt), which does not
    /// want to know, unless written.
    fn recipient(
        &self,
        cx: &Ctx,
        to: &Address,
        _params: &RcptParams,
    ) -> impl Future<Output = Verdict> + Send {
        self.rcpt(cx, to)
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

    /// The same in LMTP (RFC 2033 §4.2), where there is an answer for each recipient, in the order of
    /// [`Envelope::to`]; one that is missing is told to try again. Gives all the same answer, that of
    /// [`message`](Self::message), unless written.
    fn deliveries(
        &self,
        cx: &Ctx,
        envelope: &Envelope,
        body: Body,
    ) -> impl Future<Output = Vec<Verdict<String>>> + Send {
        async { vec![self.message(cx, envelope, body).await; envelope.to.len()] }
    }

    /// A part of the content that is to be had elsewhere (RFC 4468); asked only if BURL is offered. There are not more
    /// octets of it than [`message_size`](mailwright_smtp::server::Limits::message_size), or they are in vain.
    fn burl(&self, _cx: &Ctx, _url: &str) -> impl Future<Output = Verdict<Bytes>> + Send {
        async { Err(Rejection::local_error()) }
    }

    /// Whose mailbox is it? Each as `User Name <user@example.org>`; nobody, and the client is told neither yes nor no
    /// (RFC 5321 §3.5.3). Asked only if VRFY is [put to the application](mailwright_smtp::server::Extensions::vrfy).
    fn vrfy(&self, _cx: &Ctx, _name: &str) -> impl Future<Output = Verdict<Vec<String>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Who is on the list? Asked only if EXPN is [put to the application](mailwright_smtp::server::Extensions::expn).
    fn expn(&self, _cx: &Ctx, _list: &str) -> impl Future<Output = Verdict<Vec<String>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Sends what waits for a node (RFC 1985), which the client need not be: whether it may ask is to be decided here.
    /// Asked only if ETRN is offered.
    fn etrn(&self, _cx: &Ctx, _node: &str) -> impl Future<Output = Verdict<Etrn>> + Send {
        async { Err(Rejection::local_error()) }
    }
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
    /// What a proxy tells of its client. What it does not tell stays; how the client introduced itself, and who it is, was
    /// said by the proxy for itself.
    pub(super) fn x_client(&mut self, told: XClient) {
        let XClient { addr, port, esmtp, helo, login, dest_addr, dest_port, .. } = told;
        let set = |place: &mut SocketAddr, addr: Option<Told<IpAddr>>, port: Option<Told<u16>>| {
            if let Some(Told::Is(addr)) = addr {
                *place = SocketAddr::new(addr, 0);
            }
            if let Some(Told::Is(port)) = port {
                place.set_port(port);
            }
        };
        set(&mut self.peer.remote, addr, port);
        set(&mut self.peer.local, dest_addr, dest_port);
        let esmtp = !matches!(esmtp, Some(Told::Is(false)));
        self.hello = is(helo).map(|name| Hello { name, esmtp });
        self.user = is(login);
    }

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

fn is<T>(told: Option<Told<T>>) -> Option<T> {
    match told {
        Some(Told::Is(value)) => Some(value),
        Some(Told::Unavailable) | None => None,
    }
}

/// From whom, to whom (RFC 5321 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where failures are reported to.
    pub from: ReversePath,
    /// The recipients that were taken, in order.
    pub to: Vec<Address>,
    /// What else the client said about each of them, in the same order.
    pub rcpt_params: Vec<RcptParams>,
    /// What else the client said about the message.
    pub params: MailParams,
}
