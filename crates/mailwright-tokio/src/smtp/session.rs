//! One connection: the machine's questions, put to the handler.

use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use mailwright_auth::{AuthError, Exchange, Step};
use mailwright_core::{
    Address, Causes, Clock, Entropy, ForwardPath, ReversePath, Secret, Stale, Ticket, TlsInfo, TraceId,
};
use mailwright_smtp::server::{Error, Question, ask};
use mailwright_smtp::{
    Accepted, AuthStep, Config, DateTime, Event, Hello, MailParams, Protocol, RcptParams, Rejection, Server,
    XClient,
};
use tracing::{Instrument, debug, info, info_span, warn};

use super::body::{Body, BodySender};
use super::handler::{Ctx, Envelope, SmtpHandler, Verdict};
use crate::driver::{Driver, DriverConfig, DriverError, handshake};
use crate::listener::Peer;
use crate::shutdown::Shutdown;
use crate::transport::{Io, Tls};

/// What all sessions of a server have in common.
pub(super) struct Setup<H> {
    pub(super) handler: H,
    pub(super) config: Arc<Config>,
    pub(super) driver: Arc<DriverConfig>,
    pub(super) tls: Option<Arc<dyn Tls>>,
    pub(super) implicit_tls: bool,
    /// Whose XCLIENT is believed.
    pub(super) trusts: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Until when messages may be held.
    pub(super) hold_until: Option<Box<dyn Fn() -> DateTime + Send + Sync>>,
    pub(super) shutdown: Shutdown,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

pub(super) async fn run<H: SmtpHandler>(server: &Setup<H>, io: Box<dyn Io>, peer: Peer) {
    let span = info_span!("smtp", peer = %peer.remote);
    async {
        let (io, tls) = match begin(server, io).await {
            Ok(begun) => begun,
            Err(error) => return info!(%error, "TLS handshake failed"),
        };
        match Session::new(server, io, peer, tls).run().await {
            Ok(()) => debug!("closed"),
            Err(DriverError::Protocol(error)) => info!(%error, "connection given up"),
            Err(error) => debug!(%error, "connection lost"),
        }
    }
    .instrument(span)
    .await;
}

/// TLS first, where it comes first.
async fn begin<H>(server: &Setup<H>, io: Box<dyn Io>) -> std::io::Result<(Box<dyn Io>, Option<TlsInfo>)> {
    let tls = match &server.tls {
        Some(tls) if server.implicit_tls => tls,
        _ => return Ok((io, None)),
    };
    tokio::select! {
        biased;
        () = server.shutdown.token().cancelled() => Err(std::io::Error::other("shutting down")),
        shaken = handshake(tls.as_ref(), io, &server.driver) => shaken.map(|(io, info)| (io, Some(info))),
    }
}

type Ended = DriverError<Error>;

struct Session<'a, H> {
    server: &'a Setup<H>,
    driver: Driver<Server>,
    cx: Ctx,
    envelope: Option<Envelope>,
    /// Apart: it is large, and most sessions have none.
    exchange: Option<Box<Exchange>>,
}

impl<'a, H: SmtpHandler> Session<'a, H> {
    fn new(server: &'a Setup<H>, io: Box<dyn Io>, peer: Peer, tls: Option<TlsInfo>) -> Self {
        let machine = Server::new(Arc::clone(&server.config), tls.clone());
        let is_trusted = (server.trusts)(peer.remote.ip());
        let machine = if is_trusted { machine.trusting() } else { machine };
        let machine = match &server.hold_until {
            Some(moment) => machine.holding_until(moment()),
            None => machine,
        };
        let driver = Driver::new(machine, io, Arc::clone(&server.clock), Arc::clone(&server.driver))
            .with_tls(server.tls.clone())
            .with_shutdown(&server.shutdown);
        let cx = Ctx { peer, tls, hello: None, user: None, trace_id: new_trace_id(server) };
        Self { server, driver, cx, envelope: None, exchange: None }
    }

    /// Borrows the session: a future that takes something keeps room for it twice.
    async fn run(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.driver.next().await? {
            self.event(event).await?;
        }
        Ok(())
    }

