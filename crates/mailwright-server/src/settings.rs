//! What may change while a server runs.

use std::fmt;
use std::time::Duration;

use mailwright_auth::{ScramError, ScramHash, ScramKeys, Verifier};
use mailwright_core::{Address, Domain};
use mailwright_imap::server as imap;
use mailwright_message::submission::HeaderLimits;
use mailwright_pop3::server as pop3;
use mailwright_smtp::server as smtp;
use mailwright_store::DirectoryConfig;

/// What may change while a server runs: see [`Running::reload`](crate::Running::reload).
///
/// ```
/// use mailwright_server::Settings;
///
/// let mut settings = Settings::new(["example.org".parse()?]);
/// settings.smtp_limits.message_size = 50 << 20;
/// # Ok::<_, mailwright_core::InvalidAddress>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The domains that mail is taken for, besides those that are kept in the store. Who logs in without a domain
    /// means the first; if there are none, the server's name is the only one.
    pub domains: Vec<Domain>,
    /// Users who are not managed in the store.
    pub users: Vec<StaticUser>,
    /// Addresses that lead to others.
    pub aliases: Vec<Alias>,
    /// What parts a local part from a tag that is only for whoever has the address: mail to `ann+news` is ann's, and she
    /// may send under that address. Default `+`; `None`: there are no tags.
    pub tag_separator: Option<char>,
    /// Whether From and Sender of a message that a user sends have to be the user's addresses, as the envelope's sender
    /// has to be (RFC 6409 §6.1). Default yes.
    pub check_from: bool,
    /// Logins by SCRAM. Default none.
    pub scram: Scram,
    /// How much header a user may send.
    pub header_limits: HeaderLimits,
    /// How long a message may be held that a user submits for later (RFC 4865). Whole seconds, to 999,999,999; less than one
    /// holds none. Default 30 days. Where users need not log in to send, and without a way to
    /// [`deliver`](crate::Server::deliver), none is held in any case.
    pub hold_max: Duration,
    /// How many messages of a user may be held (RFC 4865 §6). Default 1,000. Cost: the disk that they are kept on, each up
    /// to the size of a message.
    pub hold_messages: u64,
    /// How much an SMTP client may send.
    pub smtp_limits: smtp::Limits,
    /// How long an SMTP client may take.
    pub smtp_timeouts: smtp::Timeouts,
    /// How much an IMAP client may send.
    pub imap_limits: imap::Limits,
    /// How long an IMAP client may take.
    pub imap_timeouts: imap::Timeouts,
    /// How much a POP3 client may send.
    pub pop3_limits: pop3::Limits,
    /// How long a POP3 client may take.
    pub pop3_timeouts: pop3::Timeouts,
}

impl Settings {
    /// Of a server for these domains.
    pub fn new(domains: impl IntoIterator<Item = Domain>) -> Self {
        Self {
            domains: domains.into_iter().collect(),
            users: Vec::new(),
            aliases: Vec::new(),
            tag_separator: Some('+'),
            check_from: true,
            scram: Scram::default(),
            header_limits: HeaderLimits::default(),
            hold_max: Duration::from_secs(30 * 24 * 3600),
            hold_messages: 1_000,
            smtp_limits: smtp::Limits::default(),
            smtp_timeouts: smtp::Timeouts::default(),
            imap_limits: imap::Limits::default(),
            imap_timeouts: imap::Timeouts::default(),
            pop3_limits: pop3::Limits::default(),
            pop3_timeouts: pop3::Timeouts::default(),
        }
    }

    /// With what the server has of its own.
    pub(crate) fn with_own(mut self, own: &Domain, users: &[StaticUser]) -> Self {
        if self.domains.is_empty() {
            self.domains.push(own.clone());
        }
        self.users.extend(users.iter().cloned());
        self
    }

    /// How long a message may be held, as far as RFC 4865 §3 has numbers.
    pub(crate) fn longest_hold(&self) -> Duration {
        self.hold_max.min(Duration::from_secs(999_999_999))
    }

