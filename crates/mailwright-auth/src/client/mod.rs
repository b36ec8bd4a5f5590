//! SASL (RFC 4422), the client's side of each exchange.

mod bearer;
mod cram_md5;
mod error;
mod external;
mod given;
mod login;
mod plain;
mod scram;
mod setting;
mod step;

pub use error::{ClientError, ServerError};
pub use given::Given;
use mailwright_core::TlsExporter;
pub use setting::ClientLimits;
use setting::Setting;
pub use step::Step;

use crate::mechanism::Mechanism;

/// One authentication exchange, the client's side: challenges in, responses out.
///
/// Challenges and responses are raw: base64 and cancelling belong to the protocol. Which mechanisms may be used, and
/// that one which [sends the password](Mechanism::sends_password) is used within TLS only, is decided before; see
/// [`Given::mechanisms`].
///
/// ```
/// use mailwright_auth::client::{Exchange, Step};
/// use mailwright_auth::{Credentials, Mechanism};
///
/// let credentials = Credentials { user: "tim".into(), authzid: None, password: "tanstaaf".into() };
/// let nonce = [7; 18]; // random in earnest
/// let mut exchange = Exchange::start(Mechanism::Plain, credentials, nonce)?;
/// let Step::Respond(message) = exchange.step(None) else { panic!("with PLAIN the client speaks first") };
/// assert_eq!(message.expose(), b"\0tim\0tanstaaf");
/// exchange.finish()?; // the server has said that it was right
/// # Ok::<_, mailwright_auth::client::ClientError>(())
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
    Scram(scram::State),
    Bearer(bearer::State),
    External(external::State),
    CramMd5(cram_md5::State),
    Ended,
}

impl Exchange {
    /// At the beginning, with the default limits.
    ///
    /// `nonce` is random, and another one each time: by it, SCRAM sees that the server's proof is new.
    ///
    /// # Errors
    /// If the mechanism cannot carry what is given. Nothing has been said then.
    pub fn start(
        mechanism: Mechanism,
        given: impl Into<Given>,
        nonce: [u8; 18],
    ) -> Result<Self, ClientError> {
        Self::start_within(mechanism, given, nonce, ClientLimits::default())
    }

