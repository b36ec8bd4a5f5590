//! S13: guessing, and malformed logins.

use std::net::Ipv4Addr;
use std::thread;

use mailwright_server::{Server, Service};

use crate::support::{Dev, Folder, Wire, python};

/// ann@localhost and her password.
const ANN: &str = "AUTH PLAIN AGFubkBsb2NhbGhvc3QAYW5u";

#[test]
fn malformed_logins_let_nobody_in() {
    let dev = Dev::start();
    let long = format!("AUTH PLAIN {}", "A".repeat(1_000_000));
    let attempts: [&[&str]; 12] = [
        &["AUTH PLAIN !!!!"],
        &["AUTH PLAIN AGFubkBsb2NhbGhvc3QAYW5"],
        &["AUTH PLAIN AGFubkBsb2NhbGhvc3QAYW5u====AGFubkBsb2NhbGhvc3QAYW5u"],
        // Nothing but NULs.
        &["AUTH PLAIN AAAAAAAA"],
        // ann@localhost, and no password.
        &["AUTH PLAIN AGFubkBsb2NhbGhvc3QA"],
        // bob@localhost for ann@localhost.
        &["AUTH PLAIN Ym9iQGxvY2FsaG9zdABhbm5AbG9jYWxob3N0AGFubg=="],
        // ' OR '1'='1
        &["AUTH PLAIN ACcgT1IgJzEnPScxACcgT1IgJzEnPScx"],
        &["AUTH PLAIN", "*"],
        &["AUTH LOGIN", "*"],
        &["AUTH LOGIN", "YW5uQGxvY2FsaG9zdA==", "*"],
        &["AUTH"],
        &[&long],
    ];
    for attempt in attempts {
        let mut wire = Wire::smtp(dev.smtp);
        let last = attempt.iter().map(|line| wire.ask(line)).last().unwrap();
        assert!(last.starts_with('5'), "{:?}: {last}", &attempt[0][..attempt[0].len().min(80)]);
        wire.expect("MAIL FROM:<app@client.example>", "250");
    }
    // Those who leave in the middle.
    for _ in 0..20 {
        let mut wire = Wire::smtp(dev.smtp);
        wire.expect("AUTH PLAIN", "334");
    }
    Wire::smtp(dev.smtp).expect(ANN, "235");
    dev.works();
}

/// Who logs in without a domain means the server's own.
#[test]
fn a_bare_name_is_the_same_user() {
    let dev = Dev::start();
    // ann, ann
    Wire::smtp(dev.smtp).expect("AUTH PLAIN AGFubgBhbm4=", "235");
    // ann, wrong
    Wire::smtp(dev.smtp).expect("AUTH PLAIN AGFubgB3cm9uZw==", "535");
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: for ann\r\n\r\n");
    let mut wire = Wire::pop3(dev.pop3);
    wire.expect("USER ann", "+OK");
    wire.expect("PASS ann", "+OK 1 message");
}

/// Ten wrong passwords lock the address that they came from, and no other.
#[test]
fn guessing_locks_the_address() {
    let dev = Dev::start();
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let from = |source| {
        let mut wire = Wire::connect_from(source, None, dev.smtp);
        wire.hello();
        wire
    };
    let wrong = "AUTH PLAIN AGFubkBsb2NhbGhvc3QAd3Jvbmc=";
    let replies: Vec<String> = (0..12).map(|_| from(other).ask(wrong)).collect();
    assert!(replies[..10].iter().all(|reply| reply.starts_with("535 5.7.8")), "{replies:#?}");
    assert!(replies[10..].iter().all(|reply| reply.starts_with("454 4.7.0")), "{replies:#?}");
    // The right one is not even looked at.
    from(other).expect(ANN, "454");
    from(Ipv4Addr::LOCALHOST).expect(ANN, "235");
    // Mail for its users is taken from there all the same.
    from(other).mail("ann@localhost", "Subject: from a locked address\r\n\r\n");
    dev.works();
}

/// Where users are not created on login: a wrong password and an unknown user look the same, and no password is
/// asked for in plain text.
#[test]
fn who_exists_is_not_told() {
    let folder = Folder::new();
    let ca = folder.path().join("ca.pem");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Server::new("localhost")
        .account("ann@localhost", "ann")
        .listen(Service::Submission, (Ipv4Addr::LOCALHOST, 0))
        .listen(Service::Pop3, (Ipv4Addr::LOCALHOST, 0));
    let running = runtime.block_on(server.start()).unwrap();
    std::fs::write(&ca, running.authority_pem()).unwrap();
    let (smtp, pop3) = (running.addr(Service::Submission).unwrap(), running.addr(Service::Pop3).unwrap());
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut wire = Wire::connect(smtp);
            wire.reply();
            let offer = wire.ask("EHLO client.example");
            assert!(offer.contains("STARTTLS") && !offer.contains("AUTH"), "{offer}");
            wire.expect(ANN, "5");
            let mut wire = Wire::pop3(pop3);
            wire.expect("USER ann@localhost", "-ERR");
            let addr = smtp.to_string();
            let ca = ca.display().to_string();
            let refusal = |user: &str| {
                let args = ["starttls", &addr, &ca, "PLAIN", user, "wrong", "ann@localhost"];
                let text = python("send.py", args, b"")?.ended(2).text();
                // What differs is the id by which the log knows it.
                Some(text.lines().find(|line| line.contains("535"))?.split(" (").next()?.to_owned())
            };
            if let Some(known) = refusal("ann@localhost") {
                assert_eq!(refusal("nobody@localhost"), Some(known));
            }
        });
        runtime.block_on(async {
            while !asking.is_finished() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            running.shutdown().await;
        });
    });
}
