//! SASL (RFC 4422), the server's side of each exchange.

mod login;
mod plain;
mod step;

use std::fmt;
use std::str::FromStr;

use step::Next;
pub use step::{Credentials, ExchangeLimits, Step};

use crate::error::AuthError;

/// A SASL mechanism (RFC 4422 §3.1).
///
/// Read from text in any case, written as IANA has registered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// PLAIN (RFC 4616): identity and password in one message.
    Plain,
    /// LOGIN (draft-murchison-sasl-login-00): user name and password one by one. Obsolete, still spoken.
    Login,
}

impl Mechanism {
    /// All of them, best first: the order to offer them in.
    pub const ALL: &'static [Self] = &[Self::Plain, Self::Login];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// Whether the password itself goes over the wire: such a one is neither offered nor taken outside TLS
    /// (RFC 4616 §5, RFC 4954 §4).
    pub fn sends_password(self) -> bool {
        match self {
            Self::Plain | Self::Login => true,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = AuthError;

    fn from_str(text: &str) -> Result<Self, AuthError> {
        let found = Self::ALL.iter().find(|mechanism| text.eq_ignore_ascii_case(mechanism.name()));
        found.copied().ok_or(AuthError::UnknownMechanism)
    }
}

/// One authentication exchange, the server's side: responses in, challenges out, until there is something to
/// check or nothing more to say.
///
/// Responses and challenges are raw: base64, and the client's `*` that cancels (drop the exchange), belong to
/// the protocol.
#[derive(Debug)]
pub struct Exchange {
    limits: ExchangeLimits,
    state: State,
}

#[derive(Debug)]
enum State {
    Plain(plain::State),
    Login(login::State),
    Ended,
}

impl Exchange {
    /// At the beginning, with the default limits.
    pub fn start(mechanism: Mechanism) -> Self {
        Self::start_within(mechanism, ExchangeLimits::default())
    }

    /// At the beginning, with these limits.
    pub fn start_within(mechanism: Mechanism, limits: ExchangeLimits) -> Self {
        let state = match mechanism {
            Mechanism::Plain => State::Plain(plain::State::Start),
            Mechanism::Login => State::Login(login::State::Start),
        };
        Self { limits, state }
    }

    /// The first step takes the initial response: `None` if the client sent none, `Some` of nothing if it
    /// sent an empty one (`=`, RFC 4954 §4). Each further step takes the response to the last challenge.
    ///
    /// Anything but a challenge ends the exchange.
    pub fn step(&mut self, response: Option<&[u8]>) -> Step {
        match self.advance(response) {
            Ok((state, step)) => {
                self.state = state;
                step
            }
            Err(error) => {
                self.state = State::Ended;
                Step::Failed(error)
            }
        }
    }

    fn advance(&mut self, response: Option<&[u8]>) -> Result<(State, Step), AuthError> {
        if let Some(response) = response {
            self.limits.check_response(response)?;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Plain(state) => Ok(follow(State::Plain, state.step(response, &self.limits)?)),
            State::Login(state) => Ok(follow(State::Login, state.step(response, &self.limits)?)),
            State::Ended => Err(AuthError::Ended),
        }
    }
}

/// The state that follows, and what to say.
fn follow<S>(state: fn(S) -> State, next: Next<S>) -> (State, Step) {
    match next {
        Next::Challenge(next, text) => (state(next), Step::Challenge(text)),
        Next::Check(credentials) => (State::Ended, Step::Check(credentials)),
    }
}
