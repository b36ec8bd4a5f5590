//! Random histories.

use std::collections::{BTreeMap, BTreeSet};

use mailwright_core::{AccountId, MailboxId, ModSeq, Timestamp, Uid, UidSet, UidValidity};

use super::kit::{ALL, Account, Kit, every_uid, keyword, mailbox_name, uid};
use crate::*;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }
}

type Known = BTreeMap<Uid, (Flags, ModSeq)>;

/// What was seen of a mailbox, and must not be contradicted.
struct Seen {
    uid_validity: UidValidity,
    uid_next: Uid,
    highest: ModSeq,
    /// As a client has it that follows the changes, since when.
    known: Known,
    upto: ModSeq,
    /// A snapshot, and what it had.
    snapshot: Option<(Snapshot, Vec<Uid>)>,
}

/// Does `steps` random things, the same for the same `seed`, and looks after each whether what was promised holds:
/// numbers ascend, counts are those of what can be listed, snapshots stay, changes lead to what is, leases exclude
/// each other, replays and refusals change nothing.
///
/// # Panics
/// If a promise is broken. The message names seed and step.
pub async fn history<S: Store>(store: S, seed: u64, steps: usize) {
    let mut kit = Kit::new(store);
    let mut random = Random(seed);
    let mut accounts = vec![kit.account("ann").await, kit.account("bob").await];
    let shared =
        NewAccount { login: "carl".to_owned(), quota_root: Some(accounts[0].root), ..NewAccount::default() };
    accounts.push(kit.new_account(shared).await);
    let mut seen: BTreeMap<MailboxId, Seen> = BTreeMap::new();
    let mut leases: Vec<(Lease, bool)> = Vec::new();
    let mut highest_validity = 0;
    for step in 0..steps {
        let place = format!("seed {seed}, step {step}");
        kit.later(random.below(30_000) as i64);
        match random.below(12) {
            0 => claim(&mut kit, &mut random, &mut leases, &place).await,
            1 => {
                let now = Timestamp(kit.now.0 - random.below(7_200_000) as i64);
                kit.store.reclaim(now, random.below(9) as usize).await.expect("it is reclaimed");
            }
            _ => write(&mut kit, &mut random, &accounts, &mut leases, &place).await,
        }
        let mut listed = Vec::new();
        for account in &accounts {
            for mailbox in kit.mailboxes(account.id).await {
                listed.push(mailbox.id);
                let entry = seen.entry(mailbox.id).or_insert_with(|| {
                    assert!(
                        mailbox.uid_validity.get() > highest_validity || step == 0,
                        "{place}: UIDVALIDITY ascends"
                    );
                    Seen {
                        uid_validity: mailbox.uid_validity,
                        uid_next: Uid::FIRST,
                        highest: ModSeq::ZERO,
                        known: Known::new(),
                        upto: ModSeq::ZERO,
                        snapshot: None,
                    }
                });
                look_at(&kit, &mut random, mailbox.id, entry, &place).await;
            }
        }
        seen.retain(|id, _| listed.contains(id));
        highest_validity =
            seen.values().map(|seen| seen.uid_validity.get()).max().unwrap_or(0).max(highest_validity);
        add_up(&kit, &accounts, &place).await;
    }
}

/// A batch of a few random operations; sometimes with one that cannot be done, sometimes twice.
async fn write<S: Store>(
    kit: &mut Kit<S>,
    random: &mut Random,
    accounts: &[Account],
    leases: &mut [(Lease, bool)],
    place: &str,
) {
    let mut ops = Vec::new();
    let mut settled = Vec::new();
    for _ in 0..=random.below(3) {
        ops.push(operation(kit, random, accounts, leases, &mut settled).await);
    }
    if random.below(8) == 0 {
        ops.push(MailboxOp::Delete { mailbox: accounts[0].inbox }.into());
    }
    let batch = Batch { ops, ..kit.batch() };
    let before = kit.digest().await;
    match kit.store.commit(batch.clone()).await {
        Ok(outcome) => {
            for (index, alive) in settled {
                assert!(alive, "{place}: a zombie was heard");
                leases[index].1 = false;
            }
            if random.below(4) == 0 {
                let after = kit.digest().await;
                assert_eq!(kit.store.commit(batch).await, Ok(outcome), "{place}: a replay tells the same");
                assert_eq!(kit.digest().await, after, "{place}: a replay changes nothing");
            }
        }
        Err(_) => assert_eq!(kit.digest().await, before, "{place}: a refusal changes nothing"),
    }
}

