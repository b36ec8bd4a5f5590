//! While the application is at work.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mailwright_core::Stale;
use mailwright_smtp::{Accepted, Event};
use mailwright_tokio::{DriverError, Turn};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

use crate::client::{Client, seconds};
use crate::driver::{Notes, SmtpDriver, driver, say_yes};
use crate::io::Watched;

const MESSAGE: &str = "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";

/// The first event that is like this; to others it says yes.
async fn until<T>(driver: &mut SmtpDriver, wanted: impl Fn(Event) -> Result<T, Box<Event>>) -> T {
    loop {
        let event = driver.next().await.unwrap().expect("it comes");
        match wanted(event) {
            Ok(found) => return found,
            Err(other) => say_yes(driver, *other, &mut Notes::default()),
        }
    }
}

macro_rules! ticket_of {
    ($kind:ident) => {
        |event| match event {
            Event::$kind { ticket, .. } => Ok(ticket),
            other => Err(Box::new(other)),
        }
    };
}

/// A driver whose connection tells when its end was read, and reads it so.
fn watched(end: Option<ErrorKind>) -> (Client<DuplexStream>, SmtpDriver, Arc<AtomicBool>) {
    let (near, far) = duplex(1 << 16);
    let eof = Arc::new(AtomicBool::new(false));
    let io = Watched { inner: far, eof: Arc::clone(&eof), end };
    (Client::new(near), driver(io), eof)
}

/// Who answers in parts is told when the next part is wanted.
#[tokio::test(start_paused = true)]
async fn a_turn_ends_where_the_machine_waits_for_us() {
    let (mut client, mut driver, _) = watched(None);
    client.send("EHLO c\r\nNOOP\r\nQUIT\r\n").await;
    let Ok(Turn::Event(Event::Hello { ticket, .. })) = driver.turn().await else { panic!("it comes") };
    let (took, turn) = seconds(driver.turn()).await;
    assert!(took == 0 && matches!(turn, Ok(Turn::Reply)), "{turn:?}");
    driver.machine.answer(ticket, Ok(())).unwrap();
    assert!(matches!(driver.turn().await, Ok(Turn::Closed)));
    assert!(client.rest().await.contains("221"));
}

#[tokio::test(start_paused = true)]
async fn a_commit_outlives_the_client_and_is_answered() {
    for end in [None, Some(ErrorKind::UnexpectedEof)] {
        let (mut client, mut driver, eof) = watched(end);
        client.send(MESSAGE).await;
        client.io.shutdown().await.unwrap();
        let ticket = until(&mut driver, ticket_of!(BodyEnd)).await;
        driver.attend(sleep(Duration::from_secs(60))).await;
        assert!(eof.load(Ordering::SeqCst), "noticed meanwhile");
        driver.machine.answer(ticket, Ok(Accepted::new("stored"))).unwrap();
        assert!(matches!(driver.next().await, Ok(None)));
        assert!(client.rest().await.ends_with("250 2.0.0 stored\r\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_does_not_stop_the_work() {
    let (mut client, mut driver, _) = watched(Some(ErrorKind::ConnectionReset));
    client.send(MESSAGE).await;
    client.io.shutdown().await.unwrap();
    let ticket = until(&mut driver, ticket_of!(BodyEnd)).await;
    let (time, ()) = seconds(driver.attend(sleep(Duration::from_secs(60)))).await;
    assert_eq!(time, 60);
    driver.machine.answer(ticket, Ok(Accepted::default())).unwrap();
    let ended = driver.next().await;
    assert!(matches!(ended, Err(DriverError::Io(_))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_stale_and_the_client_was_told() {
    let (near, far) = duplex(1 << 16);
    let (mut client, mut driver) = (Client::new(near), driver(far));
    client.send("EHLO c\r\nMAIL FROM:<a@b>\r\n").await;
    let ticket = until(&mut driver, ticket_of!(Mail)).await;
    let told = tokio::spawn(async move {
        let (time, ()) = seconds(async {
            client.reply().await;
            client.reply().await;
            assert!(client.reply().await.starts_with("451 4.3.0"));
        })
        .await;
        (time, client)
    });
    let (time, ()) = seconds(driver.attend(sleep(Duration::from_secs(300)))).await;
    assert_eq!(time, 300, "the work is not disturbed");
    let (time, mut client) = told.await.unwrap();
    assert_eq!(time, 120);
    assert_eq!(driver.machine.answer(ticket, Ok(())), Err(Stale));
    client.send("QUIT\r\n").await;
    assert!(matches!(driver.next().await, Ok(None)));
    assert!(client.rest().await.starts_with("221"));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_message_is_longer() {
    let (near, far) = duplex(1 << 16);
    let (mut client, mut driver) = (Client::new(near), driver(far));
    client.send(MESSAGE).await;
    let ticket = until(&mut driver, ticket_of!(BodyEnd)).await;
    driver.attend(sleep(Duration::from_secs(8 * 60 - 1))).await;
    driver.machine.answer(ticket, Ok(Accepted::new("in time"))).unwrap();
    client.send(&MESSAGE[8..]).await;
    let ticket = until(&mut driver, ticket_of!(BodyEnd)).await;
    driver.attend(sleep(Duration::from_secs(8 * 60 + 1))).await;
    assert_eq!(driver.machine.answer(ticket, Ok(Accepted::new("too late"))), Err(Stale));
    client.send("QUIT\r\n").await;
    assert!(matches!(driver.next().await, Ok(None)));
    let all = client.rest().await;
    assert!(all.contains("250 2.0.0 in time\r\n") && !all.contains("too late"), "{all}");
    assert!(all.contains("\r\n451 4.3.0 no answer in time"), "{all}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_ticket_ends_in_the_deadline() {
    let (near, far) = duplex(1 << 16);
    let (mut client, mut driver) = (Client::new(near), driver(far));
    client.send("EHLO c\r\nMAIL FROM:<a@b>\r\nQUIT\r\n").await;
    drop(until(&mut driver, ticket_of!(Mail)).await);
    let (time, ended) = seconds(driver.next()).await;
    assert!(matches!(ended, Ok(None)));
    assert_eq!(time, 120 + 2, "the deadline, and lingering");
    let all = client.rest().await;
    assert!(all.contains("\r\n451 4.3.0 no answer in time") && all.contains("\r\n221"), "{all}");
}

#[tokio::test(start_paused = true)]
async fn replies_are_written_while_the_application_works() {
    let (near, far) = duplex(1 << 16);
    let (mut client, mut driver) = (Client::new(near), driver(far));
    let ask = tokio::spawn(async move {
        client.send("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n").await;
        for start in ["220", "250", "250", "250", "354"] {
            assert!(client.reply().await.starts_with(start));
        }
    });
    until(&mut driver, |event| if let Event::Body(_) = event { Ok(()) } else { Err(Box::new(event)) }).await;
    driver.attend(ask).await.unwrap();
}