    /// What it takes to answer has a box of its own, for each question: who waits for the next one keeps no room for any,
    /// and who says EHLO has taken none for a message, which would be left behind in pieces.
    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Connect { ticket } => Box::pin(self.connect(ticket)).await,
            Event::Hello { hello, ticket } => Box::pin(self.hello(hello, ticket)).await,
            Event::Auth { mechanism, initial, ticket } => {
                self.exchange = self.begin_auth(&mechanism);
                Box::pin(self.auth(initial, ticket)).await;
            }
            Event::AuthResponse { response, ticket } => Box::pin(self.auth(Some(response), ticket)).await,
            Event::XClient { told, ticket } => Box::pin(self.x_client(told, ticket)).await,
            Event::Mail { from, params, ticket } => Box::pin(self.mail(from, params, ticket)).await,
            Event::Rcpt { to, params, ticket } => Box::pin(self.rcpt(to, params, ticket)).await,
            Event::Data { ticket } => Box::pin(self.data(ticket)).await?,
            Event::Reset => self.envelope = None,
            event => Box::pin(self.aside(event)).await,
        }
        Ok(())
    }

    async fn connect(&mut self, ticket: Ticket<ask::Connect>) {
        let verdict = self.driver.attend(self.server.handler.connect(&self.cx)).await;
        self.answer("connect", ticket, verdict);
    }

    /// What may come at any time, in the middle of a message too.
    async fn aside(&mut self, event: Event) {
        let handler = &self.server.handler;
        match event {
            Event::Refused(rejection) => info!(reply = %rejection, reason = %rejection.reason(), "refused"),
            Event::Vrfy { name, ticket } => {
                let verdict = self.driver.attend(handler.vrfy(&self.cx, &name)).await;
                self.answer("vrfy", ticket, verdict);
            }
            Event::Expn { name, ticket } => {
                let verdict = self.driver.attend(handler.expn(&self.cx, &name)).await;
                self.answer("expn", ticket, verdict);
            }
            Event::Etrn { node, ticket } => {
                let verdict = self.driver.attend(handler.etrn(&self.cx, &node)).await;
                self.answer("etrn", ticket, verdict);
            }
            // What is new to us is new to the handler.
            event => {
                let _ = self.driver.machine.answer_default(event);
            }
        }
    }

    /// A proxy that is trusted speaks for its client from here on.
    async fn x_client(&mut self, told: Box<XClient>, ticket: Ticket<ask::XClient>) {
        let mut cx = self.cx.clone();
        cx.x_client(*told);
        let verdict = self.driver.attend(self.server.handler.connect(&cx)).await;
        let peer = cx.peer.remote;
        if self.answer("xclient", ticket, verdict) {
            info!(client = %peer, user = cx.user.as_deref(), "a proxy speaks for another client");
            self.envelope = None;
            self.cx = cx;
        }
    }

    async fn hello(&mut self, hello: Hello, ticket: Ticket<ask::Hello>) {
        self.envelope = None;
        let tls = self.driver.machine.tls();
        if self.cx.tls.as_ref() != tls {
            // RFC 3207 §4.2: what was said before TLS is forgotten.
            self.cx = Ctx { tls: tls.cloned(), hello: None, user: None, ..self.cx };
        }
        let verdict = self.driver.attend(self.server.handler.hello(&self.cx, &hello)).await;
        if self.answer("hello", ticket, verdict) {
            self.cx.hello = Some(hello);
        }
    }

    async fn mail(&mut self, from: ReversePath, params: Box<MailParams>, ticket: Ticket<ask::Mail>) {
        self.cx.trace_id = new_trace_id(self.server);
        let verdict = self.driver.attend(self.server.handler.mail(&self.cx, &from, &params)).await;
        if self.answer("mail", ticket, verdict) {
            self.envelope = Some(Envelope { from, to: Vec::new(), rcpt_params: Vec::new(), params: *params });
        }
    }

    async fn rcpt(&mut self, to: ForwardPath, params: RcptParams, ticket: Ticket<ask::Rcpt>) {
        let to = match to {
            ForwardPath::Address(to) => Ok(to),
            ForwardPath::Postmaster => format!("postmaster@{}", self.server.config.hostname)
                .parse::<Address>()
                .map_err(Rejection::from),
        };
        let verdict = match &to {
            Ok(to) => self.driver.attend(self.server.handler.recipient(&self.cx, to, &params)).await,
            Err(rejection) => Err(rejection.clone()),
        };
        let accepted = self.answer("rcpt", ticket, verdict);
        if let (true, Ok(to), Some(envelope)) = (accepted, to, &mut self.envelope) {
            envelope.to.push(to);
            envelope.rcpt_params.push(params);
        }
    }

    fn begin_auth(&self, mechanism: &str) -> Option<Box<Exchange>> {
        let mut nonce = [0; 18];
        self.server.entropy.fill(&mut nonce);
        let offered = &self.server.config.auth_mechanisms;
        Exchange::begin(mechanism, offered, self.driver.machine.tls(), nonce).ok().map(Box::new)
    }

    async fn auth(&mut self, response: Option<Secret>, ticket: Ticket<ask::Auth>) {
        let response = response.as_ref().map(Secret::expose);
        let step = match &mut self.exchange {
            Some(exchange) => {
                let known = step(&self.server.handler, &self.cx, exchange, response);
                self.driver.attend(known).await
            }
            None => Err(Rejection::auth_unavailable()),
        };
        if !matches!(step, Ok(Known::NotYet(_))) {
            self.exchange = None;
        }
        let mut user = None;
        let step = step.map(|known| match known {
            Known::NotYet(challenge) => AuthStep::Challenge(challenge),
            Known::As(name) => {
                user = Some(name);
                AuthStep::Done
            }
        });
        if self.answer("auth", ticket, step)
            && let Some(user) = user
        {
            info!(user, "authenticated");
            self.cx.user = Some(user);
        }
    }

    async fn data(&mut self, ticket: Ticket<ask::Data>) -> Result<(), Ended> {
        let Some(envelope) = self.envelope.take() else {
            self.answer("data", ticket, Err(Rejection::local_error()));
            return Ok(());
        };
        let verdict = self.driver.attend(self.server.handler.data(&self.cx, &envelope)).await;
        if self.answer("data", ticket, verdict) {
            self.message(&envelope).await
        } else {
            self.envelope = Some(envelope);
            Ok(())
        }
    }

    /// From the first octet of a message to the answer to it.
    async fn message(&mut self, envelope: &Envelope) -> Result<(), Ended> {
        let (server, cx) = (self.server, self.cx.clone());
        let (sender, body) = Body::channel();
        let mut message = pin!(take(server, &cx, envelope, body));
        // What the handler says, should it not want to see the end.
        let mut early: Option<Vec<Verdict<String>>> = None;
        loop {
            let event = tokio::select! {
                biased;
                verdicts = &mut message, if early.is_none() => {
                    early = Some(verdicts);
                    continue;
                }
                event = self.driver.next() => event?,
            };
            match event {
                Some(Event::Body(chunk)) => {
                    if early.is_none() {
                        early = self.driver.attend(pass_on(&sender, chunk, message.as_mut())).await;
                    }
                }
                Some(Event::Burl { url, ticket }) => {
                    let verdict = self.driver.attend(server.handler.burl(&cx, &url)).await;
                    let part = verdict.as_ref().map_or(Bytes::new(), Bytes::clone);
                    let is_given = self.answer("burl", ticket, verdict.map(|part| part.len() as u64));
                    if is_given && early.is_none() {
                        early = self.driver.attend(pass_on(&sender, part, message.as_mut())).await;
                    }
                }
                Some(Event::BodyEnd { size, ticket }) => {
                    let mut verdicts = self.verdicts(early, sender, message).await;
                    let verdict = verdicts.pop().unwrap_or_else(|| Err(Rejection::local_error()));
                    let text = verdict.as_ref().ok().cloned().unwrap_or_default();
                    if self.answer("message", ticket, verdict.map(Accepted::new)) {
                        self.log_accepted(envelope, envelope.to.len(), size, &text);
                    }
                    return Ok(());
                }
                Some(Event::LmtpBodyEnd { size, ticket, .. }) => {
                    let verdicts = self.verdicts(early, sender, message).await;
                    let verdicts: Vec<_> =
                        verdicts.into_iter().map(|verdict| self.logged("message", verdict)).collect();
                    let taken = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
                    let answers = verdicts.into_iter().map(|verdict| verdict.map(Accepted::new)).collect();
                    match self.driver.machine.answer(ticket, answers) {
                        Ok(()) if taken > 0 => self.log_accepted(envelope, taken, size, "delivered"),
                        Ok(()) => {}
                        Err(Stale) => self.log_late("message"),
                    }
                    return Ok(());
                }
                Some(Event::BodyAborted(why)) => {
                    info!(trace = %self.cx.trace_id, %why, "message given up");
                    return Ok(());
                }
                Some(event) => self.aside(event).await,
                None => return Ok(()),
            }
        }
    }

    /// What the handler says, now that it has the whole content.
    async fn verdicts(
        &mut self,
        early: Option<Vec<Verdict<String>>>,
        sender: BodySender,
        mut message: Pin<&mut impl Future<Output = Vec<Verdict<String>>>>,
    ) -> Vec<Verdict<String>> {
        if let Some(verdicts) = early {
            return verdicts;
        }
        let finish = async {
            tokio::select! {
                biased;
                verdicts = &mut message => verdicts,
                () = sender.end() => message.await,
            }
        };
        self.driver.attend(finish).await
    }

    fn log_accepted(&self, envelope: &Envelope, recipients: usize, size: u64, text: &str) {
        let (trace, from) = (self.cx.trace_id, &envelope.from);
        info!(%trace, %from, recipients, size, text, "accepted");
    }

    fn log_late(&self, stage: &'static str) {
        warn!(trace = %self.cx.trace_id, stage, "the answer came too late: the client was told to try again");
    }

    /// Gives an answer. Says whether it was a yes, and came in time: else the client has been told to try
    /// again.
    fn answer<Q, T>(&mut self, stage: &'static str, ticket: Ticket<Q>, verdict: Verdict<T>) -> bool
    where
        Q: Question<Answer = Verdict<T>>,
    {
        let verdict = self.logged(stage, verdict);
        let yes = verdict.is_ok();
        let in_time = self.driver.machine.answer(ticket, verdict).is_ok();
        if !in_time {
            self.log_late(stage);
        }
        yes && in_time
    }

    /// Puts the trace id into a refusal, and the refusal into the log.
    fn logged<T>(&self, stage: &'static str, verdict: Verdict<T>) -> Verdict<T> {
        verdict.map_err(|rejection| {
            let trace = self.cx.trace_id;
            let reason = rejection.reason();
            match rejection.cause() {
                Some(cause) => {
                    warn!(%trace, stage, reply = %rejection, %reason, cause = %Causes(cause), "failed");
                }
                None => info!(%trace, stage, reply = %rejection, %reason, "rejected"),
            }
            let text = format!("{} ({trace})", rejection.text());
            rejection.with_text(text)
        })
    }
}

