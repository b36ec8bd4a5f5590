//! A way to deliver that ends in the queue's own store: there is no moment between delivery and settlement.

use std::sync::Arc;
use std::time::Duration;

use mailwright_core::testing::SeededEntropy;
use mailwright_core::{AccountId, Clock as _, MailboxId};
use mailwright_delivery::{Deliver, Delivery, Parts, Queue, QueueParts, Write};
use mailwright_queue::{Attempt, Feedback, RecipientOutcome};
use mailwright_store::{
    AccountOp, Append, Batch, BatchId, Claimed, DirectoryConfig, NewAccount, OpOutcome, StaticDirectory,
    Store, Target,
};
use mailwright_store_sqlite::testing::{SimConfig, SimDisks, SimStore};
use mailwright_tokio::Shutdown;
use tokio::time::sleep;

use super::{Paused, Sender, config, said, waiting};

/// Long enough for an attempt, and for what is tried again.
const LONG: Duration = Duration::from_secs(3600);

/// All mail is somebody's.
struct Here {
    account: AccountId,
    clock: Paused,
    takes: Duration,
}

impl<S: Store> Deliver<S> for Here {
    async fn deliver(&self, _: &Arc<S>, claimed: &Claimed, _: &Parts) -> Delivery {
        sleep(self.takes).await;
        let now = self.clock.wall();
        let append = Append::new(Target::inbox(self.account), claimed.entry.blob, now);
        Delivery {
            attempt: Attempt::Tried {
                outcomes: vec![RecipientOutcome::Delivered(said(now))],
                not_before: None,
            },
            writes: vec![Write { op: append.into(), recipients: vec![0] }],
            feedback: Feedback::Served,
            remote: None,
            stages: Vec::new(),
            tls: None,
        }
    }
}

fn start(store: &Arc<SimStore>, here: Here, worker: u64) -> Shutdown {
    let (shutdown, clock) = (Shutdown::new(), here.clock);
    let parts = QueueParts {
        store: Arc::clone(store),
        deliver: here,
        directory: StaticDirectory::new(DirectoryConfig::new([]), []),
        clock: Arc::new(clock),
        entropy: Arc::new(SeededEntropy::new(worker)),
    };
    Queue::start(parts, config(worker), &shutdown);
    shutdown
}

/// Somebody with a mailbox.
async fn somebody(store: &SimStore, clock: Paused) -> (AccountId, MailboxId) {
    let new = NewAccount { login: "ann@a.example".to_owned(), ..NewAccount::default() };
    let batch = Batch::new(BatchId([9; 16]), clock.wall()).with(AccountOp::Create(new));
    match store.commit(batch).await.unwrap().ops[..] {
        [OpOutcome::AccountCreated { account, inbox, .. }] => (account, inbox),
        ref other => panic!("{other:?}"),
    }
}

async fn messages(store: &SimStore, inbox: MailboxId) -> u32 {
    store.status(&[inbox]).await.unwrap()[0].as_ref().unwrap().messages
}

/// Whatever was written when the power went off, the message arrives, and once.
#[tokio::test(start_paused = true)]
async fn it_arrives_once_whenever_the_power_goes_off() {
    for octets in [0, 1, 100, 1_000, 100_000] {
        let mut cuts = 0;
        while arrives_once_although_cut(cuts + 1, octets).await {
            cuts += 1;
        }
        assert!(cuts >= 2, "a settlement is written and synced");
    }
}

/// Says whether there was anything to cut.
async fn arrives_once_although_cut(nth: u64, octets: usize) -> bool {
    let here = |account, clock| Here { account, clock, takes: Duration::ZERO };
    let clock = Paused::after(Duration::ZERO);
    let (store, _) = SimStore::open(SimDisks::new(), SimConfig::default()).unwrap();
    let store = Arc::new(store);
    let (account, inbox) = somebody(&store, clock).await;
    Sender::new(&store, clock).await.send("x.example", 1).await;
    store.cut_power(nth, octets);
    start(&store, here(account, clock), 1);
    let is_off = tokio::select! {
        biased;
        () = store.power_lost() => true,
        () = sleep(LONG) => false,
    };
    let (mut survivor, what) = (store, format!("cut {nth} after {octets}"));
    if is_off {
        let (store, _) = SimStore::open(survivor.crash(nth), SimConfig::default()).unwrap();
        survivor = Arc::new(store);
        start(&survivor, here(account, clock), 2);
        sleep(LONG).await;
    }
    assert_eq!((messages(&survivor, inbox).await, waiting(&*survivor).await), (1, 0), "{what}");
    is_off
}

/// Nor does it arrive twice if what came of it could not be noted for longer than the queue tries to.
#[tokio::test(start_paused = true)]
async fn a_full_disk_makes_no_copy() {
    let clock = Paused::after(Duration::ZERO);
    let (store, _) = SimStore::open(SimDisks::new(), SimConfig::default()).unwrap();
    let store = Arc::new(store);
    let (account, inbox) = somebody(&store, clock).await;
    Sender::new(&store, clock).await.send("x.example", 1).await;
    start(&store, Here { account, clock, takes: Duration::from_secs(10) }, 1);
    sleep(Duration::from_secs(5)).await;
    super::disk::fill(&store).await;
    sleep(Duration::from_secs(300)).await;
    assert_eq!(waiting(&*store).await, 1, "it is in the queue as it was");
    store.set_capacity(None);
    sleep(LONG).await;
    assert_eq!((messages(&store, inbox).await, waiting(&*store).await), (1, 0));
}