async fn operation<S: Store>(
    kit: &mut Kit<S>,
    random: &mut Random,
    accounts: &[Account],
    leases: &[(Lease, bool)],
    settled: &mut Vec<(usize, bool)>,
) -> Op {
    let account = *random.pick(accounts).expect("there are accounts");
    let mailboxes: Vec<MailboxId> =
        kit.mailboxes(account.id).await.into_iter().map(|mailbox| mailbox.id).collect();
    let mailbox = *random.pick(&mailboxes).expect("there is INBOX");
    let other = random.pick(accounts).expect("there are accounts").inbox;
    let name = mailbox_name(["a", "a/b", "a/b/c", "d", "INBOX/e"][random.below(5) as usize]);
    let uids = some_uids(random);
    match random.below(20) {
        0..=5 => {
            let content = "x".repeat(random.below(40) as usize);
            let blob = kit.upload(&content).await;
            Append { flags: some_flags(random), ..Append::new(mailbox, blob, kit.now) }.into()
        }
        6..=8 => {
            let flags = some_flags(random);
            let change = match random.below(3) {
                0 => FlagChange::Add(flags),
                1 => FlagChange::Remove(flags),
                _ => FlagChange::Replace(flags),
            };
            let unchanged_since =
                (random.below(3) == 0).then(|| ModSeq::new(random.below(200)).unwrap_or_default());
            StoreFlags { mailbox, uids, change, unchanged_since }.into()
        }
        9 => Op::Copy(Transfer { from: mailbox, uids, to: other }),
        10 => {
            Op::Move(Transfer { from: mailbox, uids, to: if random.below(2) == 0 { other } else { mailbox } })
        }
        11..=12 => Expunge { mailbox, uids, only_deleted: random.below(2) == 0 }.into(),
        13 => MailboxOp::Create { account: account.id, name, special_use: None }.into(),
        14 => MailboxOp::Rename { mailbox, to: name }.into(),
        15 if random.below(2) == 0 => MailboxOp::Delete { mailbox }.into(),
        15 => {
            let storage = Some(random.below(600)).filter(|_| random.below(2) == 0);
            QuotaOp::SetLimits {
                root: account.root,
                limits: QuotaLimits { storage, ..QuotaLimits::default() },
            }
            .into()
        }
        16 | 17 if !leases.is_empty() => {
            let index = random.below(leases.len() as u64) as usize;
            let (lease, alive) = leases[index];
            // Twice in one batch is one too often.
            settled.push((index, alive && settled.iter().all(|(other, _)| *other != index)));
            let due = Timestamp(kit.now.0 + random.below(100_000) as i64);
            let recipients = vec![super::kit::recipient("left")];
            let settlement = match random.below(3) {
                0 => Settlement::Ack,
                1 => Settlement::Defer { due, recipients, note: String::new() },
                _ => Settlement::Return { due },
            };
            Op::Settle { lease, settlement }
        }
        18 => match random.pick(&kit.queue().await) {
            Some(entry) => {
                let op = match random.below(4) {
                    0 => QueueOp::Hold,
                    1 => QueueOp::Release,
                    2 => QueueOp::Retry { due: kit.now },
                    _ => QueueOp::Reroute { route: super::kit::domain("r.example") },
                };
                Op::Queue { entry: entry.id, op }
            }
            None => MailboxOp::Subscribe { account: account.id, name }.into(),
        },
        _ => {
            let blob = kit.upload("queued").await;
            let route = ["a.example", "b.example"][random.below(2) as usize];
            let priority = Priority::new(random.below(3) as i8).unwrap_or_default();
            let due = Timestamp(kit.now.0 + random.below(60_000) as i64);
            let entry = kit.entry(random.next() as u32, route, blob);
            NewEntry { priority, due, ..entry }.into()
        }
    }
}

