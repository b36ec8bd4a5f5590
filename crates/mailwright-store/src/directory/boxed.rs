//! Any directory behind one type.

use std::sync::Arc;

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, ForwardPath, ReversePath, Timestamp};

use super::contract::{AccountCredentials, Directory, Resolution};
use crate::batch::BatchId;
use crate::boxed::BoxFuture;
use crate::error::Unavailable;

/// Any directory behind one type: `Arc<dyn DynDirectory>` is itself a [`Directory`].
pub trait DynDirectory: ErasedDirectory {}

impl<D: Directory> DynDirectory for D {}

/// The methods of [`DynDirectory`]. Never in scope by name, so that they do not compete with [`Directory`]'s.
pub trait ErasedDirectory: Send + Sync + 'static {
    /// See [`Directory::resolve`].
    fn resolve<'a>(&'a self, path: &'a ForwardPath) -> BoxFuture<'a, Result<Resolution, Unavailable>>;
    /// See [`Directory::credentials`].
    fn credentials<'a>(
        &'a self,
        login: &'a str,
    ) -> BoxFuture<'a, Result<Option<AccountCredentials>, Unavailable>>;
    /// See [`Directory::may_send`].
    fn may_send<'a>(
        &'a self,
        account: AccountId,
        sender: &'a ReversePath,
    ) -> BoxFuture<'a, Result<bool, Unavailable>>;
    /// See [`Directory::create`].
    fn create<'a>(
        &'a self,
        login: &'a str,
        verifier: Verifier,
        batch: BatchId,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<AccountId>, Unavailable>>;
}

impl<D: Directory> ErasedDirectory for D {
    fn resolve<'a>(&'a self, path: &'a ForwardPath) -> BoxFuture<'a, Result<Resolution, Unavailable>> {
        Box::pin(Directory::resolve(self, path))
    }

    fn credentials<'a>(
        &'a self,
        login: &'a str,
    ) -> BoxFuture<'a, Result<Option<AccountCredentials>, Unavailable>> {
        Box::pin(Directory::credentials(self, login))
    }

    fn may_send<'a>(
        &'a self,
        account: AccountId,
        sender: &'a ReversePath,
    ) -> BoxFuture<'a, Result<bool, Unavailable>> {
        Box::pin(Directory::may_send(self, account, sender))
    }

    fn create<'a>(
        &'a self,
        login: &'a str,
        verifier: Verifier,
        batch: BatchId,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<AccountId>, Unavailable>> {
        Box::pin(Directory::create(self, login, verifier, batch, now))
    }
}

impl Directory for Arc<dyn DynDirectory> {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        ErasedDirectory::resolve(&**self, path).await
    }

    async fn credentials(&self, login: &str) -> Result<Option<AccountCredentials>, Unavailable> {
        ErasedDirectory::credentials(&**self, login).await
    }

    async fn may_send(&self, account: AccountId, sender: &ReversePath) -> Result<bool, Unavailable> {
        ErasedDirectory::may_send(&**self, account, sender).await
    }

    async fn create(
        &self,
        login: &str,
        verifier: Verifier,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Option<AccountId>, Unavailable> {
        ErasedDirectory::create(&**self, login, verifier, batch, now).await
    }
}
