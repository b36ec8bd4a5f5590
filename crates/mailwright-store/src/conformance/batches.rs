//! Batches as such.

use mailwright_core::{ModSeq, Stage, Timestamp, TraceEvent, TraceId, Verdict};

use super::kit::{ALL, Kit, every_uid, mailbox_name, uids};
use crate::*;

/// Where one operation of a batch cannot be done, none is; and it is told which.
pub async fn a_batch_happens_as_a_whole<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    kit.append(ann.inbox, "there already").await;
    let blob = kit.upload("hello").await;
    let entry = kit.entry(1, "example.net", blob);
    let id = entry.id;
    let trace = TraceId::new(kit.now, [9; 4]);
    let event = TraceEvent::new(kit.now, Stage::Commit, Verdict::Pass, "kept");
    let ops: Vec<Op> = vec![
        Append::new(ann.inbox, blob, kit.now).into(),
        entry.into(),
        MailboxOp::Create { account: ann.id, name: mailbox_name("New"), special_use: None }.into(),
        StoreFlags {
            mailbox: ann.inbox,
            uids: every_uid(),
            change: FlagChange::Add(SystemFlag::Seen.into()),
            unchanged_since: None,
        }
        .into(),
        Expunge { mailbox: ann.inbox, uids: uids([1]), only_deleted: false }.into(),
        AccountOp::Create(NewAccount { login: "bob".to_owned(), ..NewAccount::default() }).into(),
        Op::Trace { id: trace, events: vec![event] },
        Op::Queue { entry: id, op: QueueOp::Hold },
        MailboxOp::Delete { mailbox: ann.inbox }.into(),
    ];
    let rejected = kit.refused(ops.clone()).await;
    assert_eq!(rejected, Rejected { op: 8, cause: Cause::Inbox });
    kit.commit(ops.into_iter().take(8).collect()).await;
    assert_eq!(kit.rows(ann.inbox, Columns::UIDS).await.uids, uids([2]).iter().collect::<Vec<_>>());
    assert_eq!(kit.queue().await.len(), 1);
}

/// A batch that was taken is not taken again, and tells the same; one that was refused may be tried again.
pub async fn a_replay_gives_the_first_outcome<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let blob = kit.upload("hello").await;
    let batch =
        kit.batch().with(Append::new(ann.inbox, blob, kit.now)).with(kit.entry(1, "example.net", blob));
    let outcome = kit.store.commit(batch.clone()).await.expect("the batch is taken");
    let digest = kit.digest().await;
    assert_eq!(kit.store.commit(batch.clone()).await, Ok(outcome.clone()));
    let other = Batch { ops: vec![MailboxOp::Delete { mailbox: ann.inbox }.into()], ..batch.clone() };
    assert_eq!(kit.store.commit(other).await, Ok(outcome.clone()), "whatever the operations");
    assert_eq!(kit.digest().await, digest, "a replay changes nothing");

    let kept = kit.store.limits().outcome_kept;
    kit.store.reclaim(Timestamp(batch.now.saturating_add(kept).0 - 1), ALL).await.expect("it is reclaimed");
    assert_eq!(kit.store.commit(batch.clone()).await, Ok(outcome), "kept for its time");

    let refused = kit.batch().with(MailboxOp::Delete { mailbox: ann.inbox });
    kit.store.commit(refused.clone()).await.expect_err("INBOX stays");
    let again = Batch { ops: vec![Append::new(ann.inbox, blob, kit.now).into()], ..refused };
    kit.store.commit(again).await.expect("the id of a refused batch is free");
}

/// Operations happen in order, each on what the ones before it have left.
pub async fn later_operations_see_earlier_ones<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let blob = kit.upload("hello").await;
    let named = Target::Name { account: ann.id, name: mailbox_name("Junk"), create: false };
    let ops: Vec<Op> = vec![
        MailboxOp::Create { account: ann.id, name: mailbox_name("Junk"), special_use: None }.into(),
        Append::new(named, blob, kit.now).into(),
        Append::new(ann.inbox, blob, kit.now).into(),
        Expunge { mailbox: ann.inbox, uids: every_uid(), only_deleted: false }.into(),
    ];
    let outcomes = kit.commit(ops).await;
    assert!(matches!(&outcomes[3], OpOutcome::Expunged(expunged) if expunged.uids == uids([1])));
    assert_eq!(kit.status(ann.inbox).await.messages, 0);
}

