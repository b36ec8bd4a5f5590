//! What users send: completed, or refused with a reason.

use mailwright_core::testing::{FakeClock, SeededEntropy};

use super::*;

/// `AUTH PLAIN` of `ann@a.example`, whose password is `secret`.
const LOGIN: &str = "AUTH PLAIN AGFubkBhLmV4YW1wbGUAc2VjcmV0";

/// A server at a standing clock, for ann and bob; ann has another address.
async fn serve(store: &Arc<dyn DynStore>, check_from: bool) -> Running {
    let users = vec![user("ann@a.example", &["info@a.example"]), user("bob@a.example", &[])];
    Server::new("mx.a.example")
        .environment(Arc::new(FakeClock::new()), Arc::new(SeededEntropy::new(7)))
        .settings(Settings { check_from, ..settings(users) })
        .store(Arc::clone(store))
        .login_without_tls()
        .listen(Service::Smtp, ([127, 0, 0, 1], 0))
        .listen(Service::Submission, ([127, 0, 0, 1], 0))
        .start()
        .await
        .unwrap()
}

/// Sends a message to bob, and gives the reply to it.
async fn send(client: &mut Client, from: &str, message: &str) -> String {
    client.expect(&format!("MAIL FROM:<{from}>"), "250 ").await;
    client.expect("RCPT TO:<bob@a.example>", "250 ").await;
    client.expect("DATA", "354 ").await;
    client.ask(&format!("{message}.")).await
}

async fn ann(running: &Running) -> Client {
    let mut client = Client::connect_to(running, Service::Submission).await;
    client.expect(LOGIN, "235 ").await;
    client
}

/// What stands in front of a message, up to the date of Received, and the rest.
fn split(message: &str) -> (&str, &str) {
    message.split_once("; Thu, 01 Jan 2026 00:00:00 +0000\r\n").unwrap()
}

/// The message without the number in Message-ID, which is another each time.
fn unnumbered(message: &str) -> String {
    let (_, rest) = split(message);
    let Some((before, rest)) = rest.split_once("Message-ID: <") else { return rest.to_owned() };
    let (number, after) = rest.split_at(32);
    assert!(number.bytes().all(|digit| digit.is_ascii_hexdigit()), "{number}");
    format!("{before}Message-ID: <N{after}")
}

/// RFC 6409 §8.2, §8.3, and RFC 5322 §3.6 for From.
#[tokio::test]
async fn what_a_user_leaves_out_is_added() {
    let store = memory(4 << 20);
    let running = serve(&store, true).await;
    let mut client = ann(&running).await;
    let (from, date) = ("From: ann@a.example\r\n", "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n");
    let id = "Message-ID: <N@mx.a.example>\r\n";
    let all = [from, date, id].concat();
    let sent = [
        ("Subject: x\r\n\r\nhello\r\n", &all),
        ("\r\nhello\r\n", &all),
        ("", &all),
        ("Subject: no body\r\n", &all),
        ("From: Info <info@a.example>\r\n\r\nDate: body\r\n", &[date, id].concat()),
        ("From: ann+x@a.example\r\nDate: x\r\nBcc: bob@a.example\r\n\r\n", &id.to_owned()),
    ];
    for (message, added) in sent {
        let reply = send(&mut client, "ann@a.example", message).await;
        assert!(reply.starts_with("250 "), "{message}: {reply}");
        let kept = messages(&store, "bob@a.example").await.pop().unwrap();
        assert_eq!(unnumbered(&kept), format!("{added}{message}"));
        assert!(split(&kept).0.starts_with("Return-Path: <ann@a.example>\r\nReceived: from "), "{kept}");
        assert!(kept.contains("(mailwright) with ESMTPA id "), "{kept}");
    }
    // Nothing is missing.
    let whole = "From: ann@a.example\r\nDate: x\r\nMessage-ID: <1@x>\r\nSubject: x\r\n\r\nhello\r\n";
    send(&mut client, "ann@a.example", whole).await;
    let kept = messages(&store, "bob@a.example").await.pop().unwrap();
    assert_eq!(split(&kept).1, whole);
    // No two have the same number.
    let numbers = messages(&store, "bob@a.example").await;
    let numbers = numbers.iter().filter_map(|message| message.split_once("Message-ID: <")?.1.get(..32));
    assert_eq!(numbers.collect::<std::collections::BTreeSet<_>>().len(), sent.len());
}

/// RFC 5321 §6.4: what other servers send is theirs.
#[tokio::test]
async fn what_others_send_is_not_touched() {
    let store = memory(1 << 20);
    let running = serve(&store, true).await;
    let mut client = Client::connect(&running).await;
    let sent =
        ["Subject: x\r\n\r\nhello\r\n", "no header\r\n", "From: a@b, <c\r\nFrom: d\r\n\r\n", "\u{1}\r\n", ""];
    for message in sent {
        let reply = send(&mut client, "app@client.example", message).await;
        assert!(reply.starts_with("250 "), "{message}: {reply}");
        let kept = messages(&store, "bob@a.example").await.pop().unwrap();
        assert_eq!(split(&kept).1, message);
    }
}

