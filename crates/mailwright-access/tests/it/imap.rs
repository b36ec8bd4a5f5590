//! Over a store in memory.

use std::net::IpAddr;
use std::sync::Arc;

use mailwright_access::{Authenticate, ImapLimits, ImapServer, LoginError, User};
use mailwright_auth::Credentials;
use mailwright_core::{AccountId, Timestamp};
use mailwright_imap::Config;
use mailwright_store::{
    AccountOp, Append, Batch, BatchId, BlobHint, BlobWriter as _, MemoryConfig, MemoryStore, NewAccount,
    OpOutcome, Opaque, Store as _, Target,
};
use mailwright_tokio::Peer;

use crate::client::Client;

struct Ann(AccountId);

impl Authenticate for Ann {
    async fn login(&self, _from: IpAddr, credentials: Credentials) -> Result<User, LoginError> {
        let right = credentials.user == "ann" && credentials.password.expose() == b"secret";
        if right { Ok(User { account: self.0, login: "ann".to_owned() }) } else { Err(LoginError::Wrong) }
    }
}

struct World {
    store: MemoryStore,
    server: Arc<ImapServer<MemoryStore, Ann>>,
    ann: AccountId,
}

static BATCHES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

fn batch() -> Batch {
    let id = BATCHES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Batch::new(BatchId(u128::from(id).to_be_bytes()), Timestamp(1_769_898_607_000))
}

impl World {
    async fn new() -> Self {
        Self::with(ImapLimits::default()).await
    }

    async fn with(limits: ImapLimits) -> Self {
        let store = MemoryStore::new(MemoryConfig::default());
        let new = NewAccount { login: "ann".to_owned(), ..NewAccount::default() };
        let outcome = store.commit(batch().with(AccountOp::Create(new))).await.unwrap();
        let OpOutcome::AccountCreated { account: ann, .. } = outcome.ops[0] else { panic!("{outcome:?}") };
        let config = Config { login_without_tls: true, ..Config::default() };
        let server = ImapServer::with_config(config, store.clone(), Ann(ann)).limits(limits);
        Self { store, server: Arc::new(server), ann }
    }

    /// Small pages, so that all has several.
    async fn in_small_pages() -> Self {
        Self::with(ImapLimits {
            rows_per_page: 2,
            scans_per_page: 2,
            rows_per_batch: 2,
            sections: 100,
            section: 50,
            turn: 1,
            names_per_turn: 1,
            ..ImapLimits::default()
        })
        .await
    }

    fn connect(&self) -> Client {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = Arc::clone(&self.server);
        let addr = ([127, 0, 0, 1], 9).into();
        tokio::spawn(
            async move { server.session(Box::new(theirs), Peer { remote: addr, local: addr }).await },
        );
        Client::new(ours)
    }

    async fn login(&self) -> Client {
        let mut client = self.connect();
        client.login().await;
        client
    }

    async fn inbox(&self) -> Client {
        let mut client = self.login().await;
        client.ok("SELECT INBOX").await;
        client
    }

    /// As mail that was delivered before there was a scanner.
    async fn deliver(&self, text: &str) {
        let now = Timestamp(1_769_898_607_000);
        let mut blob = self.store.blob_writer(BlobHint { now, size: None }).await.unwrap();
        blob.write(text.to_owned().into()).await.unwrap();
        let blob = blob.finish(now).await.unwrap();
        let append =
            Append { scan: Opaque::default(), ..Append::new(Target::inbox(self.ann), blob.id(), now) };
        self.store.commit(batch().with(append)).await.unwrap();
    }
}

const TEA: &str = "Date: Sun, 1 Feb 2026 01:00:00 +0200\r\nFrom: Ann <ann@x.example>\r\nTo: bob@x.example\r\n\
    Subject: =?utf-8?q?th=C3=A9?=\r\nX-Tea: green\r\n\r\nAt four.\r\n";

const PARTS: &str = "Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Type: text/plain\r\n\
    Content-Transfer-Encoding: base64\r\n\r\ndHdv\r\n--b--\r\n";

