//! What users submit for later (RFC 4865).

mod world;

use std::time::Duration;

use mailwright_core::testing::FakeClock;
use mailwright_delivery::AdminError;
use tokio::time::timeout;

use self::world::{World, configured, plain};
use super::*;

/// RFC 4865 §3, §4.2
#[tokio::test]
async fn it_is_offered_for_submission() {
    let world = World::new().await;
    let offer = async |service| {
        let mut client = Client::connect_to(&world.running, service).await;
        client.0.write_all(b"EHLO client.example\r\n").await.unwrap();
        let mut offer = String::new();
        while !offer.contains("\r\n250 ") && !offer.starts_with("250 ") {
            assert_ne!(client.0.read_line(&mut offer).await.unwrap(), 0, "{offer}");
        }
        offer
    };
    let offered = offer(Service::Submission).await;
    assert!(offered.contains("250-FUTURERELEASE 2592000 2026-01-31T00:00:00Z\r\n"), "{offered}");
    let offered = offer(Service::Smtp).await;
    assert!(!offered.contains("FUTURERELEASE"), "{offered}");
    let mut stranger = Client::connect(&world.running).await;
    stranger.expect("MAIL FROM:<app@client.example> HOLDFOR=60", "555 5.5.4 ").await;
    let mut stranger = Client::connect_to(&world.running, Service::Submission).await;
    stranger.expect("MAIL FROM:<ann@a.example> HOLDFOR=60", "530 5.7.0 ").await;

    // The day goes on with the clock.
    world.clock.advance(Duration::from_secs(86_400));
    let offered = offer(Service::Submission).await;
    assert!(offered.contains("250-FUTURERELEASE 2592000 2026-02-01T00:00:00Z\r\n"), "{offered}");
    let mut client = world.login("ann").await;
    let mail = "MAIL FROM:<ann@a.example>";
    for (params, reply) in [
        ("HOLDFOR=2592001", "501 5.5.4 "),
        ("HOLDFOR=0", "501 5.5.4 "),
        ("HOLDFOR=60 HOLDFOR=60", "501 5.5.4 "),
        ("HOLDUNTIL=2026-02-01T00:00:01Z", "501 5.5.4 mail is held for 2592000 seconds at most"),
        ("HOLDUNTIL=2026-01-31T23:00:00-01:30", "501 5.5.4 mail is held for"),
        ("HOLDUNTIL=2026-02-30T00:00:00Z", "501 5.5.4 HOLDUNTIL is a day or time that no calendar has"),
        // RFC 4865 §5.2.2
        ("HOLDFOR=61 BY=60;R", "501 5.5.4 "),
        (
            "HOLDUNTIL=2026-01-02T00:01:01Z BY=60;N",
            "501 5.5.4 it would be released when the time of BY is over",
        ),
    ] {
        client.expect(&format!("{mail} {params}"), reply).await;
    }
    for params in [
        "HOLDFOR=2592000",
        "HOLDUNTIL=2026-02-01T00:00:00Z",
        "HOLDUNTIL=2026-02-01T01:00:00.000+01:00",
        "HOLDUNTIL=2020-02-29T00:00:00Z",
        "HOLDUNTIL=2026-01-02T00:01:00Z BY=60;R",
    ] {
        client.expect(&format!("{mail} {params}"), "250 ").await;
        client.expect("RSET", "250 ").await;
    }
    world.running.shutdown().await;

    // Not without a time, nor without a queue.
    let world = World::with(Arc::new(FakeClock::new()), memory(1 << 20), |settings| {
        settings.hold_max = Duration::ZERO;
    });
    world.await.login("ann").await.expect("MAIL FROM:<ann@a.example> HOLDFOR=60", "555 5.5.4 ").await;
    let server = Server::new("mx.a.example").settings(configured(|_| {})).login_without_tls();
    let running = server.listen(Service::Submission, ([127, 0, 0, 1], 0)).start().await.unwrap();
    let mut client = Client::connect_to(&running, Service::Submission).await;
    client.expect(&format!("AUTH PLAIN {}", plain("ann")), "235 ").await;
    client.expect("MAIL FROM:<ann@a.example> HOLDFOR=60", "555 5.5.4 ").await;
}

