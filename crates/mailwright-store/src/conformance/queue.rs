//! The queue.

use std::collections::BTreeMap;
use std::time::Duration;

use mailwright_core::{QueueId, Timestamp};

use super::kit::{ALL, Kit, domain, recipient};
use crate::*;

fn ids(claimed: &[Claimed]) -> Vec<u32> {
    claimed.iter().map(|claimed| claimed.entry.id.entry).collect()
}

fn settle(lease: Lease, settlement: Settlement) -> Op {
    Op::Settle { lease, settlement }
}

/// Of what is due, the most urgent comes first, then what was due first; what is not due does not come.
pub async fn claims_go_by_priority_and_time<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let blob = kit.upload("x").await;
    assert_eq!(kit.store.next_due().await, Ok(None));
    for (number, priority, due) in [(1, 0, 5), (2, 0, 3), (3, 9, 8), (4, -9, 1), (5, 9, 50)] {
        let priority = Priority::new(priority).expect("a priority");
        let entry =
            NewEntry { priority, due: Timestamp(kit.now.0 + due), ..kit.entry(number, "a.example", blob) };
        kit.one(entry).await;
    }
    assert_eq!(kit.store.next_due().await, Ok(Some(Timestamp(kit.now.0 + 1))));
    assert!(kit.claim(1, 9).await.is_empty());
    kit.later(10);
    let claimed = kit.claim(1, 3).await;
    assert_eq!(ids(&claimed), [3, 2, 1]);
    let entry = &claimed[0].entry;
    assert_eq!((entry.attempts, entry.size, entry.recipients.len(), entry.held), (0, 1, 2, false));
    assert_eq!(
        entry.lease.map(|holder| (holder.worker, holder.fence)),
        Some((WorkerId(1), claimed[0].lease.fence))
    );
    assert_eq!(ids(&kit.claim(1, 9).await), [4]);
    assert_eq!(kit.store.next_due().await, Ok(Some(Timestamp(kit.now.0 + 40))));
    let exists = kit.entry(1, "b.example", blob);
    let exists = NewEntry { id: kit.queue().await[0].id, ..exists };
    assert_eq!(kit.refused_one(exists.clone()).await, Cause::EntryExists(exists.id));
    let empty = NewEntry { recipients: Vec::new(), ..kit.entry(9, "b.example", blob) };
    assert_eq!(kit.refused_one(empty).await, Cause::NoRecipient);
}

/// While a lease runs nobody else gets the entry; after that its holder is a zombie as soon as somebody has.
pub async fn leases_exclude_each_other<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    kit.enqueue(1, "a.example").await;
    let first = kit.claim(1, 9).await.remove(0).lease;
    assert!(kit.claim(2, 9).await.is_empty());
    kit.later(59_999);
    assert!(kit.claim(2, 9).await.is_empty(), "it still runs");
    let renewed = kit.store.renew(&[first], kit.now, Duration::from_secs(60)).await.expect("renewed")[0];
    let renewed = renewed.expect("not lost");
    assert_eq!(
        (renewed.fence, renewed.until),
        (first.fence, kit.now.saturating_add(Duration::from_secs(60)))
    );
    kit.later(59_999);
    assert!(kit.claim(2, 9).await.is_empty(), "it was renewed");
    assert_eq!(kit.store.next_due().await, Ok(Some(renewed.until)));
    kit.later(1);
    let second = kit.claim(2, 9).await.remove(0).lease;
    assert!(second.fence > first.fence);
    for end in [Settlement::Ack, Settlement::Return { due: kit.now }] {
        assert_eq!(kit.refused_one(settle(first, end)).await, Cause::LeaseLost(first.entry), "a zombie");
    }
    let answers = kit.store.renew(&[first, second], kit.now, Duration::from_secs(1)).await.expect("answered");
    assert_eq!((answers[0], answers[1].is_some()), (None, true));
    kit.later(5_000);
    kit.one(settle(second, Settlement::Ack)).await;
    assert_eq!(
        kit.refused_one(settle(second, Settlement::Ack)).await,
        Cause::LeaseLost(first.entry),
        "only once"
    );
    assert!(kit.queue().await.is_empty());
}

/// Acknowledging, deferring, bouncing: each is an operation among others of its batch.
pub async fn attempts_end_in_batches<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    kit.enqueue(1, "a.example").await;
    let claimed = kit.claim(1, 1).await.remove(0);
    let due = Timestamp(kit.now.0 + 1_000);
    let left = vec![recipient("dora")];
    let defer = Settlement::Defer { due, recipients: left.clone(), note: "451 greylisted".to_owned() };
    kit.one(settle(claimed.lease, defer)).await;
    let entry = kit.store.queue_entry(claimed.entry.id).await.expect("it is read").expect("it is there");
    assert_eq!((entry.attempts, entry.due, &entry.recipients, entry.lease), (1, due, &left, None));
    assert_eq!(entry.note, "451 greylisted");
    assert!(kit.claim(1, 1).await.is_empty());
    kit.later(1_000);
    let claimed = kit.claim(1, 1).await.remove(0);
    kit.one(settle(claimed.lease, Settlement::Return { due: kit.now })).await;
    let claimed = kit.claim(1, 1).await.remove(0);
    assert_eq!(claimed.entry.attempts, 1, "what was not tried does not count");

    // It bounces: the entry goes and the report comes, to a mailbox and to the queue.
    let report = kit.upload("it could not be delivered").await;
    let bounce = vec![
        settle(claimed.lease, Settlement::Ack),
        kit.entry(2, "sender.example", report).into(),
        Append::new(ann.inbox, report, kit.now).into(),
    ];
    kit.commit(bounce.clone()).await;
    assert_eq!(kit.queue().await.iter().map(|entry| entry.id.entry).collect::<Vec<_>>(), [2]);
    let mut again = bounce;
    again[1] = kit.entry(3, "sender.example", report).into();
    let rejected = kit.refused(again).await;
    assert_eq!(
        rejected,
        Rejected { op: 0, cause: Cause::LeaseLost(claimed.entry.id) },
        "no report of a lost lease"
    );
    let over = kit.now.saturating_add(kit.store.limits().blob_grace);
    assert_eq!(kit.store.reclaim(over, ALL).await.expect("it is reclaimed").blobs, 1, "its blob is free");
}

