//! Whom addresses lead to.

use std::collections::{BTreeMap, BTreeSet};

use mailwright_core::{AccountId, Address, ForwardPath};
use mailwright_store::{Directory, Resolution, Unavailable};

/// How many aliases may lead to one another in a row.
pub const ALIAS_DEPTH: usize = 10;

/// Whom some addresses lead to, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// Accounts here, each with an address that leads there and is no alias.
    pub accounts: BTreeMap<AccountId, Address>,
    /// Addresses elsewhere.
    pub remote: BTreeSet<Address>,
    /// Addresses here that lead nowhere.
    pub unknown: BTreeSet<Address>,
    /// How many addresses were not looked at, as there were too many of them, or too many aliases in a row.
    pub left_out: usize,
}

impl Expanded {
    /// Whether they lead to nobody.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.remote.is_empty()
    }
}

/// Follows aliases, at most [`ALIAS_DEPTH`] in a row, and looks at no more than `most` addresses. What is beyond is
/// left out.
///
/// # Errors
/// If the directory cannot tell now.
pub async fn expand(
    directory: &impl Directory,
    addresses: impl IntoIterator<Item = Address>,
    most: usize,
) -> Result<Expanded, Unavailable> {
    let (mut expanded, mut seen) = (Expanded::default(), BTreeSet::new());
    let mut left: Vec<(usize, Address)> = addresses.into_iter().map(|address| (0, address)).collect();
    while let Some((depth, address)) = left.pop() {
        if seen.contains(&address) {
            continue;
        }
        if depth > ALIAS_DEPTH || seen.len() >= most {
            expanded.left_out += 1;
            continue;
        }
        seen.insert(address.clone());
        match directory.resolve(&ForwardPath::Address(address.clone())).await? {
            Resolution::Local { account, .. } => {
                expanded.accounts.entry(account).or_insert(address);
            }
            Resolution::Remote(_) => {
                expanded.remote.insert(address);
            }
            Resolution::Alias(targets) => left.extend(targets.into_iter().map(|to| (depth + 1, to))),
            _ => {
                expanded.unknown.insert(address);
            }
        }
    }
    Ok(expanded)
}