/// To users here, to others, and to those that aliases lead to, each once.
#[tokio::test]
async fn it_goes_to_all_at_that_time() {
    let mut world = World::new().await;
    let to = ["<bob@a.example>", "<one@a.example>", "<away@a.example>", "<eve@elsewhere.example>"];
    let reply = world.submit("HOLDFOR=60", &to).await;
    assert!(reply.starts_with("250 2.0.0 held until 2026-01-01T00:01:00Z as "), "{reply}");
    let entry = world.only().await;
    assert_eq!(entry.due, Timestamp(FakeClock::EPOCH.0 + 60_000));
    assert_eq!(entry.expires, entry.due.saturating_add(Duration::from_secs(5 * 86_400)));

    // What is sent later goes before.
    world.clock.advance(Duration::from_secs(59));
    assert!(world.submit("", &["<now@elsewhere.example>"]).await.contains(" accepted as "));
    assert_eq!(world.told(1).await, ["now@elsewhere.example: mx.elsewhere.example: 250 2.0.0 ok"]);
    assert_eq!((world.elsewhere.taken().len(), world.mail("bob@a.example").await.len()), (1, 0));

    world.pass(1).await;
    assert_eq!(
        world.told(4).await,
        [
            "bob@a.example: in the mailbox",
            "carol@elsewhere.example: mx.elsewhere.example: 250 2.0.0 ok",
            "eve@elsewhere.example: mx.elsewhere.example: 250 2.0.0 ok",
            "one@a.example: in the mailbox",
        ]
    );
    assert_eq!(
        world.elsewhere.taken(),
        ["carol@elsewhere.example rfc822;away@a.example", "eve@elsewhere.example"]
    );
    let mail = world.mail("bob@a.example").await;
    let [mail] = &mail[..] else { panic!("{mail:?}") };
    assert!(mail.starts_with("Return-Path: <ann@a.example>\r\nReceived: "), "{mail}");
    assert!(
        mail.contains("; Thu, 01 Jan 2026 00:00:00 +0000\r\n") && mail.ends_with("\r\n\r\nhello\r\n"),
        "{mail}"
    );
    assert_eq!(world.entries().await, []);
    // Nobody has asked to be told.
    assert_eq!(world.mail("ann@a.example").await.len(), 0);

    let trace = world.store.trace(entry.id.trace).await.unwrap().events;
    let story: Vec<String> = trace.iter().map(|event| event.text.clone()).collect();
    for told in [
        "held until 2026-01-01T00:01:00Z",
        "delivered: in the mailbox",
        "goes on: released, and on its way to carol@elsewhere.example",
        "delivered: mx.elsewhere.example: 250 2.0.0 ok",
    ] {
        assert!(story.iter().any(|text| text == told), "{told}: {story:?}");
    }
    world.running.shutdown().await;
}

/// RFC 3461 §5.2.3, §5.2.7: of success is told when there is some.
#[tokio::test]
async fn who_asks_is_told_after_the_release() {
    let mut world = World::new().await;
    let to = ["<bob@a.example> NOTIFY=SUCCESS", "<all@a.example> NOTIFY=SUCCESS,FAILURE", "<one@a.example>"];
    world.submit("HOLDUNTIL=2026-01-01T01:00:30+01:00 ENVID=7", &to).await;
    assert_eq!(world.mail("ann@a.example").await.len(), 0);
    world.pass(30).await;
    assert_eq!(
        world.told(5).await,
        [
            "all@a.example: released, and gone on to those behind the address",
            "ann@a.example: in the mailbox",
            "bob@a.example: in the mailbox",
            "dora@elsewhere.example: mx.elsewhere.example: 250 2.0.0 ok",
            "one@a.example: in the mailbox",
        ]
    );
    assert_eq!(world.elsewhere.taken(), ["dora@elsewhere.example rfc822;all@a.example"]);
    assert_eq!(world.mail("bob@a.example").await.len(), 1);
    let mail = world.mail("ann@a.example").await;
    let [report] = &mail.iter().filter(|mail| mail.starts_with("Return-Path: <>")).collect::<Vec<_>>()[..]
    else {
        panic!("{mail:?}")
    };
    for line in [
        "Arrival-Date: Thu, 01 Jan 2026 00:00:00 +0000",
        "Future-Release-Request: until;2026-01-01T01:00:30+01:00",
        "Final-Recipient: rfc822; bob@a.example\r\nAction: delivered",
        "Final-Recipient: rfc822; all@a.example\r\nAction: expanded",
    ] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}: {report}");
    }
    assert!(!report.contains("one@a.example"), "{report}");
    assert_eq!(mail.len(), 2);
    world.running.shutdown().await;
}

