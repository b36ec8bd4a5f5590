//! Postfix, Exim and OpenSMTPD as peers: they take our mail, and we theirs, in every way there is.

mod bulk;
mod envelope;
mod inbound;
mod mail;
mod outbound;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Authority, Installation, LOGIN, Listeners, Mta, Peer, Way, Wire, free_addrs};

/// A server of ours and another one, each of which knows the ways to the other.
#[derive(Debug)]
struct Pair {
    /// For `a.example`. Mail for the domains of its [ways](Way) is bob's.
    ours: Installation,
    listeners: Listeners,
    peer: &'static Peer,
    theirs: Listeners,
    authority: Authority,
}

impl Pair {
    /// `more` is more of our configuration.
    fn new(peer: &'static Peer, more: &str) -> Option<Self> {
        let authority = Authority::new()?;
        let theirs = Listeners::free();
        let routes = Way::ALL.map(|way| route(way, peer.domain, theirs)).concat();
        let aliases = Way::ALL.map(|way| alias(&format!("@{}", way.domain("a.example")), "bob@a.example"));
        let ours = Installation::new("a.example", &format!("{routes}{}{more}", aliases.concat()))?;
        let [implicit, login] = free_addrs();
        let listeners = [implicit, login]
            .map(|addr| format!("[[listener]]\nservice = \"smtps\"\naddress = \"{addr}\"\n"))
            .concat();
        let domains = Way::ALL.map(|way| way.domain("a.example"));
        let domains = format!("domains = {:?}", [&["a.example".to_owned()], &domains[..]].concat());
        let file = ours.path("mail.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replacen("domains = [\"a.example\"]", &domains, 1);
        let text = text.replacen("authorities = \"ca.pem\"", "authorities = \"authorities.pem\"", 1);
        fs::write(file, text + &listeners).unwrap();
        fs::write(ours.path("password"), LOGIN[1]).unwrap();
        fs::set_permissions(ours.path("password"), Permissions::from_mode(0o600)).unwrap();
        for (from, to) in
            [("authorities.pem", "authorities.pem"), ("certificate.pem", "ca.pem"), ("key.pem", "key.pem")]
        {
            fs::copy(authority.path(from), ours.path(to)).unwrap();
        }
        let listeners = Listeners([ours.smtp, ours.smtp, implicit, login]);
        Some(Self { ours, listeners, peer, theirs, authority })
    }

    /// Starts the other one.
    fn start(&self) -> Option<Mta> {
        self.peer.start(self.theirs, self.listeners, &self.authority)
    }
}

/// How mail for the domain of a way goes there.
fn route(way: Way, domain: &str, to: Listeners) -> String {
    let tls = match way {
        Way::Plain => "never",
        Way::StartTls | Way::Login => "required",
        Way::Implicit => "implicit",
    };
    let route = crate::support::route(&way.domain(domain), to.at(way), tls);
    let login = format!("user = \"{}\"\npassword = {{ file = \"password\" }}\n", LOGIN[0]);
    if way == Way::Login { route + &login } else { route }
}

fn alias(from: &str, to: &str) -> String {
    format!("[[alias]]\naddress = \"{from}\"\nto = [\"{to}\"]\n")
}

/// Sends a message, each command answered before the next.
#[track_caller]
fn send(wire: &mut Wire, from: &str, to: &[String], message: &str) {
    wire.expect(format!("MAIL FROM:<{from}> BODY=8BITMIME"), "250");
    for to in to {
        wire.expect(format!("RCPT TO:<{to}>"), "250");
    }
    wire.expect("DATA", "354");
    let message = message.replace("\r\n.", "\r\n..");
    wire.expect(format!("{message}."), "250");
}