#[tokio::test]
async fn a_session() {
    for world in [World::new().await, World::in_small_pages().await] {
        let mut client = world.inbox().await;
        let appended = client.append("(\\Flagged work) \" 1-Feb-2026 00:30:07 +0200\" ", TEA).await;
        assert!(appended.contains("* 1 EXISTS"), "{appended}");
        assert!(appended.contains("[APPENDUID 1 1]"), "{appended}");
        client.append("", PARTS).await;
        let row = client.ok("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)").await;
        assert!(
            row.contains("* 1 FETCH (UID 1 FLAGS (\\Flagged work) INTERNALDATE \"01-Feb-2026 00:30:07 +0200\" RFC822.SIZE "),
            "{row}"
        );
        let row = client.ok("FETCH 1 ENVELOPE").await;
        assert!(row.contains("((\"Ann\" NIL \"ann\" \"x.example\"))"), "{row}");
        let row = client.ok("FETCH 2 BODYSTRUCTURE").await;
        assert!(row.contains("\"mixed\" (\"boundary\" \"b\")"), "{row}");
        let row = client.ok("FETCH 1:2 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[1]<0.3>)").await;
        assert!(
            row.contains("{33}\r\nSubject: =?utf-8?q?th=C3=A9?=\r\n\r\n BODY[1]<0> {3}\r\nAt ")
                || row.contains("Subject: =?utf-8?q?th=C3=A9?="),
            "{row}"
        );
        assert!(row.contains("BODY[1]<0> {3}\r\nAt )"), "{row}");
        assert!(row.contains("BODY[1]<0> {3}\r\none)"), "{row}");
        let row = client.ok("FETCH 2 (BINARY.SIZE[2] BINARY.PEEK[2] BODY.PEEK[2.MIME] BODY.PEEK[3])").await;
        assert!(row.contains("BINARY.SIZE[2] 3 BINARY[2] {3}\r\ntwo "), "{row}");
        assert!(row.contains("BODY[3] NIL"), "{row}");
        let row = client.ok("FETCH 1:2 BODY[]").await;
        assert!(row.contains(TEA) && row.contains(PARTS), "{row}");
        assert!(row.contains("FLAGS (\\Seen \\Flagged work)"), "{row}");
        let row = client.ok("STORE 1,2 +FLAGS (\\Deleted $Junk)").await;
        assert!(row.contains("* 1 FETCH (FLAGS (\\Seen \\Flagged \\Deleted $Junk work))"), "{row}");
        let row = client.ok("STORE 1 -FLAGS.SILENT (\\Deleted)").await;
        assert_eq!(row.lines().count(), 1, "{row}");
        let row = client.ok("EXPUNGE").await;
        assert!(row.contains("* 2 EXPUNGE"), "{row}");
        let row = client.ok("STATUS INBOX (MESSAGES UIDNEXT UNSEEN SIZE)").await;
        assert!(row.contains(&format!("(MESSAGES 1 UIDNEXT 3 UNSEEN 0 SIZE {})", TEA.len())), "{row}");
        assert!(client.ask("LOGIN ann secret").await.starts_with("BAD"));
        client.ok("LOGOUT").await;
    }
}

#[tokio::test]
async fn search_is_exact() {
    for world in [World::new().await, World::in_small_pages().await] {
        world.deliver("Subject: old\r\nX-Tea: black\r\n\r\nno scan, but four\r\n").await;
        let mut client = world.inbox().await;
        client.append("(\\Seen) \"31-Jan-2026 23:30:00 -0100\" ", TEA).await;
        client.append("(work) ", PARTS).await;
        for (key, expected) in [
            ("ALL", "1 2 3"),
            ("SEEN", "2"),
            ("UNSEEN", "1 3"),
            ("KEYWORD WORK", "3"),
            ("UNKEYWORD work NOT 1", "2"),
            ("OR SEEN KEYWORD work", "2 3"),
            ("ON 31-Jan-2026", "1 2"),
            ("SENTON 1-Feb-2026", "2"),
            ("SENTBEFORE 1-Feb-2026", ""),
            ("SENTSINCE 31-Jan-2026", "2"),
            ("LARGER 100 SMALLER 250", "2 3"),
            ("SUBJECT old", "1"),
            ("FROM ann@X", "2"),
            ("HEADER X-Tea \"\"", "1 2"),
            ("HEADER X-Tea GREEN", "2"),
            ("BODY four", "1 2"),
            ("BODY two", "3"),
            ("BODY dHdv", ""),
            ("TEXT black", "1"),
            ("NOT BODY four", "3"),
            ("OR (BODY four SEEN) (BODY two UNSEEN)", "2 3"),
            ("UNSEEN HEADER X-Tea black BODY scan", "1"),
            ("2:3 UID 1:2", "2"),
        ] {
            let found = client.ok(&format!("SEARCH {key}")).await;
            let expected = format!("* SEARCH {expected}");
            assert_eq!(found.lines().next().unwrap(), expected.trim_end(), "{key}: {found}");
        }
        // More addresses than a scan keeps: the last one stands in the header alone.
        let many = format!("To: {}zoe@x.example\r\n\r\n", "a@b, ".repeat(10_001));
        client.append("", &many).await;
        assert!(client.ok("SEARCH TO zoe").await.starts_with("* SEARCH 4\n"));
        assert!(client.ok("SEARCH NOT TO zoe").await.starts_with("* SEARCH 1 2 3\n"));
        let found = client.ok("SEARCH CHARSET UTF-8 SUBJECT {4+}\r\nth\u{e9}").await;
        assert!(found.starts_with("* SEARCH 2\n"), "{found}");
        let row = client.ok("FETCH 1 (ENVELOPE BODY.PEEK[TEXT])").await;
        assert!(row.contains("\"old\"") && row.contains("no scan, but four"), "{row}");
    }
}

