//! Random histories of some sessions, each compared with the store after each step.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mailwright_access::{Authenticate, ImapServer, LoginError, User};
use mailwright_auth::Credentials;
use mailwright_core::{AccountId, MailboxId, Timestamp, Uid, UidSet};
use mailwright_imap::Config;
use mailwright_store::{
    AccountOp, Batch, BatchId, Columns, Expunge, FlagChange, Flags, MailboxName, MailboxOp, NewAccount,
    OpOutcome, Store, StoreFlags, SystemFlag,
};
use mailwright_tokio::Peer;
use tokio::time::timeout;

use super::client::{Cache, Client, Row};

const SESSIONS: usize = 6;
const NAMES: [&str; 2] = ["INBOX", "Other"];
const FLAGS: [&str; 5] = ["\\Seen", "\\Flagged", "\\Deleted", "$Forwarded", "work"];
/// However busy the machine is, what changes is told by then.
const SOON: Duration = Duration::from_secs(20);

/// Flags by UID: a mailbox as it is.
type Truth = BTreeMap<u32, BTreeSet<String>>;

/// Everybody is ann.
struct Everybody(AccountId);

impl Authenticate for Everybody {
    async fn login(&self, _: IpAddr, credentials: Credentials) -> Result<User, LoginError> {
        Ok(User { account: self.0, login: credentials.user })
    }
}

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn flags(&mut self) -> String {
        let flags = FLAGS.iter().filter(|_| self.one_in(3)).copied();
        flags.collect::<Vec<_>>().join(" ")
    }
}

struct World<S: Store> {
    store: S,
    server: Arc<ImapServer<S, Everybody>>,
    mailboxes: [MailboxId; 2],
    clients: Vec<Client>,
    caches: BTreeMap<usize, Cache>,
    random: Random,
    batches: u64,
    sent: u32,
}

/// Does `steps` random things, the same for the same seed.
pub(super) async fn history<S: Store + Clone>(store: S, seed: u64, steps: usize) {
    let mut random = Random(seed);
    let login = format!("ann-{seed:x}-{:x}", random.below(1 << 40));
    let create = AccountOp::Create(NewAccount { login, ..NewAccount::default() });
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seed.to_be_bytes());
    id[8] = 1;
    let batch = Batch::new(BatchId(id), Timestamp(1_700_000_000_000)).with(create);
    let outcome = store.commit(batch).await.unwrap();
    let OpOutcome::AccountCreated { account, inbox, .. } = outcome.ops[0] else { panic!("{outcome:?}") };
    id[8] = 2;
    let name: MailboxName = NAMES[1].parse().unwrap();
    let create = MailboxOp::Create { account, name, special_use: None };
    let outcome =
        store.commit(Batch::new(BatchId(id), Timestamp(1_700_000_000_000)).with(create)).await.unwrap();
    let OpOutcome::MailboxCreated { mailbox, .. } = outcome.ops[0] else { panic!("{outcome:?}") };
    let config = Config { login_without_tls: true, ..Config::default() };
    let server = Arc::new(ImapServer::with_config(config, store.clone(), Everybody(account)));
    let mut world = World {
        store,
        server,
        mailboxes: [inbox, mailbox],
        clients: Vec::new(),
        caches: BTreeMap::new(),
        random,
        batches: 3,
        sent: 0,
    };
    for step in 0..steps {
        let acting = world.step(seed).await;
        world.compare(acting, &format!("seed {seed}, step {step}")).await;
    }
    for index in 0..world.clients.len() {
        world.clients[index].end_idle().await;
        assert!(world.clients[index].ask("NOOP").await.is_ok());
        world.compare(Some(index), &format!("seed {seed}, at the end")).await;
    }
}

