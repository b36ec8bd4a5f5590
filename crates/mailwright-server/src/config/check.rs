//! What no value tells by itself: how they fit together, and with what there is on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mailwright_auth::{ScramHash, ScramKeys};
use mailwright_core::{Address, Domain};
use mailwright_server::{Auth, Certificates, Service};
use mailwright_store::fold_address;

use super::file;
use super::keys::{Listener, Login, Root, Tls};
use super::report::{Problem, Problems};
use super::secret::others_can_read;
use super::section::BUILT_IN;
use super::span::Span;
use super::value::{At, Count};

/// Octets of a file with certificates or a key.
const PEM_MAX: u64 = 1 << 20;

/// Looks at all of it, and gives the certificate if there is one that works.
pub(crate) fn check(root: &Root, folder: &Path, problems: &mut Problems) -> Option<Certificates> {
    domains(root, problems);
    users(root, problems);
    keys_for_scram(root, problems);
    listeners(root, problems);
    data(root, folder, problems);
    root.tls.as_ref().and_then(|tls| certificates(tls, folder, problems))
}

/// Whether it is what the operator wrote, and not what stands in for it.
pub(super) fn is_written(at: &Span) -> bool {
    at.source != BUILT_IN
}

/// Says where something stands twice.
pub(super) fn once<K: Ord>(
    things: impl Iterator<Item = (K, Span)>,
    message: impl Fn(&K) -> String,
    problems: &mut Problems,
) {
    let mut seen: BTreeMap<K, Span> = BTreeMap::new();
    for (thing, at) in things.filter(|(_, at)| is_written(at)) {
        if let Some(first) = seen.get(&thing) {
            problems.push(Problem::error(&at, message(&thing), "again").also(first, "first here"));
        } else {
            seen.insert(thing, at);
        }
    }
}

fn domains(root: &Root, problems: &mut Problems) {
    let domains = root.domains.value.iter().map(|domain| (domain.value.clone(), domain.at.clone()));
    once(domains, |domain| format!("{domain} stands here twice"), problems);
}

fn users(root: &Root, problems: &mut Problems) {
    let folded = user_addresses(root).map(|address| (fold_address(&address.value), address.at.clone()));
    once(folded, |address| format!("{address} is the address of two users, or twice that of one"), problems);
    outside(user_addresses(root).map(|address| (address.value.domain(), &address.at)), root, problems);
}

/// Whose hash was made before SCRAM was offered is kept out by the clients that use it; whose keys have other iterations
/// than those that are made up is told apart from who is not there.
fn keys_for_scram(root: &Root, problems: &mut Problems) {
    let Login { scram, scram_iterations: Count(wanted) } = &root.login;
    let name = |hash: &At<ScramHash>| hash.value.scheme().trim_start_matches("SCRAM-").to_ascii_lowercase();
    let mut remedy = "make the hash of the password anew: mailwright config hash".to_owned();
    remedy.extend(scram.iter().map(|hash| format!(" --scram {}", name(hash))));
    let users = || root.user.iter().filter(|user| is_written(&user.address.at));
    for (hash, user) in scram.iter().flat_map(|hash| users().map(move |user| (hash.value, user))) {
        let (At { value: address, at }, scheme) = (&user.address, hash.scheme());
        let problem = match user.password.0.scram(hash).map(ScramKeys::iterations) {
            None => {
                let message = format!("{address} has no keys for {scheme}, which is offered");
                Problem::warning(at, message, "clients that use it are refused").with_help(&remedy)
            }
            Some(iterations) if u64::from(iterations) != *wanted => {
                let message = format!(
                    "the keys of {address} for {scheme} have {iterations} iterations, and new ones {wanted}"
                );
                Problem::warning(at, message, "strangers can see that there is such a user")
                    .with_help(format!("{remedy} --scram-iterations {wanted}"))
            }
            Some(_) => continue,
        };
        problems.push(problem);
    }
}

