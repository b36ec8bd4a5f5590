//! Listing.

use std::collections::BTreeMap;

use mailwright_core::{ModSeq, Uid};

use super::kit::{ALL, Kit, every_uid, uid, uids};
use crate::*;

/// A snapshot has the messages that it had: later ones do not come in, expunged ones come as gone, with a blob that
/// can still be read; and flags are as they are now.
pub async fn snapshots_stay_as_they_were<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    for content in ["1", "22", "333", "4444"] {
        kit.append(ann.inbox, content).await;
    }
    kit.expunge(ann.inbox, uids([1])).await;
    let snapshot = kit.store.open(ann.inbox).await.expect("it is opened");
    assert_eq!((snapshot.account, snapshot.status), (ann.id, kit.status(ann.inbox).await));
    let blobs = kit.rows_of(&snapshot, Columns::BLOB, ALL).await.blobs;
    kit.expunge(ann.inbox, uids([3])).await;
    kit.append(ann.inbox, "new").await;
    kit.flag(ann.inbox, uids([2]), FlagChange::Add(SystemFlag::Seen.into())).await;
    let page = kit.rows_of(&snapshot, Columns::FLAGS, 2).await;
    assert_eq!(page.uids, [uid(2), uid(4)]);
    assert_eq!(page.gone, [Gone { uid: uid(3), blob: blobs[1] }]);
    assert!(page.flags[0].has(SystemFlag::Seen));
    assert_eq!(kit.store.read_blobs(&[(blobs[1], 0..3)]).await, [Ok(bytes::Bytes::from_static(b"333"))]);
    let some =
        kit.store.rows(&snapshot, &uids([1, 3, 4, 5]), Columns::UIDS, None, 9).await.expect("rows are read");
    assert_eq!((some.uids, some.gone.len()), (vec![uid(4)], 1));
    assert_eq!(kit.rows(ann.inbox, Columns::UIDS).await.uids, [uid(2), uid(4), uid(5)]);
}

/// Pages of any size give the same list, as ranges of the selection do.
pub async fn pages_join_without_a_seam<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    for _ in 0..12 {
        kit.append(ann.inbox, "x").await;
    }
    kit.expunge(ann.inbox, uids([2, 3])).await;
    let snapshot = kit.store.open(ann.inbox).await.expect("it is opened");
    kit.expunge(ann.inbox, uids([6, 12])).await;
    let whole = kit.rows_of(&snapshot, Columns::ALL, ALL).await;
    assert_eq!((whole.uids.len(), whole.gone.len()), (8, 2));
    for limit in 0..=11 {
        assert_eq!(kit.rows_of(&snapshot, Columns::ALL, limit).await, whole, "pages of {limit}");
    }
    let since = kit.status(ann.inbox).await.highest_modseq;
    kit.flag(ann.inbox, every_uid(), FlagChange::Add(SystemFlag::Seen.into())).await;
    let changes = kit.changes(ann.inbox, since, ALL).await;
    for limit in 0..=9 {
        assert_eq!(
            kit.changes(ann.inbox, since, limit).await,
            changes,
            "many rows of one MODSEQ, pages of {limit}"
        );
    }
    let accounts = kit.store.accounts(None, ALL).await.expect("accounts are listed");
    kit.account("bob").await;
    let first = kit.store.accounts(None, 1).await.expect("accounts are listed");
    assert_eq!((&first.items, first.next), (&accounts.items, Some(ann.id)));
    for name in ["a", "b", "c"] {
        kit.create(ann, name).await;
    }
    let all = kit.mailboxes(ann.id).await;
    let mut joined = Vec::new();
    let mut after = None;
    loop {
        let page = kit.store.mailboxes(ann.id, after, 2).await.expect("mailboxes are listed");
        joined.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(joined, all);
}