/// RFC 4865 §5.1.2
#[tokio::test]
async fn who_has_gone_meanwhile_is_reported() {
    let mut world = World::new().await;
    world.submit("HOLDFOR=3600 RET=HDRS", &["<bob@a.example>", "<all@a.example>"]).await;
    let account = world.account("bob@a.example").await.id;
    world.commit(AccountOp::Remove { account }).await;
    world.pass(3600).await;
    let told = world.told(4).await;
    assert_eq!(told[2], "bob@a.example fails: 5.1.1 there is no such mailbox here any more");
    let mail = world.mail("ann@a.example").await;
    let [report] = &mail.iter().filter(|mail| mail.starts_with("Return-Path: <>")).collect::<Vec<_>>()[..]
    else {
        panic!("{mail:?}")
    };
    for line in [
        "Arrival-Date: Thu, 01 Jan 2026 00:00:00 +0000",
        "Future-Release-Request: for;3600",
        "Final-Recipient: rfc822; bob@a.example\r\nAction: failed\r\nStatus: 5.1.1",
        "Subject: later",
    ] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}: {report}");
    }
    let trace = world.store.traces(None, 10).await.unwrap().items;
    let events = world.store.trace(trace[0]).await.unwrap().events;
    assert!(events.iter().any(|event| event.text == "bob@a.example leads to nobody"), "{events:?}");
    world.running.shutdown().await;
}

/// One full mailbox keeps nobody else from the message, and is tried again.
#[tokio::test]
async fn a_full_mailbox_is_tried_again() {
    let mut world = World::new().await;
    world.allow("bob@a.example", Some(0)).await;
    world.submit("HOLDFOR=60", &["<bob@a.example> NOTIFY=SUCCESS", "<ann@a.example>"]).await;
    world.pass(60).await;
    assert_eq!(
        world.told(2).await,
        ["ann@a.example: in the mailbox", "bob@a.example waits: 4.2.2 the mailbox is full"]
    );
    assert_eq!(world.mail("ann@a.example").await.len(), 1);
    let left = world.only().await;
    assert_eq!(
        (left.recipients.len(), left.attempts, left.note.as_str()),
        (1, 1, "4.2.2 the mailbox is full")
    );
    assert_eq!(left.due, Timestamp(FakeClock::EPOCH.0 + 120_000));
    world.allow("bob@a.example", None).await;
    world.pass(60).await;
    assert_eq!(world.told(1).await, ["bob@a.example: in the mailbox"]);
    // Told now, and not before.
    assert_eq!((world.mail("bob@a.example").await.len(), world.mail("ann@a.example").await.len()), (1, 2));
    assert_eq!(world.entries().await, []);
    world.running.shutdown().await;
}

/// Behind an alias, too: it does not wait for one of its members.
#[tokio::test]
async fn a_full_mailbox_behind_an_alias_is_tried_again() {
    let mut world = World::new().await;
    world.allow("bob@a.example", Some(0)).await;
    world.submit("HOLDFOR=60", &["<all@a.example>"]).await;
    world.pass(60).await;
    let told = world.told(4).await;
    assert_eq!(told[2], "bob@a.example waits: 4.2.2 the mailbox is full");
    assert_eq!((world.mail("ann@a.example").await.len(), world.elsewhere.taken().len()), (1, 1));
    let left = world.only().await;
    assert!(left.id.entry >= 1 << 31, "{left:?}");
    world.allow("bob@a.example", None).await;
    world.pass(60).await;
    assert_eq!(world.told(1).await, ["bob@a.example: in the mailbox"]);
    assert_eq!((world.mail("bob@a.example").await.len(), world.mail("ann@a.example").await.len()), (1, 1));
    world.running.shutdown().await;
}

/// What is held outlives the server that took it, and is delivered once.
#[tokio::test]
async fn another_server_releases_it() {
    let (clock, store) = (Arc::new(FakeClock::new()), memory(4 << 20));
    let world = World::with(Arc::clone(&clock), Arc::clone(&store), |_| {}).await;
    world.submit("HOLDFOR=60", &["<bob@a.example>", "<eve@elsewhere.example>"]).await;
    world.running.shutdown().await;
    assert_eq!((messages(&store, "bob@a.example").await.len(), world.elsewhere.taken().len()), (0, 0));
    clock.advance(Duration::from_secs(3600));
    let world = World::with(clock, Arc::clone(&store), |settings| settings.hold_max = Duration::ZERO).await;
    // It may have been quicker than who listens to its events.
    let empty = async {
        while !world.entries().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), empty).await.unwrap();
    assert_eq!((world.mail("bob@a.example").await.len(), world.elsewhere.taken().len()), (1, 1));
    world.running.shutdown().await;
}

/// More recipients than one commit has room for.
#[tokio::test]
async fn many_recipients_take_several_commits() {
    let mut config = MemoryConfig::default();
    config.limits.ops_per_batch = 258;
    let store: Arc<dyn DynStore> = Arc::new(MemoryStore::new(config));
    let mut world = World::with(Arc::new(FakeClock::new()), store, |_| {}).await;
    let to = ["<bob@a.example>", "<ann@a.example>", "<eve@elsewhere.example>", "<away@a.example>"];
    world.submit("HOLDFOR=60", &[&to[..], &["<nobody@elsewhere.example> NOTIFY=NEVER"]].concat()).await;
    world.pass(60).await;
    assert_eq!(world.told(5).await.len(), 5);
    assert_eq!((world.mail("bob@a.example").await.len(), world.mail("ann@a.example").await.len()), (1, 1));
    assert_eq!(
        world.elsewhere.taken(),
        [
            "carol@elsewhere.example rfc822;away@a.example",
            "eve@elsewhere.example",
            "nobody@elsewhere.example"
        ]
    );
    assert_eq!(world.entries().await, []);
    world.running.shutdown().await;
}

