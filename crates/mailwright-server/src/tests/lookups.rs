//! What clients ask besides sending mail, and what is not wanted.

use mailwright_delivery::QueueConfig;
use mailwright_queue::SettleConfig;

use super::envelopes::Seen;
use super::*;
use crate::{Alias, AliasAddress};

/// `AUTH PLAIN` of `ann@a.example`, whose password is `secret`.
const LOGIN: &str = "AUTH PLAIN AGFubkBhLmV4YW1wbGUAc2VjcmV0";

/// A server for ann, and for an alias with two others.
async fn serve(store: &Arc<dyn DynStore>, seen: &Seen, listener: Listener) -> Running {
    let team = Alias {
        address: AliasAddress::One(address("team@a.example")),
        targets: vec![address("ann@a.example"), address("bob@elsewhere.example")],
    };
    let users = vec![user("ann@a.example", &[]), user("grå@a.example", &[])];
    let far = Alias {
        address: AliasAddress::One(address("far@a.example")),
        targets: vec![address("ann@a.example"), address("grå@a.example")],
    };
    let settings = Settings { aliases: vec![team, far], ..settings(users) };
    let host: Domain = "mx.a.example".parse().unwrap();
    let queue = QueueConfig::new(SettleConfig::new(host, address("postmaster@a.example")));
    Server::new("mx.a.example")
        .settings(settings)
        .store(Arc::clone(store))
        .login_without_tls()
        .deliver(Arc::new(seen.clone()), queue)
        .listen(listener.auth(Auth::Offered), ([127, 0, 0, 1], 0))
        .start()
        .await
        .unwrap()
}

async fn conversation(client: &mut Client, exchange: &[(&str, &str)]) {
    for (command, reply) in exchange {
        client.expect(command, reply).await;
    }
}

/// RFC 5321 §3.5, §7.3: nobody is told who has not logged in.
#[tokio::test]
async fn users_are_told_whose_an_address_is() {
    let mut listener = Listener::new(Service::Submission);
    listener.lookups = true;
    let running = serve(&memory(1 << 20), &Seen::default(), listener).await;
    let mut client = Client::connect_to(&running, Service::Submission).await;
    let strangers = [
        ("VRFY ann@a.example", "252 2.1.5 "),
        ("VRFY nobody@a.example", "252 2.1.5 "),
        ("EXPN team@a.example", "530 5.7.0 log in first"),
    ];
    conversation(&mut client, &strangers).await;
    client.expect(LOGIN, "235 ").await;
    let users = [
        ("VRFY ann@a.example", "250 2.1.5 <ann@a.example>"),
        ("VRFY <ann+news@a.example>", "250 2.1.5 <ann+news@a.example>"),
        ("VRFY ann", "250 2.1.5 <ann@a.example>"),
        ("VRFY team", "250 2.1.5 <team@a.example>"),
        ("VRFY nobody", "550 5.1.1 "),
        ("VRFY Ann Smith", "550 5.1.1 "),
        ("VRFY ann@elsewhere.example", "252 2.1.5 "),
        ("VRFY grå@a.example SMTPUTF8", "252 2.1.5 "),
        ("EXPN far", "550 5.6.8 "),
        ("EXPN team", "250 2.1.5 <bob@elsewhere.example>"),
        ("EXPN ann", "550 5.1.1 that is a mailbox"),
        ("EXPN nobody", "550 5.1.1 "),
    ];
    conversation(&mut client, &users).await;
}

#[tokio::test]
async fn nobody_is_told_unless_the_listener_says_so() {
    let running = serve(&memory(1 << 20), &Seen::default(), Listener::new(Service::Submission)).await;
    let mut client = Client::connect_to(&running, Service::Submission).await;
    client.expect(LOGIN, "235 ").await;
    let nobody =
        [("VRFY nobody", "252 2.1.5 "), ("EXPN team", "502 5.5.1 "), ("ETRN a.example", "502 5.5.1 ")];
    conversation(&mut client, &nobody).await;
}

