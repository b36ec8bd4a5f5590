//! The accounts of a store as a directory.

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, Address, Domain, ForwardPath, ReversePath, Timestamp};

use super::contract::{AccountCredentials, Directory, Resolution};
use super::rules::{self, Accounts, DirectoryConfig};
use crate::account::{AccountInfo, AccountKey, AccountOp, Credential, NewAccount};
use crate::batch::{Batch, BatchId};
use crate::error::{ReadError, Unavailable};
use crate::outcome::{Cause, OpOutcome};
use crate::store::Store;

/// The accounts that live in a [`Store`], and its domains.
#[derive(Debug, Clone)]
pub struct ManagedDirectory<S> {
    config: DirectoryConfig,
    store: S,
}

impl<S: Store> ManagedDirectory<S> {
    /// Of the accounts in `store`.
    pub fn new(config: DirectoryConfig, store: S) -> Self {
        Self { config, store }
    }

    async fn find(&self, key: AccountKey) -> Result<Option<AccountInfo>, Unavailable> {
        known(self.store.find_account(&key).await)
    }
}

impl<S: Store> Accounts for ManagedDirectory<S> {
    async fn owner(&self, address: &Address) -> Result<Option<AccountId>, Unavailable> {
        Ok(self.find(AccountKey::Address(address.clone())).await?.map(|account| account.id))
    }

    async fn has_domain(&self, domain: &Domain) -> Result<bool, Unavailable> {
        self.store.has_domain(domain).await
    }

    async fn first(&self) -> Result<Option<AccountId>, Unavailable> {
        Ok(self.store.accounts(None, 1).await?.items.first().map(|account| account.id))
    }
}

impl<S: Store> Directory for ManagedDirectory<S> {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        rules::resolve(&self.config, self, path).await
    }

    async fn credentials(&self, login: &str) -> Result<Option<AccountCredentials>, Unavailable> {
        let mut found = self.find(AccountKey::Login(login.to_owned())).await?;
        if let (None, Ok(address)) = (&found, login.parse()) {
            found = self.find(AccountKey::Address(address)).await?;
        }
        let Some(AccountInfo { id: account, login, enabled, .. }) = found else { return Ok(None) };
        let credentials = known(self.store.credentials(account).await)?;
        Ok(credentials.map(|credentials| AccountCredentials { account, login, enabled, credentials }))
    }

    async fn may_send(&self, account: AccountId, sender: &ReversePath) -> Result<bool, Unavailable> {
        rules::may_send(&self.config, self, account, sender).await
    }

    async fn create(
        &self,
        login: &str,
        verifier: Verifier,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Option<AccountId>, Unavailable> {
        let addresses = self.config.addresses_of(login);
        if !self.config.create_unknown || addresses.is_empty() {
            return Ok(None);
        }
        let credentials = vec![Credential { name: "password".to_owned(), verifier }];
        let new = NewAccount { login: login.to_owned(), addresses, credentials, ..NewAccount::default() };
        match self.store.commit(Batch::new(batch, now).with(AccountOp::Create(new))).await {
            Ok(outcome) => Ok(outcome.ops.into_iter().find_map(|op| match op {
                OpOutcome::AccountCreated { account, .. } => Some(account),
                _ => None,
            })),
            Err(rejected) => match rejected.cause {
                Cause::Unavailable(unavailable) => Err(unavailable),
                _ => Ok(None),
            },
        }
    }
}

fn known<T>(found: Result<T, ReadError>) -> Result<Option<T>, Unavailable> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ReadError::Unavailable(unavailable)) => Err(unavailable),
        Err(_) => Ok(None),
    }
}