/// All addresses of users.
pub(super) fn user_addresses(root: &Root) -> impl Iterator<Item = &At<Address>> {
    root.user.iter().flat_map(|user| [&user.address].into_iter().chain(&user.aliases))
}

/// Our domains, unless the list has mistakes: then what is meant to be in it is not.
pub(super) fn our_domains(root: &Root, problems: &Problems) -> Option<BTreeSet<Domain>> {
    let At { value, at } = &root.domains;
    let is_right = is_written(at) && !problems.any_in(at);
    is_right.then(|| value.iter().map(|domain| domain.value.clone()).collect())
}

/// Whether it is one of these.
pub(super) fn is_of(domain: &str, ours: &BTreeSet<Domain>) -> bool {
    domain.parse().is_ok_and(|domain| ours.contains(&domain))
}

/// Says which of these are no domains of ours.
pub(super) fn outside<'a>(
    domains: impl Iterator<Item = (&'a str, &'a Span)>,
    root: &Root,
    problems: &mut Problems,
) {
    let Some(ours) = our_domains(root, problems) else { return };
    for (domain, at) in domains.filter(|(_, at)| is_written(at)) {
        if !is_of(domain, &ours) {
            let problem = Problem::error(at, format!("{domain} is no domain of this server"), "outside");
            let listed: Vec<&str> = root.domains.value.iter().map(|domain| domain.value.as_str()).collect();
            problems.push(problem.with_help(format!("`domains` has: {}", listed.join(", "))));
        }
    }
}

fn listeners(root: &Root, problems: &mut Problems) {
    // Port 0 is another one each time.
    let addresses = root.listener.iter().map(|listener| &listener.address);
    let fixed = addresses.filter(|address| address.value.port() != 0);
    once(
        fixed.map(|address| (address.value, address.at.clone())),
        |address| format!("two sockets cannot listen on {address}"),
        problems,
    );
    for listener in &root.listener {
        needs_certificate(listener, root, problems);
        takes_no_mail(listener, problems);
        knows_nobody(listener, problems);
        is_not_lmtp_at_25(listener, problems);
    }
}

fn needs_certificate(listener: &Listener, root: &Root, problems: &mut Problems) {
    let At { value: service, at } = &listener.service;
    if root.tls.is_some() {
        return;
    }
    let auth = listener.auth.as_ref().filter(|auth| auth.value != Auth::Off);
    let help = "write [tls] with `certificate` and `key`, or leave it out";
    if let Some(auth) = auth.filter(|auth| !service.is_tls() && auth_off(*service) && is_written(&auth.at)) {
        let problem =
            Problem::error(&auth.at, "logins need a certificate", "nobody could log in without TLS");
        problems.push(problem.with_help(help));
    }
    if !auth_off(*service) && is_written(at) {
        let why = if service.is_tls() { "it begins with TLS" } else { "nobody could log in without TLS" };
        let problem = Problem::error(at, format!("{} needs a certificate", service.name()), why);
        problems.push(problem.with_help(help));
    }
}

/// Whether nobody logs in there, unless it is said.
fn auth_off(service: Service) -> bool {
    service.takes_mail() && service.auth() == Auth::Off
}

/// RFC 2033 §5: whoever finds LMTP at port 25 takes it for SMTP.
fn is_not_lmtp_at_25(listener: &Listener, problems: &mut Problems) {
    let Listener { service, address, .. } = listener;
    if service.value == Service::Lmtp && address.value.port() == 25 && is_written(&address.at) {
        let problem = Problem::error(&address.at, "LMTP at port 25", "other servers expect SMTP there");
        problems.push(problem.with_help("LMTP has no port of its own: 24 is often taken, on 127.0.0.1"));
    }
}