fn some_uids(random: &mut Random) -> UidSet {
    let mut uids = UidSet::new();
    for _ in 0..=random.below(2) {
        let first = 1 + random.below(30) as u32;
        uids.insert_range(uid(first)..=uid(first + random.below(8) as u32));
    }
    uids
}

fn some_flags(random: &mut Random) -> Flags {
    let mut flags = Flags::new();
    for flag in SystemFlag::ALL {
        if random.below(3) == 0 {
            flags = flags.with(flag);
        }
    }
    if random.below(3) == 0 {
        flags.with_keyword(keyword(["work", "Later"][random.below(2) as usize]))
    } else {
        flags
    }
}

/// Two workers: neither gets what the other holds.
async fn claim<S: Store>(
    kit: &mut Kit<S>,
    random: &mut Random,
    leases: &mut Vec<(Lease, bool)>,
    place: &str,
) {
    for Claimed { lease, entry } in kit.claim(random.below(2), random.below(5) as usize).await {
        assert!(entry.due <= kit.now && !entry.held, "{place}: only what is due is given");
        for (held, alive) in leases.iter_mut().filter(|(held, _)| held.entry == entry.id) {
            assert!(!*alive || held.until <= kit.now, "{place}: a lease that runs excludes");
            assert!(held.fence < lease.fence, "{place}: fences ascend");
            *alive = false;
        }
        leases.push((lease, true));
    }
}

async fn look_at<S: Store>(kit: &Kit<S>, random: &mut Random, id: MailboxId, seen: &mut Seen, place: &str) {
    let snapshot = kit.store.open(id).await.expect("it is opened");
    let status = snapshot.status;
    assert_eq!(status.uid_validity, seen.uid_validity, "{place}: UIDVALIDITY stays");
    assert!(
        status.uid_next >= seen.uid_next && status.highest_modseq >= seen.highest,
        "{place}: numbers ascend"
    );
    let page = kit.rows_of(&snapshot, Columns::ALL, 1 + random.below(9) as usize).await;
    assert!(page.uids.is_sorted_by(|a, b| a < b) && page.gone.is_empty(), "{place}: UIDs ascend");
    assert!(page.uids.last().is_none_or(|last| *last < status.uid_next), "{place}: UIDNEXT is above all");
    for uid in page.uids.iter().filter(|uid| **uid < seen.uid_next) {
        assert!(seen.known.contains_key(uid), "{place}: no UID comes back");
    }

    // Counts are those of what is listed.
    let having = |flag| page.flags.iter().filter(|flags| flags.has(flag)).count();
    assert_eq!(status.messages as usize, page.uids.len(), "{place}");
    assert_eq!(status.unseen as usize, page.uids.len() - having(SystemFlag::Seen), "{place}");
    assert_eq!(status.deleted as usize, having(SystemFlag::Deleted), "{place}");
    assert_eq!(status.size, page.sizes.iter().sum::<u64>(), "{place}");
    let deleted = page.sizes.iter().zip(&page.flags).filter(|(_, flags)| flags.has(SystemFlag::Deleted));
    assert_eq!(status.deleted_size, deleted.map(|(size, _)| size).sum::<u64>(), "{place}");
    let unseen = page.uids.iter().zip(&page.flags).find(|(_, flags)| !flags.has(SystemFlag::Seen));
    assert_eq!(snapshot.first_unseen, unseen.map(|(uid, _)| *uid), "{place}");
    let mut keywords: Vec<Keyword> =
        page.flags.iter().flat_map(|flags| flags.keywords().iter().cloned()).collect();
    keywords.sort();
    keywords.dedup();
    assert_eq!(snapshot.keywords, keywords, "{place}");
    assert!(page.modseqs.iter().all(|modseq| *modseq <= status.highest_modseq), "{place}");

    // What a client knows, and what changed, is what is.
    let now: Known = page.uids.iter().copied().zip(page.flags.into_iter().zip(page.modseqs)).collect();
    match kit.changes(id, seen.upto, 1 + random.below(5) as usize).await {
        Some(changes) => {
            for (index, uid) in changes.rows.uids.iter().enumerate() {
                let row = (changes.rows.flags[index].clone(), changes.rows.modseqs[index]);
                assert!(row.1 > seen.upto, "{place}: only what changed since");
                seen.known.insert(*uid, row);
            }
            let order: Vec<(ModSeq, Uid)> =
                changes.rows.modseqs.iter().copied().zip(changes.rows.uids.iter().copied()).collect();
            assert!(order.is_sorted_by(|a, b| a < b), "{place}: in the order of MODSEQs");
            let each: BTreeSet<Uid> = changes.rows.uids.iter().copied().collect();
            assert_eq!(each.len(), order.len(), "{place}: each once");
            seen.known.retain(|uid, _| !changes.vanished.contains(*uid));
            assert_eq!(changes.upto, status.highest_modseq, "{place}");
            assert_eq!(seen.known, now, "{place}: changes lead to what is");
        }
        None => seen.known = now,
    }
    (seen.upto, seen.uid_next, seen.highest) =
        (status.highest_modseq, status.uid_next, status.highest_modseq);

    // A snapshot stays.
    if let Some((old, uids)) = &seen.snapshot {
        match kit.store.rows(old, &every_uid(), Columns::UIDS, None, ALL).await {
            Ok(page) => {
                let mut all: Vec<Uid> =
                    page.uids.into_iter().chain(page.gone.iter().map(|gone| gone.uid)).collect();
                all.sort();
                assert_eq!(&all, uids, "{place}: a snapshot stays");
            }
            Err(ReadError::SnapshotTooOld) => seen.snapshot = None,
            Err(other) => panic!("{place}: {other:?}"),
        }
    }
    if seen.snapshot.is_none() || random.below(6) == 0 {
        seen.snapshot = Some((snapshot, page.uids));
    }
}

