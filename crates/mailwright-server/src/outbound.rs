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
    let mut way = OutboundConfig::new(root.hostname.clone());
    way.routes = root.route.iter().flat_map(|route| routes(route, root)).collect();
    way.sources = sources(root, &[]);
    way.via = via(outbound);
    (way.families, way.prefer) = (outbound.families, outbound.prefer);
    way.next_address_after = outbound.next_address_after.0;
    way.remember_unreachable = outbound.remember_unreachable.0;
    way.remember_broken_tls = outbound.remember_broken_tls.0;
    timeouts(&mut way, &root.outbound_timeouts);
    way.eight_bit = outbound.eight_bit;
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
                Credentials { user: user.value.0.clone(), authzid: None, password: password.0.clone() }
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
