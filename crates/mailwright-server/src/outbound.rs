//! From the configuration to the way that mail for others takes.

use std::io;
use std::path::Path;

use mailwright_auth::Credentials;
use mailwright_delivery::QueueConfig;
use mailwright_delivery::outbound::{OutboundConfig, Relay, Route, Way};
use mailwright_dns::HickoryConfig;
use mailwright_queue::SettleConfig;
use mailwright_server::client_tls;

use crate::config::{Outbound, OutboundTimeouts, Root, RouteTo, read_file, sources, via};
use crate::exit::{Exit, Failure};

/// Octets of a file with authorities.
const PEM_MAX: u64 = 16 << 20;

/// What [`Server::outbound`](mailwright_server::Server::outbound) is given.
pub(crate) fn parts(
    root: &Root,
    outbound: &Outbound,
    folder: &Path,
) -> Result<(OutboundConfig, QueueConfig, HickoryConfig), Failure> {
    let mut way = way(root, outbound);
    way.tls = Some(tls(&folder.join(&outbound.authorities.value))?);
    let dns = match outbound.nameservers.as_slice() {
        [] => HickoryConfig::system().map_err(|error| {
            Failure::new(Exit::OsError, format!("/etc/resolv.conf: {error}"))
                .with_remedy("name the DNS servers in [outbound]: nameservers = [\"127.0.0.1:53\"]")
        })?,
        servers => HickoryConfig::new(servers.iter().map(|server| server.value)),
    };
    Ok((way, queue(root, outbound)?, dns))
}

/// All but whom TLS trusts.
fn way(root: &Root, outbound: &Outbound) -> OutboundConfig {
    let mut way = OutboundConfig::new(root.hostname.clone());
    way.routes = root.route.iter().flat_map(|route| routes(route, root)).collect();
    way.sources = sources(root, &[]);
    way.via = via(outbound);
    (way.families, way.prefer) = (outbound.families.value, outbound.prefer);
    way.next_address_after = outbound.next_address_after.0;
    way.remember_unreachable = outbound.remember_unreachable.0;
    way.remember_broken_tls = outbound.remember_broken_tls.0;
    timeouts(&mut way, &root.outbound_timeouts.value);
    way.eight_bit = outbound.eight_bit;
    // Mail that would go there would come back (RFC 5321 §5.1).
    way.own.names.extend(way.sources.iter().map(|source| source.hostname.clone()));
    if way.via.is_none() {
        // Else they are the proxy's, behind which there may be others.
        way.own.addresses.extend(way.sources.iter().map(|source| source.address));
    }
    way
}

fn queue(root: &Root, outbound: &Outbound) -> Result<QueueConfig, Failure> {
    let domain = root.domains.value.first().map_or(&root.hostname, |domain| &domain.value);
    let postmaster = format!("postmaster@{domain}");
    let postmaster = postmaster.parse().map_err(|error| {
        Failure::new(Exit::Config, format!("reports cannot come from {postmaster}: {error}"))
    })?;
    let mut settle = SettleConfig::new(root.hostname.clone(), postmaster);
    settle.retry.mail.lifetime = outbound.lifetime.0;
    settle.retry.reports.lifetime = settle.retry.reports.lifetime.min(outbound.lifetime.0);
    settle.warn_after = Some(outbound.warn_after.0);
    let mut queue = QueueConfig::new(settle);
    let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
    queue.scheduler.concurrency = count(outbound.concurrency.0);
    queue.scheduler.destination_max = count(outbound.per_domain.0);
    Ok(queue)
}

fn timeouts(way: &mut OutboundConfig, limits: &OutboundTimeouts) {
    way.deadline = limits.attempt.0;
    let timeouts = &mut way.client.timeouts;
    for (timeout, limit) in [
        (&mut timeouts.resolve, limits.resolve),
        (&mut timeouts.connect, limits.connect),
        (&mut timeouts.tls, limits.tls),
        (&mut timeouts.greeting, limits.greeting),
        (&mut timeouts.hello, limits.hello),
        (&mut timeouts.start_tls, limits.start_tls),
        (&mut timeouts.auth, limits.auth),
        (&mut timeouts.mail, limits.mail),
        (&mut timeouts.rcpt, limits.rcpt),
        (&mut timeouts.data, limits.data),
        (&mut timeouts.body, limits.body),
        (&mut timeouts.body_end, limits.body_end),
    ] {
        *timeout = limit.0;
    }
}

fn routes(route: &RouteTo, root: &Root) -> Vec<Route> {
    let relay =
        || Relay {
            hosts: route.via.iter().map(|host| host.value.clone()).collect(),
            protocol: route.protocol.value,
            tls: route.tls.value,
            credentials: route.user.as_ref().zip(route.password.as_ref()).map(|(user, password)| {
                Credentials { user: user.value.0.clone(), authzid: None, password: password.value.0.clone() }
            }),
        };
    let way = if route.via.is_empty() { Way::Mx } else { Way::Relay(relay()) };
    // None are those for all.
    let own = if route.sources.is_empty() { Vec::new() } else { sources(root, &route.sources) };
    let each = route.domains.iter().map(|pattern| pattern.value.clone());
    each.map(|pattern| Route { sources: own.clone(), ..Route::new(pattern, way.clone()) }).collect()
}

fn tls(authorities: &Path) -> Result<mailwright_delivery::outbound::ClientTls, Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", authorities.display());
    let text = read_file(authorities, PEM_MAX).map_err(|error: io::Error| {
        let failure = Failure::new(Exit::Config, at(&error));
        match error.kind() {
            io::ErrorKind::NotFound => failure.with_remedy(
                "install the authorities that certificates are trusted by (Debian: ca-certificates), or name \
                 another file in [outbound]: authorities",
            ),
            _ => failure,
        }
    })?;
    client_tls(&text).map_err(|error| Failure::new(Exit::Config, at(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const TEXT: &str = "hostname = \"mx.example.org\"\ndomains = [\"example.org\"]\ndata = \".\"\n\
                        [[listener]]\nservice = \"smtp\"\naddress = \"127.0.0.1:0\"\n\
                        [[source]]\nhostname = \"out.example.org\"\naddresses = [\"192.0.2.1\", \"2001:db8::1\"]\n\
                        [outbound]\n";

    /// RFC 5321 §5.1: no mail goes to them, whatever the MX records of a domain say.
    #[test]
    fn what_mail_leaves_from_is_ours() {
        for (via, addresses) in [
            ("", &["192.0.2.1", "2001:db8::1"][..]),
            ("via = \"haproxy://192.0.2.9:2000\"\n", &[]),
            ("via = \"socks5://192.0.2.9:1080\"\n", &[]),
        ] {
            let text = format!("{TEXT}{via}");
            let folder = std::env::temp_dir();
            let config = Config::parse("mail.toml", &text, &folder, &Default::default()).unwrap();
            let own = way(&config.root, config.root.outbound.as_ref().unwrap()).own;
            let names: Vec<&str> = own.names.iter().map(|name| name.as_str()).collect();
            assert_eq!(names, ["mx.example.org", "out.example.org"]);
            let found: Vec<String> = own.addresses.iter().map(ToString::to_string).collect();
            assert_eq!(found, addresses, "{via}");
        }
    }
}