/// A claim takes no more from a destination than it has room for, and nothing from those it does not name.
pub async fn rooms_bound_claims<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    for number in 0..9 {
        let route = ["a.example", "b.example", "c.example"][number as usize % 3];
        kit.enqueue(number, route).await;
        kit.later(1);
    }
    let only = Selector::Only(BTreeMap::from([(domain("b.example"), 1), (domain("d.example"), 5)]));
    assert_eq!(ids(&kit.claim_by(1, 9, only).await), [1]);
    let except = BTreeMap::from([(domain("a.example"), 0), (domain("c.example"), 1)]);
    let claimed = kit.claim_by(1, 9, Selector::Any { room: 9, except: except.clone() }).await;
    assert_eq!(ids(&claimed), [2, 4, 7], "those that waited longest first");
    assert!(kit.claim_by(1, 0, Selector::Any { room: 9, except }).await.is_empty());
    let one_each = Selector::Any { room: 1, except: BTreeMap::new() };
    assert_eq!(ids(&kit.claim_by(1, 9, one_each).await), [0, 5]);
    assert_eq!(ids(&kit.claim(1, 1).await), [3]);
    assert_eq!(ids(&kit.claim(1, 9).await), [6, 8]);
}

/// An administrator holds, releases, retries, reroutes and removes.
pub async fn administrators_change_entries<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let id = kit.enqueue(1, "a.example").await;
    let op = |op| Op::Queue { entry: id, op };
    kit.one(op(QueueOp::Hold)).await;
    assert!(kit.claim(1, 9).await.is_empty());
    assert_eq!(kit.store.next_due().await, Ok(None));
    kit.one(op(QueueOp::Release)).await;
    let lease = kit.claim(1, 9).await.remove(0).lease;
    assert_eq!(kit.refused_one(op(QueueOp::Remove)).await, Cause::EntryLeased(id));
    kit.one(op(QueueOp::Hold)).await;
    kit.one(op(QueueOp::Reroute { route: domain("b.example") })).await;
    let due = Timestamp(kit.now.0 + 5);
    kit.one(settle(lease, Settlement::Return { due })).await;
    let entry = kit.store.queue_entry(id).await.expect("it is read").expect("it is there");
    assert_eq!(
        (entry.held, entry.route.as_str(), entry.due),
        (true, "b.example", due),
        "a lease outlives it all"
    );
    kit.one(op(QueueOp::Release)).await;
    assert!(kit.claim(1, 9).await.is_empty());
    kit.one(op(QueueOp::Retry { due: kit.now })).await;
    assert_eq!(kit.claim(1, 9).await.len(), 1);
    kit.later(60_000);
    kit.one(op(QueueOp::Remove)).await;
    assert_eq!(kit.refused_one(op(QueueOp::Hold)).await, Cause::NoSuchEntry(id));
    assert!(kit.queue().await.is_empty());
}

/// The queue is listed by entry and by destination, in pages, with totals that are kept.
pub async fn the_queue_is_listed<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let mut all: Vec<QueueId> = Vec::new();
    for (number, route) in [(1, "a.example"), (2, "b.example"), (3, "a.example")] {
        kit.later(1);
        all.push(kit.enqueue(number, route).await);
    }
    let page = kit.store.queue_page(None, None, 2).await.expect("the queue is listed");
    assert_eq!((page.items.len(), page.next), (2, Some(all[1])));
    let rest = kit.store.queue_page(None, page.next, 2).await.expect("the queue is listed");
    assert_eq!((rest.items[0].id, rest.next), (all[2], None));
    let of_a = kit.store.queue_page(Some(domain("a.example")), None, 1).await.expect("the queue is listed");
    assert_eq!((of_a.items[0].id, of_a.next), (all[0], Some(all[0])));
    let of_a =
        kit.store.queue_page(Some(domain("a.example")), of_a.next, 9).await.expect("the queue is listed");
    assert_eq!((of_a.items[0].id, of_a.items.len(), of_a.next), (all[2], 1, None));

    kit.one(Op::Queue { entry: all[2], op: QueueOp::Hold }).await;
    let page = kit.store.destinations(None, 1).await.expect("destinations are listed");
    let size = 2 * "a message that waits".len() as u64;
    let first = kit.queue().await[0].due;
    let want = Destination {
        route: domain("a.example"),
        entries: 2,
        held: 1,
        recipients: 4,
        size,
        next_due: Some(first),
    };
    assert_eq!((&page.items[0], &page.next), (&want, &Some(domain("a.example"))));
    let rest = kit.store.destinations(page.next, 9).await.expect("destinations are listed");
    assert_eq!((rest.items.len(), rest.items[0].route.as_str()), (1, "b.example"));
    for claimed in kit.claim(1, 9).await {
        kit.one(settle(claimed.lease, Settlement::Ack)).await;
    }
    let left = kit.store.destinations(None, 9).await.expect("destinations are listed").items;
    assert_eq!((left.len(), left[0].entries, left[0].next_due), (1, 1, None));
}
