//! Who is it? Asked by all protocols in one way.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use mailwright_auth::Credentials;
use mailwright_core::AccountId;
use thiserror::Error;

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

/// Checks passwords.
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
}

impl<A: Authenticate> Authenticate for Arc<A> {
    fn login(
        &self,
        from: IpAddr,
        credentials: Credentials,
    ) -> impl Future<Output = Result<User, LoginError>> + Send {
        self.as_ref().login(from, credentials)
    }
}
