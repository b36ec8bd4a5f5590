//! From where mail leaves this server: sources, and the proxy that it goes through.

use std::collections::BTreeMap;

use mailwright_core::Domain;
use mailwright_delivery::outbound::{HostName, RelayHost, Source, Via};
use mailwright_dns::Families;
use mailwright_tokio::socks::Login;

use super::check::{is_written, once};
use super::keys::{Outbound, Root, RouteTo, SourceOf};
use super::network::ProxyUrl;
use super::report::{Problem, Problems};
use super::section::nearest;
use super::span::Span;
use super::value::{At, UserName};

/// The sources of these names; of all if none is named.
pub(crate) fn sources(root: &Root, of: &[At<Domain>]) -> Vec<Source> {
    let is_wanted = |name: &Domain| of.is_empty() || of.iter().any(|of| of.value == *name);
    let wanted = root.source.iter().filter(|source| is_wanted(&source.hostname.value));
    let each = wanted.flat_map(|source| {
        let hostname = &source.hostname.value;
        source
            .addresses
            .value
            .iter()
            .map(|address| Source { address: address.value, hostname: hostname.clone() })
    });
    each.collect()
}

/// The proxy, and who we are to it.
pub(crate) fn via(outbound: &Outbound) -> Option<Via> {
    Some(match outbound.via.as_ref()?.value {
        ProxyUrl::Socks(proxy) => {
            let login = outbound.via_user.as_ref().zip(outbound.via_password.as_ref());
            let login =
                login.and_then(|(user, password)| Login::new(&user.value.0, password.value.0.clone()).ok());
            Via::Socks { proxy, login }
        }
        ProxyUrl::Proxy(proxy) => Via::Proxy { proxy },
    })
}

/// Looks whether sources, routes and the proxy fit together.
pub(super) fn check(root: &Root, problems: &mut Problems) {
    let names = root.source.iter().map(|source| (source.hostname.value.clone(), source.hostname.at.clone()));
    once(names, |name| format!("there are two sources {name}: one has all its addresses"), problems);
    let addresses = root.source.iter().flat_map(|source| &source.addresses.value);
    let addresses = addresses.map(|address| (address.value, address.at.clone()));
    once(addresses, |address| format!("{address} is of two sources, or twice of one"), problems);
    for source in root.source.iter().filter(|source| is_written(&source.addresses.at)) {
        if source.addresses.value.is_empty() && !problems.any_in(&source.addresses.at) {
            let problem = Problem::error(&source.addresses.at, "a source without an address", "none is here");
            problems.push(problem);
        }
    }
    for route in &root.route {
        names_sources(route, root, problems);
        has_servers(route, problems);
    }
    match &root.outbound {
        Some(outbound) => {
            proxy(outbound, root, problems);
            some_source_fits(outbound, root, problems);
        }
        None => for_others(root, problems),
    }
}

/// What is said of mail for others says nothing if none is taken. Of each kind one is enough.
fn for_others(root: &Root, problems: &mut Problems) {
    let source = root.source.iter().map(|source| &source.hostname.at).next();
    let route = root.route.iter().filter_map(|route| route.domains.first()).map(|domain| &domain.at).next();
    let listeners = root.listener.iter().filter(|listener| listener.service.value.takes_mail());
    let etrn = listeners.filter_map(|listener| listener.etrn_from.first()).map(|network| &network.at).next();
    let said = [
        ("[[source]]", source),
        ("[[route]]", route),
        ("[outbound_timeouts]", Some(&root.outbound_timeouts.at)),
        ("`etrn_from`", etrn),
    ];
    for (what, at) in said.into_iter().filter_map(|(what, at)| Some((what, at?))) {
        if is_written(at) {
            let message = format!("{what} is for mail for others, and none is taken");
            let problem = Problem::error(at, message, "nothing to say it of");
            problems.push(
                problem.with_help("write [outbound], so that there is mail for others, or leave it out"),
            );
        }
    }
}

/// A name without its password is no login, nor is a password without its name.
fn whole_login(user: (&str, Option<&Span>), password: (&str, Option<&Span>), problems: &mut Problems) {
    if let ((key, Some(at)), (other, None)) | ((other, None), (key, Some(at))) = (user, password) {
        problems.push(Problem::error(at, format!("`{key}` needs `{other}`"), "half a login"));
    }
}

