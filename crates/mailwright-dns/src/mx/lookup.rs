//! Asking for the hosts of a domain.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mailwright_core::Domain;

use super::candidates::{Candidates, Identity, MxLimits, candidates};
use super::hosts::{Host, Hosts, MailHosts, Source, collect};
use crate::addresses::Families;
use crate::error::LookupError;
use crate::join::join_all;
use crate::name::Name;
use crate::record::Mx;
use crate::resolver::Resolver;

/// Where the mail of `domain` goes (RFC 5321 §5.1), hosts of one preference in an order drawn from `seed`.
///
/// `is_own` tells by which names and addresses we are known, so that mail never comes back to us. An address
/// literal is not looked up. All hosts are looked up at once.
pub async fn mail_hosts<R: Resolver>(
    resolver: &R,
    domain: &Domain,
    families: Families,
    is_own: impl Fn(Identity<'_>) -> bool + Send + Sync,
    limits: &MxLimits,
    seed: [u8; 8],
) -> MailHosts {
    if domain.is_literal() {
        return literal(domain, is_own);
    }
    // A name that is too long for the DNS is not in it.
    let Ok(name) = Name::try_from(domain) else { return MailHosts::NoSuchDomain };
    let (records, source) = match resolver.mx(&name).await {
        Ok(answer) => {
            let source = Source::Mx { authentic: answer.authentic };
            (answer.records, source)
        }
        Err(LookupError::NoRecords { .. }) => (vec![Mx { preference: 0, exchange: name }], Source::Implicit),
        Err(LookupError::NoSuchDomain { .. }) => return MailHosts::NoSuchDomain,
        Err(error) => return MailHosts::Temporary(error),
    };
    let (hosts, left_out) = match candidates(&records, &is_own, limits, seed) {
        Candidates::Hosts { hosts, left_out } => (hosts, left_out),
        Candidates::NullMx => return MailHosts::NullMx,
        Candidates::Loop => return MailHosts::Loop,
    };
    let found = join_all(hosts.iter().map(|host| resolver.addresses(&host.name, families))).await;
    collect(hosts.into_iter().zip(found).collect(), is_own, limits, source, left_out)
}

/// RFC 5321 §4.1.3. A literal of another kind than an address leads nowhere.
fn literal(domain: &Domain, is_own: impl Fn(Identity<'_>) -> bool) -> MailHosts {
    match address(domain.as_str()) {
        Some(address) if is_own(Identity::Address(address)) => MailHosts::Loop,
        Some(address) => {
            let host = Host {
                name: None,
                preference: 0,
                addresses: vec![address],
                alias_of: None,
                authentic: false,
            };
            MailHosts::Hosts(Hosts {
                hosts: vec![host],
                source: Source::Literal,
                unusable: Vec::new(),
                left_out: 0,
            })
        }
        None => MailHosts::NoAddresses(Vec::new()),
    }
}

/// The address of a literal, which a [`Domain`] has in lower case.
fn address(literal: &str) -> Option<IpAddr> {
    let content = literal.strip_prefix('[')?.strip_suffix(']')?;
    let address = match content.strip_prefix("ipv6:") {
        Some(content) => content.parse::<Ipv6Addr>().ok()?.into(),
        None => content.parse::<Ipv4Addr>().ok()?.into(),
    };
    Some(IpAddr::to_canonical(&address))
}
