//! SASL (RFC 4422), the client's side of each exchange.

mod error;
mod login;
mod plain;
mod step;

pub use error::ClientError;
pub use step::Step;

use crate::mechanism::{Credentials, Mechanism};

/// One authentication exchange, the client's side: challenges in, responses out.
///
/// Challenges and responses are raw: base64 and cancelling belong to the protocol. Which mechanisms may be used, and
/// that one which [sends the password](Mechanism::sends_password) is used within TLS only, is decided before.
///
/// ```
/// use mailwright_auth::client::{Exchange, Step};
/// use mailwright_auth::{Credentials, Mechanism};
///
/// let credentials = Credentials { user: "tim".into(), authzid: None, password: "tanstaaf".into() };
/// let mut exchange = Exchange::start(Mechanism::Plain, credentials)?;
/// let Step::Respond(message) = exchange.step(None) else { panic!("with PLAIN the client speaks first") };
/// assert_eq!(message.expose(), b"\0tim\0tanstaaf");
/// exchange.finish()?; // the server has said that it was right
/// # Ok::<_, mailwright_auth::client::ClientError>(())
/// ```
#[derive(Debug)]
pub struct Exchange {
    state: State,
}

#[derive(Debug)]
enum State {
    Plain(plain::State),
    Login(login::State),
    Ended,
}

impl Exchange {
    /// At the beginning.
    ///
    /// # Errors
    /// If the mechanism cannot carry the credentials. Nothing has been said then.
    pub fn start(mechanism: Mechanism, credentials: Credentials) -> Result<Self, ClientError> {
        let state = match mechanism {
            Mechanism::Plain => State::Plain(plain::State::start(&credentials)?),
            Mechanism::Login => State::Login(login::State::start(credentials)?),
        };
        Ok(Self { state })
    }

    /// The first step takes `None`; each further one the server's challenge. A response that the protocol could not
    /// send at once is kept by the caller until the server asks for it with an empty challenge (RFC 4422 §5.1).
    pub fn step(&mut self, challenge: Option<&[u8]>) -> Step {
        let advanced = match std::mem::replace(&mut self.state, State::Ended) {
            State::Plain(state) => state.step(challenge).map(|(next, step)| (State::Plain(next), step)),
            State::Login(state) => state.step(challenge).map(|(next, step)| (State::Login(next), step)),
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
    /// If it has said so before it could know: it is not the server, or not a sound one.
    pub fn finish(self) -> Result<(), ClientError> {
        match self.state {
            State::Plain(plain::State::Said) | State::Login(login::State::Said) => Ok(()),
            State::Plain(_) | State::Login(_) | State::Ended => Err(ClientError::TooEarly),
        }
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::Secret;

    use super::*;
    use crate::error::Part;
    use crate::{Exchange as ServerExchange, Step as ServerStep};

    fn credentials(user: &str, authzid: Option<&str>, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), authzid: authzid.map(str::to_owned), password: password.into() }
    }

    /// What our own server makes of it.
    fn exchanged(mechanism: Mechanism, given: Credentials) -> Credentials {
        let (mut client, mut server) =
            (Exchange::start(mechanism, given).unwrap(), ServerExchange::start(mechanism));
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
                ServerStep::Failed(error) => panic!("{error}"),
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
        use ClientError::{Authzid, Empty, Forbidden, NotUtf8};
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
        ] {
            let started = Exchange::start(mechanism, credentials(user, authzid, password));
            assert_eq!(started.map(|_| ()), Err(error), "{mechanism} {user:?} {authzid:?}");
        }
        let password = Secret::new(vec![0xFF]);
        let binary = Credentials { user: "a".to_owned(), authzid: None, password };
        assert_eq!(Exchange::start(Mechanism::Plain, binary).map(|_| ()), Err(NotUtf8(Part::Password)));
    }

    #[test]
    fn a_server_that_asks_too_much_or_too_little_is_told_apart() {
        for (mechanism, challenges) in [(Mechanism::Plain, 0), (Mechanism::Login, 2)] {
            let start = || Exchange::start(mechanism, credentials("a", None, "b")).unwrap();
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
            let mut exchange = Exchange::start(*mechanism, credentials("tim", None, "hunter2")).unwrap();
            let shown = format!("{exchange:?} {:?} {exchange:?}", exchange.step(None));
            assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
        }
    }
}
