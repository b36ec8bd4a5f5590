//! Users of the configuration, and the accounts that keep their mail.

use mailwright_core::{AccountId, Address, Clock, Entropy};
use mailwright_store::{
    AccountInfo, AccountKey, AccountOp, Batch, BatchId, BoxFuture, Cause, Credential, NewAccount, OpOutcome,
    ReadError, Rejected, StaticAccount, Store, Unavailable,
};
use thiserror::Error;

use crate::settings::StaticUser;

/// Why users of the configuration have no place in the store.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResidentError {
    /// One of their addresses belongs to somebody else.
    #[error("{address} belongs to the account {owner} in the store")]
    AddressTaken {
        /// The address.
        address: Address,
        /// The login of whom it belongs to.
        owner: String,
    },
    /// The store does not take it.
    #[error("the store refuses {login}: {rejected}")]
    Refused {
        /// The user.
        login: String,
        /// Why.
        rejected: Rejected,
    },
    /// The store cannot.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Gives each user an account in the store, and the account the addresses of the user.
///
/// Whatever is wrong is found before anything is changed, short of a change by somebody else in between. Boxed for
/// the reason that `serving.rs` tells.
pub(crate) fn settle<'a, S: Store>(
    store: &'a S,
    users: &'a [StaticUser],
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
) -> BoxFuture<'a, Result<Vec<StaticAccount>, ResidentError>> {
    Box::pin(settle_all(store, users, clock, entropy))
}

async fn settle_all<S: Store>(
    store: &S,
    users: &[StaticUser],
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Vec<StaticAccount>, ResidentError> {
    let mut known = Vec::new();
    for user in users {
        let account = find(store, &AccountKey::Login(user.login())).await?;
        for address in user.addresses() {
            let owner = find(store, &AccountKey::Address(address.clone())).await?;
            // It may belong to one of the configuration that gives it up.
            let stays = owner.filter(|owner| {
                account.as_ref().is_none_or(|account| account.id != owner.id)
                    && users.iter().all(|user| user.login() != owner.login)
            });
            if let Some(AccountInfo { login: owner, .. }) = stays {
                return Err(ResidentError::AddressTaken { address, owner });
            }
        }
        known.push(account);
    }
    for (user, account) in users.iter().zip(&known) {
        if let Some(account) = account {
            let wanted = user.addresses();
            let ops =
                account.addresses.iter().filter(|address| !wanted.contains(address)).map(|address| {
                    AccountOp::RemoveAddress { account: account.id, address: address.clone() }
                });
            commit(store, user, ops.collect(), clock, entropy).await?;
        }
    }
    let mut settled = Vec::new();
    for (user, account) in users.iter().zip(known) {
        let id = match account {
            Some(account) => {
                let new = user.addresses().into_iter().filter(|address| !account.addresses.contains(address));
                let ops = new.map(|address| AccountOp::AddAddress { account: account.id, address });
                commit(store, user, ops.collect(), clock, entropy).await?;
                Some(account.id)
            }
            None => {
                let new =
                    NewAccount { login: user.login(), addresses: user.addresses(), ..NewAccount::default() };
                commit(store, user, vec![AccountOp::Create(new)], clock, entropy).await?
            }
        };
        let credential = Credential { name: "configuration".to_owned(), verifier: user.verifier.clone() };
        settled.extend(id.map(|id| StaticAccount {
            id,
            login: user.login(),
            addresses: user.addresses(),
            credentials: vec![credential],
        }));
    }
    Ok(settled)
}

async fn find<S: Store>(store: &S, key: &AccountKey) -> Result<Option<AccountInfo>, Unavailable> {
    match store.find_account(key).await {
        Ok(found) => Ok(Some(found)),
        Err(ReadError::Unavailable(unavailable)) => Err(unavailable),
        Err(_) => Ok(None),
    }
}

/// Does it, and gives the id of an account that was created.
async fn commit<S: Store>(
    store: &S,
    user: &StaticUser,
    ops: Vec<AccountOp>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Option<AccountId>, ResidentError> {
    if ops.is_empty() {
        return Ok(None);
    }
    let mut id = [0; 16];
    entropy.fill(&mut id);
    let mut batch = Batch::new(BatchId(id), clock.wall());
    batch.ops.extend(ops.into_iter().map(Into::into));
    match store.commit(batch).await {
        Ok(outcome) => Ok(outcome.ops.into_iter().find_map(|op| match op {
            OpOutcome::AccountCreated { account, .. } => Some(account),
            _ => None,
        })),
        Err(Rejected { cause: Cause::Unavailable(unavailable), .. }) => Err(unavailable.into()),
        Err(rejected) => Err(ResidentError::Refused { login: user.login(), rejected }),
    }
}
