//! Users of the configuration, and the accounts that keep their mail.

use std::collections::{BTreeMap, BTreeSet};

use mailwright_core::{AccountId, Address, Clock, Entropy};
use mailwright_store::{
    AccountInfo, AccountKey, AccountOp, Batch, BatchId, BoxFuture, Cause, Credential, NewAccount, OpOutcome,
    ReadError, Rejected, StaticAccount, Store, Unavailable, fold_address,
};
use thiserror::Error;

use crate::settings::{AliasAddress, Settings, StaticUser};

/// Why users of the configuration have no place in the store.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResidentError {
    /// One of their addresses, or an alias, belongs to somebody else.
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

/// Gives each user an account in the store, and the account the addresses of the user. An alias has its address for
/// itself.
///
/// Whatever is wrong is found before anything is changed, short of a change by somebody else in between. Boxed for
/// the reason that `serving.rs` tells.
pub(crate) fn settle<'a, S: Store>(
    store: &'a S,
    settings: &'a Settings,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
) -> BoxFuture<'a, Result<Vec<StaticAccount>, ResidentError>> {
    Box::pin(settle_all(store, settings, clock, entropy))
}

async fn settle_all<S: Store>(
    store: &S,
    settings: &Settings,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Vec<StaticAccount>, ResidentError> {
    let users = settings.users.as_slice();
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
    check_aliases(store, settings).await?;
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

/// Nobody will have the address of an alias when all users are settled.
async fn check_aliases<S: Store>(store: &S, settings: &Settings) -> Result<(), ResidentError> {
    let users = || settings.users.iter();
    let logins: BTreeSet<String> = users().map(StaticUser::login).collect();
    let owners: BTreeMap<String, String> = users()
        .flat_map(|user| user.addresses().into_iter().map(|address| (fold_address(&address), user.login())))
        .collect();
    for alias in &settings.aliases {
        let AliasAddress::One(address) = &alias.address else { continue };
        let owner = match owners.get(&fold_address(address)) {
            Some(owner) => Some(owner.clone()),
            // A user of the configuration who does not have it any more gives it up.
            None => find(store, &AccountKey::Address(address.clone()))
                .await?
                .map(|account| account.login)
                .filter(|login| !logins.contains(login)),
        };
        if let Some(owner) = owner {
            return Err(ResidentError::AddressTaken { address: address.clone(), owner });
        }
    }
    Ok(())
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
