//! Addresses that lead to others.

use super::*;
use crate::{Alias, AliasAddress};

fn alias(from: &str, to: &[&str]) -> Alias {
    let address = match from.strip_prefix('@') {
        Some(domain) => AliasAddress::CatchAll(domain.parse().unwrap()),
        None => AliasAddress::One(address(from)),
    };
    Alias { address, targets: to.iter().map(|to| super::address(to)).collect() }
}

fn settings_with(users: &[&str], aliases: Vec<Alias>) -> Settings {
    Settings { aliases, ..settings(users.iter().map(|login| user(login, &[])).collect()) }
}

/// Sends to these, of which each is taken or refused as told, and gives the reply to the message.
async fn send(running: &Running, to: &[(&str, &str)]) -> String {
    let mut client = Client::connect(running).await;
    client.ask("MAIL FROM:<app@client.example>").await;
    for (to, reply) in to {
        let found = client.ask(&format!("RCPT TO:<{to}>")).await;
        assert!(found.starts_with(reply), "{to}: {found}");
    }
    client.ask("DATA").await;
    client.ask("Subject: x\r\n\r\n.").await
}

async fn count(store: &Arc<dyn DynStore>, login: &str) -> usize {
    messages(store, login).await.len()
}

#[tokio::test]
async fn an_alias_leads_to_each_once() {
    let store = memory(1 << 20);
    let aliases = vec![
        alias("sales@a.example", &["ann@a.example", "all@a.example", "Bob+sales@a.example"]),
        alias("all@a.example", &["ann@a.example", "bob@a.example"]),
        alias("@a.example", &["bob@a.example"]),
    ];
    let running = start(&store, settings_with(&["ann@a.example", "bob@a.example"], aliases)).await.unwrap();
    let taken = send(&running, &[("Sales+x@a.example", "250 "), ("ann@a.example", "250 ")]).await;
    assert!(taken.starts_with("250 "), "{taken}");
    assert_eq!((count(&store, "ann@a.example").await, count(&store, "bob@a.example").await), (1, 1));

    // What nobody has is bob's, what is postmaster's is the first account's, and what is elsewhere is refused.
    let to =
        [("nobody@a.example", "250 "), ("postmaster@a.example", "250 "), ("nobody@x.example", "550 5.7.1 ")];
    let taken = send(&running, &to).await;
    assert!(taken.starts_with("250 "), "{taken}");
    assert_eq!((count(&store, "ann@a.example").await, count(&store, "bob@a.example").await), (2, 2));

    // Without aliases from now on.
    running.reload(settings_with(&["ann@a.example", "bob@a.example"], Vec::new())).await.unwrap();
    let refused =
        send(&running, &[("sales@a.example", "550 5.1.1 "), ("nobody@a.example", "550 5.1.1 ")]).await;
    assert!(refused.starts_with("5"), "{refused}");
    running.shutdown().await;
}

/// What nobody would get is refused while it can be told of which recipient.
#[tokio::test]
async fn an_alias_that_leads_to_nobody_is_refused() {
    let store = memory(1 << 20);
    let aliases = vec![
        alias("gone@a.example", &["carol@a.example", "dora@a.example"]),
        alias("half@a.example", &["carol@a.example", "ann@a.example"]),
        // There is no way to others.
        alias("away@a.example", &["bob@x.example"]),
        alias("circle@a.example", &["back@a.example"]),
        alias("back@a.example", &["circle@a.example"]),
    ];
    let running = start(&store, settings_with(&["ann@a.example"], aliases)).await.unwrap();
    let refused = ["gone@a.example", "away@a.example", "circle@a.example"].map(|to| (to, "550 5.1.1 "));
    let taken = send(&running, &[&refused[..], &[("half@a.example", "250 ")]].concat()).await;
    assert!(taken.starts_with("250 "), "{taken}");
    assert_eq!(count(&store, "ann@a.example").await, 1);
    running.shutdown().await;
}

/// A message is for all whom it was taken for, or for none.
#[tokio::test]
async fn more_addresses_than_are_looked_at_are_refused() {
    let store = memory(8 << 20);
    let large = |name: &str, letter: char| {
        let mut alias = alias(name, &["ann@a.example"]);
        alias.targets.extend((0..5_000).map(|index| address(&format!("{letter}{index}@a.example"))));
        alias
    };
    let aliases = vec![large("one@a.example", 'x'), large("two@a.example", 'y')];
    let running = start(&store, settings_with(&["ann@a.example"], aliases)).await.unwrap();
    let taken = send(&running, &[("one@a.example", "250 ")]).await;
    assert!(taken.starts_with("250 "), "{taken}");
    let refused = send(&running, &[("one@a.example", "250 "), ("two@a.example", "250 ")]).await;
    assert!(refused.starts_with("554 5.5.3 "), "{refused}");
    assert_eq!(count(&store, "ann@a.example").await, 1);
    running.shutdown().await;
}

#[tokio::test]
async fn an_alias_has_its_address_for_itself() {
    let store = memory(1 << 20);
    let new = NewAccount {
        login: "carol@a.example".to_owned(),
        addresses: vec![address("carol@a.example")],
        ..NewAccount::default()
    };
    store.commit(Batch::new(BatchId([9; 16]), Timestamp(0)).with(AccountOp::Create(new))).await.unwrap();
    let with =
        |users: &[&str], alias_of: &str| settings_with(users, vec![alias(alias_of, &["ann@a.example"])]);
    for (users, taken, of) in [
        (&["ann@a.example"][..], "Carol@a.example", "carol@a.example"),
        (&["ann@a.example"], "ANN@a.example", "ann@a.example"),
    ] {
        let refused = start(&store, with(users, taken)).await;
        let Err(StartError::Resident(ResidentError::AddressTaken { owner, .. })) = refused else {
            panic!("{taken}: {refused:?}")
        };
        assert_eq!(owner, of);
    }
    // A user of the configuration gives it up to an alias.
    let both = vec![user("ann@a.example", &["info@a.example"])];
    let running = start(&store, settings(both)).await.unwrap();
    running.reload(with(&["ann@a.example"], "info@a.example")).await.unwrap();
    let kept = running.reload(with(&["ann@a.example"], "carol@a.example")).await;
    assert!(matches!(kept, Err(ResidentError::AddressTaken { .. })));
    // What was in force stays.
    let taken = send(&running, &[("info@a.example", "250 "), ("carol@a.example", "250 ")]).await;
    assert!(taken.starts_with("250 "), "{taken}");
    assert_eq!(count(&store, "ann@a.example").await, 1);
    running.shutdown().await;
}