#[tokio::test]
async fn others_see_changes() {
    let world = World::in_small_pages().await;
    let (mut one, mut two) = (world.inbox().await, world.inbox().await);
    for _ in 0..5 {
        one.append("", TEA).await;
    }
    let news = two.ok("NOOP").await;
    assert!(news.contains("* 5 EXISTS"), "{news}");
    one.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    // RFC 9051 §7.5.1: no expunge during FETCH.
    let gone = two.ask("FETCH 1:5 (FLAGS)").await;
    assert!(gone.contains("* 5 FETCH") && gone.contains("NO [EXPUNGEISSUED]"), "{gone}");
    assert!(!gone.contains("EXPUNGE\n"), "{gone}");
    let news = two.ok("NOOP").await;
    assert!(news.contains("* 2 EXPUNGE\n* 2 EXPUNGE\n"), "{news}");
    two.send("i IDLE\r\n").await;
    assert!(two.line().await.starts_with("+ "));
    world.deliver(TEA).await;
    assert_eq!(two.line().await, "* 4 EXISTS");
    one.ok("STORE 1 +FLAGS (\\Answered)").await;
    assert_eq!(two.line().await, "* 1 FETCH (FLAGS (\\Answered))");
    two.send("DONE\r\n").await;
    assert!(two.line().await.starts_with("i OK"));
}

#[tokio::test]
async fn copies_moves_and_mailboxes() {
    let world = World::in_small_pages().await;
    let mut client = world.inbox().await;
    for _ in 0..5 {
        client.append("", TEA).await;
    }
    assert!(client.ask("COPY 1 Tea").await.contains("NO [TRYCREATE]"));
    assert!(client.ask("APPEND Tea {1}").await.contains("NO [TRYCREATE]"));
    assert!(client.ask("SELECT Tea").await.contains("NO [NONEXISTENT]"));
    client.ok("SELECT INBOX").await;
    client.ok("CREATE Tea/Green/").await;
    client.ok("CREATE Sent (USE (\\Sent))").await;
    assert!(client.ask("CREATE x (USE (\\Tea))").await.contains("NO [USEATTR]"));
    assert!(client.ask("CREATE INBOX").await.contains("NO [ALREADYEXISTS]"));
    let copied = client.ok("COPY 1:2 Tea/Green").await;
    assert!(copied.contains("1:2 1:2]"), "{copied}");
    let moved = client.ok("MOVE 1:3 Tea/Green").await;
    assert!(moved.contains("1:2 3:4]") && moved.contains("3 5]"), "{moved}");
    assert!(moved.contains("* 1 EXPUNGE"), "{moved}");
    client.ok("SUBSCRIBE Tea/Green").await;
    client.ok("SUBSCRIBE Nowhere").await;
    let list = client.ok("LIST \"\" *").await;
    assert!(list.contains("* LIST (\\HasNoChildren) \"/\" INBOX"), "{list}");
    assert!(list.contains("* LIST (\\HasNoChildren \\Sent) \"/\" Sent"), "{list}");
    assert!(list.contains("\\HasChildren") && list.contains("\"/\" Tea\n"), "{list}");
    assert!(list.contains("\"/\" Tea/Green\n") && !list.contains("Nowhere"), "{list}");
    let list = client.ok("LIST \"\" %").await;
    assert!(!list.contains("Tea/Green") && list.contains("\"/\" Tea\n"), "{list}");
    let list = client.ok("LIST \"\" \"\"").await;
    assert!(list.contains("\"/\" \"\""), "{list}");
    let list = client.ok("LIST (SUBSCRIBED) \"\" *").await;
    assert!(list.contains("Nowhere") && list.contains("Tea/Green") && !list.contains("Sent"), "{list}");
    let list = client.ok("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %").await;
    assert!(list.contains("\"/\" Tea (\"CHILDINFO\" (\"SUBSCRIBED\"))"), "{list}");
    let list = client.ok("LIST (SPECIAL-USE) \"\" *").await;
    assert!(list.contains("\\Sent") && !list.contains("INBOX"), "{list}");
    let list = client.ok("LIST Tea/ % RETURN (STATUS (MESSAGES))").await;
    assert!(list.contains("* STATUS Tea/Green (MESSAGES 5)"), "{list}");
    let list = client.ok("LSUB \"\" %").await;
    assert!(list.contains("Nowhere") && list.contains("* LSUB (\\Noselect) \"/\" Tea\n"), "{list}");
    client.ok("RENAME Tea/Green Coffee").await;
    assert!(client.ask("DELETE Tea").await.contains("NO [NONEXISTENT]"));
    assert!(client.ask("DELETE INBOX").await.contains("NO [CANNOT]"));
    client.ok("DELETE Coffee").await;
    let list = client.ok("LIST \"\" *").await;
    assert!(!list.contains("Tea") && !list.contains("Coffee"), "{list}");
}

