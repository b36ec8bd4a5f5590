//! LOGIN, AUTHENTICATE.

use mailwright_auth::{Credentials, Exchange};
use mailwright_core::{Secret, Ticket};
use mailwright_imap::Rejection;
use mailwright_imap::server::{AuthStep, Question, ask};
use mailwright_store::Store;
use tracing::info;

use super::session::Session;
use crate::authenticate::{Authenticate, Known, LoginError, User, step};

impl<S: Store, A: Authenticate> Session<'_, S, A> {
    pub(super) async fn login(&mut self, user: String, password: Secret, ticket: Ticket<ask::Login>) {
        let credentials = Credentials { user, authzid: None, password };
        let login = self.shared.authenticate.login(self.peer, credentials);
        let known = self.driver.attend(login).await.map_err(refusal);
        self.let_in(ticket, known, ());
    }

    pub(super) async fn begin_auth(
        &mut self,
        mechanism: &str,
        initial: Option<Secret>,
        ticket: Ticket<ask::Auth>,
    ) {
        let (offered, tls) = (self.shared.mechanisms, self.driver.machine.tls());
        let exchange = Exchange::begin(mechanism, offered, tls, self.shared.setup.nonce());
        self.exchange = exchange.ok().map(Box::new);
        self.auth(initial, ticket).await;
    }

    pub(super) async fn auth(&mut self, response: Option<Secret>, ticket: Ticket<ask::Auth>) {
        let Some(exchange) = &mut self.exchange else {
            self.answer(ticket, Err(Rejection::auth_unavailable()));
            return;
        };
        let response = response.as_ref().map(Secret::expose);
        let step = step(self.shared.authenticate, self.peer, exchange, response);
        let known = match self.driver.attend(step).await {
            Ok(Known::NotYet(challenge)) => {
                self.answer(ticket, Ok(AuthStep::Challenge(challenge)));
                return;
            }
            Ok(Known::As(user)) => Ok(user),
            Err(error) => Err(refusal(error)),
        };
        self.exchange = None;
        self.let_in(ticket, known, AuthStep::Done);
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

fn refusal(error: LoginError) -> Rejection {
    match error {
        LoginError::Wrong => Rejection::auth_failed(),
        LoginError::Locked => Rejection::auth_unavailable().with_text(error.to_string()),
        LoginError::Unavailable => Rejection::auth_unavailable(),
    }
}
