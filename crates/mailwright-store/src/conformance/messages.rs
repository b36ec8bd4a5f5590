//! Messages.

use bytes::Bytes;
use mailwright_core::Timestamp;

use super::kit::{Kit, every_uid, keyword, mailbox_name, uid, uids};
use crate::*;

/// Several recipients share one blob, and each message reads back as it was appended.
pub async fn appends_share_a_blob<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    let blob = kit.upload("hello").await;
    let flags = Flags::from(SystemFlag::Flagged).with_keyword(keyword("$Important"));
    let date = InternalDate { at: Timestamp(1_000), offset: -330 };
    let scan = Opaque { version: 3, bytes: Bytes::from_static(b"parts") };
    let to_ann =
        Append { flags: flags.clone(), date, scan: scan.clone(), ..Append::new(ann.inbox, blob, kit.now) };
    let outcomes = kit.commit(vec![to_ann.into(), Append::new(bob.inbox, blob, kit.now).into()]).await;
    let [OpOutcome::Appended(for_ann), OpOutcome::Appended(for_bob)] = outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!((for_ann.uid, for_bob.uid), (uid(1), uid(1)));
    assert_ne!(for_ann.thread, for_bob.thread, "each begins a thread of its own");
    assert_eq!(for_ann.uid_validity, kit.status(ann.inbox).await.uid_validity);
    let page = kit.rows(ann.inbox, Columns::ALL).await;
    let want = RowPage {
        uids: vec![uid(1)],
        flags: vec![flags],
        modseqs: vec![for_ann.modseq],
        sizes: vec![5],
        dates: vec![date],
        saved: vec![kit.now],
        blobs: vec![blob],
        threads: vec![for_ann.thread],
        scans: vec![scan],
        ..RowPage::default()
    };
    assert_eq!(page, want);
    let page = kit.rows(bob.inbox, Columns::BLOB).await;
    assert_eq!((page.blobs, page.flags), (vec![blob], vec![]), "only the columns asked for");
    let reply = Append { thread: Some(for_ann.thread), ..Append::new(ann.inbox, blob, kit.now) };
    assert_eq!(kit.appended(reply).await.thread, for_ann.thread);
    let bound = kit.store.limits().scan_bytes;
    let scan = Opaque { version: 1, bytes: vec![0; bound + 1].into() };
    let large = Append { scan, ..Append::new(ann.inbox, blob, kit.now) };
    assert_eq!(kit.refused_one(large).await, Cause::Over(Limit::ScanBytes));
}

/// A UID is given once, also if its message is gone.
pub async fn uids_are_never_reused<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    for number in 1..=3 {
        assert_eq!(kit.append(ann.inbox, "x").await.uid, uid(number));
    }
    kit.expunge(ann.inbox, uids([2, 3])).await;
    assert_eq!(kit.status(ann.inbox).await.uid_next, uid(4));
    assert_eq!(kit.append(ann.inbox, "x").await.uid, uid(4));
}

/// Delivery need not know mailbox ids.
pub async fn appends_find_or_create_mailboxes_by_name<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let blob = kit.upload("hello").await;
    assert_eq!(kit.appended(Append::new(Target::inbox(ann.id), blob, kit.now)).await.mailbox, ann.inbox);
    let lists = |create| Target::Name { account: ann.id, name: mailbox_name("Lists/rust"), create };
    assert_eq!(kit.refused_one(Append::new(lists(false), blob, kit.now)).await, Cause::NoSuchMailbox);
    let appended = kit.appended(Append::new(lists(true), blob, kit.now)).await;
    let again = kit.appended(Append::new(lists(true), blob, kit.now)).await;
    assert_eq!((again.mailbox, again.uid), (appended.mailbox, uid(2)));
    let nobody = Target::inbox(mailwright_core::AccountId(u64::MAX));
    assert_eq!(kit.refused_one(Append::new(nobody, blob, kit.now)).await, Cause::NoSuchAccount);
}

