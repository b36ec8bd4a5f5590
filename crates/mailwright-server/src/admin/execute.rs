//! Doing what is asked, in the store: the same for a server and for a command that has the data directory itself.

use mailwright_auth::Verifier;
use mailwright_core::{AccountId, Address, Clock as _, Entropy as _};
use mailwright_server::AliasAddress;
use mailwright_store::{
    AccountInfo, AccountKey, AccountOp, Batch, BatchId, BoxFuture, Cause, Credential, DomainOp, MailboxName,
    NewAccount, Op, ReadError, Rejected, SpecialUse, Store, fold_local, fold_login,
};
use mailwright_tokio::{SystemClock, SystemEntropy};

use super::protocol::{DomainRow, Hash, PasswordIn, Reply, Request, UserRow};
use super::queue;
use super::refusal::{parse_domain, refused, unavailable};
use crate::config::Root;
use crate::exit::{Exit, Failure};

/// Accounts or domains in a page.
const PAGE: usize = 100;

/// The name of the credential that these commands set.
const CREDENTIAL: &str = "password";

/// Does it. Boxed, so that it can be sent whatever the store is.
pub(crate) fn execute<'a, S: Store>(
    store: &'a S,
    root: &'a Root,
    request: Request,
) -> BoxFuture<'a, Result<Reply, Failure>> {
    Box::pin(async move {
        let office = Doing { store, root };
        match request {
            Request::UserAdd { address, hash } => office.add(&parse_address(&address)?, &hash).await,
            Request::UserPasswd { address, hash } => office.passwd(&parse_address(&address)?, &hash).await,
            Request::UserRemove { address } => office.remove(&parse_address(&address)?).await,
            Request::UserList { after } => office.list(after).await,
            Request::DomainAdd { domain } => office.add_domain(&domain).await,
            Request::DomainList { after } => office.list_domains(after).await,
            Request::QueueList { route, after } => queue::list(store, route, after).await,
            Request::QueueShow { entry } => queue::show(store, &entry).await,
            Request::QueueChange { entry, change } => queue::change(store, &entry, change, batch()).await,
            Request::Ping | Request::Reload => {
                Err(Failure::new(Exit::Unavailable, "no server runs on this data directory"))
            }
        }
    })
}

/// What clients would create otherwise, each under a name of its own.
fn usual_mailboxes() -> Vec<(MailboxName, Option<SpecialUse>)> {
    let usual = [
        ("Archive", SpecialUse::Archive),
        ("Drafts", SpecialUse::Drafts),
        ("Junk", SpecialUse::Junk),
        ("Sent", SpecialUse::Sent),
        ("Trash", SpecialUse::Trash),
    ];
    let parsed = |(name, special): (&str, _)| name.parse().ok().map(|name| (name, Some(special)));
    usual.into_iter().filter_map(parsed).collect()
}

struct Doing<'a, S> {
    store: &'a S,
    root: &'a Root,
}

