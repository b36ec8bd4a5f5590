//! Where mail for a domain is to be taken.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mailwright_core::Domain;
use mailwright_dns::{self as dns, Identity, LookupError, MailHosts, Name, Party, Resolver, mail_hosts};
use mailwright_queue::{AttemptStage, OwnHosts};

use super::config::OutboundConfig;
use super::environment::Environment;
use super::route::{Family, HostName, Protocol, Relay, RelayHost, TlsPolicy, Way};
use super::source::{self, Source};
use super::words::{Words, code};

/// How to speak to whom, in order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) manner: Manner,
    pub(super) hosts: Vec<PlannedHost>,
    /// From where, in order; if there is none, from wherever the system has it.
    pub(super) sources: Vec<Source>,
}

/// How to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// The route's place in the configuration, if one decides. Its credentials are found there.
    pub(super) route: Option<usize>,
    pub(super) protocol: Protocol,
    pub(super) tls: TlsPolicy,
}

#[derive(Debug)]
pub(super) struct PlannedHost {
    /// Lower is tried first; those of the same may be tried in any order.
    pub(super) preference: usize,
    pub(super) name: Option<Name>,
    pub(super) port: u16,
    pub(super) addresses: Addresses,
}

#[derive(Debug)]
pub(super) enum Addresses {
    Known(Vec<IpAddr>),
    /// To be looked up if the host's turn comes.
    Unknown,
}

/// One address to connect to. Messages for the same one, in the same manner, may share a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: Option<Name>,
    pub(super) address: IpAddr,
    pub(super) port: u16,
    /// From where; `None` for the system's choice.
    pub(super) source: Option<Source>,
    pub(super) manner: Manner,
}

impl Target {
    /// The address of ours to connect from.
    pub(super) fn our_address(&self) -> Option<IpAddr> {
        self.source.as_ref().map(|source| source.address)
    }

    /// What is connected to.
    pub(super) fn end(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// For people, and for the reports: name and address.
    pub(super) fn remote(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} [{}]", self.address),
            None => format!("[{}]", self.address),
        }
    }
}

impl Plan {
    /// For `domain`; with `needs_tls` as RFC 8689 §4.2.1 has it for messages that demand it.
    ///
    /// # Errors
    /// If there is no way; in class 5 if there never will be.
    pub(super) async fn make(
        environment: &Environment,
        config: &OutboundConfig,
        domain: &Domain,
        needs_tls: bool,
        deadline: Instant,
    ) -> Result<Self, Words> {
        let found = config.routes.iter().enumerate().find(|(_, route)| route.pattern.has(domain));
        let mut plan = match found {
            Some((place, route)) => match &route.way {
                Way::Relay(relay) => Self::by_relay(place, relay),
                Way::Mx => Self::by_mx(environment, config, domain, needs_tls, deadline).await?,
            },
            None => Self::by_mx(environment, config, domain, needs_tls, deadline).await?,
        };
        if needs_tls && matches!(plan.manner.tls, TlsPolicy::Never | TlsPolicy::Opportunistic) {
            plan.manner.tls = TlsPolicy::Required;
        }
        let of_route = found.map(|(_, route)| &route.sources).filter(|sources| !sources.is_empty());
        plan.sources = source::in_order(of_route.unwrap_or(&config.sources), domain);
        Ok(plan)
    }

    /// The same target, from the source whose turn it is if that of this one cannot be used.
    pub(super) fn by_next_source(&self, target: &Target) -> Option<Target> {
        let others = self.sources.iter().skip_while(|source| Some(*source) != target.source.as_ref());
        let next = others.skip(1).find(|source| source.address.is_ipv6() == target.address.is_ipv6())?;
        Some(Target { source: Some(next.clone()), ..target.clone() })
    }

    /// An address of a host as a target; `None` if no source is of its family.
    fn target(&self, host: &PlannedHost, address: IpAddr) -> Option<Target> {
        let source = self.sources.iter().find(|source| source.address.is_ipv6() == address.is_ipv6());
        let is_possible = self.sources.is_empty() || source.is_some();
        is_possible.then(|| Target {
            name: host.name.clone(),
            address,
            port: host.port,
            source: source.cloned(),
            manner: self.manner,
        })
    }

    fn by_relay(place: usize, relay: &Relay) -> Self {
        let host = |(preference, host): (usize, &RelayHost)| {
            let (name, addresses) = match &host.host {
                HostName::Name(name) => (Some(name.clone()), Addresses::Unknown),
                HostName::Address(address) => (None, Addresses::Known(vec![*address])),
            };
            PlannedHost { preference, name, port: host.port, addresses }
        };
        Self {
            manner: Manner { route: Some(place), protocol: relay.protocol, tls: relay.tls },
            hosts: relay.hosts.iter().enumerate().map(host).collect(),
            sources: Vec::new(),
        }
    }