/// STORE adds, removes and replaces, tells each message's MODSEQ and the one before, and passes over what is not
/// there. A message that stays as it was keeps its MODSEQ.
pub async fn flags_are_stored<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let one = kit.append(ann.inbox, "1").await.modseq;
    let two = kit.append(ann.inbox, "2").await.modseq;
    let seen = Flags::from(SystemFlag::Seen);
    let stored = kit.flag(ann.inbox, uids([2, 9]), FlagChange::Add(seen.clone())).await;
    assert!(stored.modified.is_empty() && stored.rows.len() == 1);
    let row = &stored.rows[0];
    assert_eq!((row.uid, &row.flags, row.previous), (uid(2), &seen, two));
    assert!(row.modseq > two);
    let both = kit.flag(ann.inbox, every_uid(), FlagChange::Add(seen.clone())).await;
    assert_eq!((both.rows[0].previous, both.rows[1].modseq), (one, row.modseq));
    assert_eq!(both.rows[1].previous, row.modseq, "it was seen before, and is not changed");
    let work = Flags::from(SystemFlag::Draft).with_keyword(keyword("work"));
    let replaced = kit.flag(ann.inbox, uids([1]), FlagChange::Replace(work.clone())).await;
    assert_eq!(replaced.rows[0].flags, work);
    kit.flag(ann.inbox, uids([1]), FlagChange::Remove(SystemFlag::Draft.into())).await;
    let page = kit.rows(ann.inbox, Columns::FLAGS.and(Columns::MODSEQ)).await;
    assert_eq!(page.flags, [Flags::new().with_keyword(keyword("work")), seen]);
    assert_eq!(kit.status(ann.inbox).await.highest_modseq, page.modseqs[0]);
    let bound = kit.store.limits().keywords_per_message;
    let many = (0..=bound).fold(Flags::new(), |flags, n| flags.with_keyword(keyword(&format!("k{n}"))));
    let ops = StoreFlags {
        mailbox: ann.inbox,
        uids: every_uid(),
        change: FlagChange::Add(many),
        unchanged_since: None,
    };
    assert_eq!(kit.refused_one(ops).await, Cause::Over(Limit::KeywordsPerMessage));
}

/// UNCHANGEDSINCE leaves alone what is newer, and says so (RFC 7162 §3.1.3).
pub async fn flags_are_stored_unless_changed_since<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let old = kit.append(ann.inbox, "1").await.modseq;
    kit.append(ann.inbox, "2").await;
    let change = FlagChange::Add(SystemFlag::Answered.into());
    let op = StoreFlags { mailbox: ann.inbox, uids: every_uid(), change, unchanged_since: Some(old) };
    let OpOutcome::Stored(stored) = kit.one(op.clone()).await else { panic!("flags are stored") };
    assert_eq!(stored.rows.iter().map(|row| row.uid).collect::<Vec<_>>(), [uid(1)]);
    assert_eq!(stored.modified, uids([2]));
    let OpOutcome::Stored(again) = kit.one(op).await else { panic!("flags are stored") };
    assert_eq!((again.rows.len(), again.modified), (0, uids([1, 2])), "also what one has changed oneself");
}

/// A mailbox lists the keywords that its messages have.
pub async fn keywords_are_listed_while_in_use<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    kit.append(ann.inbox, "1").await;
    kit.append(ann.inbox, "2").await;
    let flags = |word: &str| Flags::new().with_keyword(keyword(word));
    kit.flag(ann.inbox, every_uid(), FlagChange::Add(flags("Work"))).await;
    kit.flag(ann.inbox, uids([1]), FlagChange::Add(flags("later"))).await;
    let listed = async |kit: &Kit<S>| kit.store.open(ann.inbox).await.expect("it is opened").keywords;
    assert_eq!(listed(&kit).await, [keyword("later"), keyword("work")]);
    kit.flag(ann.inbox, uids([1]), FlagChange::Remove(flags("WORK"))).await;
    kit.expunge(ann.inbox, uids([1])).await;
    assert_eq!(listed(&kit).await, [keyword("work")]);
    kit.expunge(ann.inbox, uids([2])).await;
    assert!(listed(&kit).await.is_empty());
}

