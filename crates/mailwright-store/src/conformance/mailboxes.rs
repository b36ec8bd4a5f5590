//! Mailboxes.

use bytes::Bytes;
use mailwright_core::{AccountId, MailboxId};

use super::kit::{ALL, Kit, mailbox_name, uid};
use crate::*;

async fn names<S: Store>(kit: &Kit<S>, account: AccountId) -> Vec<String> {
    kit.mailboxes(account).await.into_iter().map(|mailbox| mailbox.name.to_string()).collect()
}

fn create(account: AccountId, name: &str) -> MailboxOp {
    MailboxOp::Create { account, name: mailbox_name(name), special_use: None }
}

fn rename(mailbox: MailboxId, to: &str) -> MailboxOp {
    MailboxOp::Rename { mailbox, to: mailbox_name(to) }
}

/// A mailbox comes, changes its name and goes; INBOX is always there.
pub async fn mailboxes_are_created_renamed_and_deleted<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    let op = MailboxOp::Create {
        account: ann.id,
        name: mailbox_name("Sent"),
        special_use: Some(SpecialUse::Sent),
    };
    let OpOutcome::MailboxCreated { mailbox: sent, uid_validity } = kit.one(op).await else {
        panic!("created")
    };
    let info = kit.store.mailbox(ann.id, &mailbox_name("Sent")).await.expect("it is found");
    assert_eq!((info.id, info.account, info.uid_validity), (sent, ann.id, uid_validity));
    assert_eq!((info.special_use, info.subscribed), (Some(SpecialUse::Sent), false));
    assert_eq!(kit.refused_one(create(ann.id, "Sent")).await, Cause::MailboxExists);
    assert_eq!(kit.refused_one(create(ann.id, "inbox")).await, Cause::MailboxExists);
    assert_eq!(kit.refused_one(create(AccountId(u64::MAX), "x")).await, Cause::NoSuchAccount);
    kit.create(bob, "Sent").await;
    assert_eq!(names(&kit, ann.id).await, ["INBOX", "Sent"]);

    kit.append(sent, "x").await;
    let before = kit.status(sent).await;
    assert_eq!(kit.one(rename(sent, "Gesendet")).await, OpOutcome::Renamed { mailbox: sent });
    assert_eq!(kit.status(sent).await, before, "a rename keeps the messages, their UIDs and the id");
    assert_eq!(kit.refused_one(rename(sent, "INBOX")).await, Cause::MailboxExists);
    assert_eq!(kit.store.mailbox(ann.id, &mailbox_name("Sent")).await, Err(ReadError::NoSuchMailbox));

    let snapshot = kit.store.open(sent).await.expect("it is opened");
    kit.one(MailboxOp::Delete { mailbox: sent }).await;
    assert_eq!(kit.store.open(sent).await, Err(ReadError::NoSuchMailbox));
    let rows = kit.store.rows(&snapshot, &super::kit::every_uid(), Columns::ALL, None, 9).await;
    assert_eq!(rows, Err(ReadError::NoSuchMailbox));
    assert_eq!(kit.store.status(&[sent, ann.inbox]).await.expect("status is read")[0], None);
    assert_eq!(kit.refused_one(MailboxOp::Delete { mailbox: sent }).await, Cause::NoSuchMailbox);
    assert_eq!(kit.refused_one(MailboxOp::Delete { mailbox: ann.inbox }).await, Cause::Inbox);
    assert_eq!(names(&kit, ann.id).await, ["INBOX"]);
}

/// What lies below goes along, and nothing else, to names that are still names.
pub async fn renaming_takes_along_what_lies_below<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let a = kit.create(ann, "a").await;
    let mut ids = Vec::new();
    for name in ["a/b", "a/b/c", "a b", "a0", "ab", "c"] {
        ids.push(kit.create(ann, name).await);
    }
    kit.one(rename(a, "x/y")).await;
    assert_eq!(names(&kit, ann.id).await, ["INBOX", "a b", "a0", "ab", "c", "x/y", "x/y/b", "x/y/b/c"]);
    let moved = kit.store.mailbox(ann.id, &mailbox_name("x/y/b/c")).await.expect("it is found");
    assert_eq!(moved.id, ids[1]);
    assert_eq!(kit.refused_one(rename(a, "x/y/z")).await, Cause::NameInvalid, "not below itself");
    let deep = vec!["d"; MailboxName::MAX_LEVELS - 1].join("/");
    assert_eq!(kit.refused_one(rename(a, &deep)).await, Cause::NameInvalid, "too deep for those below");
    // Where a level is missing, it may be taken by others.
    kit.create(ann, "n/b").await;
    assert_eq!(kit.refused_one(rename(a, "n")).await, Cause::MailboxExists);
    kit.one(MailboxOp::Delete { mailbox: a }).await;
    assert!(names(&kit, ann.id).await.contains(&"x/y/b".to_owned()), "what lies below stays");
}

