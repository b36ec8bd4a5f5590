//! LOGIN, AUTHENTICATE.

use mailwright_auth::{Credentials, Exchange, Mechanism, Step};
use mailwright_core::{Secret, Ticket};
use mailwright_imap::Rejection;
use mailwright_imap::server::{AuthStep, Question, ask};
use mailwright_store::Store;
use tracing::{debug, info};

use super::session::Session;
use crate::authenticate::{Authenticate, LoginError, User};

impl<S: Store, A: Authenticate> Session<'_, S, A> {
    pub(super) async fn login(&mut self, user: String, password: Secret, ticket: Ticket<ask::Login>) {
        let known = self.check(Credentials { user, authzid: None, password }).await;
        self.let_in(ticket, known, ());
    }

    pub(super) async fn begin_auth(
        &mut self,
        mechanism: &str,
        initial: Option<Secret>,
        ticket: Ticket<ask::Auth>,
    ) {
        self.exchange = mechanism.parse().ok().map(|mechanism: Mechanism| Exchange::start(mechanism));
        self.auth(initial, ticket).await;
    }

    pub(super) async fn auth(&mut self, response: Option<Secret>, ticket: Ticket<ask::Auth>) {
        let Some(exchange) = &mut self.exchange else {
            self.answer(ticket, Err(Rejection::auth_unavailable()));
            return;
        };
        let known = match exchange.step(response.as_ref().map(Secret::expose)) {
            Step::Challenge(challenge) => {
                self.answer(ticket, Ok(AuthStep::Challenge(challenge)));
                return;
            }
            Step::Check(credentials) => self.check(credentials).await,
            Step::Failed(error) => {
                debug!(%error, "malformed authentication");
                Err(Rejection::auth_failed())
            }
            _ => Err(Rejection::auth_unavailable()),
        };
        self.exchange = None;
        self.let_in(ticket, known, AuthStep::Done);
    }

    async fn check(&mut self, credentials: Credentials) -> Result<User, Rejection> {
        let login = self.shared.authenticate.login(self.peer, credentials);
        self.driver.attend(login).await.map_err(|error| match error {
            LoginError::Wrong => Rejection::auth_failed(),
            LoginError::Locked => Rejection::auth_unavailable().with_text(error.to_string()),
            LoginError::Unavailable => Rejection::auth_unavailable(),
        })
    }

    /// Answers; the user is logged in only if the answer was in time.
    fn let_in<Q, T>(&mut self, ticket: Ticket<Q>, known: Result<User, Rejection>, yes: T)
    where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        match known {
            Ok(user) => {
                if self.answer(ticket, Ok(yes)) {
                    info!(user = user.login, "logged in");
                    self.user = Some(user);
                }
            }
            Err(rejection) => {
                self.answer(ticket, Err(rejection));
            }
        }
    }
}