/// A copy has its original's content, flags, dates and thread, and a UID of its own.
pub async fn copies_are_like_their_originals<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let other = kit.create(ann, "Other").await;
    let blob = kit.upload("hello").await;
    let flags = Flags::from(SystemFlag::Seen).with_keyword(keyword("work"));
    let date = InternalDate { at: Timestamp(5), offset: 60 };
    for _ in 0..3 {
        let append = Append { flags: flags.clone(), date, ..Append::new(ann.inbox, blob, kit.now) };
        kit.appended(append).await;
    }
    let original = kit.rows(ann.inbox, Columns::ALL).await;
    let saved = kit.later(1000);
    let copy = Op::Copy(Transfer { from: ann.inbox, uids: uids([1, 3, 7]), to: other });
    let OpOutcome::Copied(copied) = kit.one(copy).await else { panic!("messages are copied") };
    assert_eq!(copied.uids, [(uid(1), uid(1)), (uid(3), uid(2))]);
    assert_eq!(copied.uid_validity, kit.status(other).await.uid_validity);
    let page = kit.rows(other, Columns::ALL).await;
    assert_eq!((&page.flags[0], page.dates[0], page.blobs[0]), (&flags, date, blob));
    assert_eq!((page.threads[1], page.saved[1]), (original.threads[2], saved));
    assert_eq!(Some(page.modseqs[0]), copied.modseq);
    assert_eq!(kit.rows(ann.inbox, Columns::ALL).await, original, "the originals stay");
    let twice = Op::Copy(Transfer { from: ann.inbox, uids: uids([2]), to: ann.inbox });
    let OpOutcome::Copied(copied) = kit.one(twice).await else { panic!("messages are copied") };
    assert_eq!(copied.uids, [(uid(2), uid(4))], "also to where they are");
    let nothing = Op::Copy(Transfer { from: ann.inbox, uids: uids([99]), to: other });
    let OpOutcome::Copied(copied) = kit.one(nothing).await else { panic!("messages are copied") };
    assert_eq!((copied.uids.len(), copied.modseq), (0, None));
    let nowhere =
        Op::Copy(Transfer { from: ann.inbox, uids: uids([99]), to: mailwright_core::MailboxId(u64::MAX) });
    assert_eq!(kit.refused_one(nowhere).await, Cause::NoSuchMailbox);
}

/// A move is a copy and an expunge in one.
pub async fn moves_are_out_and_in<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let other = kit.create(ann, "Other").await;
    for content in ["1", "22", "333"] {
        kit.append(ann.inbox, content).await;
    }
    let before = kit.status(ann.inbox).await.highest_modseq;
    let flagged = kit.flag(ann.inbox, uids([3]), FlagChange::Add(SystemFlag::Deleted.into())).await;
    let op = Op::Move(Transfer { from: ann.inbox, uids: uids([2, 3]), to: other });
    let OpOutcome::Moved(moved) = kit.one(op).await else { panic!("messages are moved") };
    assert_eq!(moved.uids, [(uid(2), uid(1)), (uid(3), uid(2))]);
    assert!(moved.modseq > Some(flagged.rows[0].modseq));
    let (from, to) = (kit.status(ann.inbox).await, kit.status(other).await);
    assert_eq!((from.messages, from.size, from.deleted), (1, 1, 0));
    assert_eq!((to.messages, to.size, to.deleted, to.deleted_size), (2, 5, 1, 3));
    assert_eq!((Some(from.highest_modseq), Some(to.highest_modseq)), (moved.modseq, moved.modseq));
    let changes = kit.changes(ann.inbox, before, 9).await.expect("not too old");
    assert_eq!(changes.vanished, uids([2, 3]));
    let op = Op::Move(Transfer { from: other, uids: uids([1]), to: other });
    let OpOutcome::Moved(moved) = kit.one(op).await else { panic!("messages are moved") };
    assert_eq!(moved.uids, [(uid(1), uid(3))], "to where it is, it gets a new UID");
    assert_eq!(kit.status(other).await.messages, 2);
}

/// EXPUNGE takes what has `\Deleted`, UID EXPUNGE what of it is named, and POP3 what is named.
pub async fn expunges_take_what_they_should<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    for _ in 0..5 {
        kit.append(ann.inbox, "x").await;
    }
    kit.flag(ann.inbox, uids([1, 2, 4]), FlagChange::Add(SystemFlag::Deleted.into())).await;
    let expunge = |uids, only_deleted| Expunge { mailbox: ann.inbox, uids, only_deleted };
    let OpOutcome::Expunged(some) = kit.one(expunge(uids([2, 3, 9]), true)).await else { panic!("expunged") };
    assert_eq!(some.uids, uids([2]));
    let OpOutcome::Expunged(rest) = kit.one(expunge(every_uid(), true)).await else { panic!("expunged") };
    assert_eq!((&rest.uids, rest.modseq), (&uids([1, 4]), Some(kit.status(ann.inbox).await.highest_modseq)));
    let OpOutcome::Expunged(none) = kit.one(expunge(every_uid(), true)).await else { panic!("expunged") };
    assert_eq!((none.uids.is_empty(), none.modseq), (true, None));
    let OpOutcome::Expunged(named) = kit.one(expunge(uids([5]), false)).await else { panic!("expunged") };
    assert_eq!(named.uids, uids([5]));
    assert_eq!(kit.rows(ann.inbox, Columns::UIDS).await.uids, [uid(3)]);
}