/// What is said of mail that is sent says nothing where mail is read.
fn takes_no_mail(listener: &Listener, problems: &mut Problems) {
    let Listener { service, auth, message_size, recipients, xclient_from, .. } = listener;
    let Listener { lookups, etrn_from, no_soliciting, .. } = listener;
    if service.value.takes_mail() || !is_written(&service.at) {
        return;
    }
    let auth = auth.as_ref().map(|auth| ("auth", &auth.at));
    let message_size = message_size.as_ref().map(|size| ("message_size", &size.at));
    let recipients = recipients.as_ref().map(|recipients| ("recipients", &recipients.at));
    let xclient = xclient_from.first().map(|network| ("xclient_from", &network.at));
    let lookups = lookups.as_ref().map(|lookups| ("lookups", &lookups.at));
    let etrn = etrn_from.first().map(|network| ("etrn_from", &network.at));
    let no_soliciting = no_soliciting.as_ref().map(|classes| ("no_soliciting", &classes.at));
    let said = [auth, message_size, recipients, xclient, lookups, etrn, no_soliciting];
    for (key, at) in said.into_iter().flatten() {
        let message = format!("`{key}` says nothing of {}", service.value.name());
        let problem = Problem::error(at, message, "mail is only read there").also(&service.at, "here");
        problems
            .push(problem.with_help("leave it out: smtp, smtps, submission, submissions and lmtp have it"));
    }
}

/// Users who never log in cannot be told anything. Who speaks for its clients by XCLIENT may say that they have.
fn knows_nobody(listener: &Listener, problems: &mut Problems) {
    let Listener { service, auth, lookups, xclient_from, .. } = listener;
    let logs_in = auth.as_ref().map_or(service.value.auth(), |auth| auth.value) != Auth::Off;
    let Some(lookups) = lookups.as_ref().filter(|lookups| lookups.value) else { return };
    if logs_in || !service.value.takes_mail() || !is_written(&service.at) || !xclient_from.is_empty() {
        return;
    }
    let because = auth.as_ref().map_or(&service.at, |auth| &auth.at);
    let message = "`lookups` is for users who have logged in, and here nobody does";
    let problem = Problem::error(&lookups.at, message, "nobody to tell").also(because, "without logins");
    problems.push(problem.with_help("write auth = \"offered\" or \"required\", or leave it out"));
}

fn data(root: &Root, folder: &Path, problems: &mut Problems) {
    let At { value, at } = &root.data;
    if !is_written(at) {
        return;
    }
    let path = folder.join(value);
    let (message, label) = match path.metadata() {
        Ok(found) if found.is_dir() => return,
        Ok(_) => (format!("{} is no folder", path.display()), "a file"),
        Err(error) => (format!("{}: {error}", path.display()), "cannot be used"),
    };
    let help =
        format!("create it for the user that the server runs as: install -d -m 700 {}", path.display());
    problems.push(Problem::error(at, message, label).with_help(help));
}

fn certificates(tls: &Tls, folder: &Path, problems: &mut Problems) -> Option<Certificates> {
    let mut read = |path: &At<_>, secret: bool| -> Option<String> {
        if !is_written(&path.at) {
            return None;
        }
        let file = folder.join(&path.value);
        match file::read(&file, PEM_MAX) {
            Ok(found) => {
                if secret && found.open_to_others {
                    problems.push(others_can_read(&file, &path.at));
                }
                Some(found.text)
            }
            Err(error) => {
                problems.push(Problem::error(
                    &path.at,
                    format!("{}: {error}", file.display()),
                    "cannot be read",
                ));
                None
            }
        }
    };
    let (chain, key) = (read(&tls.certificate, false), read(&tls.key, true));
    match Certificates::from_pem(&chain?, &key?) {
        Ok(certificates) => Some(certificates),
        Err(error) => {
            let at = if error.is_of_key() { &tls.key.at } else { &tls.certificate.at };
            problems.push(Problem::error(at, error.to_string(), "of no use"));
            None
        }
    }
}
