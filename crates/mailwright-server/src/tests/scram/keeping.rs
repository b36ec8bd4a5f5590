//! Which keys count: those that are stored when a login comes to its end, and those that are made at the first.

use mailwright_core::AccountId;
use mailwright_store::Credential;

use super::*;

fn verifier(password: &str, salt: u8) -> Verifier {
    let verifier = Verifier::hash(password.as_bytes(), [salt; 16], Cost::new(8, 1, 1).unwrap()).unwrap();
    let keys = ScramKeys::derive(ScramHash::Sha256, password.as_bytes(), [salt; 16], 4096).unwrap();
    verifier.with_scram(keys)
}

fn credential(name: &str, verifier: Verifier) -> Credential {
    Credential { name: name.to_owned(), verifier }
}

/// What comes of a login as dan that knew the password at its beginning.
async fn changed_within(change: impl FnOnce(AccountId) -> Vec<AccountOp>) -> String {
    let store = memory(1 << 20);
    let running = serve(|server| server.store(Arc::clone(&store))).await;
    let new = NewAccount {
        login: "dan@a.example".to_owned(),
        addresses: vec![address("dan@a.example")],
        credentials: vec![credential("password", verifier("secret", 1))],
        ..NewAccount::default()
    };
    store.commit(Batch::new(BatchId([8; 16]), Timestamp(0)).with(AccountOp::Create(new))).await.unwrap();
    let dan = store.find_account(&AccountKey::Login("dan@a.example".to_owned())).await.unwrap().id;

    let mut client = Client::connect_to(&running, Service::Submission).await;
    let mut exchange = Exchange::start(SHA_256, credentials("dan", "secret"), [3; 18]).unwrap();
    let Step::Respond(first) = exchange.step(None) else { panic!("the client begins") };
    let mut said = client.ask(&format!("AUTH SCRAM-SHA-256 {}", STANDARD.encode(first.expose()))).await;
    let ops = change(dan).into_iter();
    let batch = ops.fold(Batch::new(BatchId([9; 16]), Timestamp(0)), |batch, op| batch.with(op));
    store.commit(batch).await.unwrap();
    while let Some(challenge) = said.strip_prefix("334 ") {
        let challenge = STANDARD.decode(challenge.trim_end()).unwrap();
        let Step::Respond(response) = exchange.step(Some(&challenge)) else { panic!("{said}") };
        said = client.ask(&STANDARD.encode(response.expose())).await;
    }
    drop(client);
    running.shutdown().await;
    said
}

/// Whoever changes a password because it is known wants nobody in by it from then on.
#[tokio::test]
async fn a_password_that_is_changed_lets_nobody_in_anymore() {
    let put = |account, name, verifier| AccountOp::PutCredential {
        account,
        credential: credential(name, verifier),
    };
    let remove = |account| AccountOp::RemoveCredential { account, name: "password".to_owned() };
    let said = changed_within(|dan| vec![put(dan, "password", verifier("other", 2))]).await;
    assert!(said.starts_with("535 5.7.8 "), "another: {said}");
    let said = changed_within(|dan| vec![remove(dan)]).await;
    assert!(said.starts_with("535 5.7.8 "), "none: {said}");
    let said = changed_within(|dan| vec![put(dan, "phone", verifier("phone", 1)), remove(dan)]).await;
    assert!(said.starts_with("535 5.7.8 "), "that of the phone alone: {said}");
    let said = changed_within(|account| vec![AccountOp::Enable { account, enabled: false }]).await;
    assert!(said.starts_with("535 5.7.8 "), "disabled: {said}");
    // One that stands before it changes nothing.
    let said = changed_within(|dan| vec![put(dan, "a phone", verifier("phone", 1))]).await;
    assert!(said.starts_with("235 "), "{said}");
}

/// Who has got an account by PLAIN gets in by SCRAM.
#[tokio::test]
async fn accounts_of_a_first_login_have_keys() {
    let running = serve(Server::for_development).await;
    let smtp = &MANNERS[0];
    let mut salts = Vec::new();
    for name in ["fay", "gus"] {
        let said = log_in(&running, smtp, Mechanism::Plain, credentials(name, "secret")).await;
        assert!(said[0].starts_with(smtp.yes), "{said:?}");
        for mechanism in [SHA_256, SHA_1] {
            let said = log_in(&running, smtp, mechanism, credentials(name, "secret")).await;
            assert!(said.len() == 3 && said[2].starts_with(smtp.yes), "{name} {mechanism}: {said:?}");
            salts.push(told(&said).to_owned());
        }
    }
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 4, "{salts:?}");
    // What SCRAM cannot carry (RFC 4013 §2.3) no client says by it.
    for _ in 0..2 {
        let said = log_in(&running, smtp, Mechanism::Plain, credentials("hal", "\u{1F511}")).await;
        assert!(said[0].starts_with(smtp.yes), "{said:?}");
    }
    running.shutdown().await;
}
