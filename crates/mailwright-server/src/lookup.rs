//! What clients ask besides sending mail: whose an address is, whom an alias leads to (RFC 5321 §3.5), and what waits for
//! them (RFC 1985).

use mailwright_core::{Address, Domain, ForwardPath};
use mailwright_smtp::Rejection;
use mailwright_smtp::server::Etrn;
use mailwright_store::{Directory, Resolution, Store};
use mailwright_tokio::smtp::{Ctx, Verdict};

use crate::held::is_held;
use crate::listener::Listener;
use crate::shared::Shared;

/// Addresses that an answer to EXPN has: more would be the whole alias, which nobody reads.
const EXPANDED_MAX: usize = 100;

/// Messages that ETRN has tried at once.
const ETRN_MAX: usize = 1000;

impl<S: Store, D: Directory> Shared<S, D> {
    /// Whose mailbox it is: nobody's that is told, if whoever asks has not logged in (RFC 5321 §7.3).
    pub(crate) async fn verify(&self, cx: &Ctx, name: &str) -> Verdict<Vec<String>> {
        if cx.user().is_none() {
            return Ok(Vec::new());
        }
        let address = self.named(name)?;
        match self.directory.resolve(&ForwardPath::Address(address.clone())).await? {
            // RFC 6531 §3.7.4.2: an answer beyond ASCII is for those who have asked for it, which we cannot see here.
            Resolution::Local { .. } | Resolution::Alias(_) if !address.is_ascii() => Ok(Vec::new()),
            Resolution::Local { .. } | Resolution::Alias(_) => Ok(vec![shown(&address)]),
            Resolution::Remote(_) => Ok(Vec::new()),
            _ => Err(Rejection::no_such_user()),
        }
    }

    /// Whom an alias leads to.
    pub(crate) async fn expand_alias(&self, cx: &Ctx, name: &str) -> Verdict<Vec<String>> {
        if cx.user().is_none() {
            return Err(Rejection::new(530, (5, 7, 0), "log in first")?);
        }
        let address = self.named(name)?;
        match self.directory.resolve(&ForwardPath::Address(address)).await? {
            Resolution::Alias(targets) if !targets.iter().all(Address::is_ascii) => {
                Err(Rejection::new(550, (5, 6, 8), "some of the addresses go beyond ASCII")?)
            }
            Resolution::Alias(targets) => Ok(targets.iter().take(EXPANDED_MAX).map(shown).collect()),
            // RFC 5321 §3.5.2
            Resolution::Local { .. } => {
                Err(Rejection::new(550, (5, 1, 1), "that is a mailbox, and not a list of others")?)
            }
            _ => Err(Rejection::no_such_user()),
        }
    }

    /// What somebody means: an address, or a local part of our first domain.
    fn named(&self, name: &str) -> Verdict<Address> {
        let name = name.trim_start_matches('<').trim_end_matches('>');
        let whole = if name.contains('@') { name.to_owned() } else { format!("{name}@{}", self.home) };
        whole.parse().map_err(|_| Rejection::no_such_user())
    }

    /// Tries what waits for a domain, for who may ask that.
    pub(crate) async fn send_what_waits(&self, cx: &Ctx, listener: &Listener, node: &str) -> Verdict<Etrn> {
        if !listener.etrn.iter().any(|network| network.contains(cx.peer().ip())) {
            return Err(Rejection::new(459, (4, 7, 1), "you may not ask for that here")?);
        }
        // What is held is nobody's to release but its sender's.
        let domain = node.parse().ok().filter(|domain: &Domain| !is_held(domain));
        let (Some(domain), Some(queue)) = (domain, self.queue.get()) else {
            // RFC 1985 §5.3: subdomains by `@`, queues by `#`.
            return Err(Rejection::new(458, (4, 5, 4), "only for a domain, by its whole name")?);
        };
        match queue.retry_all(&domain, ETRN_MAX).await? {
            0 => Ok(Etrn::Nothing),
            ETRN_MAX.. => Ok(Etrn::Started),
            count => Ok(Etrn::Pending(u64::try_from(count).unwrap_or(u64::MAX))),
        }
    }
}

fn shown(address: &Address) -> String {
    format!("<{address}>")
}