impl<S: Store> World<S> {
    /// One random thing. Gives the session that is up to date after it, if it is one.
    async fn step(&mut self, seed: u64) -> Option<usize> {
        let random = &mut self.random;
        if self.clients.len() < 2 || (self.clients.len() < SESSIONS && random.one_in(6)) {
            self.connect().await;
            return Some(self.clients.len() - 1);
        }
        let index = random.below(self.clients.len());
        let what = random.below(21);
        if what == 20 {
            self.elsewhere(seed).await;
            return None;
        }
        self.clients[index].end_idle().await;
        self.clients[index].learn().await;
        if self.clients[index].mailbox.is_none() {
            self.select(index).await;
            return Some(index);
        }
        let (uid, set) = self.messages(index);
        let prefix = if uid { "UID " } else { "" };
        let client = &mut self.clients[index];
        let random = &mut self.random;
        let command = match what {
            0..=2 => {
                self.sent += 1;
                let (mailbox, flags) = (NAMES[random.below(2)], random.flags());
                let message = format!("Subject: {}\r\n\r\ntext\r\n", self.sent);
                let answer = client.append(mailbox, &flags, &message).await;
                assert!(answer.is_ok() && answer.status.contains("[APPENDUID "), "{}", client.log);
                return Some(index);
            }
            3 => "NOOP".to_owned(),
            4 => {
                client.begin_idle().await;
                return None;
            }
            5 if random.one_in(2) => {
                let end = random_end(random.below(3));
                self.leave(index, end).await;
                return None;
            }
            5 => {
                self.select(index).await;
                return Some(index);
            }
            6..=9 => {
                let action = ["FLAGS", "+FLAGS", "-FLAGS"][random.below(3)];
                let silent = if random.one_in(2) { ".SILENT" } else { "" };
                let unchanged = match random.below(4) {
                    0 if client.modseq > 0 => format!("(UNCHANGEDSINCE {}) ", client.modseq),
                    _ => String::new(),
                };
                let answer = client
                    .ask(&format!("{prefix}STORE {set} {unchanged}{action}{silent} ({})", random.flags()))
                    .await;
                // What was asked for silently is not told: who relies on it asks.
                if !silent.is_empty() && !client.rows.is_empty() {
                    let answer = client.ask("FETCH 1:* (UID FLAGS)").await;
                    assert!(answer.is_ok() || answer.status.contains("EXPUNGEISSUED"), "{}", client.log);
                }
                assert!(answer.is_ok() || answer.status.contains("EXPUNGEISSUED"), "{}", client.log);
                return uid.then_some(index).filter(|_| silent.is_empty());
            }
            10 | 11 => {
                let answer = client
                    .ask(if uid { "EXPUNGE".to_owned() } else { format!("UID EXPUNGE {set}") }.as_str())
                    .await;
                assert!(answer.is_ok(), "{}", client.log);
                return Some(index);
            }
            12 | 13 => {
                let verb = ["COPY", "MOVE"][random.below(2)];
                let answer = client.ask(&format!("{prefix}{verb} {set} {}", NAMES[random.below(2)])).await;
                assert!(answer.is_ok() || answer.status.contains("EXPUNGEISSUED"), "{}", client.log);
                if let Some((from, to)) = &answer.copied {
                    assert_eq!(from.len(), to.len(), "{}", client.log);
                }
                return Some(index);
            }
            14 | 15 => format!("{prefix}FETCH {set} (UID FLAGS)"),
            16 => format!("{prefix}FETCH {set} (UID FLAGS BODY[HEADER.FIELDS (SUBJECT)])"),
            17 | 18 => {
                self.search(index, uid).await;
                return None;
            }
            _ => "UNSELECT".to_owned(),
        };
        if command == "UNSELECT" {
            self.leave(index, Some("UNSELECT")).await;
            return None;
        }
        let answer = client.ask(&command).await;
        assert!(answer.is_ok() || answer.status.contains("EXPUNGEISSUED"), "{command}:\n{}", client.log);
        (uid || command == "NOOP").then_some(index)
    }

    async fn connect(&mut self) {
        let (ours, theirs) = tokio::io::duplex(1 << 14);
        let server = Arc::clone(&self.server);
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let peer = Peer { remote: addr, local: addr };
        tokio::spawn(async move { server.session(Box::new(theirs), peer).await });
        let mut client = Client::connect(ours).await;
        let enable = ["", "CONDSTORE", "QRESYNC", "QRESYNC", "IMAP4rev2"][self.random.below(5)];
        if !enable.is_empty() {
            assert!(client.ask(&format!("ENABLE {enable}")).await.is_ok());
        }
        client.qresync = enable == "QRESYNC";
        self.clients.push(client);
        self.select(self.clients.len() - 1).await;
    }

    async fn select(&mut self, index: usize) {
        self.keep(index);
        let mailbox = self.random.below(NAMES.len());
        let cache = self.caches.get(&mailbox);
        self.clients[index].select(mailbox, NAMES[mailbox], cache).await;
    }

    /// What a client knows when it leaves, a later one may begin with.
    fn keep(&mut self, index: usize) {
        if let Some((mailbox, cache)) = self.clients[index].cache() {
            self.caches.insert(mailbox, cache);
        }
    }

    async fn leave(&mut self, index: usize, how: Option<&str>) {
        self.keep(index);
        match how {
            Some(command) => {
                assert!(self.clients[index].ask(command).await.is_ok());
                let client = &mut self.clients[index];
                (client.mailbox, client.rows) = (None, Vec::new());
            }
            // Without a word.
            None => drop(self.clients.swap_remove(index)),
        }
    }

    /// Some messages that a client knows of, and whether by UID.
    fn messages(&mut self, index: usize) -> (bool, String) {
        let client = &self.clients[index];
        let uid = self.random.one_in(2);
        let count = client.rows.len();
        let name = |at: usize| match client.rows.get(at).and_then(|row| row.uid) {
            Some(known) if uid => known.to_string(),
            _ if uid => "1".to_owned(),
            _ => (at + 1).to_string(),
        };
        if count == 0 {
            return (true, "1:*".to_owned());
        }
        let (one, other) = (self.random.below(count), self.random.below(count));
        let set = match self.random.below(4) {
            0 => "1:*".to_owned(),
            1 => format!("{}:{}", name(one), name(other)),
            2 => format!("{},{}", name(one), name(other)),
            _ => name(one),
        };
        (uid, set)
    }