/// Mail that no source can carry would wait until its time is over.
fn some_source_fits(outbound: &Outbound, root: &Root, problems: &mut Problems) {
    let all = sources(root, &[]);
    let is_torn = |source: &SourceOf| problems.any_in(&source.addresses.at);
    if all.is_empty() || root.source.iter().any(is_torn) {
        return;
    }
    let At { value: families, at } = &outbound.families;
    let is_wanted = |source: &Source| match families {
        Families::Both => true,
        Families::V4 => source.address.is_ipv4(),
        Families::V6 => source.address.is_ipv6(),
    };
    let message = "no source has an address of the only family that is connected to";
    if !all.iter().any(is_wanted) {
        let also = root.source.first().map_or(at, |source| &source.addresses.at);
        let problem = Problem::error(at, message, "of this").also(also, "none of them is");
        problems.push(
            problem.with_help("add such an address, or leave it out: then that of the sources is taken"),
        );
        return;
    }
    for route in &root.route {
        let own = sources(root, &route.sources);
        let fits = |host: &At<RelayHost>| match &host.value.host {
            HostName::Name(_) => own.iter().any(is_wanted),
            HostName::Address(address) => own.iter().any(|own| own.address.is_ipv6() == address.is_ipv6()),
        };
        let fits_any =
            if route.via.is_empty() { own.iter().any(is_wanted) } else { route.via.iter().any(fits) };
        if fits_any || own.is_empty() {
            continue;
        }
        let server = route.via.iter().find(|host| matches!(host.value.host, HostName::Address(_)));
        let problem = match (server, route.sources.first()) {
            (Some(server), _) => {
                Problem::error(&server.at, "no source has an address of this family", "to here")
            }
            (None, Some(own)) => Problem::error(&own.at, message, "not here").also(at, "of this"),
            (None, None) => continue,
        };
        problems.push(problem.with_help("mail by this route would wait until its time is over"));
    }
}

fn names_sources(route: &RouteTo, root: &Root, problems: &mut Problems) {
    let known = || root.source.iter().map(|source| source.hostname.value.as_str());
    for name in route.sources.iter().filter(|name| is_written(&name.at)) {
        if known().any(|known| known == name.value.as_str()) {
            continue;
        }
        let label = match nearest(name.value.as_str(), known()) {
            Some(near) => format!("did you mean {near}?"),
            None => "no such source".to_owned(),
        };
        let problem = Problem::error(&name.at, format!("there is no source {}", name.value), label);
        problems.push(problem.with_help("each [[source]] is called by its `hostname`"));
    }
}

/// What is said of servers says nothing if there are none.
fn has_servers(route: &RouteTo, problems: &mut Problems) {
    let user = route.user.as_ref().map(|user| &user.at);
    let password = route.password.as_ref().map(|password| &password.at);
    if !route.via.is_empty() {
        return whole_login(("user", user), ("password", password), problems);
    }
    let (protocol, tls) = (Some(&route.protocol.at), Some(&route.tls.at));
    let said = [("protocol", protocol), ("tls", tls), ("user", user), ("password", password)];
    let said = said.into_iter().filter_map(|(key, at)| Some((key, at?)));
    for (key, at) in said.filter(|(_, at)| is_written(at)) {
        let message = format!("`{key}` is for the servers of `via`, and there are none");
        let problem = Problem::error(at, message, "nothing to say it of");
        problems.push(problem.with_help("without `via` mail goes to the servers of the MX records"));
    }
}

fn proxy(outbound: &Outbound, root: &Root, problems: &mut Problems) {
    let Outbound { via, via_user, via_password, .. } = outbound;
    let login = [
        via_user.as_ref().map(|user| ("via_user", &user.at)),
        via_password.as_ref().map(|password| ("via_password", &password.at)),
    ];
    let is_socks = matches!(via.as_ref().map(|via| via.value), Some(ProxyUrl::Socks(_)));
    match login {
        _ if via.as_ref().is_some_and(|via| problems.any_in(&via.at)) => {}
        [Some((key, at)), _] | [_, Some((key, at))] if !is_socks => {
            let problem = Problem::error(at, format!("`{key}` is for a SOCKS server"), "nobody asks for it");
            problems.push(problem.with_help("write via = \"socks5://ADDRESS:PORT\", or leave it out"));
        }
        _ => {
            let [user, password] = login.map(|key| key.map(|(_, at)| at));
            whole_login(("via_user", user), ("via_password", password), problems);
        }
    }
    for (at, octets) in [
        via_user.as_ref().map(|At { value: UserName(user), at }| (at, user.len())),
        via_password.as_ref().map(|password| (&password.at, password.value.0.expose().len())),
    ]
    .into_iter()
    .flatten()
    {
        if octets > 255 {
            let message = "name and password for a SOCKS server have at most 255 octets each";
            problems.push(Problem::error(at, message, "too long"));
        }
    }
    if is_socks {
        one_of_each_family(root, problems);
    }
}

/// A SOCKS server cannot be told from where to connect: there is one address of each family, its own.
fn one_of_each_family(root: &Root, problems: &mut Problems) {
    let mut seen: BTreeMap<bool, Span> = BTreeMap::new();
    for At { value, at } in root.source.iter().flat_map(|source| &source.addresses.value) {
        if let Some(first) = seen.get(&value.is_ipv6()) {
            let message = "a SOCKS server sends from an address of its own, and cannot be told which";
            let problem = Problem::error(at, message, "another one").also(first, "besides this");
            problems.push(problem.with_help("say its address, with the name for EHLO, and no other one"));
            return;
        }
        seen.insert(value.is_ipv6(), at.clone());
    }
}
