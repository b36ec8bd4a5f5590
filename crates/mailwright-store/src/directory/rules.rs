//! What all directories do alike.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use mailwright_core::{AccountId, Address, Domain, ForwardPath, ReversePath};

use super::contract::Resolution;
use super::fold::{ascii_domain, fold_address, fold_local, split_detail};
use crate::error::Unavailable;

/// What a directory knows besides its accounts.
///
/// ```
/// use mailwright_store::DirectoryConfig;
///
/// let config = DirectoryConfig::new(["example.org".parse()?]).with_alias(&"info@example.org".parse()?, ["ann@example.org".parse()?]);
/// assert_eq!(config.separator, Some('+'));
/// # Ok::<_, mailwright_core::InvalidAddress>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryConfig {
    /// Our domains, besides those that a store has. Default none.
    pub domains: BTreeSet<Domain>,
    /// What parts a local part from its detail, for look-up only. Default `+`.
    pub separator: Option<char>,
    /// Who gets postmaster's mail where no account or alias has that address. Default: the first account.
    pub postmaster: Option<AccountId>,
    /// Whether a login that nobody has gets an account. For development only. Default no.
    pub create_unknown: bool,
    /// By folded address.
    aliases: BTreeMap<String, Vec<Address>>,
    catch_alls: BTreeMap<Domain, Vec<Address>>,
}

impl DirectoryConfig {
    /// For these domains.
    pub fn new(domains: impl IntoIterator<Item = Domain>) -> Self {
        Self {
            domains: domains.into_iter().collect(),
            separator: Some('+'),
            postmaster: None,
            create_unknown: false,
            aliases: BTreeMap::new(),
            catch_alls: BTreeMap::new(),
        }
    }

    /// And mail to `alias` goes to `targets`. An account of that address goes before.
    #[must_use]
    pub fn with_alias(mut self, alias: &Address, targets: impl IntoIterator<Item = Address>) -> Self {
        self.aliases.insert(fold_address(alias), targets.into_iter().collect());
        self
    }

    /// And mail to addresses of `domain` that nobody has goes to `targets`: to all of them but postmaster's.
    #[must_use]
    pub fn with_catch_all(mut self, domain: Domain, targets: impl IntoIterator<Item = Address>) -> Self {
        self.catch_alls.insert(domain, targets.into_iter().collect());
        self
    }

    /// What is looked up for an address of ours, in this order, and the detail that it then has: the address as it
    /// stands, and without its detail. The first that an account or an alias has is it.
    pub fn look_ups(&self, address: &Address) -> impl Iterator<Item = (Address, Option<String>)> + use<> {
        let stripped = self.separator.and_then(|separator| split_detail(address, separator));
        let stripped = stripped.map(|(address, detail)| (address, Some(detail)));
        [(address.clone(), None)].into_iter().chain(stripped)
    }

    /// And unknown logins get an account.
    #[must_use]
    pub fn creating_unknown(mut self) -> Self {
        self.create_unknown = true;
        self
    }

    /// The addresses of an account that is known by `login` only: itself, or it at each of our domains.
    pub(super) fn addresses_of(&self, login: &str) -> Vec<Address> {
        match login.parse::<Address>() {
            Ok(address) if self.is_ours(&address) => vec![address],
            Ok(_) => Vec::new(),
            Err(_) => {
                self.domains.iter().filter_map(|domain| format!("{login}@{domain}").parse().ok()).collect()
            }
        }
    }

    fn is_ours(&self, address: &Address) -> bool {
        self.domain_of(address).is_some_and(|domain| self.domains.contains(&domain))
    }

    fn domain_of(&self, address: &Address) -> Option<Domain> {
        ascii_domain(address.domain())?.parse().ok()
    }
}

/// What directories do differently.
pub(super) trait Accounts: Sync {
    /// Whose address it is, as it stands.
    fn owner(&self, address: &Address)
    -> impl Future<Output = Result<Option<AccountId>, Unavailable>> + Send;

    /// Whether a domain is ours, though the configuration does not say so.
    fn has_domain(&self, domain: &Domain) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// The account with the lowest id.
    fn first(&self) -> impl Future<Output = Result<Option<AccountId>, Unavailable>> + Send;
}

pub(super) async fn resolve(
    config: &DirectoryConfig,
    accounts: &impl Accounts,
    path: &ForwardPath,
) -> Result<Resolution, Unavailable> {
    let Some(address) = path.address() else { return postmaster(config, accounts).await };
    let Some(domain) = config.domain_of(address) else { return Ok(Resolution::Unknown) };
    if !config.domains.contains(&domain) && !accounts.has_domain(&domain).await? {
        return Ok(Resolution::Remote(domain));
    }
    for (address, detail) in config.look_ups(address) {
        if let Some(account) = accounts.owner(&address).await? {
            return Ok(Resolution::Local { account, detail });
        }
        if let Some(targets) = config.aliases.get(&fold_address(&address)) {
            return Ok(Resolution::Alias(targets.clone()));
        }
        if fold_local(address.local()) == "postmaster" {
            return postmaster(config, accounts).await;
        }
    }
    Ok(match config.catch_alls.get(&domain) {
        Some(targets) => Resolution::Alias(targets.clone()),
        None => Resolution::Unknown,
    })
}

async fn postmaster(config: &DirectoryConfig, accounts: &impl Accounts) -> Result<Resolution, Unavailable> {
    let account = match config.postmaster {
        Some(account) => Some(account),
        None => accounts.first().await?,
    };
    Ok(account.map_or(Resolution::Unknown, |account| Resolution::Local { account, detail: None }))
}

pub(super) async fn may_send(
    config: &DirectoryConfig,
    accounts: &impl Accounts,
    account: AccountId,
    sender: &ReversePath,
) -> Result<bool, Unavailable> {
    let Some(address) = sender.address() else { return Ok(true) };
    if let Some(owner) = accounts.owner(address).await? {
        return Ok(owner == account);
    }
    match config.separator.and_then(|separator| split_detail(address, separator)) {
        Some((stripped, _)) => Ok(accounts.owner(&stripped).await? == Some(account)),
        None => Ok(false),
    }
}