/// A batch has its bound.
pub async fn too_many_operations_are_refused<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let bound = kit.store.limits().ops_per_batch;
    let subscribe = |_| Op::from(MailboxOp::Subscribe { account: ann.id, name: mailbox_name("x") });
    let rejected = kit.refused((0..=bound).map(subscribe).collect()).await;
    assert_eq!(rejected, Rejected { op: bound, cause: Cause::TooManyOps });
    kit.commit((0..bound).map(subscribe).collect()).await;
}

/// All mailboxes of an account draw from one sequence; each keeps its own highest; a batch draws once.
pub async fn modseqs_ascend_in_an_account<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    let other = kit.create(ann, "Other").await;
    let first = kit.append(ann.inbox, "1").await.modseq;
    let second = kit.append(other, "2").await.modseq;
    let third = kit.append(ann.inbox, "3").await.modseq;
    assert!(ModSeq::ZERO < first && first < second && second < third);
    assert_eq!(kit.status(ann.inbox).await.highest_modseq, third);
    assert_eq!(kit.status(other).await.highest_modseq, second);
    let quiet = kit.status(bob.inbox).await.highest_modseq;
    let blob = kit.upload("4").await;
    let append = |to| Op::from(Append::new(to, blob, kit.now));
    let outcomes = kit.commit(vec![append(ann.inbox), append(other), append(ann.inbox)]).await;
    let drawn: Vec<ModSeq> = outcomes
        .iter()
        .map(|outcome| match outcome {
            OpOutcome::Appended(appended) => appended.modseq,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(drawn[0] > third && drawn.iter().all(|modseq| *modseq == drawn[0]));
    assert_eq!(kit.status(bob.inbox).await.highest_modseq, quiet, "other accounts are not concerned");
}

/// What changed is hinted at, once it can be read.
pub async fn hints_follow_commits<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    let mut hints = kit.store.changes(&[Topic::Mailbox(ann.inbox), Topic::Account(ann.id), Topic::Queue]);
    kit.append(ann.inbox, "for ann").await;
    hear(&mut hints, Topic::Mailbox(ann.inbox)).await;
    kit.create(ann, "New").await;
    hear(&mut hints, Topic::Account(ann.id)).await;
    kit.enqueue(1, "example.net").await;
    hear(&mut hints, Topic::Queue).await;
    kit.append(bob.inbox, "not for ann").await;
    while let Some(hint) = hints.try_next() {
        assert_ne!(hint, Topic::Mailbox(bob.inbox), "nobody hears what was not asked for");
    }
}

/// Hints may say too much, and say so by "any"; here none may be lost.
async fn hear(hints: &mut ChangeHints, topic: Topic) {
    loop {
        let hint = hints.next().await.expect("the store is there");
        if hint == topic || hint == Topic::Any {
            return;
        }
    }
}

/// A trace has its events in the order of commits, up to its bound, for its time.
pub async fn traces_are_kept_in_order<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (one, two) = (TraceId::new(kit.now, [1; 4]), TraceId::new(kit.now, [2; 4]));
    let event = |text: &str| TraceEvent::new(Timestamp(1), Stage::Rcpt, Verdict::Pass, text);
    kit.one(Op::Trace { id: two, events: vec![event("x")] }).await;
    kit.one(Op::Trace { id: one, events: vec![event("a"), event("b")] }).await;
    kit.one(Op::Trace { id: one, events: vec![event("c")] }).await;
    let trace = kit.store.trace(one).await.expect("the trace is read");
    assert_eq!(trace.events, [event("a"), event("b"), event("c")]);
    let page = kit.store.traces(None, 1).await.expect("traces are listed");
    assert_eq!((page.items, page.next), (vec![one], Some(one)));
    assert_eq!(kit.store.traces(Some(one), 9).await.expect("traces are listed").items, [two]);

    let bound = kit.store.limits().events_per_trace;
    let events = (0..bound).map(|_| event("much")).collect();
    kit.one(Op::Trace { id: two, events }).await;
    let trace = kit.store.trace(two).await.expect("the trace is read");
    assert_eq!((trace.events.len(), trace.dropped), (bound, 1));

    let over = kit.now.saturating_add(kit.store.limits().trace_kept);
    assert_eq!(kit.store.reclaim(over, ALL).await.expect("it is reclaimed").traces, 2);
    assert_eq!(kit.store.trace(one).await, Ok(Trace::default()));
}
