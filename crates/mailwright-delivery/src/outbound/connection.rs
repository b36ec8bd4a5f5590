//! A connection to a server that waits for a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mailwright_core::Ticket;
use mailwright_queue::AttemptStage;
use mailwright_smtp::client::{self, Capabilities, Error, Event, ask};
use mailwright_tokio::{Driver, DriverError, Turn};

use super::environment::{Environment, OutOfTime};
use super::plan::Target;
use super::watch::{Watched, attempt_stage};
use super::words::{Words, code, stage_of};

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) target: Target,
    pub(super) driver: Driver<Watched>,
    /// The right to say what is to be done, if nothing is under way.
    pub(super) ready: Option<Ticket<ask::Work>>,
    /// Messages that it has seen.
    pub(super) transactions: u32,
    /// Why it is without TLS, if only since that failed there.
    pub(super) without_tls: Option<String>,
}

/// How a conversation was broken off.
#[derive(Debug)]
pub(super) enum Broken {
    /// By the machine.
    Protocol(Error),
    /// By the network, in its own words.
    Network(String),
    /// The handshake failed.
    Handshake(String),
    /// By us, since the attempt took too long.
    Deadline,
}

impl Connection {
    /// What comes next, by the time the attempt has to end.
    pub(super) async fn turn(
        &mut self,
        environment: &Environment,
        deadline: Instant,
    ) -> Result<Turn<Event>, Broken> {
        let turn = self.driver.turn();
        match environment.within(Duration::MAX, deadline, turn).await {
            Ok(turn) => turn.map_err(|error| match error {
                DriverError::Protocol(error) => Broken::Protocol(error),
                DriverError::Handshake(error) => Broken::Handshake(error.to_string()),
                error => Broken::Network(error.to_string()),
            }),
            Err(_) => Err(Broken::Deadline),
        }
    }

    /// What the server offers.
    pub(super) fn offers(&self) -> &Capabilities {
        self.driver.machine.client.capabilities()
    }

    pub(super) fn tls(&self) -> Option<&'static str> {
        self.driver.machine.client.tls().map(|tls| tls.version)
    }

    /// The stage that the conversation is at.
    pub(super) fn stage(&self) -> AttemptStage {
        attempt_stage(self.driver.machine.client.stage()).unwrap_or(AttemptStage::Mail)
    }

    /// Says goodbye, when what is under way has ended, and closes.
    pub(super) async fn leave(mut self) {
        use mailwright_core::Machine as _;
        self.driver.machine.handle_shutdown();
        while let Ok(Some(_)) = self.driver.next().await {}
    }
}

impl Broken {
    /// What is told of it, if it broke at `stage`.
    pub(super) fn words(&self, stage: AttemptStage) -> Words {
        match self {
            Self::Protocol(error) => Words::ended(error, stage_of(error)),
            Self::Network(text) => Words::seen(stage, code::BAD_CONNECTION, text),
            Self::Handshake(text) => {
                Words::seen(AttemptStage::Tls, code::TLS_FAILED, format!("TLS handshake failed: {text}"))
            }
            Self::Deadline => Words::out_of_time(OutOfTime::Attempt, stage),
        }
    }
}

/// The client's configuration for a target: of the route what the route decides.
pub(super) fn client_config(
    base: &client::Config,
    target: &Target,
    start_tls: client::StartTls,
) -> Arc<client::Config> {
    let mut config = base.clone();
    config.protocol = target.manner.protocol;
    config.start_tls = start_tls;
    if let Some(source) = &target.source {
        config.name = source.hostname.clone();
    }
    Arc::new(config)
}
