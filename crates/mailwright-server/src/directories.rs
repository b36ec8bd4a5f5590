//! Who there is: users of the configuration and of the store.

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, ForwardPath, ReversePath, Timestamp};
use mailwright_store::{
    AccountCredentials, BatchId, Directory, DirectoryConfig, ManagedDirectory, Resolution, StaticAccount,
    StaticDirectory, Store, Unavailable,
};

/// The store says where mail goes and who may send as whom: users of the configuration have an account there like
/// all others. How users of the configuration prove who they are, the configuration says.
pub(crate) struct Directories<S> {
    fixed: StaticDirectory,
    managed: ManagedDirectory<S>,
}

impl<S: Store> Directories<S> {
    pub(crate) fn new(
        config: DirectoryConfig,
        users: impl IntoIterator<Item = StaticAccount>,
        store: S,
    ) -> Self {
        Self {
            fixed: StaticDirectory::new(config.clone(), users),
            managed: ManagedDirectory::new(config, store),
        }
    }
}

impl<S: Store> Directory for Directories<S> {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        self.managed.resolve(path).await
    }

    async fn credentials(&self, login: &str) -> Result<Option<AccountCredentials>, Unavailable> {
        match self.fixed.credentials(login).await? {
            Some(found) => Ok(Some(found)),
            None => self.managed.credentials(login).await,
        }
    }

    async fn may_send(&self, account: AccountId, sender: &ReversePath) -> Result<bool, Unavailable> {
        self.managed.may_send(account, sender).await
    }

    async fn create(
        &self,
        login: &str,
        verifier: Verifier,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Option<AccountId>, Unavailable> {
        self.managed.create(login, verifier, batch, now).await
    }
}