/// Who knows a mailbox as it was, and takes in what changed since, knows it as it is.
pub async fn changes_lead_from_then_to_now<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    for _ in 0..4 {
        kit.append(ann.inbox, "x").await;
    }
    let columns = Columns::FLAGS.and(Columns::MODSEQ);
    let list = |page: RowPage| -> BTreeMap<Uid, (Flags, ModSeq)> {
        page.uids.into_iter().zip(page.flags.into_iter().zip(page.modseqs)).collect()
    };
    let then = kit.status(ann.inbox).await.highest_modseq;
    let mut known = list(kit.rows(ann.inbox, columns).await);
    let nothing = kit.changes(ann.inbox, then, ALL).await.expect("not too old");
    assert_eq!((nothing.rows, nothing.vanished.len(), nothing.upto), (RowPage::default(), 0, then));
    kit.flag(ann.inbox, uids([1, 2]), FlagChange::Add(SystemFlag::Seen.into())).await;
    kit.flag(ann.inbox, uids([1]), FlagChange::Add(SystemFlag::Flagged.into())).await;
    kit.expunge(ann.inbox, uids([2, 3])).await;
    kit.append(ann.inbox, "5").await;
    kit.append(ann.inbox, "6").await;
    kit.expunge(ann.inbox, uids([6])).await;
    let changes = kit.changes(ann.inbox, then, 1).await.expect("not too old");
    assert_eq!(changes.rows.uids, [uid(1), uid(5)], "in the order of MODSEQs, each once");
    assert_eq!(changes.vanished, uids([2, 3, 6]));
    assert_eq!(changes.upto, kit.status(ann.inbox).await.highest_modseq);
    known.extend(list(changes.rows));
    known.retain(|uid, _| !changes.vanished.contains(*uid));
    assert_eq!(known, list(kit.rows(ann.inbox, columns).await));
    let missing = mailwright_core::MailboxId(u64::MAX);
    let none = kit.store.changed_since(missing, then, columns, None, 1).await;
    assert_eq!(none, Err(ReadError::NoSuchMailbox));
}

/// A mailbox remembers so many vanished UIDs; who asks for more is told to read it anew. Skipped, for its cost, where
/// the bound is over a thousand.
pub async fn forgotten_history_is_too_old<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let bound = kit.store.limits().vanished_rows;
    if bound > 1000 {
        return;
    }
    let ann = kit.account("ann").await;
    for _ in 0..bound + 2 {
        kit.append(ann.inbox, "x").await;
    }
    let snapshot = kit.store.open(ann.inbox).await.expect("it is opened");
    let then = snapshot.status.highest_modseq;
    let first = kit.expunge(ann.inbox, uids([1])).await.modseq.expect("one was expunged");
    for number in 2..=bound + 1 {
        assert!(kit.changes(ann.inbox, then, ALL).await.is_some());
        kit.expunge(ann.inbox, uids([u32::try_from(number).expect("few")])).await;
    }
    assert_eq!(kit.changes(ann.inbox, then, ALL).await, None);
    let rows = kit.store.rows(&snapshot, &every_uid(), Columns::UIDS, None, ALL).await;
    assert_eq!(rows, Err(ReadError::SnapshotTooOld));
    let since = kit.changes(ann.inbox, first, ALL).await.expect("what followed is known");
    assert_eq!(since.vanished.len(), bound as u64);
}

/// STATUS is always that of the messages there are.
pub async fn status_is_kept<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let other = kit.create(ann, "Other").await;
    assert_eq!(kit.store.open(ann.inbox).await.expect("it is opened").first_unseen, None);
    for content in ["1", "22", "333"] {
        kit.append(ann.inbox, content).await;
    }
    kit.flag(ann.inbox, uids([1]), FlagChange::Add(SystemFlag::Seen.into())).await;
    kit.flag(
        ann.inbox,
        uids([3]),
        FlagChange::Replace([SystemFlag::Seen, SystemFlag::Deleted].into_iter().collect()),
    )
    .await;
    let snapshot = kit.store.open(ann.inbox).await.expect("it is opened");
    assert_eq!(snapshot.first_unseen, Some(uid(2)));
    let status = kit.store.status(&[other, ann.inbox]).await.expect("status is read");
    let [Some(empty), Some(full)] = status[..] else { panic!("{status:?}") };
    assert_eq!((empty.messages, empty.uid_next), (0, uid(1)));
    assert_eq!((full.messages, full.unseen, full.deleted), (3, 1, 1));
    assert_eq!((full.size, full.deleted_size, full.uid_next), (6, 3, uid(4)));
    kit.flag(ann.inbox, every_uid(), FlagChange::Replace(Flags::new())).await;
    let status = kit.status(ann.inbox).await;
    assert_eq!((status.unseen, status.deleted, status.deleted_size), (3, 0, 0));
}
