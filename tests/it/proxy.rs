//! Behind a proxy, by its header: SMTP, IMAP and POP3 alike.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;

use mailwright_server::{Listener, Server, Service};

use crate::support::{Background, Wire};

/// What the proxy says of its clients.
const HEADER: &str = "PROXY TCP4 203.0.113.9 198.51.100.25 5555 25\r\n";

/// A server that believes proxies at 127.0.0.1, and at no other address of loopback.
fn server() -> (Background, [SocketAddr; 3]) {
    let (sender, addrs) = sync_channel(1);
    let server = Background::start(move || async move {
        let mut server =
            Server::new("localhost").account("ann@localhost", "secret").without_tls().login_without_tls();
        for service in [Service::Smtp, Service::Imap, Service::Pop3] {
            let mut listener = Listener::new(service);
            listener.proxies = vec!["127.0.0.1".parse().unwrap()];
            server = server.listen(listener, ([127, 0, 0, 1], 0));
        }
        let running = server.start().await.unwrap();
        let bound: Vec<SocketAddr> = running.addrs().iter().map(|(_, addr)| *addr).collect();
        sender.send(bound.try_into().unwrap()).unwrap();
        std::future::pending::<()>().await;
    });
    (server, addrs.recv().unwrap())
}

/// A connection of the proxy.
fn introduced(addr: SocketAddr) -> Wire {
    let mut wire = Wire::connect(addr);
    wire.send(HEADER);
    wire
}

#[test]
fn received_has_the_address_of_the_client() {
    let (_server, [smtp, imap, pop3]) = server();
    let mut wire = introduced(smtp);
    wire.hello();
    wire.mail("ann@localhost", "Subject: by a proxy\r\n\r\n");
    // No proxy is there, so nothing is believed.
    let mut wire = Wire::connect_from([127, 0, 0, 2].into(), None, smtp);
    wire.hello();
    wire.expect(HEADER.trim_end(), "500");
    wire.mail("ann@localhost", "Subject: pretended\r\n\r\n");

    let mut wire = introduced(imap);
    assert!(wire.line().starts_with("* OK"));
    wire.send("a LOGIN ann@localhost secret\r\n");
    assert!(wire.line().starts_with("a OK"));

    let mut wire = introduced(pop3);
    assert!(wire.line().starts_with("+OK"));
    for command in ["USER ann@localhost\r\n", "PASS secret\r\n"] {
        wire.send(command);
        assert!(wire.line().starts_with("+OK"));
    }
    for (command, subject, from) in [
        ("RETR 1\r\n", "Subject: by a proxy", "[203.0.113.9]"),
        ("RETR 2\r\n", "Subject: pretended", "[127.0.0.2]"),
    ] {
        wire.send(command);
        assert!(wire.line().starts_with("+OK"));
        let message = String::from_utf8(wire.lines()).unwrap();
        assert!(message.contains(subject) && message.contains(from), "{message}");
        assert!(!message.contains("127.0.0.1"), "{message}");
    }
}

#[test]
fn a_proxy_without_header_is_let_go_without_a_word() {
    let (_server, addrs) = server();
    for addr in addrs {
        let mut wire = Wire::connect(addr);
        wire.send("NOOP\r\n");
        assert_eq!(wire.rest(), b"");
    }
}