    async fn by_mx(
        environment: &Environment,
        config: &OutboundConfig,
        domain: &Domain,
        needs_tls: bool,
        deadline: Instant,
    ) -> Result<Self, Words> {
        let mut seed = [0; 8];
        environment.entropy.fill(&mut seed);
        let is_own = |identity: Identity<'_>| is_own(&config.own, identity);
        let find = mail_hosts(&environment.resolver, domain, config.families, is_own, &config.mx, seed);
        let found = environment
            .within(config.client.timeouts.resolve, deadline, find)
            .await
            .unwrap_or(MailHosts::Temporary(LookupError::Timeout));
        let found = match found {
            MailHosts::Hosts(found) => found,
            nowhere => return Err(no_way(domain, &nowhere)),
        };
        if needs_tls && matches!(found.source, dns::Source::Mx { authentic: false }) {
            // RFC 8689 §4.2.1: a name out of an answer that anybody may have sent proves nothing.
            let text =
                format!("the message demands TLS, and the mail hosts of {domain} are not known for sure");
            return Err(Words::seen(AttemptStage::Route, code::TLS_NEEDED_BY_MESSAGE, text));
        }
        let hosts = found.hosts.into_iter().map(|host| PlannedHost {
            preference: host.preference.into(),
            name: host.name,
            port: config.port,
            addresses: Addresses::Known(host.addresses),
        });
        Ok(Self {
            manner: Manner { route: None, protocol: Protocol::Smtp, tls: TlsPolicy::Opportunistic },
            hosts: hosts.collect(),
            sources: Vec::new(),
        })
    }
}

impl PlannedHost {
    /// The addresses to connect to, in order.
    pub(super) async fn targets(
        &self,
        plan: &Plan,
        environment: &Environment,
        config: &OutboundConfig,
        deadline: Instant,
    ) -> Result<Vec<Target>, Words> {
        let mut addresses = match (&self.addresses, &self.name) {
            (Addresses::Known(addresses), _) => addresses.clone(),
            (Addresses::Unknown, Some(name)) => {
                let look_up = environment.resolver.addresses(name, config.families);
                let found = environment.within(config.client.timeouts.resolve, deadline, look_up).await;
                let mut found = found
                    .unwrap_or(Err(LookupError::Timeout))
                    .map_err(|error| {
                        // It is our own setting: nobody's mail is refused for good because of it.
                        let code = if error.is_temporary() { code::NO_DNS } else { code::NO_ROUTE };
                        Words::seen(AttemptStage::Route, code, format!("{name}: {error}"))
                    })?
                    .records;
                found.truncate(config.mx.addresses.max(1));
                found
            }
            (Addresses::Unknown, None) => Vec::new(),
        };
        if config.prefer == Family::V4 {
            addresses.sort_by_key(IpAddr::is_ipv6);
        }
        let targets: Vec<Target> =
            addresses.iter().filter_map(|address| plan.target(self, *address)).collect();
        match (targets.as_slice(), addresses.first()) {
            ([], Some(address)) => {
                let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
                let host = self.name.as_ref().map(ToString::to_string).unwrap_or_default();
                let text = format!("{host} [{address}]: none of our sources has an address of {family}");
                Err(Words::seen(AttemptStage::Route, code::MISCONFIGURED, text.trim_start()))
            }
            _ => Ok(targets),
        }
    }
}

fn is_own(own: &OwnHosts, identity: Identity<'_>) -> bool {
    match identity {
        Identity::Name(name) => own.names.iter().any(|own| own.as_str() == name.as_str()),
        Identity::Address(address) => own.addresses.contains(&address),
    }
}

fn no_way(domain: &Domain, found: &MailHosts) -> Words {
    let text = match found {
        MailHosts::NullMx => format!("{domain} takes no mail (null MX, RFC 7505)"),
        MailHosts::NoSuchDomain => format!("there is no domain {domain}"),
        MailHosts::NoAddresses(_) => format!("no mail host of {domain} has an address"),
        MailHosts::Loop => format!("mail for {domain} would come back to this server: so its MX records say"),
        MailHosts::Temporary(error) => format!("the mail hosts of {domain} cannot be found now: {error}"),
        _ => format!("there is no way to {domain}"),
    };
    let code = found.refusal(Party::Recipient).map_or(code::NO_ROUTE, |(_, enhanced)| enhanced);
    Words::seen(AttemptStage::Route, code, text)
}
