//! No relay for strangers, nor for those who have logged in: the patterns of nmap's smtp-open-relay, and more.

use std::net::SocketAddr;

use crate::serve_process::Site;
use crate::support::{Dev, Tunnel, Wire};

/// The server is `localhost` and [127.0.0.1]; `x.example` is somebody else's. Sender and recipient.
const PATTERNS: [(&str, &str); 19] = [
    ("<>", "<victim@x.example>"),
    ("<evil@x.example>", "<victim@x.example>"),
    ("<evil@localhost>", "<victim@x.example>"),
    ("<evil@[127.0.0.1]>", "<victim@x.example>"),
    ("<evil@[127.0.0.1]>", "<victim%x.example@[127.0.0.1]>"),
    ("<evil@[127.0.0.1]>", "<victim%x.example@localhost>"),
    ("<evil@[127.0.0.1]>", "<\"victim@x.example\">"),
    ("<evil@[127.0.0.1]>", "<\"victim%x.example\">"),
    ("<evil@[127.0.0.1]>", "<victim@x.example@[127.0.0.1]>"),
    ("<evil@[127.0.0.1]>", "<\"victim@x.example\"@[127.0.0.1]>"),
    ("<evil@[127.0.0.1]>", "<victim@x.example@localhost>"),
    ("<evil@[127.0.0.1]>", "<@[127.0.0.1]:victim@x.example>"),
    ("<evil@[127.0.0.1]>", "<@localhost:victim@x.example>"),
    ("<evil@[127.0.0.1]>", "<x.example!victim>"),
    ("<evil@[127.0.0.1]>", "<x.example!victim@[127.0.0.1]>"),
    ("<evil@[127.0.0.1]>", "<x.example!victim@localhost>"),
    ("<ann@localhost>", "<\"victim@x.example\"@localhost>"),
    ("<ann@localhost>", "<@localhost,@x.example:victim@x.example>"),
    ("<ann@localhost>", "<ann@localhost.x.example>"),
];

fn refuses_all(login: Option<&str>) {
    let dev = Dev::start();
    let smtps = Tunnel::new(dev.smtps, &dev.ca());
    for addr in [dev.smtp, smtps.addr] {
        for (from, to) in PATTERNS {
            let mut wire = Wire::smtp(addr);
            if let Some(login) = login {
                wire.expect(login, "235");
            }
            wire.expect(format!("MAIL FROM:{from}"), "250");
            let reply = wire.ask(format!("RCPT TO:{to}"));
            println!("{from:22} {to:42} {reply}");
            assert!(reply.starts_with("55") || reply.starts_with("501"), "{from} to {to}: {reply}");
            // Without a recipient there is nothing to send.
            wire.expect("DATA", "55");
            wire.expect("QUIT", "221");
        }
    }
    dev.works();
}

#[test]
fn strangers_are_refused() {
    refuses_all(None);
}

#[test]
fn users_are_refused() {
    // ann@localhost and her password.
    refuses_all(Some("AUTH PLAIN AGFubkBsb2NhbGhvc3QAYW5u"));
}

/// At each listener of each configuration that is shown, with a way to others and without: for strangers there is none.
#[test]
fn strangers_are_refused_by_each_configuration() {
    let Some(site) = Site::new() else { return };
    for (name, text) in site.shown() {
        site.write_config(&text);
        let serve = site.serve();
        let mut listeners = 0;
        for service in ["smtp", "submission", "smtps", "submissions"] {
            let Some(addr) = serve.addr(service) else { continue };
            println!("{name}: {service}");
            listeners += 1;
            if service.ends_with('s') {
                let tunnel = Tunnel::new(addr, &site.path("chain.pem"));
                refuses_strangers(tunnel.addr, service);
            } else {
                refuses_strangers(addr, service);
            }
        }
        assert!(listeners > 0, "{name} takes no mail");
        assert!(serve.stop().success());
    }
}

fn refuses_strangers(addr: SocketAddr, service: &str) {
    // Users submit, and other servers do not (RFC 6409 §4.3).
    let mail = if service.starts_with("submission") { "530" } else { "250" };
    for (from, to) in PATTERNS {
        let [from, to] = [from, to].map(|path| path.replace("localhost", "example.org"));
        let mut wire = Wire::smtp(addr);
        wire.expect(format!("MAIL FROM:{from}"), mail);
        let reply = wire.ask(format!("RCPT TO:{to}"));
        let refused = ["55", "50"].iter().any(|code| reply.starts_with(code));
        assert!(refused, "{service}: {from} to {to}: {reply}");
        wire.expect("DATA", "5");
        wire.expect("QUIT", "221");
    }
}
