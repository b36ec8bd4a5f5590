//! The content of a message on its way to the handler.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mailwright_smtp::Config;
use mailwright_smtp::server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::client::connect;
use crate::inbox::{Inbox, TRACE};

fn small_messages() -> Config {
    Config { limits: Limits { message_size: 1000, ..Limits::default() }, ..Config::default() }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_read_stalls_the_client() {
    let (mut client, _session) = connect(Inbox::new().server());
    client.data("stall").await;
    let mut sent = 0;
    let line = [&[b'x'; 998][..], b"\r\n"].concat();
    // Before the deadline on the body.
    while timeout(Duration::from_secs(1), client.io.write_all(&line)).await.is_ok() {
        sent += line.len();
        assert!(sent < 10 << 20, "all of it is taken");
    }
    // The pipe, what is read ahead, and the pieces: two in the channel, one before it, one behind the machine.
    assert!(sent <= (64 << 10) * 6, "{sent} octets");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_may_come_before_the_end() {
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server());
    client.data("early").await;
    client.send("0123456789 abcdef\r\n".repeat(100_000)).await;
    client.expect(".", &format!("554 5.6.0 the content is not acceptable ({TRACE})")).await;
    assert_eq!(inbox.notes().iter().filter(|note| *note == "done").count(), 1);
    client.expect("QUIT", "221").await;
}

#[tokio::test(start_paused = true)]
async fn so_may_a_yes_which_counts_at_the_end_only() {
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server_with(small_messages()));
    client.data("quick").await;
    client.send("Hi\r\n").await;
    client.expect(".", "250 2.0.0 quick").await;
    for (body, reply) in [("bare\nlf\r\n", "550"), ("nul\0\r\n", "550"), (&"x\r\n".repeat(1000), "552")] {
        client.expect("MAIL FROM:<a@b>", "250").await;
        client.expect("RCPT TO:<quick@d>", "250").await;
        client.expect("DATA", "354").await;
        client.send(body).await;
        client.expect(".", reply).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_has_no_end() {
    for (body, reply) in [("bare\nlf\r\n.", "550 5.5.2"), (&*("x\r\n".repeat(1000) + "."), "552 5.3.4")] {
        let inbox = Inbox::new();
        let (mut client, _session) = connect(inbox.server_with(small_messages()));
        client.data("bob").await;
        client.expect(body, reply).await;
        assert_eq!(inbox.notes().last().unwrap(), "done");
        assert!(inbox.contents().is_empty());
        client.expect("NOOP", "250").await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_leaves_nothing() {
    let inbox = Inbox::new();
    let (mut client, session) = connect(inbox.server());
    client.data("bob").await;
    client.send("half a message\r\n.").await;
    drop(client);
    session.await.unwrap();
    assert_eq!(inbox.notes().last().unwrap(), "done");
    assert!(inbox.contents().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_after_the_end_has_left_a_message() {
    let inbox = Inbox::new();
    let (mut client, session) = connect(inbox.server());
    client.data("held").await;
    client.send("a message\r\n.\r\n").await;
    drop(client);
    inbox.release.notify_one();
    session.await.unwrap();
    assert_eq!(inbox.contents(), ["a message\r\n"]);
}

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mailwright-tokio-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn inbox(&self) -> Arc<Inbox> {
        Arc::new(Inbox { folder: self.0.clone(), ..Inbox::default() })
    }

    /// Files may be removed by another thread; so this waits, a while.
    async fn becomes_empty(&self) {
        for _ in 0..1000 {
            if self.files().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?} is left", self.files());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_file_appears_whole() {
    let folder = Folder::new("whole");
    let (mut client, _session) = connect(folder.inbox().server());
    client.data("disk").await;
    client.send("Hi\r\n".repeat(100_000)).await;
    assert!(!folder.files().contains(&TRACE.to_owned()), "not before the end");
    client.expect("..\r\n.", "250 2.0.0 saved").await;
    assert_eq!(folder.files(), [TRACE]);
    let content = std::fs::read_to_string(folder.0.join(TRACE)).unwrap();
    assert_eq!(content, "Hi\r\n".repeat(100_000) + ".\r\n");
}

#[tokio::test]
async fn nothing_is_left_of_what_is_given_up() {
    for after in [0, 1, 1000, 100_000] {
        let folder = Folder::new(&format!("given-up-{after}"));
        let (mut client, _session) = connect(folder.inbox().server());
        client.data("disk").await;
        client.send("Hi\r\n".repeat(after)).await;
        client.expect("bare\nlf\r\n.", "550").await;
        folder.becomes_empty().await;
    }
}

#[tokio::test]
async fn nothing_is_left_of_what_is_cut_off() {
    for after in [0, 1, 1000, 100_000] {
        let folder = Folder::new(&format!("cut-off-{after}"));
        let (mut client, session) = connect(folder.inbox().server());
        client.data("disk").await;
        client.send("Hi\r\n".repeat(after)).await;
        drop(client);
        session.await.unwrap();
        folder.becomes_empty().await;
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_451() {
    let inbox = Arc::new(Inbox { folder: "/nonexistent/folder".into(), ..Inbox::default() });
    let (mut client, _session) = connect(inbox.server());
    client.data("disk").await;
    client.expect("Hi\r\n.", "451 4.3.0").await;
}
