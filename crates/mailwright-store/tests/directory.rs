//! Directories: the same answers from a list and from a store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use mailwright_auth::{CostLimits, Verifier};
use mailwright_core::{AccountId, Address, Domain, ForwardPath, ReversePath, Timestamp};
use mailwright_store::conformance::block_on;
use mailwright_store::{
    AccountOp, Batch, BatchId, Credential, Directory, DirectoryConfig, DynDirectory, ManagedDirectory,
    MemoryStore, NewAccount, Resolution, StaticAccount, StaticDirectory, Store,
};

const NOW: Timestamp = Timestamp(1_795_363_201_000);

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn verifier() -> Verifier {
    let text =
        "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    Verifier::parse_within(text, &CostLimits::default()).unwrap()
}

fn config() -> DirectoryConfig {
    DirectoryConfig::new([domain("a.example"), domain("b.example")])
        .with_alias(&address("team@a.example"), [address("ann@a.example"), address("x@remote.example")])
}

fn credential() -> Credential {
    Credential { name: "main".to_owned(), verifier: verifier() }
}

fn listed() -> Arc<dyn DynDirectory> {
    let account = |id, login: &str, addresses: &[&str]| StaticAccount {
        id: AccountId(id),
        login: login.to_owned(),
        addresses: addresses.iter().map(|text| address(text)).collect(),
        credentials: vec![credential()],
    };
    Arc::new(StaticDirectory::new(config(), [account(1, "Ann", &["ann@a.example"]), account(2, "bob", &[])]))
}

fn managed(config: DirectoryConfig) -> (MemoryStore, Arc<dyn DynDirectory>) {
    let store = MemoryStore::default();
    let new = |login: &str, addresses: &[&str]| {
        AccountOp::Create(NewAccount {
            login: login.to_owned(),
            addresses: addresses.iter().map(|text| address(text)).collect(),
            credentials: vec![credential()],
            ..NewAccount::default()
        })
    };
    let batch = Batch::new(BatchId([1; 16]), NOW)
        .with(new("Ann", &["ann@a.example"]))
        .with(new("bob", &["bob@a.example", "bob@b.example"]));
    block_on(store.commit(batch)).unwrap();
    (store.clone(), Arc::new(ManagedDirectory::new(config, store)))
}

fn both() -> [Arc<dyn DynDirectory>; 2] {
    [listed(), managed(config()).1]
}

fn resolve(directory: &impl Directory, text: &str) -> Resolution {
    let (path, _) = ForwardPath::take(format!("<{text}>").as_bytes()).unwrap();
    block_on(directory.resolve(&path)).unwrap()
}

#[test]
fn paths_are_resolved() {
    let local = |id, detail: Option<&str>| Resolution::Local {
        account: AccountId(id),
        detail: detail.map(ToOwned::to_owned),
    };
    let team = Resolution::Alias(vec![address("ann@a.example"), address("x@remote.example")]);
    for directory in both() {
        for (text, want) in [
            ("ANN@A.Example", local(1, None)),
            ("ann+news+x@a.example", local(1, Some("news+x"))),
            ("ann@b.example", Resolution::Unknown),
            ("bob@b.example", local(2, None)),
            ("carl@a.example", Resolution::Unknown),
            ("+@a.example", Resolution::Unknown),
            ("Team@a.example", team.clone()),
            ("team+x@a.example", team.clone()),
            ("team@b.example", Resolution::Unknown),
            ("ann@remote.example", Resolution::Remote(domain("remote.example"))),
            ("ann@[192.0.2.1]", Resolution::Remote(domain("[192.0.2.1]"))),
            ("postmaster", local(1, None)),
            ("PostMaster@b.example", local(1, None)),
            ("postmaster+x@a.example", local(1, None)),
            ("postmaster@remote.example", Resolution::Remote(domain("remote.example"))),
        ] {
            assert_eq!(resolve(&directory, text), want, "{text}");
        }
    }
}

#[test]
fn postmaster_can_be_named() {
    let mut named = config().with_alias(&address("postmaster@b.example"), [address("ann@a.example")]);
    named.postmaster = Some(AccountId(2));
    let (_, directory) = managed(named);
    assert_eq!(resolve(&directory, "postmaster"), Resolution::Local { account: AccountId(2), detail: None });
    assert_eq!(
        resolve(&directory, "postmaster@b.example"),
        Resolution::Alias(vec![address("ann@a.example")])
    );
}