/// RFC 9051 §6.3.6: INBOX stays, empty; its messages are in a new mailbox; what lies below INBOX stays too.
pub async fn renaming_inbox_moves_its_messages<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    kit.create(ann, "INBOX/below").await;
    kit.append(ann.inbox, "1").await;
    kit.append(ann.inbox, "2").await;
    let before = kit.status(ann.inbox).await;
    let OpOutcome::Renamed { mailbox } = kit.one(rename(ann.inbox, "Old")).await else { panic!("renamed") };
    assert_ne!(mailbox, ann.inbox);
    assert_eq!(names(&kit, ann.id).await, ["INBOX", "INBOX/below", "Old"]);
    let (inbox, old) = (kit.status(ann.inbox).await, kit.status(mailbox).await);
    assert_eq!(
        (inbox.messages, inbox.uid_validity, inbox.uid_next),
        (0, before.uid_validity, before.uid_next)
    );
    assert_eq!((old.messages, old.size), (2, before.size));
    assert_eq!(kit.append(ann.inbox, "3").await.uid, uid(3));
}

/// A mailbox that is created where one was deleted has another UIDVALIDITY, a higher one.
pub async fn uidvalidities_never_repeat<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let mut last = kit.status(ann.inbox).await.uid_validity;
    for _ in 0..3 {
        let mailbox = kit.create(ann, "again").await;
        let next = kit.status(mailbox).await.uid_validity;
        assert!(next > last);
        last = next;
        kit.one(MailboxOp::Delete { mailbox }).await;
    }
}

/// Subscriptions are to names, whether there is a mailbox or not.
pub async fn subscriptions_are_to_names<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let name = mailbox_name("Lists");
    kit.one(MailboxOp::Subscribe { account: ann.id, name: name.clone() }).await;
    kit.one(MailboxOp::Subscribe { account: ann.id, name: name.clone() }).await;
    let mailbox = kit.create(ann, "Lists").await;
    assert!(kit.store.mailbox(ann.id, &name).await.expect("it is found").subscribed);
    kit.one(MailboxOp::Delete { mailbox }).await;
    let listed = async |kit: &Kit<S>| kit.store.subscriptions(ann.id, None, ALL).await.expect("listed").items;
    assert_eq!(listed(&kit).await, [MailboxName::inbox(), name.clone()]);
    let page = kit.store.subscriptions(ann.id, None, 1).await.expect("listed");
    assert_eq!(page.next, Some(MailboxName::inbox()));
    kit.one(MailboxOp::Unsubscribe { account: ann.id, name: name.clone() }).await;
    kit.one(MailboxOp::Unsubscribe { account: ann.id, name }).await;
    assert_eq!(listed(&kit).await, [MailboxName::inbox()]);
}

