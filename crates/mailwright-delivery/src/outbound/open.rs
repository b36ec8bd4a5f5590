//! From an address to a connection that waits for a message.

use std::sync::Arc;

use mailwright_auth::client::{Exchange, Given, Step};
use mailwright_auth::{Credentials, Mechanism};
use mailwright_core::{Ticket, TlsInfo};
use mailwright_queue::AttemptStage;
use mailwright_smtp::Client;
use mailwright_smtp::client::{AuthFailure, Event, GivenUp, Stage, StartTls, Work, ask};
use mailwright_tokio::{Driver, Io, RustlsClient, Tls, Turn, handshake};
use rustls::pki_types::ServerName;
use tokio::task::spawn_blocking;

use super::attempt::Attempt;
use super::connection::{Broken, Connection, client_config};
use super::memory::Fault;
use super::plan::Target;
use super::route::{TlsPolicy, Way};
use super::watch::Watched;
use super::words::{Words, code};

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// TLS was begun, and did not come about: these words.
    Handshake(Words),
    /// For another reason.
    Other(Words),
}

impl From<Words> for NotOpened {
    fn from(words: Words) -> Self {
        Self::Other(words)
    }
}

impl Attempt<'_> {
    /// Goes on to where the server waits for a message.
    pub(super) async fn open(&mut self, target: &Target, io: Box<dyn Io>) -> Result<Connection, Words> {
        let policy = target.manner.tls;
        let may_be_plain = policy == TlsPolicy::Opportunistic && self.config().plain_after_failed_tls;
        let (memory, clock) = (&self.shared.memory, &self.shared.environment.clock);
        let fault = Fault::Tls(target.end());
        if may_be_plain && memory.has(fault, clock.mono()) {
            let why = "its handshake has failed not long ago".to_owned();
            let opened = self.open_without_tls(target, why, io).await;
            if opened.is_err() {
                memory.forget(fault);
            }
            return opened;
        }
        match self.open_with(target, policy, io).await {
            Err(NotOpened::Handshake(words)) if may_be_plain => {
                let io = self.dial(target).await?;
                self.open_without_tls(target, words.text, io).await
            }
            opened => opened.map_err(NotOpened::into_words),
        }
    }

    async fn open_without_tls(
        &mut self,
        target: &Target,
        why: String,
        io: Box<dyn Io>,
    ) -> Result<Connection, Words> {
        let opened = self.open_with(target, TlsPolicy::Never, io).await;
        let connection = opened.map_err(NotOpened::into_words)?;
        Ok(Connection { without_tls: Some(why), ..connection })
    }

    async fn open_with(
        &mut self,
        target: &Target,
        policy: TlsPolicy,
        io: Box<dyn Io>,
    ) -> Result<Connection, NotOpened> {
        let (tls, start_tls) = self.tls(target, policy)?;
        let (io, info) = match (policy, &tls) {
            (TlsPolicy::Implicit, Some(tls)) => self.shake_hands(tls.as_ref(), io).await?,
            _ => (io, None),
        };
        let shared = self.shared;
        let config = client_config(&shared.config.client, target, start_tls);
        let machine = Watched { client: Client::new(config, info), watch: std::mem::take(&mut self.watch) };
        let clock = Arc::clone(&shared.environment.clock);
        let driver = Driver::new(machine, io, clock, Arc::clone(&shared.driver)).with_tls(tls);
        let target = target.clone();
        let mut connection = Connection { target, driver, ready: None, transactions: 0, without_tls: None };
        let opened = match self.greet(&mut connection).await {
            Ok(ticket) => self.authenticate(&mut connection, ticket).await,
            Err(why) => Err(why),
        };
        self.watch = std::mem::take(&mut connection.driver.machine.watch);
        match opened {
            Ok(ticket) => {
                connection.ready = Some(ticket);
                Ok(connection)
            }
            Err(why) => {
                // What is in the middle of something is closed without a word.
                if connection.driver.machine.client.stage() == Stage::Idle {
                    shared.pool.part(connection);
                }
                Err(why)
            }
        }
    }

    /// The layer that this policy needs, and when it is put in place.
    pub(super) fn tls(
        &self,
        target: &Target,
        policy: TlsPolicy,
    ) -> Result<(Option<Arc<dyn Tls>>, StartTls), Words> {
        let start_tls = match policy {
            TlsPolicy::Never => return Ok((None, StartTls::Never)),
            TlsPolicy::Opportunistic => StartTls::Opportunistic,
            TlsPolicy::Required => StartTls::Required,
            TlsPolicy::Implicit => StartTls::Never,
        };
        let server = match &target.name {
            Some(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
            None => Some(ServerName::IpAddress(target.address.into())),
        };
        match (&self.config().tls, server) {
            (Some(tls), Some(server)) => {
                let is_verified = policy != TlsPolicy::Opportunistic;
                let config = if is_verified { &tls.verified } else { &tls.opportunistic };
                Ok((Some(Arc::new(RustlsClient::new(Arc::clone(config), server))), start_tls))
            }
            _ if policy == TlsPolicy::Opportunistic => Ok((None, StartTls::Never)),
            (None, _) => {
                let text = "TLS is demanded, and none is set up here";
                Err(Words::seen(AttemptStage::Route, code::MISCONFIGURED, text))
            }
            (Some(_), None) => {
                let text = "TLS is demanded, and no certificate can have the server's name";
                Err(Words::seen(AttemptStage::Route, code::MISCONFIGURED, text))
            }
        }
    }

    async fn shake_hands(
        &mut self,
        tls: &dyn Tls,
        io: Box<dyn Io>,
    ) -> Result<(Box<dyn Io>, Option<TlsInfo>), NotOpened> {
        self.at(AttemptStage::Tls);
        let shared = self.shared;
        let shaken = handshake(tls, io, &shared.driver);
        match shared.environment.within(shared.driver.handshake, self.deadline, shaken).await {
            Ok(Ok((io, info))) => Ok((io, Some(info))),
            Ok(Err(error)) => {
                Err(NotOpened::Handshake(Broken::Handshake(error.to_string()).words(AttemptStage::Tls)))
            }
            Err(why) => Err(NotOpened::Other(Words::out_of_time(why, AttemptStage::Tls))),
        }
    }

    /// Up to where the server would take a message from anybody.
    async fn greet(&self, connection: &mut Connection) -> Result<Ticket<ask::Work>, NotOpened> {
        loop {
            if let Event::Ready { ticket } = self.next(connection).await? {
                return Ok(ticket);
            }
        }
    }

    async fn next(&self, connection: &mut Connection) -> Result<Event, NotOpened> {
        let broken = match connection.turn(&self.shared.environment, self.deadline).await {
            Ok(Turn::Event(event)) => return Ok(event),
            Ok(Turn::Reply | Turn::Closed) => {
                Broken::Network("the conversation has ended too early".to_owned())
            }
            Err(broken) => broken,
        };
        let words = broken.words(connection.stage());
        match broken {
            Broken::Handshake(_) => Err(NotOpened::Handshake(words)),
            _ => Err(NotOpened::Other(words)),
        }
    }

    fn credentials(&self, target: &Target) -> Option<&Credentials> {
        match &self.config().routes.get(target.manner.route?)?.way {
            Way::Relay(relay) => relay.credentials.as_ref(),
            Way::Mx => None,
        }
    }

    /// By the best mechanism that both sides know, and that carries these.
    fn exchange(
        &self,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<(Mechanism, Exchange), Words> {
        let mut nonce = [0; 18];
        self.shared.environment.entropy.fill(&mut nonce);
        let exporter = connection.driver.machine.client.tls().and_then(|tls| tls.exporter);
        let given = Given::from(credentials.clone());
        let offered = &connection.offers().auth;
        let known = given.mechanisms().iter().copied();
        let fitting = known
            .filter(|mechanism| offered.iter().any(|name| name.eq_ignore_ascii_case(mechanism.name())))
            .filter(|mechanism| !mechanism.binds() || exporter.is_some());
        let mut why = None;
        for mechanism in fitting {
            match Exchange::start(mechanism, given.clone(), nonce) {
                Ok(exchange) => {
                    let exchange = match exporter {
                        Some(exporter) => exchange.bound_to(exporter),
                        None => exchange,
                    };
                    return Ok((mechanism, exchange));
                }
                Err(error) => why = why.or(Some(error)),
            }
        }
        Err(match why {
            Some(error) => {
                Words::seen(AttemptStage::Auth, code::MISCONFIGURED, format!("our credentials: {error}"))
            }
            None => refused("the server offers no mechanism of authentication that is known here"),
        })
    }

    /// Shows who we are, if the route has us do so.
    async fn authenticate(
        &self,
        connection: &mut Connection,
        ticket: Ticket<ask::Work>,
    ) -> Result<Ticket<ask::Work>, NotOpened> {
        let Some(credentials) = self.credentials(&connection.target) else { return Ok(ticket) };
        let (mechanism, mut exchange) = self.exchange(connection, credentials)?;
        let initial = match exchange.step(None) {
            Step::Respond(initial) => Some(initial),
            _ => None,
        };
        let work = Work::Auth { mechanism: mechanism.name().to_owned(), initial };
        // Stale only if the session has ended, which is told by what comes next.
        let _ = connection.driver.machine.client.answer(ticket, work);
        let mut failed = None;
        loop {
            match self.next(connection).await? {
                Event::Challenge { challenge, ticket } => {
                    let step;
                    (exchange, step) = respond(exchange, challenge).await?;
                    let response = match step {
                        Step::Respond(response) => Ok(response),
                        Step::Failed(error) => {
                            failed = Some(error);
                            Err(GivenUp)
                        }
                        _ => Err(GivenUp),
                    };
                    let _ = connection.driver.machine.client.answer(ticket, response);
                }
                Event::Auth(Ok(())) => break,
                Event::Auth(Err(why)) => {
                    return Err(match failed {
                        Some(error) => refused(&error.to_string()),
                        None => not_authenticated(&why),
                    }
                    .into());
                }
                _ => {}
            }
        }
        exchange.finish().map_err(|error| refused(&error.to_string()))?;
        self.greet(connection).await
    }
}

/// The next step, away from the threads that serve: a proof of SCRAM takes as long as the server wants it to.
async fn respond(mut exchange: Exchange, challenge: Vec<u8>) -> Result<(Exchange, Step), Words> {
    let stepped = spawn_blocking(move || {
        let step = exchange.step(Some(&challenge));
        (exchange, step)
    });
    stepped.await.map_err(|error| refused(&error.to_string()))
}

impl NotOpened {
    fn into_words(self) -> Words {
        match self {
            Self::Handshake(words) | Self::Other(words) => words,
        }
    }
}

/// Mail waits: that our password is wrong is no fault of any message.
fn not_authenticated(why: &AuthFailure) -> Words {
    match why {
        AuthFailure::Refused(reply) if reply.code.is_transient() => Words::reply(AttemptStage::Auth, reply),
        AuthFailure::Refused(reply) => refused(&format!("the server refuses our credentials: {reply}")),
        AuthFailure::NoTls => {
            Words::seen(AttemptStage::Auth, code::TLS_NEEDED_FOR_AUTH, AuthFailure::NoTls.to_string())
        }
        why => refused(&why.to_string()),
    }
}

fn refused(text: &str) -> Words {
    Words::seen(AttemptStage::Auth, code::NOT_AUTHENTICATED, text)
}
