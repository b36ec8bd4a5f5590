//! SASL (RFC 4422), the server's side of each exchange.

mod bearer;
mod external;
mod login;
mod name;
mod plain;
mod scram;
mod setting;
mod step;

use mailwright_core::{TlsExporter, TlsInfo};

pub use name::Mechanism;
use setting::Setting;
use step::Next;
pub use step::{Credentials, ExchangeLimits, LookUp, ScramProof, Step, Token, TokenRefusal};

use crate::error::AuthError;
use crate::scram::ScramKeys;

/// One authentication exchange, the server's side: responses in, challenges out, until there is something to
/// check or nothing more to say.
///
/// Responses and challenges are raw: base64, and the client's `*` that cancels (drop the exchange), belong to
/// the protocol.
///
/// ```
/// use mailwright_auth::{Exchange, Mechanism, ScramHash, ScramKeys, Step};
///
/// let keys = ScramKeys::derive(ScramHash::Sha256, b"pencil", [7; 16], 4096)?; // stored, in earnest
/// let nonce = [1; 18]; // random, in earnest
/// let mut exchange = Exchange::start(Mechanism::Scram(ScramHash::Sha256), nonce);
/// let Step::LookUp(wanted) = exchange.step(Some(b"n,,n=tim,r=rOprNGfwEbeRWgbNEkqO")) else { panic!() };
/// assert_eq!(wanted.user, "tim");
/// let Step::Challenge(first) = exchange.keys(&[keys]) else { panic!() };
/// assert!(first.starts_with(b"r=rOprNGfwEbeRWgbNEkqO"));
/// // The client's proof comes next; a wrong one ends it.
/// let wrong = format!("c=biws,{},p={}=", String::from_utf8_lossy(&first).split(',').next().unwrap(), "A".repeat(43));
/// let Step::Proof(proof) = exchange.step(Some(wrong.as_bytes())) else { panic!() };
/// assert_eq!(proof.right, None);
/// # Ok::<_, mailwright_auth::ScramError>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    setting: Setting,
    state: State,
}

#[derive(Debug)]
enum State {
    Plain(plain::State),
    Login(login::State),
    /// Boxed: other exchanges keep no room for it.
    Scram(Box<scram::State>),
    Bearer(bearer::State),
    External(external::State),
    Ended,
}

impl Exchange {
    /// At the beginning, with the default limits.
    ///
    /// `nonce` is random, and another one each time: SCRAM's proofs are worth nothing without it.
    pub fn start(mechanism: Mechanism, nonce: [u8; 18]) -> Self {
        Self::start_within(mechanism, nonce, ExchangeLimits::default())
    }

    /// At the beginning, with these limits.
    pub fn start_within(mechanism: Mechanism, nonce: [u8; 18], limits: ExchangeLimits) -> Self {
        let scram = |hash, binds| boxed(scram::State::Start { kind: scram::Kind { hash, binds } });
        let state = match mechanism {
            Mechanism::ScramPlus(hash) => scram(hash, true),
            Mechanism::Scram(hash) => scram(hash, false),
            Mechanism::OAuthBearer => State::Bearer(bearer::State::Start { form: bearer::Form::OAuthBearer }),
            Mechanism::XOAuth2 => State::Bearer(bearer::State::Start { form: bearer::Form::XOAuth2 }),
            Mechanism::External => State::External(external::State::Start),
            Mechanism::Plain => State::Plain(plain::State::Start),
            Mechanism::Login => State::Login(login::State::Start),
            // Nothing that is stored here can check it.
            Mechanism::CramMd5 => State::Ended,
        };
        Self { setting: Setting { limits, nonce, exporter: None }, state }
    }

