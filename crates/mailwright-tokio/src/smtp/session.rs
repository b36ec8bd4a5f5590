//! One connection: the machine's questions, put to the handler.

use std::pin::pin;
use std::sync::Arc;

use mailwright_auth::{AuthError, Exchange, Mechanism, Step};
use mailwright_core::{Address, Clock, Entropy, ForwardPath, ReversePath, Secret, Ticket, TlsInfo, TraceId};
use mailwright_smtp::server::{Error, Question, ask};
use mailwright_smtp::{Accepted, AuthStep, Config, Event, Hello, MailParams, Rejection, Server};
use tracing::{Instrument, debug, info, info_span, warn};

use super::body::Body;
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
    exchange: Option<Exchange>,
}

impl<'a, H: SmtpHandler> Session<'a, H> {
    fn new(server: &'a Setup<H>, io: Box<dyn Io>, peer: Peer, tls: Option<TlsInfo>) -> Self {
        let machine = Server::new(Arc::clone(&server.config), tls.clone());
        let driver = Driver::new(machine, io, Arc::clone(&server.clock), Arc::clone(&server.driver))
            .with_tls(server.tls.clone())
            .with_shutdown(&server.shutdown);
        let cx = Ctx { peer, tls, hello: None, user: None, trace_id: new_trace_id(server) };
        Self { server, driver, cx, envelope: None, exchange: None }
    }

    async fn run(mut self) -> Result<(), Ended> {
        while let Some(event) = self.driver.next().await? {
            // Boxed, so that who waits for the next event keeps no room for what it may take to answer it.
            Box::pin(self.event(event)).await?;
        }
        Ok(())
    }

    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Connect { ticket } => {
                self.answer("connect", ticket, Ok(()));
            }
            Event::Hello { hello, ticket } => self.hello(hello, ticket).await,
            Event::Auth { mechanism, initial, ticket } => {
                self.exchange = mechanism.parse().ok().map(|mechanism: Mechanism| Exchange::start(mechanism));
                self.auth(initial, ticket).await;
            }
            Event::AuthResponse { response, ticket } => self.auth(Some(response), ticket).await,
            Event::Mail { from, params, ticket } => self.mail(from, params, ticket).await,
            Event::Rcpt { to, ticket, .. } => self.rcpt(to, ticket).await,
            Event::Data { ticket } => self.data(ticket).await?,
            Event::Reset => self.envelope = None,
            Event::Refused(rejection) => info!(reply = %rejection, "refused"),
            // Nobody else here knows of it.
            event => {
                let _ = self.driver.machine.answer_default(event);
            }
        }
        Ok(())
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

    async fn mail(&mut self, from: ReversePath, params: MailParams, ticket: Ticket<ask::Mail>) {
        self.cx.trace_id = new_trace_id(self.server);
        let verdict = self.driver.attend(self.server.handler.mail(&self.cx, &from, &params)).await;
        if self.answer("mail", ticket, verdict) {
            self.envelope = Some(Envelope { from, to: Vec::new(), params });
        }
    }

    async fn rcpt(&mut self, to: ForwardPath, ticket: Ticket<ask::Rcpt>) {
        let to = match to {
            ForwardPath::Address(to) => Ok(to),
            ForwardPath::Postmaster => format!("postmaster@{}", self.server.config.hostname)
                .parse::<Address>()
                .map_err(Rejection::from),
        };
        let verdict = match &to {
            Ok(to) => self.driver.attend(self.server.handler.rcpt(&self.cx, to)).await,
            Err(rejection) => Err(rejection.clone()),
        };
        let accepted = self.answer("rcpt", ticket, verdict);
        if let (true, Ok(to), Some(envelope)) = (accepted, to, &mut self.envelope) {
            envelope.to.push(to);
        }
    }

    async fn auth(&mut self, response: Option<Secret>, ticket: Ticket<ask::Auth>) {
        let mut user = None;
        let step = match self.exchange.as_mut().map(|it| it.step(response.as_ref().map(Secret::expose))) {
            Some(Step::Challenge(challenge)) => Ok(AuthStep::Challenge(challenge)),
            Some(Step::Check(credentials)) => {
                let verdict = self.driver.attend(self.server.handler.auth(&self.cx, credentials)).await;
                verdict.map(|name| {
                    user = Some(name);
                    AuthStep::Done
                })
            }
            Some(Step::Failed(error)) => Err(malformed(error)),
            _ => Err(Rejection::auth_unavailable()),
        };
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
        let mut message = pin!(server.handler.message(&cx, envelope, body));
        // What the handler says, should it not want to see the end.
        let mut early: Option<Verdict<String>> = None;
        loop {
            let event = tokio::select! {
                biased;
                verdict = &mut message, if early.is_none() => {
                    early = Some(verdict);
                    continue;
                }
                event = self.driver.next() => event?,
            };
            match event {
                Some(Event::Body(chunk)) if early.is_none() => {
                    let pass_on = async {
                        tokio::select! {
                            biased;
                            () = sender.send(chunk) => None,
                            verdict = &mut message => Some(verdict),
                        }
                    };
                    early = self.driver.attend(pass_on).await;
                }
                Some(Event::BodyEnd { size, ticket }) => {
                    let verdict = match early {
                        Some(verdict) => verdict,
                        None => {
                            let finish = async {
                                tokio::select! {
                                    biased;
                                    verdict = &mut message => verdict,
                                    () = sender.end() => message.await,
                                }
                            };
                            self.driver.attend(finish).await
                        }
                    };
                    self.finish(envelope, size, ticket, verdict);
                    return Ok(());
                }
                Some(Event::BodyAborted(why)) => {
                    info!(trace = %self.cx.trace_id, %why, "message given up");
                    return Ok(());
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    fn finish(
        &mut self,
        envelope: &Envelope,
        size: u64,
        ticket: Ticket<ask::Message>,
        verdict: Verdict<String>,
    ) {
        let text = verdict.as_ref().ok().cloned().unwrap_or_default();
        if self.answer("message", ticket, verdict.map(Accepted::new)) {
            let (trace, from, recipients) = (self.cx.trace_id, &envelope.from, envelope.to.len());
            info!(%trace, %from, recipients, size, text, "accepted");
        }
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
            warn!(trace = %self.cx.trace_id, stage, "the answer came too late: the client was told to try again");
        }
        yes && in_time
    }

    /// Puts the trace id into a refusal, and the refusal into the log.
    fn logged<T>(&self, stage: &'static str, verdict: Verdict<T>) -> Verdict<T> {
        verdict.map_err(|rejection| {
            let trace = self.cx.trace_id;
            match rejection.cause() {
                Some(cause) => warn!(%trace, stage, reply = %rejection, %cause, "failed"),
                None => info!(%trace, stage, reply = %rejection, "rejected"),
            }
            let text = format!("{} ({trace})", rejection.text());
            rejection.with_text(text)
        })
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
