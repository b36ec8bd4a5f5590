//! Postfix, Exim and OpenSMTPD as peers: they take our mail, and we theirs, in every way there is. Each cell is a test,
//! also where the peer cannot do it: then of what happens instead.
//!
//! | | Postfix, both ways | Exim, both ways | OpenSMTPD, ours to them | OpenSMTPD, theirs to us | where |
//! |---|---|---|---|---|---|
//! | plain | arrives | arrives | arrives | arrives | `outbound`, `inbound` |
//! | STARTTLS | arrives | arrives | arrives | arrives | `outbound`, `inbound` |
//! | implicit TLS | arrives | arrives | arrives | arrives | `outbound`, `inbound` |
//! | AUTH | arrives | arrives | arrives | arrives | `outbound`, `inbound` |
//! | 25 MB | arrives | arrives | arrives | arrives | `outbound`, `inbound` |
//! | AUTH by SCRAM-SHA-256 | arrives | not there | not there | not there | `scram` |
//! | CHUNKING | used; by them, DATA | used | not offered: DATA | not used: DATA | `outbound`, `inbound` |
//! | DSN | reported | reported | reported | reported | `reports` |
//! | SMTPUTF8 | arrives | arrives | not offered: comes back, unless all is ASCII | not taken by them | `utf8` |
//! | 1,000 recipients | arrives | arrives | arrives | arrives | `bulk` |
//! | 1,000 messages, pipelined | arrive | arrive | not offered: arrive, one command at a time | so they do | `bulk` |

mod bulk;
mod inbound;
mod mail;
mod outbound;
mod reports;
mod scram;
mod tap;
mod utf8;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use tap::Tap;

use crate::outbound::eventually;
use crate::support::{Authority, Installation, LOGIN, Listeners, Mta, Peer, Way, Wire, free_addrs};

/// A server of ours and another one, each of which knows the ways to the other.
#[derive(Debug)]
struct Pair {
    /// For `a.example`. Mail for the domains of its [ways](Way) is bob's.
    ours: Installation,
    listeners: Listeners,
    peer: &'static Peer,
    theirs: Listeners,
    /// What we say to them, and they to us, where no TLS hides it.
    to_them: Tap,
    to_us: Tap,
    authority: Authority,
}

impl Pair {
    /// `more` is more of our configuration.
    fn new(peer: &'static Peer, more: &str) -> Option<Self> {
        let authority = Authority::new()?;
        let theirs = Listeners::free();
        let to_them = Tap::new(theirs.at(Way::Plain));
        let routes = Way::ALL.map(|way| route(way, peer.domain, theirs.with_plain(to_them.addr))).concat();
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
        let to_us = Tap::new(ours.smtp);
        let listeners = Listeners([to_us.addr, ours.smtp, implicit, login]);
        Some(Self { ours, listeners, peer, theirs, to_them, to_us, authority })
    }

    /// Starts the other one.
    fn start(&self) -> Option<Mta> {
        self.peer.start(self.theirs, self.listeners, &self.authority)
    }

    /// A message in bob's mailbox here, when it is there.
    #[track_caller]
    fn bobs(&self, subject: &str) -> String {
        let line = format!("\r\nSubject: {subject}\r\n");
        let response =
            eventually("it arrives", || self.ours.inbox("bob").into_iter().find(|mail| mail.contains(&line)));
        mail::literal(&response).to_owned()
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
    let to: Vec<String> = to.iter().map(|to| format!("<{to}>")).collect();
    send_with(wire, &format!("<{from}> BODY=8BITMIME"), &to, message);
}

/// The same with parameters, which stand behind the addresses in `<>`.
#[track_caller]
fn send_with(wire: &mut Wire, from: &str, to: &[String], message: &str) {
    wire.expect(format!("MAIL FROM:{from}"), "250");
    for to in to {
        wire.expect(format!("RCPT TO:{to}"), "250");
    }
    wire.expect("DATA", "354");
    wire.expect(format!("{}.", dotted(message)), "250");
}

/// A content that ends in CRLF, as it goes over the line but for its end (RFC 5321 §4.5.2).
fn dotted(message: &str) -> String {
    message.replace("\r\n.", "\r\n..")
}
