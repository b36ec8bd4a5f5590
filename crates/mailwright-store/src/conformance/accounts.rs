//! Accounts.

use mailwright_auth::{ScramHash, ScramKeys, Verifier};
use mailwright_core::Address;

use super::kit::{ALL, Kit, mailbox_name};
use crate::*;

/// The cheapest there is: what is tested is that it is kept.
fn verifier(seed: &str) -> Verifier {
    // A PHC string of argon2id with 8 KiB, one pass: the hash is of no password that anyone knows.
    let text = format!("$argon2id$v=19$m=8,t=1,p=1${seed}$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    Verifier::parse_within(&text, &mailwright_auth::CostLimits::default()).expect("a verifier")
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// An account is found by id, login and address, each of which only one can have.
pub async fn accounts_are_found<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let new = NewAccount {
        login: "Ann".to_owned(),
        addresses: vec![address("ann@a.example"), address("a.n@a.example")],
        mailboxes: vec![(mailbox_name("Drafts"), Some(SpecialUse::Drafts))],
        ..NewAccount::default()
    };
    let ann = kit.new_account(new).await;
    let info = kit.store.account(ann.id).await.expect("it is found");
    assert_eq!((info.login.as_str(), info.enabled, info.inbox), ("Ann", true, ann.inbox));
    assert_eq!((info.quota_root, info.addresses.len()), (ann.root, 2));
    let mailboxes = kit.mailboxes(ann.id).await;
    assert!(mailboxes.iter().all(|mailbox| mailbox.subscribed) && mailboxes.len() == 2);
    let find = async |kit: &Kit<S>, key| kit.store.find_account(&key).await.map(|account| account.id);
    assert_eq!(find(&kit, AccountKey::Login("aNN".to_owned())).await, Ok(ann.id));
    assert_eq!(find(&kit, AccountKey::Address(address("A.N@a.example"))).await, Ok(ann.id));
    let none = Err(ReadError::NoSuchAccount);
    assert_eq!(find(&kit, AccountKey::Login("bob".to_owned())).await, none);
    assert_eq!(
        find(&kit, AccountKey::Address(address("ann+x@a.example"))).await,
        none,
        "nothing is stripped"
    );

    let named =
        |login: &str| AccountOp::Create(NewAccount { login: login.to_owned(), ..NewAccount::default() });
    assert_eq!(kit.refused_one(named("ANN")).await, Cause::AccountExists);
    assert_eq!(kit.refused_one(named("")).await, Cause::NameInvalid);
    assert_eq!(kit.refused_one(named("a\nb")).await, Cause::NameInvalid);
    let bob = kit.account("bob").await;
    let add = |account: super::kit::Account, text| AccountOp::AddAddress {
        account: account.id,
        address: address(text),
    };
    assert_eq!(kit.refused_one(add(bob, "ANN@a.example")).await, Cause::AddressTaken);
    kit.one(AccountOp::RemoveAddress { account: ann.id, address: address("ann@a.example") }).await;
    kit.one(add(bob, "Ann@a.example")).await;
    assert_eq!(find(&kit, AccountKey::Address(address("ann@a.example"))).await, Ok(bob.id));
    kit.one(AccountOp::Enable { account: bob.id, enabled: false }).await;
    assert!(!kit.store.account(bob.id).await.expect("it is found").enabled);
}

/// Credentials are kept by name.
pub async fn credentials_are_kept<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let credential = |name: &str, seed| Credential { name: name.to_owned(), verifier: verifier(seed) };
    let (phone, main) =
        (credential("phone", "AAAAAAAAAAAAAAAAAAAAAA"), credential("main", "AQAAAAAAAAAAAAAAAAAAAA"));
    for credential in [&phone, &main] {
        kit.one(AccountOp::PutCredential { account: ann.id, credential: credential.clone() }).await;
    }
    assert_eq!(kit.store.credentials(ann.id).await, Ok(vec![main.clone(), phone.clone()]));
    let mut changed = credential("phone", "AgAAAAAAAAAAAAAAAAAAAA");
    // The longest that there is: with keys for SCRAM by each hash.
    for &hash in ScramHash::ALL {
        let keys = ScramKeys::decoy(hash, b"secret", "ann", ScramKeys::ITERATIONS);
        changed.verifier = changed.verifier.with_scram(keys);
    }
    kit.one(AccountOp::PutCredential { account: ann.id, credential: changed.clone() }).await;
    kit.one(AccountOp::RemoveCredential { account: ann.id, name: "main".to_owned() }).await;
    kit.one(AccountOp::RemoveCredential { account: ann.id, name: "main".to_owned() }).await;
    assert_eq!(kit.store.credentials(ann.id).await, Ok(vec![changed]));
    let unnamed =
        AccountOp::PutCredential { account: ann.id, credential: Credential { name: String::new(), ..main } };
    assert_eq!(kit.refused_one(unnamed).await, Cause::NameInvalid);
}

/// Of a removed account nothing is left, and its names are free. Its id is not used again.
pub async fn removed_accounts_leave_nothing<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let bob = kit.account("bob").await;
    let digest = kit.digest().await;
    let new = NewAccount {
        login: "ann".to_owned(),
        addresses: vec![address("ann@a.example")],
        credentials: vec![Credential {
            name: "main".to_owned(),
            verifier: verifier("AAAAAAAAAAAAAAAAAAAAAA"),
        }],
        mailboxes: vec![(mailbox_name("Sent"), None)],
        ..NewAccount::default()
    };
    let ann = kit.new_account(new.clone()).await;
    kit.append(ann.inbox, "x").await;
    let read = RightsChange::Set(Rights::READ);
    kit.one(MailboxOp::Acl { mailbox: bob.inbox, grantee: Grantee::Account(ann.id), change: read }).await;
    kit.one(AccountOp::Remove { account: ann.id }).await;
    assert_eq!(kit.digest().await, digest);
    assert_eq!(kit.store.quota(ann.root).await, Ok(None));
    assert_eq!(kit.store.account(ann.id).await, Err(ReadError::NoSuchAccount));
    assert_eq!(kit.store.mailboxes(ann.id, None, ALL).await, Err(ReadError::NoSuchAccount));
    assert_eq!(kit.refused_one(AccountOp::Remove { account: ann.id }).await, Cause::NoSuchAccount);
    let over = kit.now.saturating_add(kit.store.limits().blob_grace);
    assert_eq!(kit.store.reclaim(over, ALL).await.expect("it is reclaimed").blobs, 1);
    let again = kit.new_account(new).await;
    assert!(again.id > ann.id && again.inbox > ann.inbox);
}