#[tokio::test]
async fn a_mailbox_is_resumed() {
    for world in [World::new().await, World::in_small_pages().await] {
        let mut client = world.login().await;
        client.ok("ENABLE QRESYNC").await;
        client.ok("SELECT INBOX").await;
        for _ in 0..6 {
            client.append("", TEA).await;
        }
        let selected = client.ok("SELECT INBOX").await;
        let modseq = selected.split("HIGHESTMODSEQ ").nth(1).unwrap().split(']').next().unwrap().to_owned();
        let mut other = world.inbox().await;
        other.ok("STORE 2,3 +FLAGS (\\Deleted)").await;
        other.ok("EXPUNGE").await;
        other.ok("STORE 1 +FLAGS (\\Seen)").await;
        let resumed = client.ok(&format!("SELECT INBOX (QRESYNC (1 {modseq}))")).await;
        assert!(resumed.contains("* VANISHED (EARLIER) 2:3"), "{resumed}");
        assert!(resumed.contains("* 1 FETCH (UID 1 FLAGS (\\Seen)"), "{resumed}");
        assert!(!resumed.contains("UID 4"), "{resumed}");
        let fetched = client.ok(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq} VANISHED)")).await;
        assert!(fetched.contains("* VANISHED (EARLIER) 2:3"), "{fetched}");
        assert!(
            fetched.contains("* 1 FETCH (UID 1 FLAGS (\\Seen)") && !fetched.contains("UID 4"),
            "{fetched}"
        );
        other.ok("STORE 1 -FLAGS (\\Seen)").await;
        let stored = client.ask(&format!("UID STORE 1,4 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)")).await;
        assert!(stored.contains("[MODIFIED 1]"), "{stored}");
    }
}

#[tokio::test]
async fn a_large_message_is_streamed() {
    let world = World::new().await;
    let mut client = world.inbox().await;
    let text = format!("Subject: large\r\n\r\n{}", "0123456789abcde\n".repeat(100_000));
    client.append("", &text).await;
    let row = client.ok("FETCH 1 (UID BODY.PEEK[] BODY.PEEK[TEXT]<16.20> RFC822.SIZE)").await;
    assert!(row.contains(&text), "all of it");
    assert!(
        row.contains(&format!("BODY[TEXT]<16> {{20}}\r\n0123456789abcde\n0123 RFC822.SIZE {})", text.len()))
    );
}

#[tokio::test]
async fn several_messages_are_appended_at_once() {
    let world = World::new().await;
    let mut client = world.inbox().await;
    let both = format!("APPEND INBOX {{{}+}}\r\n{TEA} (\\Draft) {{{}+}}\r\n{PARTS}", TEA.len(), PARTS.len());
    let appended = client.ok(&both).await;
    assert!(appended.contains("1:2]") && appended.contains("* 2 EXISTS"), "{appended}");
    let half = format!("APPEND INBOX {{{}+}}\r\n{TEA} (\\Draft) {{900000000+}}", TEA.len());
    client.send(&format!("b {half}\r\n")).await;
    let refused = client.line().await;
    assert!(refused.contains("TOOBIG"), "{refused}");
    let mut other = world.inbox().await;
    assert!(other.ok("STATUS INBOX (MESSAGES)").await.contains("(MESSAGES 2)"));
}