    /// What directories know besides their accounts.
    pub(crate) fn directory(&self) -> DirectoryConfig {
        let mut config = DirectoryConfig::new(self.domains.clone());
        config.separator = self.tag_separator;
        self.aliases.iter().fold(config, |config, Alias { address, targets }| {
            let targets = targets.iter().cloned();
            match address {
                AliasAddress::One(address) => config.with_alias(address, targets),
                AliasAddress::CatchAll(domain) => config.with_catch_all(domain.clone(), targets),
            }
        })
    }
}

/// Logins by SCRAM (RFC 5802, RFC 7677), for users whose [`Verifier`] has [keys](Verifier::scram) for it.
///
/// A client that knows SCRAM uses it wherever it is offered, and those of its users who have no keys do not get in: all
/// passwords are to be set anew before it is offered. What is stolen from a server that keeps keys can be guessed at a
/// much smaller price than argon2id alone has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scram {
    /// The hashes that it is offered with, and that accounts made here get keys of. Default none: it is not offered.
    pub hashes: Vec<ScramHash>,
    /// The iterations of new keys, and of those that are made up for who is not there: whoever has keys with others is told
    /// apart from them, so after a change all passwords are to be set anew. Default [`ScramKeys::ITERATIONS`]; each is
    /// work for a client at each login, and for a thief at each guess.
    pub iterations: u32,
}

impl Default for Scram {
    fn default() -> Self {
        Self { hashes: Vec::new(), iterations: ScramKeys::ITERATIONS }
    }
}

impl Scram {
    /// The verifier with keys of its password, of each hash. They take their time to make: not on a thread that serves.
    ///
    /// `salt` is random, and another each time it is asked for: the salts that are made up for who is not there differ from
    /// hash to hash, too.
    ///
    /// # Errors
    /// If SCRAM cannot carry the password, or the iterations are out of bounds.
    pub fn keep(
        &self,
        verifier: Verifier,
        password: &[u8],
        mut salt: impl FnMut() -> [u8; 16],
    ) -> Result<Verifier, ScramError> {
        self.hashes.iter().try_fold(verifier, |verifier, &hash| {
            Ok(verifier.with_scram(ScramKeys::derive(hash, password, salt(), self.iterations)?))
        })
    }
}

/// An address that leads to others (RFC 5321 §3.9.1).
///
/// Mail for it is taken from anybody, and goes on under its own sender. What leads elsewhere needs a way to
/// [`deliver`](crate::Server::deliver) it: without one it is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Mail to here,
    pub address: AliasAddress,
    /// goes to these, here or elsewhere. They may be aliases in turn; what leads in a circle leads nowhere.
    pub targets: Vec<Address>,
}

/// What mail an alias is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AliasAddress {
    /// That to this address, which is no account's.
    One(Address),
    /// That to all addresses of a domain that nobody has; postmaster's is always somebody's.
    CatchAll(Domain),
}

impl fmt::Display for AliasAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(address) => address.fmt(f),
            Self::CatchAll(domain) => write!(f, "@{domain}"),
        }
    }
}

/// A user who stands in a configuration.
///
/// The store has an account of that login for the mail, created when the server first sees the user. Its addresses
/// follow the configuration, its own credentials do not count. It stays, with its mail, when the user no longer
/// stands in the configuration: then nobody logs in to it unless it is given a password.
#[derive(Debug, Clone)]
pub struct StaticUser {
    /// The first address, which is also the login.
    pub address: Address,
    /// More addresses to receive at and to send from.
    pub aliases: Vec<Address>,
    /// What the password is checked against.
    pub verifier: Verifier,
}

impl StaticUser {
    /// The name to log in with.
    pub fn login(&self) -> String {
        self.address.to_string()
    }

    /// All addresses, each once.
    pub fn addresses(&self) -> Vec<Address> {
        let mut all = vec![self.address.clone()];
        for alias in &self.aliases {
            if !all.contains(alias) {
                all.push(alias.clone());
            }
        }
        all
    }
}