/// What is known of who it is.
enum Known {
    /// Nothing, before the client has answered this.
    NotYet(Vec<u8>),
    As(String),
}

/// What the exchange comes to with this response, and with what the handler knows.
async fn step<H: SmtpHandler>(
    handler: &H,
    cx: &Ctx,
    exchange: &mut Exchange,
    response: Option<&[u8]>,
) -> Verdict<Known> {
    let mut step = exchange.step(response);
    loop {
        step = match step {
            Step::Challenge(challenge) => return Ok(Known::NotYet(challenge)),
            Step::Check(credentials) => return handler.auth(cx, credentials).await.map(Known::As),
            Step::LookUp(wanted) => exchange.keys(&handler.scram(cx, &wanted).await?),
            Step::Proof(proof) => return handler.proof(cx, proof).await.map(Known::As),
            Step::Token(token) => match handler.token(cx, token).await? {
                Ok(user) => return Ok(Known::As(user)),
                Err(why) => exchange.refuse_token(&why),
            },
            Step::Failed(error) => return Err(malformed(error)),
            _ => return Err(Rejection::auth_unavailable()),
        };
    }
}

/// The handler's verdict, or in LMTP its verdicts.
async fn take<H: SmtpHandler>(
    server: &Setup<H>,
    cx: &Ctx,
    envelope: &Envelope,
    body: Body,
) -> Vec<Verdict<String>> {
    match server.config.protocol {
        Protocol::Smtp => vec![server.handler.message(cx, envelope, body).await],
        Protocol::Lmtp => server.handler.deliveries(cx, envelope, body).await,
    }
}

/// Gives the handler a piece of the content; what it says, should it not want it.
async fn pass_on<T>(
    sender: &BodySender,
    piece: Bytes,
    message: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = sender.send(piece) => None,
        verdicts = message => Some(verdicts),
    }
}

fn new_trace_id<H>(server: &Setup<H>) -> TraceId {
    let mut random = [0; 4];
    server.entropy.fill(&mut random);
    TraceId::new(server.clock.wall(), random)
}

/// What came was no answer to what was asked: as wrong as a wrong password (RFC 4954 §6).
fn malformed(error: AuthError) -> Rejection {
    debug!(%error, "malformed authentication");
    Rejection::auth_failed()
}
