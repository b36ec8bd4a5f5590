//! Where mail for a domain is to be taken.

use std::net::IpAddr;
use std::time::Instant;

use mailwright_core::Domain;
use mailwright_dns::{Identity, LookupError, MailHosts, Name, Party, Resolver, Source, mail_hosts};
use mailwright_queue::{AttemptStage, OwnHosts};

use super::config::OutboundConfig;
use super::environment::Environment;
use super::route::{HostName, Protocol, Relay, RelayHost, TlsPolicy, Way};
use super::words::{Words, code};

/// How to speak to whom, in order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) manner: Manner,
    pub(super) hosts: Vec<PlannedHost>,
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
    pub(super) manner: Manner,
}

impl Target {
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
        Ok(plan)
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
        if needs_tls && matches!(found.source, Source::Mx { authentic: false }) {
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
        })
    }
}

impl PlannedHost {
    /// The addresses to connect to, in order.
    pub(super) async fn targets(
        &self,
        manner: Manner,
        environment: &Environment,
        config: &OutboundConfig,
        deadline: Instant,
    ) -> Result<Vec<Target>, Words> {
        let addresses = match (&self.addresses, &self.name) {
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
        let target = |address| Target { name: self.name.clone(), address, port: self.port, manner };
        Ok(addresses.into_iter().map(target).collect())
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
