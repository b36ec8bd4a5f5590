//! One connection: the machine's questions, put to the handler.

use std::pin::pin;
use std::sync::Arc;

use mailwright_auth::{AuthError, Exchange, Mechanism, Step};
use mailwright_core::{Address, ForwardPath, ReversePath, Secret, Ticket, TlsInfo, TraceId};
use mailwright_smtp::server::{Error, ask};
use mailwright_smtp::{Accepted, AuthStep, Event, Rejection, Server};
use tracing::{Instrument, debug, info, info_span, warn};

use super::body::Body;
use super::handler::{Ctx, Envelope, SmtpHandler, Verdict};
use super::server::SmtpServer;
use crate::driver::{Driver, DriverError, handshake};
use crate::listener::Peer;
use crate::transport::Io;

pub(super) async fn run<H: SmtpHandler>(server: Arc<SmtpServer<H>>, io: Box<dyn Io>, peer: Peer) {
    let span = info_span!("smtp", peer = %peer.remote);
    async {
        let (io, tls) = match begin(&server, io).await {
            Ok(begun) => begun,
            Err(error) => return info!(%error, "TLS handshake failed"),
        };
        match Session::new(&server, io, peer, tls).run().await {
            Ok(()) => debug!("closed"),
            Err(DriverError::Protocol(error)) => info!(%error, "connection given up"),
            Err(error) => debug!(%error, "connection lost"),
        }
    }
    .instrument(span)
    .await;
}

/// TLS first, where it comes first.
async fn begin<H>(
    server: &SmtpServer<H>,
    io: Box<dyn Io>,
) -> std::io::Result<(Box<dyn Io>, Option<TlsInfo>)> {
    match &server.tls {
        Some(tls) if server.implicit_tls => {
            let (io, info) = handshake(tls.as_ref(), io, &server.driver).await?;
            Ok((io, Some(info)))
        }
        _ => Ok((io, None)),
    }
}

type Ended = DriverError<Error>;

struct Session<'a, H> {
    server: &'a SmtpServer<H>,
    driver: Driver<Server>,
    cx: Ctx,
    envelope: Option<Envelope>,
    exchange: Option<Exchange>,
}

impl<'a, H: SmtpHandler> Session<'a, H> {
    fn new(server: &'a SmtpServer<H>, io: Box<dyn Io>, peer: Peer, tls: Option<TlsInfo>) -> Self {
        let machine = Server::new(Arc::clone(&server.config), tls.clone());
        let driver = Driver::new(machine, io, Arc::clone(&server.clock), Arc::clone(&server.driver))
            .with_tls(server.tls.clone())
            .with_shutdown(&server.shutdown);
        let cx = Ctx { peer, tls, hello: None, user: None, trace_id: new_trace_id(server) };
        Self { server, driver, cx, envelope: None, exchange: None }
    }

    async fn run(mut self) -> Result<(), Ended> {
        let handler = &self.server.handler;
        while let Some(event) = self.driver.next().await? {
            match event {
                Event::Hello { hello, ticket } => {
                    // TLS may have come since the last one.
                    self.cx.tls = self.driver.machine.tls().cloned();
                    self.cx.user = self.cx.user.filter(|_| self.driver.machine.is_authenticated());
                    let verdict = self.driver.attend(handler.hello(&self.cx, &hello)).await;
                    self.cx.hello = Some(hello);
                    self.envelope = None;
                    let verdict = self.logged("hello", verdict);
                    self.answer(ticket, verdict);
                }
                Event::Auth { mechanism, initial, ticket } => {
                    self.exchange =
                        mechanism.parse().ok().map(|mechanism: Mechanism| Exchange::start(mechanism));
                    self.auth(initial, ticket).await;
                }
                Event::AuthResponse { response, ticket } => self.auth(Some(response), ticket).await,
                Event::Mail { from, params, ticket } => {
                    self.cx.trace_id = new_trace_id(self.server);
                    let verdict = self.driver.attend(handler.mail(&self.cx, &from, &params)).await;
                    let verdict = self.logged("mail", verdict);
                    self.envelope = verdict.is_ok().then(|| Envelope { from, to: Vec::new(), params });
                    self.answer(ticket, verdict);
                }
                Event::Rcpt { to, ticket, .. } => self.rcpt(to, ticket).await,
                Event::Data { ticket } => self.data(ticket).await?,
                Event::Reset => self.envelope = None,
                Event::Refused(rejection) => info!(reply = %rejection, "refused"),
                _ => {}
            }
        }
        Ok(())
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
        let verdict = self.logged("rcpt", verdict);
        if let (Ok(()), Ok(to), Some(envelope)) = (&verdict, to, &mut self.envelope) {
            envelope.to.push(to);
        }
        self.answer(ticket, verdict);
    }