impl<S: Store> Doing<'_, S> {
    async fn add(&self, address: &Address, hash: &Hash) -> Result<Reply, Failure> {
        let verifier = verifier(hash)?;
        if self.configured_addresses().any(|known| same(known, address)) {
            return Err(Failure::new(Exit::CantCreate, format!("{address} is a user of the configuration")));
        }
        if self.is_alias(address) {
            return Err(Failure::new(
                Exit::CantCreate,
                format!("{address} is an alias of the configuration"),
            ));
        }
        self.check_domain(address).await?;
        let new = NewAccount {
            login: address.to_string(),
            addresses: vec![address.clone()],
            credentials: vec![Credential { name: CREDENTIAL.to_owned(), verifier }],
            mailboxes: usual_mailboxes(),
            ..NewAccount::default()
        };
        self.commit(AccountOp::Create(new)).await.map_err(|cause| match cause {
            Cause::AccountExists => Failure::new(Exit::CantCreate, format!("{address} exists"))
                .with_remedy(format!("for a new password: mailwright user passwd {address}")),
            Cause::AddressTaken => {
                Failure::new(Exit::CantCreate, format!("{address} is an address of another account"))
            }
            cause => refused(cause),
        })
    }

    async fn passwd(&self, address: &Address, hash: &Hash) -> Result<Reply, Failure> {
        let verifier = verifier(hash)?;
        let account = self.managed(address).await?.id;
        let credential = Credential { name: CREDENTIAL.to_owned(), verifier };
        self.commit(AccountOp::PutCredential { account, credential }).await.map_err(refused)
    }

    async fn remove(&self, address: &Address) -> Result<Reply, Failure> {
        let account = self.managed(address).await?.id;
        self.commit(AccountOp::Remove { account }).await.map_err(refused)
    }

    async fn list(&self, after: Option<u64>) -> Result<Reply, Failure> {
        let page = self.store.accounts(after.map(AccountId), PAGE).await.map_err(unavailable)?;
        let mut rows = Vec::with_capacity(page.items.len());
        for account in page.items {
            let password = if self.is_configured(&account.login) {
                PasswordIn::Configuration
            } else {
                match self.store.credentials(account.id).await {
                    Ok(credentials) if credentials.is_empty() => PasswordIn::Nowhere,
                    Ok(_) => PasswordIn::Store,
                    Err(ReadError::Unavailable(error)) => return Err(unavailable(error)),
                    // Gone since.
                    Err(_) => continue,
                }
            };
            let AccountInfo { login, addresses, enabled, .. } = account;
            let addresses = addresses.iter().map(ToString::to_string).collect();
            rows.push(UserRow { login, addresses, enabled, password });
        }
        Ok(Reply::Users { rows, next: page.next.map(|id| id.0) })
    }

    async fn add_domain(&self, domain: &str) -> Result<Reply, Failure> {
        let domain = parse_domain(domain)?;
        if self.root.domains.value.iter().any(|known| known.value == domain) {
            return Err(Failure::new(Exit::CantCreate, format!("{domain} stands in the configuration")));
        }
        if self.store.has_domain(&domain).await.map_err(unavailable)? {
            return Err(Failure::new(Exit::CantCreate, format!("mail for {domain} is taken already")));
        }
        self.commit(DomainOp::Add { domain }).await.map_err(refused)
    }

    /// Those of the configuration come with the first page.
    async fn list_domains(&self, after: Option<String>) -> Result<Reply, Failure> {
        let mut rows = Vec::new();
        if after.is_none() {
            let configured = self.root.domains.value.iter().map(|domain| domain.value.to_string());
            rows.extend(configured.map(|domain| DomainRow { domain, configured: true }));
        }
        let after = after.map(|after| parse_domain(&after)).transpose()?;
        let page = self.store.domains(after, PAGE).await.map_err(unavailable)?;
        let kept = page.items.iter().map(ToString::to_string);
        rows.extend(kept.map(|domain| DomainRow { domain, configured: false }));
        Ok(Reply::Domains { rows, next: page.next.map(|domain| domain.to_string()) })
    }

    /// Mail for other domains would never come.
    async fn check_domain(&self, address: &Address) -> Result<(), Failure> {
        let domain = parse_domain(address.domain())?;
        let is_ours = self.root.domains.value.iter().any(|known| known.value == domain)
            || self.store.has_domain(&domain).await.map_err(unavailable)?;
        if is_ours {
            return Ok(());
        }
        Err(Failure::new(Exit::NoHost, format!("{domain} is no domain of this server"))
            .with_remedy(format!("mailwright domain add {domain}")))
    }

    /// The account of that login or address, if it is not one of the configuration.
    async fn managed(&self, address: &Address) -> Result<AccountInfo, Failure> {
        if self.configured_addresses().any(|known| same(known, address)) {
            let message = format!("{address} is a user of the configuration");
            return Err(Failure::new(Exit::Config, message).with_remedy("change it there, and reload"));
        }
        let keys = [AccountKey::Login(address.to_string()), AccountKey::Address(address.clone())];
        for key in keys {
            match self.store.find_account(&key).await {
                Ok(account) => return Ok(account),
                Err(ReadError::Unavailable(error)) => return Err(unavailable(error)),
                Err(_) => {}
            }
        }
        Err(Failure::new(Exit::NoUser, format!("there is no user {address}"))
            .with_remedy("mailwright user list"))
    }

    fn is_configured(&self, login: &str) -> bool {
        let folded = fold_login(login);
        self.root.user.iter().any(|user| fold_login(&user.address.value.to_string()) == folded)
    }

    /// Whether it leads to others: an account of that address would get their mail.
    fn is_alias(&self, address: &Address) -> bool {
        let mut aliases = self.root.alias.iter().map(|alias| &alias.address.value);
        aliases.any(|alias| matches!(alias, AliasAddress::One(known) if same(known, address)))
    }

    fn configured_addresses(&self) -> impl Iterator<Item = &Address> {
        let users = self.root.user.iter();
        users.flat_map(|user| [&user.address].into_iter().chain(&user.aliases)).map(|address| &address.value)
    }

    async fn commit(&self, op: impl Into<Op>) -> Result<Reply, Cause> {
        let committed = self.store.commit(batch().with(op)).await;
        committed.map(|_| Reply::Done).map_err(|Rejected { cause, .. }| cause)
    }
}

fn batch() -> Batch {
    let mut id = [0; 16];
    SystemEntropy.fill(&mut id);
    Batch::new(BatchId(id), SystemClock.wall())
}

fn same(a: &Address, b: &Address) -> bool {
    a.domain() == b.domain() && fold_local(a.local()) == fold_local(b.local())
}

fn verifier(hash: &Hash) -> Result<Verifier, Failure> {
    // What is wrong is told without the hash.
    Verifier::parse(&hash.0)
        .map_err(|error| Failure::new(Exit::Data, format!("the hash is of no use: {error}")))
}

fn parse_address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|error| {
        Failure::new(Exit::Data, format!("{text:?} is no address: {error}"))
            .with_remedy("an address is like ann@example.org")
    })
}
