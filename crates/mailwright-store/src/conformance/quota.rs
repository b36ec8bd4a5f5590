//! Quotas.

use super::kit::{Account, Kit, every_uid, mailbox_name, uids};
use crate::*;

async fn used<S: Store>(kit: &Kit<S>, account: Account) -> (u64, u64, u64) {
    let Usage { storage, messages, mailboxes } = kit.quota(account.root).await.usage;
    (storage, messages, mailboxes)
}

async fn limit<S: Store>(kit: &mut Kit<S>, account: Account, storage: Option<u64>, messages: Option<u64>) {
    let limits = QuotaLimits { storage, messages, mailboxes: None };
    kit.one(QuotaOp::SetLimits { root: account.root, limits }).await;
}

/// Whatever adds or removes messages and mailboxes tells the quota.
pub async fn quotas_are_charged_and_given_back<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    assert_eq!(used(&kit, ann).await, (0, 0, 1));
    let other = kit.create(ann, "Other").await;
    kit.append(ann.inbox, "12345").await;
    kit.append(ann.inbox, "123").await;
    assert_eq!(used(&kit, ann).await, (8, 2, 2));
    kit.one(Op::Copy(Transfer { from: ann.inbox, uids: uids([1]), to: other })).await;
    assert_eq!(used(&kit, ann).await, (13, 3, 2), "a copy counts as much as its original");
    kit.one(Op::Move(Transfer { from: ann.inbox, uids: uids([1]), to: other })).await;
    assert_eq!(used(&kit, ann).await, (13, 3, 2));
    kit.one(Op::Copy(Transfer { from: ann.inbox, uids: uids([2]), to: bob.inbox })).await;
    assert_eq!((used(&kit, ann).await, used(&kit, bob).await), ((13, 3, 2), (3, 1, 1)), "the target pays");
    kit.one(Op::Move(Transfer { from: ann.inbox, uids: uids([2]), to: bob.inbox })).await;
    assert_eq!((used(&kit, ann).await, used(&kit, bob).await), ((10, 2, 2), (6, 2, 1)));
    kit.expunge(bob.inbox, uids([1])).await;
    assert_eq!(used(&kit, bob).await, (3, 1, 1));
    kit.one(MailboxOp::Rename { mailbox: bob.inbox, to: mailbox_name("Old") }).await;
    assert_eq!(used(&kit, bob).await, (3, 1, 2));
    kit.one(MailboxOp::Delete { mailbox: other }).await;
    assert_eq!(used(&kit, ann).await, (0, 0, 1));
}

/// What the quota does not allow is refused, or goes into the queue if asked; what does not add to it is allowed.
pub async fn over_quota_is_refused_or_queued<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let (ann, bob) = (kit.account("ann").await, kit.account("bob").await);
    let other = kit.create(ann, "Other").await;
    limit(&mut kit, ann, Some(10), None).await;
    kit.append(ann.inbox, "1234567890").await;
    let over = Cause::OverQuota { root: ann.root, resource: Resource::Storage };
    let blob = kit.upload("x").await;
    assert_eq!(kit.refused_one(Append::new(ann.inbox, blob, kit.now)).await, over);
    let transfer = Transfer { from: ann.inbox, uids: every_uid(), to: other };
    assert_eq!(kit.refused_one(Op::Copy(transfer.clone())).await, over);
    kit.one(Op::Move(transfer)).await;
    kit.flag(other, every_uid(), FlagChange::Add(SystemFlag::Seen.into())).await;

    let entry = kit.entry(1, "local.example", blob);
    let retry = OnOverQuota::Queue(Box::new(entry.clone()));
    let ops: Vec<Op> = vec![
        Append { on_over_quota: retry.clone(), ..Append::new(ann.inbox, blob, kit.now) }.into(),
        Append { on_over_quota: retry, ..Append::new(bob.inbox, blob, kit.now) }.into(),
    ];
    let outcomes = kit.commit(ops).await;
    assert_eq!(outcomes[0], OpOutcome::Queued(entry.id));
    assert!(matches!(outcomes[1], OpOutcome::Appended(_)), "others get theirs");
    assert_eq!(kit.queue().await.len(), 1);
    assert_eq!(kit.status(ann.inbox).await.messages, 0);

    limit(&mut kit, ann, Some(3), Some(1)).await;
    kit.flag(other, every_uid(), FlagChange::Remove(SystemFlag::Seen.into())).await;
    for (from, to) in [(other, ann.inbox), (ann.inbox, other)] {
        kit.one(Op::Move(Transfer { from, uids: every_uid(), to })).await;
    }
    limit(&mut kit, ann, None, Some(1)).await;
    let over = Cause::OverQuota { root: ann.root, resource: Resource::Messages };
    assert_eq!(kit.refused_one(Append::new(ann.inbox, blob, kit.now)).await, over);
    let limits = QuotaLimits { mailboxes: Some(2), ..QuotaLimits::default() };
    kit.one(QuotaOp::SetLimits { root: ann.root, limits }).await;
    assert_eq!(kit.quota(ann.root).await.limits, limits);
    let create = MailboxOp::Create { account: ann.id, name: mailbox_name("More"), special_use: None };
    let over = Cause::OverQuota { root: ann.root, resource: Resource::Mailboxes };
    assert_eq!(kit.refused_one(create).await, over);
}

/// Accounts may share a root, and change it; a root goes with its last account.
pub async fn quotas_can_be_shared_and_changed<S: Store>(store: S) {
    let mut kit = Kit::new(store);
    let ann = kit.account("ann").await;
    let new = NewAccount { login: "bob".to_owned(), quota_root: Some(ann.root), ..NewAccount::default() };
    let bob = kit.new_account(new.clone()).await;
    assert_eq!(bob.root, ann.root);
    kit.append(ann.inbox, "123").await;
    kit.append(bob.inbox, "12345").await;
    assert_eq!(used(&kit, ann).await, (8, 2, 2));
    limit(&mut kit, ann, Some(8), None).await;
    let blob = kit.upload("x").await;
    let over = Cause::OverQuota { root: ann.root, resource: Resource::Storage };
    assert_eq!(kit.refused_one(Append::new(bob.inbox, blob, kit.now)).await, over);

    let carl = kit.account("carl").await;
    kit.one(QuotaOp::Assign { account: bob.id, root: carl.root }).await;
    assert_eq!((used(&kit, ann).await, used(&kit, carl).await), ((3, 1, 1), (5, 1, 2)));
    assert_eq!(kit.store.account(bob.id).await.expect("it is found").quota_root, carl.root);
    kit.one(AccountOp::Remove { account: carl.id }).await;
    assert_eq!(used(&kit, carl).await, (5, 1, 1));
    kit.one(QuotaOp::Assign { account: bob.id, root: ann.root }).await;
    assert_eq!(kit.store.quota(carl.root).await, Ok(None));
    assert_eq!(used(&kit, ann).await, (8, 2, 2));
    let gone = QuotaOp::Assign { account: bob.id, root: carl.root };
    assert_eq!(kit.refused_one(gone).await, Cause::NoSuchQuotaRoot);
    let new = NewAccount { login: "dora".to_owned(), quota_root: Some(carl.root), ..new };
    assert_eq!(kit.refused_one(AccountOp::Create(new)).await, Cause::NoSuchQuotaRoot);
}
