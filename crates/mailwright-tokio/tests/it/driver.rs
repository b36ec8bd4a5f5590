//! The driver by itself: any pattern of reads and writes is the same session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mailwright_core::{Machine, Progress};
use mailwright_smtp::server::Limits;
use mailwright_smtp::{Accepted, Config, Event, Server};
use mailwright_tokio::{Driver, DriverConfig, DriverError, Io, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::client::{Client, seconds};
use crate::io::Script;

pub(crate) type SmtpDriver = Driver<Server>;
pub(crate) type Ended = DriverError<mailwright_smtp::server::Error>;

/// A driver that does not mind many commands.
pub(crate) fn driver(io: impl Io + 'static) -> SmtpDriver {
    let limits = Limits { idle_commands: u32::MAX, ..Limits::default() };
    let config = Config { hostname: "mx.example.org".to_owned(), limits, ..Config::default() };
    driver_with(config, DriverConfig::default(), io)
}

pub(crate) fn driver_with(config: Config, driver: DriverConfig, io: impl Io + 'static) -> SmtpDriver {
    // What these tests send is all there at once, and is about later things than the greeting.
    let config = Config { refuse_early_input: false, ..config };
    let mut server = Server::new(Arc::new(config), None);
    if let Ok(Progress::Event(connect)) = server.poll_event(&mut BytesMut::new(), Instant::now()) {
        server.answer_default(connect).unwrap();
    }
    Driver::new(server, Box::new(io), Arc::new(SystemClock), Arc::new(driver))
}

/// Says yes to an event, and notes it.
pub(crate) fn say_yes(driver: &mut SmtpDriver, event: Event, notes: &mut Notes) {
    let machine = &mut driver.machine;
    match event {
        Event::Hello { hello, ticket } => {
            notes.events.push(format!("hello {}", hello.name));
            machine.answer(ticket, Ok(())).unwrap();
        }
        Event::Mail { from, ticket, .. } => {
            notes.events.push(format!("mail {from}"));
            machine.answer(ticket, Ok(())).unwrap();
        }
        Event::Rcpt { to, ticket, .. } => {
            notes.events.push(format!("rcpt {to:?}"));
            machine.answer(ticket, Ok(())).unwrap();
        }
        Event::Data { ticket } => machine.answer(ticket, Ok(())).unwrap(),
        Event::Body(chunk) => notes.body.extend_from_slice(&chunk),
        Event::BodyEnd { size, ticket } => {
            notes.events.push(format!("{size} octets"));
            machine.answer(ticket, Ok(Accepted::new("thanks"))).unwrap();
        }
        other => notes.events.push(format!("{other:?}")),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) events: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// Runs a session to its end.
pub(crate) async fn run(mut driver: SmtpDriver) -> (Notes, Result<(), Ended>) {
    let mut notes = Notes::default();
    loop {
        match driver.next().await {
            Ok(Some(event)) => say_yes(&mut driver, event, &mut notes),
            Ok(None) => return (notes, Ok(())),
            Err(error) => return (notes, Err(error)),
        }
    }
}

/// Two messages, something refused, and the end, all at once.
pub(crate) fn whole_session() -> Vec<u8> {
    let message = format!(
        "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n{}..dots\r\n.\r\n",
        "0123456789 abcdef\r\n".repeat(300)
    );
    format!("EHLO c\r\n{message}RSET\r\nBOGUS\r\n{message}NOOP\r\nQUIT\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn any_pattern_of_reads_and_writes_is_the_same_session() {
    let play = async |step, stutters| {
        let script = Script::new(&whole_session(), step, stutters);
        let written = Arc::clone(&script.written);
        let (notes, result) = run(driver(script)).await;
        assert!(result.is_ok());
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        (notes, written)
    };
    let expected = play(usize::MAX, false).await;
    assert_eq!(expected.1.matches("250 2.0.0 thanks\r\n").count(), 2);
    assert!(expected.1.ends_with("221 2.0.0 mx.example.org closing\r\n"));
    for step in [1, 2, 3, 7, 64, 1023, 1024, 1025, 5000] {
        for stutters in [false, true] {
            assert_eq!(play(step, stutters).await, expected, "{step} octets, stutters: {stutters}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn narrow_pipes_lose_nothing() {
    for size in [1, 2, 100] {
        let (near, far) = duplex(size);
        let session = tokio::spawn(run(driver(far)));
        let (mut reader, mut writer) = tokio::io::split(near);
        let write = tokio::spawn(async move { writer.write_all(&whole_session()).await.unwrap() });
        let mut all = String::new();
        let (time, _) = seconds(reader.read_to_string(&mut all)).await;
        assert_eq!(time, 0, "no deadline had to wake anybody");
        write.await.unwrap();
        let (notes, result) = session.await.unwrap();
        assert!(result.is_ok());
        assert_eq!(notes.body.len(), 2 * (300 * 19 + 7));
        assert!(all.ends_with("closing\r\n"), "{all}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_writes_before_reading_does_not_deadlock() {
    let (near, far) = duplex(1024);
    let session = tokio::spawn(run(driver(far)));
    let mut client = Client::new(near);
    let commands = 10_000;
    let (time, ()) = seconds(client.send("NOOP\r\n".repeat(commands))).await;
    assert_eq!(time, 0, "read ahead");
    assert_eq!(client.line().await, "220 mx.example.org ESMTP mailwright");
    for _ in 0..commands {
        assert_eq!(client.line().await, "250 2.0.0 ok");
    }
    client.expect("QUIT", "221").await;
    client.ended().await;
    assert!(session.await.unwrap().1.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_in_large_pieces() {
    let mut input = b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n".to_vec();
    input.extend("0123456789 abcdef 0123456789 abcdef\r\n".repeat(1 << 15).bytes());
    input.extend(b".\r\nQUIT\r\n");
    let script = Script::new(&input, usize::MAX, false);
    let reads = Arc::clone(&script.reads);
    let (notes, result) = run(driver(script)).await;
    assert!(result.is_ok());
    assert_eq!(notes.body.len(), 37 << 15);
    assert!(reads.load(Ordering::Relaxed) < 2 * input.len() / (16 << 10), "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn drained_waits_for_the_peer() {
    let (mut near, far) = duplex(1000);
    let mut driver = driver(far);
    driver.machine.output_for_test(&[b'x'; 40_000]);
    let read = tokio::spawn(async move {
        // 16 KiB may be left, and some lie in the pipe.
        let mut some = vec![0; 23_000];
        near.read_exact(&mut some).await.unwrap();
        near
    });
    driver.drained().await.unwrap();
    let near = read.await.unwrap();
    driver.machine.output_for_test(&[b'x'; 40_000]);
    drop(near);
    assert!(matches!(driver.drained().await, Err(DriverError::Io(_))));
}

/// Puts octets into the output, as a producer of bodies does.
trait Produce {
    fn output_for_test(&mut self, octets: &[u8]);
}

impl Produce for Server {
    fn output_for_test(&mut self, octets: &[u8]) {
        Machine::output(self).put(octets);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_nobody_for_long() {
    let (near, far) = duplex(1 << 16);
    let mut client = Client::new(near);
    client.send("QUIT\r\n").await;
    // The client neither reads nor closes.
    let (time, (_, result)) = seconds(run(driver(far))).await;
    assert!(result.is_ok());
    assert_eq!(time, 2);
    client.line().await;
    assert_eq!(client.line().await, "221 2.0.0 mx.example.org closing");
    client.ended().await;
}

#[tokio::test(start_paused = true)]
async fn closing_ends_also_if_it_is_begun_again_and_again() {
    let (near, far) = duplex(1 << 16);
    let mut client = Client::new(near);
    client.send("QUIT\r\n").await;
    let mut driver = driver(far);
    for _ in 0..5 {
        if let Ok(ended) = tokio::time::timeout(Duration::from_millis(900), driver.next()).await {
            assert!(matches!(ended, Ok(None)));
            return;
        }
    }
    panic!("it lingers for ever");
}

/// Closing a socket that has unread octets sends a RST, and that takes what the peer has not read.
#[tokio::test]
async fn the_last_reply_arrives_also_while_the_peer_still_sends() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    for _ in 0..20 {
        let mut client = Client::new(tokio::net::TcpStream::connect(to).await.unwrap());
        let (io, _) = listener.accept().await.unwrap();
        let session = tokio::spawn(run(driver(io)));
        client.send([b"QUIT\r\n".to_vec(), b"x".repeat(100_000)].concat()).await;
        let rest = client.rest().await;
        assert!(rest.ends_with("221 2.0.0 mx.example.org closing\r\n"), "{rest}");
        drop(client);
        assert!(session.await.unwrap().1.is_ok());
    }
}