/// RFC 1985
#[tokio::test]
async fn what_waits_is_tried_when_its_server_asks() {
    let mut listener = Listener::new(Service::Submission);
    listener.etrn = vec!["127.0.0.1".parse().unwrap()];
    let (store, seen) = (memory(1 << 20), Seen::default());
    let running = serve(&store, &seen, listener).await;
    let mut client = Client::connect_to(&running, Service::Submission).await;
    client.expect("ETRN elsewhere.example", "251 2.0.0 ").await;
    client.expect(LOGIN, "235 ").await;
    let sent = [
        ("MAIL FROM:<ann@a.example>", "250 "),
        ("RCPT TO:<bob@elsewhere.example>", "250 "),
        ("DATA", "354 "),
        ("From: ann@a.example\r\n\r\nhello\r\n.", "250 "),
    ];
    conversation(&mut client, &sent).await;
    // It was not taken, and waits.
    assert_eq!(seen.wait(1).await.len(), 1);
    let asked = [
        ("ETRN third.example", "251 2.0.0 "),
        ("ETRN @elsewhere.example", "458 4.5.4 "),
        ("ETRN #bulk", "458 4.5.4 "),
        ("ETRN 1.held.invalid", "458 4.5.4 "),
        ("ETRN Elsewhere.Example", "253 2.0.0 1 pending messages started"),
    ];
    conversation(&mut client, &asked).await;
    assert_eq!(seen.wait(2).await.len(), 2);
}

#[tokio::test]
async fn what_waits_is_not_tried_for_anybody() {
    let mut listener = Listener::new(Service::Submission);
    listener.etrn = vec!["192.0.2.0/24".parse().unwrap()];
    let running = serve(&memory(1 << 20), &Seen::default(), listener).await;
    let mut client = Client::connect_to(&running, Service::Submission).await;
    client.expect("ETRN elsewhere.example", "459 4.7.1 ").await;
}

/// RFC 3865 §2.4
#[tokio::test]
async fn what_is_solicited_and_not_wanted_is_refused() {
    let mut listener = Listener::new(Service::Smtp);
    listener.no_soliciting = mailwright_smtp::Solicitation::new("org.example:ADV,net.example:ADV:ADLT");
    let (store, seen) = (memory(1 << 20), Seen::default());
    let running = serve(&store, &seen, listener).await;
    let mut client = Client::connect_to(&running, Service::Smtp).await;
    let mail = [
        (
            "MAIL FROM:<app@client.example> SOLICIT=x.example:A,org.example:adv",
            "550 5.7.1 not wanted here: SOLICIT=org.example:adv",
        ),
        ("MAIL FROM:<app@client.example> SOLICIT=net.example:ADV", "250 "),
        ("RCPT TO:<ann@a.example>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\r\nSolicitation: net.example:ADV, ?,\r\n net.example:ADV:ADLT\r\n\r\n.", "550 5.7.1 "),
        ("MAIL FROM:<app@client.example>", "250 "),
        ("RCPT TO:<ann@a.example>", "250 "),
        ("DATA", "354 "),
        ("Subject: Solicitation: org.example:ADV\r\n\r\nSolicitation: org.example:ADV\r\n.", "250 "),
    ];
    conversation(&mut client, &mail).await;
    assert_eq!(messages(&store, "ann@a.example").await.len(), 1);
    // What is wanted goes on with the message.
    let mail = [
        (LOGIN, "235 "),
        ("MAIL FROM:<ann@a.example> SOLICIT=x.example:A,x.example:B", "250 "),
        ("RCPT TO:<bob@elsewhere.example>", "250 "),
        ("DATA", "354 "),
        ("Subject: x\r\n\r\n.", "250 "),
    ];
    conversation(&mut client, &mail).await;
    let gone = seen.wait(1).await;
    assert!(gone[0].contains(" solicit=x.example:A,x.example:B "), "{gone:?}");
}