    async fn auth(&mut self, response: Option<Secret>, ticket: Ticket<ask::Auth>) {
        let Some(exchange) = &mut self.exchange else {
            return self.answer(ticket, Err(Rejection::auth_unavailable()));
        };
        let verdict = match exchange.step(response.as_ref().map(Secret::expose)) {
            Step::Challenge(challenge) => Ok(AuthStep::Challenge(challenge)),
            Step::Check(credentials) => {
                let verdict = self.driver.attend(self.server.handler.auth(&self.cx, credentials)).await;
                verdict.map(|user| {
                    info!(user, "authenticated");
                    self.cx.user = Some(user);
                    AuthStep::Done
                })
            }
            Step::Failed(error) => Err(malformed(error)),
            _ => Err(Rejection::auth_unavailable()),
        };
        if !matches!(verdict, Ok(AuthStep::Challenge(_))) {
            self.exchange = None;
        }
        let verdict = self.logged("auth", verdict);
        self.answer(ticket, verdict);
    }

    /// From DATA to the answer to the message.
    async fn data(&mut self, ticket: Ticket<ask::Data>) -> Result<(), Ended> {
        let handler = &self.server.handler;
        let envelope = self.envelope.take().unwrap_or_else(|| Envelope {
            from: ReversePath::Null,
            to: Vec::new(),
            params: Default::default(),
        });
        let verdict = self.driver.attend(handler.data(&self.cx, &envelope)).await;
        let verdict = self.logged("data", verdict);
        let refused = verdict.is_err();
        self.answer(ticket, verdict);
        if refused {
            self.envelope = Some(envelope);
            return Ok(());
        }
        let cx = self.cx.clone();
        let (sender, body) = Body::channel();
        let mut message = pin!(handler.message(&cx, &envelope, body));
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
                    early = self
                        .driver
                        .attend(async {
                            tokio::select! {
                                biased;
                                () = sender.send(chunk) => None,
                                verdict = &mut message => Some(verdict),
                            }
                        })
                        .await;
                }
                Some(Event::Body(_)) => {}
                Some(Event::BodyEnd { size, ticket }) => {
                    let verdict = match early {
                        Some(verdict) => verdict,
                        None => {
                            let finish = async { tokio::join!(sender.end(), message).1 };
                            self.driver.attend(finish).await
                        }
                    };
                    let verdict = self.logged("message", verdict);
                    if let Ok(text) = &verdict {
                        info!(trace = %self.cx.trace_id, from = %envelope.from, recipients = envelope.to.len(), size, text, "accepted");
                    }
                    self.answer(ticket, verdict.map(Accepted::new));
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

    /// Gives an answer; one that came too late has been given in its stead.
    fn answer<Q: mailwright_smtp::server::Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) {
        if self.driver.machine.answer(ticket, answer).is_err() {
            warn!(trace = %self.cx.trace_id, "the answer came too late: the client was told to try again");
        }
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

fn new_trace_id<H>(server: &SmtpServer<H>) -> TraceId {
    let mut random = [0; 4];
    server.entropy.fill(&mut random);
    TraceId::new(server.clock.wall(), random)
}

/// What came was no answer to what was asked: as wrong as a wrong password (RFC 4954 §6).
fn malformed(error: AuthError) -> Rejection {
    debug!(%error, "malformed authentication");
    Rejection::auth_failed()
}
