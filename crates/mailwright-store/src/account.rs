//! Accounts that live in the store.

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, Address, Domain, MailboxId};

use crate::mailbox::SpecialUse;
use crate::name::MailboxName;
use crate::quota::{QuotaLimits, QuotaRootId};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its id.
    pub id: AccountId,
    /// The name it logs in with.
    pub login: String,
    /// Whether it may log in. Mail is taken for it either way.
    pub enabled: bool,
    /// What its messages are charged to.
    pub quota_root: QuotaRootId,
    /// Its INBOX.
    pub inbox: MailboxId,
    /// The addresses it receives at and may send from, in order.
    pub addresses: Vec<Address>,
}

/// By what an account is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountKey {
    /// Its login, compared as [`fold_login`](crate::fold_login) does.
    Login(String),
    /// One of its addresses, compared as [`fold_local`](crate::fold_local) does; nothing is stripped.
    Address(Address),
}

/// One of an account's ways to prove who it is: its password, or one of its app passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What the user calls it; unique in the account.
    pub name: String,
    /// What it is checked against.
    pub verifier: Verifier,
}

/// A change to accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountOp {
    /// Creates one, with an INBOX.
    Create(NewAccount),
    /// Removes one, with all that it has.
    Remove {
        /// Which.
        account: AccountId,
    },
    /// Lets it log in, or no more.
    Enable {
        /// Which.
        account: AccountId,
        /// Whether it may.
        enabled: bool,
    },
    /// Adds a credential, or replaces the one of that name.
    PutCredential {
        /// Whose.
        account: AccountId,
        /// Which.
        credential: Credential,
    },
    /// Removes a credential, if it is there.
    RemoveCredential {
        /// Whose.
        account: AccountId,
        /// Its name.
        name: String,
    },
    /// Adds an address.
    AddAddress {
        /// Whose.
        account: AccountId,
        /// Which.
        address: Address,
    },
    /// Removes an address, if it is there.
    RemoveAddress {
        /// Whose.
        account: AccountId,
        /// Which.
        address: Address,
    },
}

/// An account to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewAccount {
    /// The name it logs in with: not empty, no control character.
    pub login: String,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Its credentials.
    pub credentials: Vec<Credential>,
    /// Mailboxes to create besides INBOX. They are subscribed, as INBOX is.
    pub mailboxes: Vec<(MailboxName, Option<SpecialUse>)>,
    /// Whom to share a quota with; without, it gets a root of its own.
    pub quota_root: Option<QuotaRootId>,
}

/// A change to the domains that mail is taken for, besides those of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainOp {
    /// Takes mail for it, if not already.
    Add {
        /// Which.
        domain: Domain,
    },
    /// Takes no more mail for it, if it did. Addresses in it stay with their accounts.
    Remove {
        /// Which.
        domain: Domain,
    },
}

/// A change to quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaOp {
    /// SETQUOTA (RFC 9208 §4.1.3).
    SetLimits {
        /// Of which root.
        root: QuotaRootId,
        /// The new limits.
        limits: QuotaLimits,
    },
    /// Charges an account, with all that it has, to another root, even if that exceeds its limits. A root that no
    /// account is charged to any more goes away.
    Assign {
        /// Which account.
        account: AccountId,
        /// To which root.
        root: QuotaRootId,
    },
}
