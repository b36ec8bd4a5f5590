//! POP3 commands: grammar and framing, and the whole machine.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group};
use mailwright_benches::compare::{compare, prepared};
use mailwright_core::framing::{Line, LineFramer, LineLimits};
use mailwright_core::{Machine, Progress, Uid};
use mailwright_pop3::{Command, Config, Event, Maildrop, Server};

/// Sessions of ten commands.
const SESSIONS: usize = 200;
const COMMANDS: u64 = SESSIONS as u64 * 10;
const MESSAGE: &[u8] = b"Subject: short\r\n\r\nA line.\r\n";

fn sessions() -> Vec<u8> {
    let session = |n: usize| {
        format!(
            "CAPA\r\nUSER ann{n}@example.org\r\nPASS correct horse {n}\r\nSTAT\r\nLIST\r\nUIDL\r\n\
             RETR 1\r\nTOP 2 10\r\nDELE 1\r\nQUIT\r\n"
        )
    };
    (0..SESSIONS).map(session).collect::<String>().into_bytes()
}

fn grammar(input: &mut BytesMut) -> u64 {
    let (mut lines, limits, mut count) = (LineFramer::new(), LineLimits::default(), 0);
    while let Line::Complete { len } = lines.frame(input, limits) {
        let line = input.get(..len - 2).unwrap_or_default();
        black_box(Command::parse(line).expect("a command"));
        input.advance(len);
        count += 1;
    }
    assert_eq!(count, COMMANDS);
    count
}

fn machine(input: &mut BytesMut, config: &Arc<Config>, now: Instant) -> u64 {
    let mut replies = 0;
    while !input.is_empty() {
        let mut server = Server::new(Arc::clone(config), None);
        loop {
            match server.poll_event(input, now).expect("a session") {
                Progress::Event(event) => answer(&mut server, event),
                Progress::NeedDrain => {}
                Progress::Closed => break,
                other => panic!("{other:?}"),
            }
            let output = server.output();
            replies += output.remaining() as u64;
            output.advance(output.remaining());
        }
    }
    replies
}

fn answer(server: &mut Server, event: Event) {
    match event {
        Event::Login { ticket, .. } => {
            let mut maildrop = Maildrop::default();
            for number in 1..=3 {
                maildrop.push(MESSAGE.len() as u64, Uid::new(number).expect("not zero"));
            }
            server.answer(ticket, Ok(maildrop))
        }
        Event::Retrieve { ticket, .. } => {
            let _ = server.retrieve(&ticket, Bytes::from_static(MESSAGE)).expect("in time");
            server.answer(ticket, Ok(()))
        }
        Event::Commit { ticket, .. } => server.answer(ticket, Ok(())),
        _ => Ok(()),
    }
    .expect("in time");
}

fn benches(criterion: &mut Criterion) {
    let octets = sessions();
    let config = Arc::new(Config { login_without_tls: true, ..Config::default() });
    let mut group = criterion.benchmark_group("pop3_parse");
    group.throughput(Throughput::Elements(COMMANDS));
    group.bench_function("mailwright", |bencher| {
        bencher.iter_batched_ref(|| BytesMut::from(&octets[..]), grammar, criterion::BatchSize::LargeInput);
    });
    group.bench_function("mailwright, whole machine", |bencher| {
        let now = Instant::now();
        let session = |input: &mut BytesMut| machine(input, &config, now);
        bencher.iter_batched_ref(|| BytesMut::from(&octets[..]), session, criterion::BatchSize::LargeInput);
    });
    group.finish();

    let (now, fresh) = (Instant::now(), || BytesMut::from(&octets[..]));
    compare(
        "POP3 commands",
        (COMMANDS, "commands"),
        octets.len() as u64,
        &mut [
            ("mailwright, grammar and framing", &mut || prepared(fresh, grammar)),
            ("mailwright, whole machine", &mut || prepared(fresh, |input| machine(input, &config, now))),
        ],
    );
}

criterion_group!(pop3_parse, benches);

fn main() {
    pop3_parse();
    Criterion::default().configure_from_args().final_summary();
}
