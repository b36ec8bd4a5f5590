//! What a directory is asked.

use std::future::Future;

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, Address, Domain, ForwardPath, ReversePath, Timestamp};

use crate::account::Credential;
use crate::batch::BatchId;
use crate::error::Unavailable;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// To an account.
    Local {
        /// Which.
        account: AccountId,
        /// What stood behind the separator (RFC 5233): `news` of `ann+news`.
        detail: Option<String>,
    },
    /// To these addresses, which are to be resolved in turn, to a bounded depth.
    Alias(Vec<Address>),
    /// To another server: the domain is not one of ours.
    Remote(Domain),
    /// Nowhere: the domain is ours, and there is no such recipient in it.
    Unknown,
}

/// An account and how it proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountCredentials {
    /// Which account.
    pub account: AccountId,
    /// The name it is known by.
    pub login: String,
    /// Whether it may log in.
    pub enabled: bool,
    /// Any of these will do.
    pub credentials: Vec<Credential>,
}

/// Who there is.
pub trait Directory: Send + Sync + 'static {
    /// Where a path leads. `<Postmaster>`, and postmaster at each of our domains, always lead somewhere if there
    /// is any account at all (RFC 5321 §4.5.1).
    ///
    /// # Errors
    /// If the directory cannot tell now: the peer is to try again.
    fn resolve(&self, path: &ForwardPath) -> impl Future<Output = Result<Resolution, Unavailable>> + Send;

    /// The account that logs in as `login`; `None` if there is no such account.
    ///
    /// # Errors
    /// If the directory cannot tell now.
    fn credentials(
        &self,
        login: &str,
    ) -> impl Future<Output = Result<Option<AccountCredentials>, Unavailable>> + Send;

    /// Whether an account may send as `sender`. As the null path, which bounces nowhere, everyone may.
    ///
    /// # Errors
    /// If the directory cannot tell now.
    fn may_send(
        &self,
        account: AccountId,
        sender: &ReversePath,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Creates an account for an unknown login, in directories that do so for development. `None`: this one does
    /// not, or not for this login.
    ///
    /// # Errors
    /// If the directory cannot now.
    fn create(
        &self,
        login: &str,
        verifier: Verifier,
        batch: BatchId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<AccountId>, Unavailable>> + Send {
        let _ = (login, verifier, batch, now);
        async { Ok(None) }
    }
}
