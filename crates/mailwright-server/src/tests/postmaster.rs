//! Postmaster, who is always there, and addresses with tags.

use super::*;
use crate::{Alias, AliasAddress};

async fn taken(settings: Settings, to: &[(&str, &str)]) -> Arc<dyn DynStore> {
    let store = memory(1 << 20);
    let running = start(&store, settings).await.unwrap();
    let mut client = Client::connect(&running).await;
    client.expect("MAIL FROM:<app@client.example>", "250 ").await;
    for (to, reply) in to {
        client.expect(&format!("RCPT TO:<{to}>"), reply).await;
    }
    client.expect("DATA", "354 ").await;
    client.expect("Subject: x\r\n\r\n.", "250 ").await;
    store
}

/// RFC 5321 §4.5.1: with or without a domain, of each domain and of the server itself, whose name is no domain.
#[tokio::test]
async fn postmaster_is_always_there() {
    let users = || vec![user("ann@a.example", &[]), user("bob@a.example", &[])];
    let to = [
        ("Postmaster", "250 "),
        ("postMASTER@a.example", "250 "),
        ("postmaster@MX.a.example", "250 "),
        ("postmaster+x@a.example", "250 "),
        ("ann@mx.a.example", "550 5.7.1 "),
        ("postmaster@x.example", "550 5.7.1 "),
    ];
    let store = taken(settings(users()), &to).await;
    assert_eq!(
        (messages(&store, "ann@a.example").await.len(), messages(&store, "bob@a.example").await.len()),
        (1, 0)
    );

    // An alias decides who it is, also where no domain is said.
    let address = AliasAddress::One(address("postmaster@a.example"));
    let alias = Alias { address, targets: vec![super::address("bob@a.example")] };
    let store =
        taken(Settings { aliases: vec![alias], ..settings(users()) }, &[("Postmaster", "250 ")]).await;
    assert_eq!(
        (messages(&store, "ann@a.example").await.len(), messages(&store, "bob@a.example").await.len()),
        (0, 1)
    );
}

/// RFC 5233: what stands behind the separator is for the user, and for nobody else.
#[tokio::test]
async fn tags_lead_to_their_user() {
    let users = || vec![user("ann@a.example", &[]), user("bob-b@a.example", &[])];
    for (separator, to) in [
        (Some('+'), [("ann+news@a.example", "250 "), ("ann-news@a.example", "550 5.1.1 ")]),
        (Some('-'), [("ann+news@a.example", "550 5.1.1 "), ("ANN-news-x@a.example", "250 ")]),
        (None, [("ann+news@a.example", "550 5.1.1 "), ("ann@a.example", "250 ")]),
    ] {
        let settings = Settings { tag_separator: separator, ..settings(users()) };
        // Who has the whole address goes before.
        let store = taken(settings, &[&to[..], &[("bob-b@a.example", "250 ")]].concat()).await;
        assert_eq!(messages(&store, "ann@a.example").await.len(), 1);
        assert_eq!(messages(&store, "bob-b@a.example").await.len(), 1);
    }
}

/// What was said to whom the mail is stays to be seen (RFC 5321 §4.4), if there was nobody else.
#[tokio::test]
async fn a_tag_is_told_to_its_user() {
    let store = taken(settings(vec![user("ann@a.example", &[])]), &[("ann+news@a.example", "250 ")]).await;
    let message = messages(&store, "ann@a.example").await.remove(0);
    assert!(message.contains("\r\n\tfor <ann+news@a.example>; "), "{message}");
}
