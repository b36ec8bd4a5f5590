//! A fixed list as a directory.

use std::collections::BTreeMap;

use mailwright_core::{AccountId, Address, Domain, ForwardPath, ReversePath};

use super::contract::{AccountCredentials, Directory, Resolution};
use super::fold::{fold_address, fold_login};
use super::rules::{self, Accounts, DirectoryConfig};
use crate::account::Credential;
use crate::error::Unavailable;

/// An account of a [`StaticDirectory`].
#[derive(Debug, Clone)]
pub struct StaticAccount {
    /// Its id: that of the account in the store that keeps its mail.
    pub id: AccountId,
    /// The name it logs in with.
    pub login: String,
    /// Its addresses; without any, its login at each of our domains.
    pub addresses: Vec<Address>,
    /// Its credentials.
    pub credentials: Vec<Credential>,
}

/// Accounts from a configuration file, or from a test.
#[derive(Debug, Clone)]
pub struct StaticDirectory {
    config: DirectoryConfig,
    accounts: BTreeMap<AccountId, StaticAccount>,
    /// By folded login.
    logins: BTreeMap<String, AccountId>,
    /// By folded address.
    addresses: BTreeMap<String, AccountId>,
}

impl StaticDirectory {
    /// Of these accounts. Of two with one login or address the later one has it.
    pub fn new(config: DirectoryConfig, accounts: impl IntoIterator<Item = StaticAccount>) -> Self {
        let mut directory =
            Self { config, accounts: BTreeMap::new(), logins: BTreeMap::new(), addresses: BTreeMap::new() };
        for mut account in accounts {
            if account.addresses.is_empty() {
                account.addresses = directory.config.addresses_of(&account.login);
            }
            directory.logins.insert(fold_login(&account.login), account.id);
            directory
                .addresses
                .extend(account.addresses.iter().map(|address| (fold_address(address), account.id)));
            directory.accounts.insert(account.id, account);
        }
        directory
    }
}

impl Accounts for StaticDirectory {
    async fn owner(&self, address: &Address) -> Result<Option<AccountId>, Unavailable> {
        Ok(self.addresses.get(&fold_address(address)).copied())
    }

    async fn has_domain(&self, _: &Domain) -> Result<bool, Unavailable> {
        Ok(false)
    }

    async fn first(&self) -> Result<Option<AccountId>, Unavailable> {
        Ok(self.accounts.keys().next().copied())
    }
}

impl Directory for StaticDirectory {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        rules::resolve(&self.config, self, path).await
    }

    async fn credentials(&self, login: &str) -> Result<Option<AccountCredentials>, Unavailable> {
        let folded = fold_login(login);
        let id = self.logins.get(&folded).copied().or_else(|| {
            let address = login.parse().ok()?;
            self.addresses.get(&fold_address(&address)).copied()
        });
        let account = id.and_then(|id| self.accounts.get(&id));
        Ok(account.map(|account| AccountCredentials {
            account: account.id,
            login: account.login.clone(),
            enabled: true,
            credentials: account.credentials.clone(),
        }))
    }

    async fn may_send(&self, account: AccountId, sender: &ReversePath) -> Result<bool, Unavailable> {
        rules::may_send(&self.config, self, account, sender).await
    }
}
