//! IMAP commands: our grammar and imap-codec's over the same lines, as clients send them.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

use std::hint::black_box;

use bytes::{Buf, BytesMut};
use criterion::{Criterion, Throughput, criterion_group};
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use mailwright_benches::compare::{compare, prepared, timed};
use mailwright_core::framing::{CommandFrame, CommandFramer};
use mailwright_imap::{CommandLine, Grammar};

/// Sessions of twenty commands.
const SESSIONS: usize = 100;
const COMMANDS: u64 = SESSIONS as u64 * 20;

fn sessions() -> Vec<u8> {
    let session = |n: usize| {
        format!(
            "a1 CAPABILITY\r\n\
             a2 LOGIN \"ann{n}@example.com\" \"correct horse {n}\"\r\n\
             a3 NAMESPACE\r\n\
             a4 LIST \"\" \"*\"\r\n\
             a5 STATUS \"Lists/rust {n}\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\r\n\
             a6 SELECT INBOX\r\n\
             a7 FETCH 1:* (FLAGS UID)\r\n\
             a8 UID FETCH {n}:* (UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE BODYSTRUCTURE)\r\n\
             a9 UID FETCH 1{n},2{n}:3{n},40{n} (UID BODY.PEEK[HEADER.FIELDS \
             (FROM TO CC BCC SUBJECT DATE MESSAGE-ID PRIORITY REFERENCES CONTENT-TYPE)])\r\n\
             a10 UID FETCH {n} (UID RFC822.SIZE BODY.PEEK[])\r\n\
             a11 UID FETCH {n} BODY.PEEK[1.2]<0.65536>\r\n\
             a12 UID STORE {n} +FLAGS (\\Seen)\r\n\
             a13 STORE {n}:4{n} +FLAGS.SILENT (\\Deleted $Junk)\r\n\
             a14 UID SEARCH UNSEEN\r\n\
             a15 UID SEARCH SINCE 1-Jan-2026 NOT DELETED OR FROM \"ann\" SUBJECT \"figures {n}\"\r\n\
             a16 UID COPY {n}:5{n} \"Archive/2026\"\r\n\
             a17 UID MOVE {n} Trash\r\n\
             a18 NOOP\r\n\
             a19 CLOSE\r\n\
             a20 LOGOUT\r\n"
        )
    };
    (1..=SESSIONS).map(session).collect::<String>().into_bytes()
}

/// Framing and grammar.
fn ours(input: &mut BytesMut) -> u64 {
    let (mut commands, grammar, mut count) = (CommandFramer::new(), Grammar::default(), 0);
    while let CommandFrame::Complete { len } = commands.frame(input, usize::MAX) {
        let frame = input.get(..len).unwrap_or_default();
        let line = CommandLine::parse(frame, &grammar).expect("a tag");
        black_box(line.command.expect("a command"));
        input.advance(len);
        count += 1;
    }
    assert_eq!(count, COMMANDS);
    count
}

/// Its parser frames too.
fn theirs(mut input: &[u8]) -> u64 {
    let (codec, mut count) = (CommandCodec::default(), 0);
    while !input.is_empty() {
        let (rest, command) = codec.decode(input).unwrap_or_else(|error| {
            panic!(
                "{error:?}: {:?}",
                input.split(|octet| *octet == b'\r').next().map(String::from_utf8_lossy)
            )
        });
        black_box(command);
        input = rest;
        count += 1;
    }
    assert_eq!(count, COMMANDS);
    count
}

fn benches(criterion: &mut Criterion) {
    let octets = sessions();
    let mut group = criterion.benchmark_group("imap_command");
    group.throughput(Throughput::Elements(COMMANDS));
    group.bench_function("mailwright", |bencher| {
        bencher.iter_batched_ref(|| BytesMut::from(&octets[..]), ours, criterion::BatchSize::LargeInput);
    });
    group.bench_function("imap-codec", |bencher| bencher.iter(|| theirs(&octets)));
    group.finish();

    let fresh = || BytesMut::from(&octets[..]);
    compare(
        "IMAP commands",
        (COMMANDS, "commands"),
        octets.len() as u64,
        &mut [
            ("imap-codec", &mut || timed(|| theirs(&octets))),
            ("mailwright, grammar and framing", &mut || prepared(fresh, ours)),
        ],
    );
}

criterion_group!(imap_command, benches);

fn main() {
    imap_command();
    Criterion::default().configure_from_args().final_summary();
}
