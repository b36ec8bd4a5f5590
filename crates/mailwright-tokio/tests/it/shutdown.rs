//! Closing without cutting anybody off.

use std::time::Duration;

use mailwright_tokio::GateLimits;

use crate::client::seconds;
use crate::inbox::Inbox;
use crate::listener::serve;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn idle_connections_are_told_and_ended() {
    let (dial, shutdown, server) = serve(&Inbox::new(), GateLimits::default());
    let mut fresh = dial.from("192.0.2.1").await;
    fresh.reply().await;
    let mut known = dial.from("192.0.2.2").await;
    known.envelope("bob").await;
    let drain = tokio::spawn(async move { seconds(shutdown.drain(PATIENCE)).await });
    for client in [&mut fresh, &mut known] {
        assert_eq!(client.line().await, "421 4.3.2 shutting down, try again later");
        client.ended().await;
    }
    drop((fresh, known));
    assert_eq!(drain.await.unwrap(), (0, true));
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_on_its_way_is_finished() {
    let inbox = Inbox::new();
    let (dial, shutdown, server) = serve(&inbox, GateLimits::default());
    let mut client = dial.from("192.0.2.1").await;
    client.data("bob").await;
    client.send("half of it\r\n").await;
    let drain = tokio::spawn(async move { shutdown.drain(PATIENCE).await });
    // It takes nobody any more.
    server.await.unwrap();
    dial.from("192.0.2.2").await.ended().await;
    client.expect("the other half\r\n.", "250 2.0.0 stored").await;
    assert!(client.line().await.starts_with("421"));
    client.ended().await;
    drop(client);
    assert!(drain.await.unwrap());
    assert_eq!(inbox.contents(), ["half of it\r\nthe other half\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn so_is_a_commit() {
    let inbox = Inbox::new();
    let (dial, shutdown, _server) = serve(&inbox, GateLimits::default());
    let mut client = dial.from("192.0.2.1").await;
    client.data("held").await;
    client.send("all of it\r\n.\r\n").await;
    let drain = tokio::spawn(async move { shutdown.drain(PATIENCE).await });
    tokio::time::sleep(Duration::from_secs(10)).await;
    inbox.release.notify_one();
    assert!(client.reply().await.starts_with("250 2.0.0 stored"));
    assert!(client.reply().await.starts_with("421"));
    drop(client);
    assert!(drain.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let inbox = Inbox::new();
    let (dial, shutdown, _server) = serve(&inbox, GateLimits::default());
    let mut client = dial.from("192.0.2.1").await;
    client.data("bob").await;
    client.send("half of it\r\n").await;
    assert_eq!(seconds(shutdown.drain(PATIENCE)).await, (30, false));
    assert_eq!(shutdown.running(), 0);
    client.ended().await;
    assert_eq!(inbox.notes().last().unwrap(), "done");
    assert!(inbox.contents().is_empty());
}