#[test]
fn a_catch_all_is_for_what_nobody_has() {
    let config = || config().with_catch_all(domain("a.example"), [address("bob@b.example")]);
    let account = StaticAccount {
        id: AccountId(1),
        login: "ann".to_owned(),
        addresses: vec![address("ann@a.example")],
        credentials: Vec::new(),
    };
    let listed: Arc<dyn DynDirectory> = Arc::new(StaticDirectory::new(config(), [account]));
    for directory in [listed, managed(config()).1] {
        let caught = Resolution::Alias(vec![address("bob@b.example")]);
        for text in ["carl@a.example", "Carl+x@A.Example", "+@a.example", "\"victim@x.example\"@a.example"] {
            assert_eq!(resolve(&directory, text), caught, "{text}");
        }
        for text in ["ann@a.example", "ann+x@a.example", "postmaster@a.example", "postmaster"] {
            assert!(matches!(resolve(&directory, text), Resolution::Local { .. }), "{text}");
        }
        assert_ne!(resolve(&directory, "team@a.example"), caught, "an alias of its own goes before");
        assert_eq!(resolve(&directory, "carl@b.example"), Resolution::Unknown, "another domain");
        let remote = Resolution::Remote(domain("x.example"));
        assert_eq!(resolve(&directory, "carl@x.example"), remote, "nobody's domain");
    }
}

#[test]
fn the_separator_is_a_setting() {
    let mut dashed = config();
    dashed.separator = Some('-');
    let (_, directory) = managed(dashed.clone());
    assert!(matches!(resolve(&directory, "ann-x@a.example"), Resolution::Local { detail: Some(_), .. }));
    assert_eq!(resolve(&directory, "ann+x@a.example"), Resolution::Unknown);
    dashed.separator = None;
    assert_eq!(resolve(&managed(dashed).1, "ann-x@a.example"), Resolution::Unknown);
}

#[test]
fn logins_have_credentials() {
    for directory in both() {
        for login in ["ann", "ANN", "ann@a.example"] {
            let found = block_on(directory.credentials(login)).unwrap().unwrap();
            assert_eq!((found.account, found.login.as_str(), found.enabled), (AccountId(1), "Ann", true));
            assert_eq!(found.credentials, [credential()]);
        }
        for login in ["", "carl", "ann@b.example", "ann+x@a.example"] {
            assert_eq!(block_on(directory.credentials(login)).unwrap(), None, "{login}");
        }
    }
}

#[test]
fn one_sends_as_oneself() {
    for directory in both() {
        let may = |text: &str| {
            let (path, _) = ReversePath::take(format!("<{text}>").as_bytes()).unwrap();
            block_on(directory.may_send(AccountId(1), &path)).unwrap()
        };
        assert!(may("ann@a.example") && may("Ann+list@a.example") && may(""));
        for other in
            ["bob@a.example", "team@a.example", "ann@b.example", "postmaster@a.example", "ann@remote.example"]
        {
            assert!(!may(other), "{other}");
        }
    }
}

#[test]
fn unknown_logins_get_an_account_if_asked() {
    let create = |directory: &Arc<dyn DynDirectory>, login: &str, number| {
        block_on(directory.create(login, verifier(), BatchId([number; 16]), NOW)).unwrap()
    };
    for directory in both() {
        assert_eq!(create(&directory, "carl", 9), None);
    }
    let (store, directory) = managed(config().creating_unknown());
    let carl = create(&directory, "carl", 9).unwrap();
    assert_eq!(create(&directory, "carl", 9), Some(carl), "the same batch");
    assert_eq!(create(&directory, "Carl", 10), None, "it is there by now");
    assert_eq!(create(&directory, "x@remote.example", 11), None);
    assert_eq!(resolve(&directory, "carl@b.example"), Resolution::Local { account: carl, detail: None });
    assert!(create(&directory, "dora@a.example", 12).is_some());
    assert_eq!(resolve(&directory, "dora@b.example"), Resolution::Unknown);
    assert_eq!(block_on(store.credentials(carl)).unwrap().len(), 1);
}
