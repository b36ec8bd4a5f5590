//! Who there is: users of the configuration and of the store.

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, Address, Domain, ForwardPath, ReversePath, Timestamp};
use mailwright_store::{
    AccountCredentials, BatchId, Directory, DirectoryConfig, ManagedDirectory, Resolution, StaticAccount,
    StaticDirectory, Store, Unavailable, fold_local,
};

/// The store says where mail goes and who may send as whom: users of the configuration have an account there like
/// all others. How users of the configuration prove who they are, the configuration says.
pub(crate) struct Directories<S> {
    fixed: StaticDirectory,
    managed: ManagedDirectory<S>,
    hostname: Domain,
    /// Of the first domain.
    postmaster: Option<Address>,
}

impl<S: Store> Directories<S> {
    /// Of a server of this name, of which `home` is the first domain.
    pub(crate) fn new(
        config: DirectoryConfig,
        users: impl IntoIterator<Item = StaticAccount>,
        store: S,
        hostname: Domain,
        home: &Domain,
    ) -> Self {
        Self {
            fixed: StaticDirectory::new(config.clone(), users),
            managed: ManagedDirectory::new(config, store),
            hostname,
            postmaster: format!("postmaster@{home}").parse().ok(),
        }
    }

    /// RFC 5321 §4.5.1: whom `<Postmaster>` means is there even if the server's name is none of our domains.
    fn is_own_postmaster(&self, path: &ForwardPath) -> bool {
        path.address().is_some_and(|address| {
            fold_local(address.local()) == "postmaster" && address.domain() == self.hostname.as_str()
        })
    }
}

impl<S: Store> Directory for Directories<S> {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        match (self.managed.resolve(path).await?, &self.postmaster) {
            (Resolution::Remote(_), Some(postmaster)) if self.is_own_postmaster(path) => {
                self.managed.resolve(&ForwardPath::Address(postmaster.clone())).await
            }
            (found, _) => Ok(found),
        }
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