/// What is kept as a total is what it is the total of.
async fn add_up<S: Store>(kit: &Kit<S>, accounts: &[Account], place: &str) {
    let mut usage: BTreeMap<QuotaRootId, Usage> = BTreeMap::new();
    let ids: Vec<(AccountId, QuotaRootId)> =
        accounts.iter().map(|account| (account.id, account.root)).collect();
    for (account, root) in ids {
        for mailbox in kit.mailboxes(account).await {
            let status = kit.status(mailbox.id).await;
            let share = Usage { storage: status.size, messages: u64::from(status.messages), mailboxes: 1 };
            let total = usage.entry(root).or_default();
            *total = total.plus(share);
        }
    }
    for (root, usage) in usage {
        assert_eq!(kit.quota(root).await.usage, usage, "{place}: quotas add up");
    }
    let mut totals: BTreeMap<mailwright_core::Domain, Destination> = BTreeMap::new();
    for entry in kit.queue().await {
        let total = totals.entry(entry.route.clone()).or_insert_with(|| Destination {
            route: entry.route.clone(),
            entries: 0,
            held: 0,
            recipients: 0,
            size: 0,
            next_due: None,
        });
        total.entries += 1;
        total.held += u64::from(entry.held);
        total.recipients += entry.recipients.len() as u64;
        total.size += entry.size;
        if !entry.held {
            let wake = entry.lease.map_or(entry.due, |lease| lease.until);
            total.next_due = Some(total.next_due.map_or(wake, |due| due.min(wake)));
        }
    }
    let listed = kit.store.destinations(None, ALL).await.expect("destinations are listed").items;
    assert_eq!(listed, totals.values().cloned().collect::<Vec<_>>(), "{place}: the queue adds up");
    let next = totals.values().filter_map(|total| total.next_due).min();
    assert_eq!(kit.store.next_due().await, Ok(next), "{place}: what is due next");
}
