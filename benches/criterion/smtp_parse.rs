//! SMTP commands: our grammar and smtp-proto's over the same lines, and our whole machine over them.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use criterion::{Criterion, Throughput, criterion_group};
use mailwright_benches::compare::{compare, prepared, timed};
use mailwright_core::framing::{Line, LineFramer, LineLimits};
use mailwright_core::{Machine, Progress};
use mailwright_smtp::server::Extensions;
use mailwright_smtp::{Command, Config, Event, Rejection, Server};
use smtp_proto::Request;

/// Connections of a client that pipelines, with as many messages as such a client has for a domain.
const SESSIONS: usize = 20;
const MESSAGES: usize = 20;
/// With EHLO and QUIT; there are five a message.
const COMMANDS: u64 = SESSIONS as u64 * (2 + 5 * MESSAGES as u64);

fn sessions() -> Vec<u8> {
    let messages = |n: usize| {
        format!(
            "MAIL FROM:<bounces+{n}-list=example.com@news.example.org> SIZE={n}4532 BODY=8BITMIME\r\n\
             RCPT TO:<ann.smith{n}@example.com>\r\n\
             RCPT TO:<bob@mail.example.com>\r\n\
             RCPT TO:<info+{n}@another-example.net>\r\n\
             DATA\r\n\
             RSET\r\n\
             NOOP\r\n\
             MAIL FROM:<> RET=HDRS ENVID=QQ{n}314159\r\n\
             RCPT TO:<list-owner{n}@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;owner{n}@example.com\r\n\
             BDAT 0 LAST\r\n"
        )
    };
    let session = |n: usize| {
        let messages: String = (0..MESSAGES / 2).map(|more| messages(n + more)).collect();
        format!("EHLO mail{n}.out.example.org\r\n{messages}QUIT\r\n")
    };
    (0..SESSIONS).map(session).collect::<String>().into_bytes()
}

/// Framing and grammar.
fn ours(input: &mut BytesMut) -> u64 {
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

/// Its parser frames too.
fn theirs(input: &[u8]) -> u64 {
    let (mut octets, mut count) = (input.iter(), 0);
    while !octets.as_slice().is_empty() {
        black_box(Request::parse(&mut octets).expect("a command"));
        count += 1;
    }
    assert_eq!(count, COMMANDS);
    count
}

/// A session a machine: events, answers and replies. DATA is refused, so that the same octets are commands.
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
        Event::Data { ticket } => server.answer(ticket, Err(Rejection::mailbox_busy())),
        event => server.answer_default(event),
    }
    .expect("in time");
}

fn benches(criterion: &mut Criterion) {
    let octets = sessions();
    // All commands of a session lie there at once.
    let extensions = Extensions { dsn: true, ..Extensions::default() };
    let config = Arc::new(Config { refuse_early_input: false, extensions, ..Config::default() });
    let mut group = criterion.benchmark_group("smtp_parse");
    group.throughput(Throughput::Elements(COMMANDS));
    group.bench_function("mailwright", |bencher| {
        bencher.iter_batched_ref(|| BytesMut::from(&octets[..]), ours, criterion::BatchSize::LargeInput);
    });
    group.bench_function("smtp-proto", |bencher| bencher.iter(|| theirs(&octets)));
    group.bench_function("mailwright, whole machine", |bencher| {
        let now = Instant::now();
        let session = |input: &mut BytesMut| machine(input, &config, now);
        bencher.iter_batched_ref(|| BytesMut::from(&octets[..]), session, criterion::BatchSize::LargeInput);
    });
    group.finish();

    let (now, fresh) = (Instant::now(), || BytesMut::from(&octets[..]));
    compare(
        "SMTP commands",
        (COMMANDS, "commands"),
        octets.len() as u64,
        &mut [
            ("smtp-proto", &mut || timed(|| theirs(&octets))),
            ("mailwright, grammar and framing", &mut || prepared(fresh, ours)),
            ("mailwright, whole machine", &mut || prepared(fresh, |input| machine(input, &config, now))),
        ],
    );
}

criterion_group!(smtp_parse, benches);

fn main() {
    smtp_parse();
    Criterion::default().configure_from_args().final_summary();
}