/// RFC 4865 §6
#[tokio::test]
async fn a_user_has_so_many_held_and_no_more() {
    let mut world =
        World::with(Arc::new(FakeClock::new()), memory(4 << 20), |settings| settings.hold_messages = 2).await;
    world.submit("HOLDFOR=60", &["<bob@a.example>"]).await;
    world.submit("HOLDFOR=61", &["<eve@elsewhere.example>", "<bob@a.example>"]).await;
    let mut client = world.login("ann").await;
    let refused = "552 5.7.16 2 of your messages are held already, which is the most";
    client.expect("MAIL FROM:<ann@a.example> HOLDFOR=60", refused).await;
    client.expect("MAIL FROM:<ann@a.example>", "250 ").await;
    client.expect("RSET", "250 ").await;
    let mut bob = world.login("bob").await;
    bob.expect("MAIL FROM:<bob@a.example> HOLDFOR=60", "250 ").await;
    world.pass(60).await;
    assert_eq!(world.told(1).await.len(), 1);
    client.expect("MAIL FROM:<ann@a.example> HOLDFOR=60", "250 ").await;
    world.running.shutdown().await;
}

/// What an administrator does with it.
#[tokio::test]
async fn an_administrator_has_the_last_word() {
    let mut world = World::new().await;
    let queue = world.running.queue().unwrap().clone();
    // Tried now: released.
    world.submit("HOLDFOR=3600", &["<bob@a.example>", "<eve@elsewhere.example>"]).await;
    queue.retry(&world.only().await).await.unwrap();
    assert_eq!(world.told(2).await.len(), 2);
    assert_eq!((world.mail("bob@a.example").await.len(), world.elsewhere.taken().len()), (1, 1));

    // Kept back beyond its time, and let go.
    world.submit("HOLDFOR=3600", &["<bob@a.example>"]).await;
    queue.hold(world.only().await.id).await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    world.submit("", &["<now@elsewhere.example>"]).await;
    assert_eq!(world.told(1).await, ["now@elsewhere.example: mx.elsewhere.example: 250 2.0.0 ok"]);
    assert_eq!(world.mail("bob@a.example").await.len(), 1);
    queue.release(world.only().await.id).await.unwrap();
    assert_eq!(world.told(1).await, ["bob@a.example: in the mailbox"]);

    // Returned.
    world.submit("HOLDFOR=3600", &["<bob@a.example>"]).await;
    queue.bounce(world.only().await).await.unwrap();
    assert_eq!(world.told(1).await.len(), 1);
    let report = world.mail("ann@a.example").await.pop().unwrap();
    assert!(report.contains("Future-Release-Request: for;3600\r\n"), "{report}");

    // Deleted: nobody gets it, and nobody is told.
    world.submit("HOLDFOR=3600", &["<bob@a.example>"]).await;
    let entry = world.only().await;
    queue.delete(entry.id).await.unwrap();
    assert!(matches!(queue.release(entry.id).await, Err(AdminError::NoSuchEntry)));
    assert_eq!((world.mail("bob@a.example").await.len(), world.mail("ann@a.example").await.len()), (2, 1));
    world.running.shutdown().await;
}

/// An address at the name of the queue's own destinations is nobody's, and does not go in circles.
#[tokio::test]
async fn the_names_of_its_own_lead_nowhere() {
    let mut world = World::new().await;
    assert_eq!(world.account("ann@a.example").await.id.to_string(), "1");
    let mut client = world.login("ann").await;
    client.expect("MAIL FROM:<ann@a.example>", "250 ").await;
    client.expect("RCPT TO:<x@1.held.invalid>", "550 5.1.2 ").await;
    for params in ["", "HOLDFOR=60"] {
        world.submit(params, &["<round@a.example>"]).await;
        if !params.is_empty() {
            world.pass(60).await;
        }
        let told = world.told(1).await;
        assert!(told[0].ends_with(" fails: 5.1.2 there is no such domain"), "{told:?}");
        assert_eq!(world.entries().await, []);
    }
    assert_eq!((world.elsewhere.taken().len(), world.mail("ann@a.example").await.len()), (0, 2));
    world.running.shutdown().await;
}