    async fn search(&mut self, index: usize, uid: bool) {
        let flag = self.random.below(3);
        let (key, name) = [("SEEN", "\\seen"), ("FLAGGED", "\\flagged"), ("KEYWORD work", "work")][flag];
        let truth = self.truth(self.clients[index].mailbox.unwrap()).await;
        let client = &mut self.clients[index];
        let command = if uid { format!("UID SEARCH {key}") } else { format!("SEARCH {key}") };
        let rows = client.rows.clone();
        let answer = client.ask(&command).await;
        assert!(answer.is_ok(), "{}", client.log);
        let matches =
            |row: &Row| row.uid.is_some_and(|uid| truth.get(&uid).is_some_and(|flags| flags.contains(name)));
        let expected = rows.iter().zip(1u32..).filter(|(row, _)| matches(row));
        let expected: Vec<u32> =
            expected.map(|(row, number)| if uid { row.uid.unwrap_or(0) } else { number }).collect();
        // New messages may have come into view while the client was idle, unknown to it.
        if rows.iter().all(|row| row.uid.is_some()) {
            let found: Vec<u32> =
                answer.search.iter().copied().filter(|found| known(&rows, uid, *found)).collect();
            assert_eq!(found, expected, "{command}:\n{}", client.log);
        }
    }

    /// Something happens that no session does.
    async fn elsewhere(&mut self, seed: u64) {
        let mailbox = self.mailboxes[self.random.below(2)];
        let number = |random: &mut Random| Uid::new(random.below(30) as u32 + 1).unwrap();
        let (one, other) = (number(&mut self.random), number(&mut self.random));
        let uids = UidSet::range(one.min(other), one.max(other));
        let mut id = [0; 16];
        id[..8].copy_from_slice(&seed.to_be_bytes());
        id[8..].copy_from_slice(&self.batches.to_be_bytes());
        self.batches += 1;
        let batch = Batch::new(BatchId(id), Timestamp(1_700_000_000_000));
        let batch = if self.random.one_in(2) {
            batch.with(Expunge { mailbox, uids, only_deleted: self.random.one_in(2) })
        } else {
            let change = FlagChange::Add(Flags::from(SystemFlag::Flagged));
            batch.with(StoreFlags { mailbox, uids, change, unchanged_since: None })
        };
        self.store.commit(batch).await.unwrap();
    }

    async fn truth(&self, mailbox: usize) -> Truth {
        let snapshot = self.store.open(self.mailboxes[mailbox]).await.unwrap();
        let all = UidSet::range(Uid::FIRST, Uid::new(u32::MAX).unwrap());
        let page = self.store.rows(&snapshot, &all, Columns::FLAGS, None, 5000).await.unwrap();
        assert!(page.next.is_none());
        let shown = |flags: &Flags| flags.to_string().split_whitespace().map(str::to_lowercase).collect();
        page.uids.iter().map(|uid| uid.get()).zip(page.flags.iter().map(shown)).collect()
    }

    /// Each session sees what there is: the acting one at once, an idle one soon, and the others all but that what
    /// has vanished may still be withheld.
    async fn compare(&mut self, acting: Option<usize>, place: &str) {
        for index in 0..self.clients.len() {
            let Some(mailbox) = self.clients[index].mailbox else { continue };
            let truth = self.truth(mailbox).await;
            let exact = acting == Some(index) || self.clients[index].idle.is_some();
            let client = &mut self.clients[index];
            let soon = timeout(SOON, async {
                while !agrees(&client.rows, &truth, exact) {
                    client.listen().await;
                }
            });
            if soon.await.is_err() {
                panic!(
                    "{place}: session {index} sees {:?}, there is {truth:?}:\n{}",
                    client.rows, client.log
                );
            }
            if client.idle.is_none() {
                client.learn().await;
                assert!(
                    agrees(&client.rows, &truth, false) && client.rows.iter().all(|row| row.uid.is_some()),
                    "{place}: session {index} sees {:?}, there is {truth:?}:\n{}",
                    client.rows,
                    client.log
                );
            }
        }
    }
}

fn random_end(number: usize) -> Option<&'static str> {
    [None, Some("UNSELECT"), Some("UNSELECT")][number]
}

fn known(rows: &[Row], uid: bool, found: u32) -> bool {
    if uid { rows.iter().any(|row| row.uid == Some(found)) } else { found as usize <= rows.len() }
}

/// Whether what a client sees is what there is. What it does not know yet can only be counted.
fn agrees(rows: &[Row], truth: &Truth, exact: bool) -> bool {
    let gone = rows.iter().filter(|row| row.uid.is_some_and(|uid| !truth.contains_key(&uid))).count();
    let told = rows.iter().all(|row| match (row.uid.and_then(|uid| truth.get(&uid)), &row.flags) {
        (Some(flags), Some(told)) => flags == told,
        _ => true,
    });
    let known: Vec<u32> = rows.iter().filter_map(|row| row.uid).collect();
    told && known.is_sorted()
        && (!exact || gone == 0)
        // Unknown ones may have vanished too before anybody asked.
        && (rows.len() - gone == truth.len() || (!exact && rows.len() - gone > truth.len() && rows.iter().any(|row| row.uid.is_none())))
}