/// RFC 6409 §6.3, §5.1: the program that has sent it is told what to mend.
#[tokio::test]
async fn what_is_no_message_is_refused() {
    let store = memory(1 << 20);
    let running = serve(&store, true).await;
    let mut client = ann(&running).await;
    for (message, reply) in [
        ("hello\r\n", "554 5.6.0 line 1 is no header field"),
        ("Subject: x\r\nhello\r\n\r\n", "554 5.6.0 line 2 is no header field"),
        ("\u{1}\u{2}\u{3}\r\n", "554 5.6.0 line 1 is no header field"),
        ("From: ann@a.example\r\nFrom: ann@a.example\r\n\r\n", "554 5.6.0 there is more than one field From"),
        ("From: ann\r\n\r\n", "554 5.6.0 the field From is no list of addresses"),
        ("Cc: carl@desk\r\n\r\n", "554 5.6.0 desk, in an address, is not a fully-qualified domain"),
    ] {
        let found = send(&mut client, "ann@a.example", message).await;
        assert!(found.starts_with(reply), "{message}: {found}");
    }
    let large = format!("Subject: {}\r\n\r\n", "x\r\n ".repeat(100_000));
    let found = send(&mut client, "ann@a.example", &large).await;
    assert!(found.starts_with("554 5.6.0 the header has more than 262144 octets"), "{found}");
    assert_eq!(messages(&store, "bob@a.example").await.len(), 0);
    // The session goes on.
    assert!(send(&mut client, "ann@a.example", "Subject: x\r\n\r\n").await.starts_with("250 "));
}

/// Who says that he is somebody else.
#[tokio::test]
async fn a_user_sends_as_himself_only() {
    let store = memory(1 << 20);
    let running = serve(&store, true).await;
    let mut client = ann(&running).await;
    client
        .expect("MAIL FROM:<bob@a.example>", "550 5.7.1 ann@a.example may not send as <bob@a.example>")
        .await;
    for header in [
        "From: bob@a.example",
        "From: Ann <ann@a.example>, Bob <bob@a.example>",
        "From: \"ann@a.example\" <boss@bank.example>",
        "From: ann@a.example\r\nSender: bob@a.example",
        "Sender: boss@bank.example",
        "From: boss@bank.example\r\nResent-From: ann@a.example",
    ] {
        let found = send(&mut client, "info@a.example", &format!("{header}\r\n\r\n")).await;
        assert!(found.starts_with("550 5.7.1 ann@a.example may not send as <b"), "{header}: {found}");
    }
    let fine = "From: Ann <ANN@A.example>,\r\n info@a.example\r\nSender: ann+x@a.example\r\n\r\n";
    assert!(send(&mut client, "", fine).await.starts_with("250 "));
    assert_eq!(messages(&store, "bob@a.example").await.len(), 1);

    // Where that is not wanted, what is written stays.
    let running = serve(&store, false).await;
    let mut client = ann(&running).await;
    client.expect("MAIL FROM:<bob@a.example>", "550 5.7.1 ").await;
    assert!(send(&mut client, "ann@a.example", "From: boss@bank.example\r\n\r\n").await.starts_with("250 "));
    assert!(send(&mut client, "ann@a.example", "From: nobody\r\n\r\n").await.starts_with("554 5.6.0 "));
}

/// RFC 5321 §4.4: the last server says where failures go, and says it once.
#[tokio::test]
async fn there_is_one_return_path() {
    let store = memory(1 << 20);
    let running = serve(&store, true).await;
    let message =
        "Return-Path: <x@x.example>\r\nX-A: b\r\nreturn-path:\r\n <y@x.example>\r\n\r\nReturn-Path: body\r\n";
    let (mut stranger, mut ann) = (Client::connect(&running).await, ann(&running).await);
    send(&mut stranger, "app@client.example", message).await;
    send(&mut ann, "ann@a.example", message).await;
    for (kept, path) in
        messages(&store, "bob@a.example").await.iter().zip(["app@client.example", "ann@a.example"])
    {
        assert!(kept.starts_with(&format!("Return-Path: <{path}>\r\nReceived: ")), "{kept}");
        let (header, body) = kept.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            (header.to_ascii_lowercase().matches("return-path:").count(), body),
            (1, "Return-Path: body\r\n")
        );
        assert!(header.ends_with("\r\nX-A: b"), "{kept}");
    }
}

/// RFC 5321 §6.3
#[tokio::test]
async fn a_loop_ends_whoever_sends() {
    let store = memory(1 << 20);
    let running = serve(&store, true).await;
    let looped = format!("{}\r\n", "Received: from a by b; x\r\n".repeat(101));
    let (mut stranger, mut ann) = (Client::connect(&running).await, ann(&running).await);
    for (client, from) in [(&mut stranger, "app@client.example"), (&mut ann, "ann@a.example")] {
        let found = send(client, from, &looped).await;
        assert!(found.starts_with("554 5.4.6 too many hops: this message is in a loop"), "{found}");
    }
}