    /// Of the mechanism that a client names, on a connection where these were offered and of which `tls` tells.
    ///
    /// # Errors
    /// [`AuthError::UnknownMechanism`], which one is, too, that was not offered, and one with -PLUS where there is nothing
    /// to bind it to.
    pub fn begin(
        name: &str,
        offered: &[String],
        tls: Option<&TlsInfo>,
        nonce: [u8; 18],
    ) -> Result<Self, AuthError> {
        let mechanism: Mechanism = name.parse()?;
        if !offered.iter().any(|name| name.parse() == Ok(mechanism)) {
            return Err(AuthError::UnknownMechanism);
        }
        let binds = |name: &String| name.parse().is_ok_and(Mechanism::binds);
        let exporter = tls.and_then(|tls| tls.exporter).filter(|_| offered.iter().any(binds));
        match exporter {
            Some(exporter) => Ok(Self::start(mechanism, nonce).bound_to(exporter)),
            None if mechanism.binds() => Err(AuthError::UnknownMechanism),
            None => Ok(Self::start(mechanism, nonce)),
        }
    }

    /// On a connection that this tells of. To be given if, and only if, SCRAM with -PLUS was offered on it: a client that
    /// did not see that offer is told apart by it, because somebody in between must have taken it out (RFC 5802 §6).
    pub fn bound_to(mut self, exporter: TlsExporter) -> Self {
        self.setting.exporter = Some(exporter);
        self
    }

    /// The first step takes the initial response: `None` if the client sent none, `Some` of nothing if it
    /// sent an empty one (`=`, RFC 4954 §4). Each further step takes the response to the last challenge.
    ///
    /// Anything but a challenge, or a question of ours that is to be answered, ends the exchange.
    pub fn step(&mut self, response: Option<&[u8]>) -> Step {
        let advanced = self.advance(response);
        self.take(advanced)
    }

    /// What was looked up for [`Step::LookUp`]: the keys of all the user's passwords, of any hash. Those with another
    /// salt than the first of the hash are of no use ([`ScramKeys::sibling`]), for the client is told one.
    ///
    /// Of a user who is not there, give a [decoy](ScramKeys::decoy). Without any the exchange fails at once, which tells
    /// that there is no such user.
    pub fn keys(&mut self, keys: &[ScramKeys]) -> Step {
        let advanced = match std::mem::replace(&mut self.state, State::Ended) {
            State::Scram(state) => state.keys(keys).map(|next| follow(boxed, next)),
            _ => Err(AuthError::NotDue),
        };
        self.take(advanced)
    }

    /// The token of [`Step::Token`] is not right. The client is told why, and the exchange fails whatever it responds.
    pub fn refuse_token(&mut self, why: &TokenRefusal) -> Step {
        let advanced = match std::mem::replace(&mut self.state, State::Ended) {
            State::Bearer(state) => state.refuse(why).map(|next| follow(State::Bearer, next)),
            _ => Err(AuthError::NotDue),
        };
        self.take(advanced)
    }

    fn take(&mut self, advanced: Result<(State, Step), AuthError>) -> Step {
        match advanced {
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
        let setting = &self.setting;
        if let Some(response) = response {
            setting.limits.check_response(response)?;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Plain(state) => Ok(follow(State::Plain, state.step(response, setting)?)),
            State::Login(state) => Ok(follow(State::Login, state.step(response, setting)?)),
            State::Scram(state) => Ok(follow(boxed, state.step(response, setting)?)),
            State::Bearer(state) => Ok(follow(State::Bearer, state.step(response, setting)?)),
            State::External(state) => Ok(follow(State::External, state.step(response, setting)?)),
            State::Ended => Err(AuthError::Ended),
        }
    }
}

fn boxed(state: scram::State) -> State {
    State::Scram(Box::new(state))
}

/// The state that follows, and what to say.
fn follow<S>(state: fn(S) -> State, next: Next<S>) -> (State, Step) {
    match next {
        Next::Challenge(next, text) => (state(next), Step::Challenge(text)),
        Next::LookUp(next, wanted) => (state(next), Step::LookUp(wanted)),
        Next::Token(next, token) => (state(next), Step::Token(token)),
        Next::Check(credentials) => (State::Ended, Step::Check(credentials)),
        Next::Proof(proof) => (State::Ended, Step::Proof(proof)),
        Next::External(authzid) => (State::Ended, Step::External(authzid)),
    }
}
