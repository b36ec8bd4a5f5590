//! From hosts and what was found at their names to the hosts to deliver to.

use std::net::IpAddr;

use super::candidates::{Candidate, Identity, MxLimits};
use crate::answer::Answer;
use crate::error::LookupError;
use crate::name::Name;

/// Where the mail of a domain goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailHosts {
    /// To the first of these that takes it.
    Hosts(Hosts),
    /// Nowhere: the domain takes no mail (RFC 7505).
    NullMx,
    /// Nowhere: there is no such domain.
    NoSuchDomain,
    /// Nowhere: none of the domain's hosts, or the domain itself, has an address (RFC 5321 §5.1).
    NoAddresses(Vec<Unusable>),
    /// To us: nobody is closer to the domain than we are, and whoever asks does not know it as his own.
    Loop,
    /// Nobody can tell now.
    Temporary(LookupError),
}

/// The hosts to deliver to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// In the order in which to try them; at least one.
    pub hosts: Vec<Host>,
    /// How they were found.
    pub source: Source,
    /// Hosts of the domain that are passed over, and why. To be told, and for nothing else.
    pub unusable: Vec<Unusable>,
    /// How many hosts were not even looked up, because of [`MxLimits::hosts`].
    pub left_out: usize,
}

/// How the hosts of a domain were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// By its MX records.
    Mx {
        /// Whether these are authentic, as DANE demands (RFC 7672 §2.2.1): see
        /// [`Answer::authentic`](crate::Answer::authentic).
        authentic: bool,
    },
    /// It has no MX records, and is its own host (the implicit MX of RFC 5321 §5.1).
    Implicit,
    /// It is an address literal (RFC 5321 §4.1.3).
    Literal,
}

/// A host that takes mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, as the domain gives it: the one that its certificate is checked for. `None` for an address
    /// literal.
    pub name: Option<Name>,
    /// Lower is preferred.
    pub preference: u16,
    /// In the order in which to try them: at least one, at most [`MxLimits::addresses`].
    pub addresses: Vec<IpAddr>,
    /// The name that the addresses belong to, if the host's name is an alias, which it should not be
    /// (RFC 5321 §5.1); DANE may look there first (RFC 7672 §2.2.2).
    pub alias_of: Option<Name>,
    /// Whether the addresses are authentic: see [`Answer::authentic`](crate::Answer::authentic).
    pub authentic: bool,
}

/// A host that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Which.
    pub host: Candidate,
    /// Why it has no addresses; `None` if it is ourselves or no closer to the domain than we are.
    pub why: Option<LookupError>,
}

/// Puts hosts and what was found at their names together, in the order of the hosts.
///
/// A host without addresses is passed over. If `is_own` knows an address, its host and all of the same and higher
/// preferences are. If none is left, the domain's mail waits as long as one of them could not be looked up.
pub fn collect(
    looked_up: Vec<(Candidate, Result<Answer<IpAddr>, LookupError>)>,
    is_own: impl Fn(Identity<'_>) -> bool,
    limits: &MxLimits,
    source: Source,
    left_out: usize,
) -> MailHosts {
    let is_us = |answer: &Answer<IpAddr>| {
        answer.records.iter().any(|address| is_own(Identity::Address(address.to_canonical())))
    };
    let own = looked_up.iter().filter(|(_, found)| found.as_ref().is_ok_and(is_us));
    let own = own.map(|(host, _)| host.preference).min();
    let mut hosts = Vec::new();
    let mut unusable = Vec::new();
    let mut failed = None;
    for (host, found) in looked_up {
        match found {
            _ if own.is_some_and(|own| host.preference >= own) => unusable.push(Unusable { host, why: None }),
            Ok(answer) => hosts.push(usable(host, answer, limits)),
            Err(error) => {
                if error.is_temporary() {
                    failed.get_or_insert_with(|| error.clone());
                }
                unusable.push(Unusable { host, why: Some(error) });
            }
        }
    }
    match (hosts.is_empty(), failed, own) {
        (false, ..) => MailHosts::Hosts(Hosts { hosts, source, unusable, left_out }),
        (true, Some(error), _) => MailHosts::Temporary(error),
        (true, None, Some(_)) => MailHosts::Loop,
        (true, None, None) => MailHosts::NoAddresses(unusable),
    }
}

fn usable(host: Candidate, answer: Answer<IpAddr>, limits: &MxLimits) -> Host {
    let mut addresses = answer.records;
    addresses.truncate(limits.addresses.max(1));
    Host {
        alias_of: (answer.name != host.name).then_some(answer.name),
        name: Some(host.name),
        preference: host.preference,
        addresses,
        authentic: answer.authentic,
    }
}