    /// At the beginning, with these limits.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_within(
        mechanism: Mechanism,
        given: impl Into<Given>,
        nonce: [u8; 18],
        limits: ClientLimits,
    ) -> Result<Self, ClientError> {
        use Given::{External, Password, Token};
        let state = match (mechanism, given.into()) {
            (Mechanism::ScramPlus(hash), Password(it)) => State::Scram(scram::State::start(hash, true, &it)?),
            (Mechanism::Scram(hash), Password(it)) => State::Scram(scram::State::start(hash, false, &it)?),
            (Mechanism::Plain, Password(it)) => State::Plain(plain::State::start(&it)?),
            (Mechanism::Login, Password(it)) => State::Login(login::State::start(it)?),
            (Mechanism::CramMd5, Password(it)) => State::CramMd5(cram_md5::State::start(it)?),
            (Mechanism::OAuthBearer, Token(it)) => State::Bearer(bearer::State::oauth_bearer(&it)?),
            (Mechanism::XOAuth2, Token(it)) => State::Bearer(bearer::State::xoauth2(&it)?),
            (Mechanism::External, External(it)) => State::External(external::State::start(it)?),
            (_, Password(_) | Token(_) | External(_)) => return Err(ClientError::Other),
        };
        Ok(Self { setting: Setting { limits, nonce, exporter: None }, state })
    }

    /// On a connection that this tells of. With -PLUS the login is bound to it; without, the server is told that it could
    /// have been, and finds out whether somebody took -PLUS out of its offer (RFC 5802 §6).
    pub fn bound_to(mut self, exporter: TlsExporter) -> Self {
        self.setting.exporter = Some(exporter);
        self
    }

    /// The first step takes `None`; each further one the server's challenge. A response that the protocol could not
    /// send at once is kept by the caller until the server asks for it with an empty challenge (RFC 4422 §5.1).
    ///
    /// The second step of SCRAM takes its time, that of
    /// [`iterations_max`](ClientLimits::iterations_max) at most: not on a thread that serves others.
    pub fn step(&mut self, challenge: Option<&[u8]>) -> Step {
        let setting = &self.setting;
        let advanced = match std::mem::replace(&mut self.state, State::Ended) {
            State::Plain(state) => state.step(challenge).map(|(next, step)| (State::Plain(next), step)),
            State::Login(state) => state.step(challenge).map(|(next, step)| (State::Login(next), step)),
            State::Scram(state) => {
                state.step(challenge, setting).map(|(next, step)| (State::Scram(next), step))
            }
            State::Bearer(state) => state.step(challenge).map(|(next, step)| (State::Bearer(next), step)),
            State::External(state) => state.step(challenge).map(|(next, step)| (State::External(next), step)),
            State::CramMd5(state) => {
                state.step(challenge, setting).map(|(next, step)| (State::CramMd5(next), step))
            }
            State::Ended => Err(ClientError::Unexpected),
        };
        match advanced {
            Ok((state, step)) => {
                self.state = state;
                step
            }
            Err(error) => Step::Failed(error),
        }
    }

    /// The server has said that we are who we say.
    ///
    /// # Errors
    /// If it has said so before it could know, or, with SCRAM, before it has shown who it is: it is not the server, or
    /// not a sound one.
    pub fn finish(self) -> Result<(), ClientError> {
        match self.state {
            State::Plain(plain::State::Said)
            | State::Login(login::State::Said)
            | State::Scram(scram::State::Shown)
            | State::Bearer(bearer::State::Said { .. })
            | State::External(external::State::Said)
            | State::CramMd5(cram_md5::State::Said) => Ok(()),
            _ => Err(ClientError::TooEarly),
        }
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::Secret;

    use super::*;
    use crate::error::Part;
    use crate::{Credentials, Exchange as ServerExchange, ScramHash, Step as ServerStep};

    const SCRAM: Mechanism = Mechanism::Scram(ScramHash::Sha256);
    const NONCE: [u8; 18] = [1; 18];

    fn credentials(user: &str, authzid: Option<&str>, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), authzid: authzid.map(str::to_owned), password: password.into() }
    }

    /// What our own server makes of it.
    fn exchanged(mechanism: Mechanism, given: Credentials) -> Credentials {
        let (mut client, mut server) =
            (Exchange::start(mechanism, given, NONCE).unwrap(), ServerExchange::start(mechanism, NONCE));
        let mut said = match client.step(None) {
            Step::Respond(initial) => Some(initial),
            Step::Wait => None,
            Step::Failed(error) => panic!("{error}"),
        };
        loop {
            match server.step(said.as_ref().map(Secret::expose)) {
                ServerStep::Challenge(challenge) => match client.step(Some(&challenge)) {
                    Step::Respond(response) => said = Some(response),
                    other => panic!("{other:?}"),
                },
                ServerStep::Check(credentials) => {
                    client.finish().unwrap();
                    return credentials;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_server_reads_what_the_client_means() {
        for (mechanism, given) in [
            (Mechanism::Plain, credentials("tim", None, "tanstaaf")),
            (Mechanism::Plain, credentials("tïm", Some("jo"), "tänstaaf \r\n")),
            (Mechanism::Login, credentials("tim", None, "tanstaaf")),
        ] {
            let read = exchanged(mechanism, given.clone());
            assert_eq!(
                (read.user, read.authzid, read.password),
                (given.user, given.authzid, given.password),
                "{mechanism}"
            );
        }
    }

    #[test]
    fn what_cannot_be_carried_is_not_said() {
        use ClientError::{Authzid, Empty, Forbidden, NotUtf8, Other};
        for (mechanism, user, authzid, password, error) in [
            (Mechanism::Plain, "", None, "x", Empty(Part::User)),
            (Mechanism::Plain, "a\0b", None, "x", Forbidden(Part::User)),
            (Mechanism::Plain, "a", Some("b\0"), "x", Forbidden(Part::Authzid)),
            (Mechanism::Plain, "a", Some(""), "x", Empty(Part::Authzid)),
            (Mechanism::Plain, "a", None, "", Empty(Part::Password)),
            (Mechanism::Plain, "a", None, "x\0y", Forbidden(Part::Password)),
            (Mechanism::Login, "a", Some("b"), "x", Authzid),
            (Mechanism::Login, "a", None, "x\r", Forbidden(Part::Password)),
            (Mechanism::Login, "a\n", None, "x", Forbidden(Part::User)),
            (Mechanism::CramMd5, "a", Some("b"), "x", Authzid),
            (Mechanism::CramMd5, "a\r", None, "x", Forbidden(Part::User)),
            (SCRAM, "", None, "x", Empty(Part::User)),
            (SCRAM, "a\u{7}", None, "x", Forbidden(Part::User)),
            (SCRAM, "a", Some("b\0"), "x", Forbidden(Part::Authzid)),
            (SCRAM, "a", None, "x\0", Forbidden(Part::Password)),
            // RFC 4013 §2.1: a soft hyphen is mapped to nothing.
            (SCRAM, "a", None, "\u{AD}", Forbidden(Part::Password)),
            (Mechanism::OAuthBearer, "a", None, "x", Other),
            (Mechanism::External, "a", None, "x", Other),
        ] {
            let started = Exchange::start(mechanism, credentials(user, authzid, password), NONCE);
            assert_eq!(started.map(|_| ()), Err(error), "{mechanism} {user:?} {authzid:?}");
        }
        let password = Secret::new(vec![0xFF]);
        let binary = Credentials { user: "a".to_owned(), authzid: None, password };
        assert_eq!(
            Exchange::start(Mechanism::Plain, binary, NONCE).map(|_| ()),
            Err(NotUtf8(Part::Password))
        );
    }

    #[test]
    fn a_server_that_asks_too_much_or_too_little_is_told_apart() {
        for (mechanism, challenges) in [(Mechanism::Plain, 0), (Mechanism::Login, 2), (Mechanism::CramMd5, 1)]
        {
            let start = || Exchange::start(mechanism, credentials("a", None, "b"), NONCE).unwrap();
            let mut exchange = start();
            let _ = exchange.step(None);
            for _ in 0..challenges {
                assert!(matches!(exchange.step(Some(b"?")), Step::Respond(_)), "{mechanism}");
            }
            assert_eq!(exchange.step(Some(b"?")), Step::Failed(ClientError::Unexpected), "{mechanism}");
            assert_eq!(exchange.finish(), Err(ClientError::TooEarly));
            assert_eq!(start().finish(), Err(ClientError::TooEarly), "{mechanism}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for mechanism in Mechanism::ALL {
            let given = match mechanism {
                Mechanism::OAuthBearer | Mechanism::XOAuth2 => {
                    Given::from(crate::Token { user: Some("tim".to_owned()), token: "hunter2".into() })
                }
                Mechanism::External => Given::External(None),
                _ => Given::from(credentials("tim", None, "hunter2")),
            };
            let exporter = TlsExporter::new(*b"what only this connection's ends");
            let mut exchange = Exchange::start(*mechanism, given, NONCE).unwrap().bound_to(exporter);
            let before = format!("{exchange:?}");
            let step = exchange.step(None);
            assert!(!matches!(step, Step::Failed(_)), "{mechanism}");
            let shown = format!("{before} {step:?} {exchange:?}");
            assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
            assert!(!shown.contains("what only") && !shown.contains("119, 104, 97, 116"), "{shown}");
        }
    }
}
