//! Who is it? Asked by all protocols in one way.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use mailwright_auth::{Credentials, Exchange, LookUp, ScramKeys, ScramProof, Step, Token, TokenRefusal};
use mailwright_core::AccountId;
use thiserror::Error;
use tracing::debug;

/// Who has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account in the store.
    pub account: AccountId,
    /// The name, for the log.
    pub login: String,
}

/// Why nobody was let in. Which of name and password was wrong is told to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The name or the password is wrong.
    #[error("user name or password is wrong")]
    Wrong,
    /// The address has failed too often.
    #[error("too many failed logins, try again later")]
    Locked,
    /// It cannot be told now.
    #[error("it cannot be told now who this is")]
    Unavailable,
}

/// Checks passwords, and what shows that somebody knows one.
pub trait Authenticate: Send + Sync + 'static {
    /// Who comes from there with these.
    ///
    /// # Errors
    /// If nobody is to be let in. An unknown user should cost as much time as a wrong password.
    fn login(
        &self,
        from: IpAddr,
        credentials: Credentials,
    ) -> impl Future<Output = Result<User, LoginError>> + Send;

    /// What is stored of a user's passwords for SCRAM: of one who is not there, a [decoy](ScramKeys::decoy). Asked only
    /// if SCRAM is offered; nobody has any unless written.
    ///
    /// # Errors
    /// If nobody is to be let in.
    fn scram(
        &self,
        _from: IpAddr,
        _wanted: &LookUp,
    ) -> impl Future<Output = Result<Vec<ScramKeys>, LoginError>> + Send {
        async { Err(LoginError::Wrong) }
    }

    /// What came of SCRAM by these keys, right or wrong; they may have been stored no longer since. Nobody is let in unless
    /// written.
    ///
    /// # Errors
    /// If nobody is to be let in.
    fn proof(
        &self,
        _from: IpAddr,
        _proof: ScramProof,
    ) -> impl Future<Output = Result<User, LoginError>> + Send {
        async { Err(LoginError::Wrong) }
    }

    /// Whose token this is; or what the client is told before it is refused. Asked only if OAUTHBEARER or XOAUTH2 is
    /// offered; it is nobody's unless written.
    ///
    /// # Errors
    /// If nobody is to be let in, and there is nothing to say of the token.
    fn token(
        &self,
        _from: IpAddr,
        _token: Token,
    ) -> impl Future<Output = Result<Result<User, TokenRefusal>, LoginError>> + Send {
        async { Ok(Err(TokenRefusal::default())) }
    }
}

impl<A: Authenticate> Authenticate for Arc<A> {
    fn login(
        &self,
        from: IpAddr,
        credentials: Credentials,
    ) -> impl Future<Output = Result<User, LoginError>> + Send {
        self.as_ref().login(from, credentials)
    }

    fn scram(
        &self,
        from: IpAddr,
        wanted: &LookUp,
    ) -> impl Future<Output = Result<Vec<ScramKeys>, LoginError>> + Send {
        self.as_ref().scram(from, wanted)
    }

    fn proof(
        &self,
        from: IpAddr,
        proof: ScramProof,
    ) -> impl Future<Output = Result<User, LoginError>> + Send {
        self.as_ref().proof(from, proof)
    }

    fn token(
        &self,
        from: IpAddr,
        token: Token,
    ) -> impl Future<Output = Result<Result<User, TokenRefusal>, LoginError>> + Send {
        self.as_ref().token(from, token)
    }
}

/// What is known of who it is.
pub(crate) enum Known {
    /// Nothing, before the client has answered this.
    NotYet(Vec<u8>),
    As(User),
}

/// What an exchange comes to with this response.
pub(crate) async fn step<A: Authenticate>(
    authenticate: &A,
    from: IpAddr,
    exchange: &mut Exchange,
    response: Option<&[u8]>,
) -> Result<Known, LoginError> {
    let mut step = exchange.step(response);
    loop {
        step = match step {
            Step::Challenge(challenge) => return Ok(Known::NotYet(challenge)),
            Step::Check(credentials) => return authenticate.login(from, credentials).await.map(Known::As),
            Step::LookUp(wanted) => exchange.keys(&authenticate.scram(from, &wanted).await?),
            Step::Proof(proof) => return authenticate.proof(from, proof).await.map(Known::As),
            Step::Token(token) => match authenticate.token(from, token).await? {
                Ok(user) => return Ok(Known::As(user)),
                Err(why) => exchange.refuse_token(&why),
            },
            Step::Failed(error) => {
                debug!(%error, "malformed authentication");
                return Err(LoginError::Wrong);
            }
            _ => return Err(LoginError::Unavailable),
        };
    }
}