/// Rights are given to accounts, found from both ends, and end with the account.
pub async fn rights_are_kept_by_account<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob, carl) = (kit.account("ann").await, kit.account("bob").await, kit.account("carl").await);
    let team = kit.create(ann, "Team").await;
    let read: Rights = "lr".parse().expect("rights");
    let acl = |mailbox, grantee, change| MailboxOp::Acl { mailbox, grantee, change };
    kit.one(acl(team, Grantee::Account(bob.id), RightsChange::Set(read))).await;
    kit.one(acl(team, Grantee::Account(bob.id), RightsChange::Add(Rights::INSERT))).await;
    kit.one(acl(team, Grantee::Account(bob.id), RightsChange::Remove(Rights::READ))).await;
    kit.one(acl(ann.inbox, Grantee::Anyone, RightsChange::Set(read))).await;
    kit.one(acl(team, Grantee::Anyone, RightsChange::Set(Rights::READ))).await;
    let expected =
        [(Grantee::Anyone, Rights::READ), (Grantee::Account(bob.id), Rights::LOOKUP.union(Rights::INSERT))];
    assert_eq!(kit.store.acl(team).await.expect("the ACL is read"), expected);
    let shared = async |kit: &Kit<S>, with| {
        let page = kit.store.shared_with(with, None, ALL).await.expect("shared mailboxes are listed");
        page.items.into_iter().map(|shared| (shared.mailbox.id, shared.rights)).collect::<Vec<_>>()
    };
    let bobs = "lri".parse().expect("rights");
    assert_eq!(shared(&kit, bob.id).await, [(ann.inbox, read), (team, bobs)]);
    assert_eq!(shared(&kit, carl.id).await, [(ann.inbox, read), (team, Rights::READ)]);
    assert!(shared(&kit, ann.id).await.is_empty(), "one's own are not shared with one");
    let page = kit.store.shared_with(bob.id, Some(ann.inbox), 1).await.expect("listed");
    assert_eq!((page.items.len(), page.next), (1, None));

    kit.one(acl(team, Grantee::Anyone, RightsChange::Set(Rights::NONE))).await;
    kit.one(AccountOp::Remove { account: bob.id }).await;
    assert!(kit.store.acl(team).await.expect("the ACL is read").is_empty());
    let nobody = acl(team, Grantee::Account(bob.id), RightsChange::Set(read));
    assert_eq!(kit.refused_one(nobody).await, Cause::NoSuchAccount);
    kit.one(acl(team, Grantee::Account(carl.id), RightsChange::Set(read))).await;
    kit.one(MailboxOp::Delete { mailbox: team }).await;
    assert_eq!(shared(&kit, carl.id).await, [(ann.inbox, read)]);
}

/// Metadata is kept by target, by who sees it, and by name.
pub async fn metadata_is_shared_or_private<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    let mailbox = kit.create(ann, "Team").await;
    let of = MetadataTarget::Mailbox(mailbox);
    let put = |target, visibility, name: &str, value: Option<&'static str>| MailboxOp::Metadata {
        target,
        visibility,
        entry: name.parse().expect("an entry name"),
        value: value.map(|value| Bytes::from_static(value.as_bytes())),
    };
    kit.one(put(of, Visibility::Shared, "/comment", Some("ours"))).await;
    kit.one(put(of, Visibility::Private(ann.id), "/comment", Some("mine"))).await;
    kit.one(put(of, Visibility::Private(bob.id), "/Comment", Some("his"))).await;
    kit.one(put(MetadataTarget::Server, Visibility::Shared, "/admin", Some("mailto:postmaster"))).await;
    let read = async |kit: &Kit<S>, target, visibility| {
        let entries = kit.store.metadata(target, visibility).await.expect("metadata is read");
        entries
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.escape_ascii()))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(&kit, of, Visibility::Shared).await, ["/comment=ours"]);
    assert_eq!(read(&kit, of, Visibility::Private(ann.id)).await, ["/comment=mine"]);
    kit.one(put(of, Visibility::Shared, "/a", Some("first"))).await;
    kit.one(put(of, Visibility::Shared, "/comment", Some("new"))).await;
    assert_eq!(read(&kit, of, Visibility::Shared).await, ["/a=first", "/comment=new"]);
    kit.one(put(of, Visibility::Shared, "/a", None)).await;
    kit.one(put(of, Visibility::Shared, "/a", None)).await;
    assert_eq!(read(&kit, of, Visibility::Shared).await, ["/comment=new"]);
    let bound = kit.store.limits().metadata_bytes;
    let entry: EntryName = "/big".parse().expect("an entry name");
    let value = Some(Bytes::from(vec![0; bound + 1]));
    let big = MailboxOp::Metadata { target: of, visibility: Visibility::Shared, entry, value };
    assert_eq!(kit.refused_one(big).await, Cause::Over(Limit::MetadataBytes));
    kit.one(AccountOp::Remove { account: bob.id }).await;
    assert!(read(&kit, of, Visibility::Private(bob.id)).await.is_empty());
    kit.one(MailboxOp::Delete { mailbox }).await;
    assert_eq!(kit.store.metadata(of, Visibility::Shared).await, Err(ReadError::NoSuchMailbox));
    assert_eq!(read(&kit, MetadataTarget::Server, Visibility::Shared).await, ["/admin=mailto:postmaster"]);
}
