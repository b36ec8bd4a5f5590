//! The content of messages: finding its end and undoing its dots, and doing them, beside a search for the end alone and
//! beside copying it.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use mailwright_benches::compare::{compare, prepared, timed};
use mailwright_core::framing::{DotReader, DotStep};
use mailwright_core::{ForwardPath, Machine, Progress, ReversePath, Ticket};
use mailwright_smtp::client::{Client, Config, Event, Recipient, StartTls, Transaction, Work, ask};
use memchr::memmem;

/// Of a large message, for criterion.
const LARGE: usize = 10_000_000;
/// For the comparison: short enough that nothing else of the machine's gets in between.
const SHORT: usize = 1_000_000;
const END: &[u8] = b"\r\n.\r\n";

/// Lines of 78 octets.
fn text(size: usize) -> Vec<u8> {
    let line = format!("{}\r\n", "The quick brown fox jumps over the lazy dog. ".repeat(2).split_at(78).0);
    body(&line, size)
}

/// Every line begins with a dot.
fn dots(size: usize) -> Vec<u8> {
    let line = format!("..{}\r\n", "The quick brown fox jumps over the lazy dog. ".repeat(2).split_at(76).0);
    body(&line, size)
}

fn body(line: &str, size: usize) -> Vec<u8> {
    (line.repeat(size / line.len()) + ".\r\n").into_bytes()
}

/// Reads all of it, given in pieces of `step`; nothing is copied.
fn read(mut body: BytesMut, step: usize) -> u64 {
    let (mut reader, mut input, mut size) = (DotReader::new(), BytesMut::new(), 0);
    loop {
        match reader.next(&mut input) {
            DotStep::Chunk(chunk) => size += black_box(chunk).len() as u64,
            DotStep::Fault(_) => {}
            DotStep::End => return size,
            DotStep::NeedMore => input.unsplit(body.split_to(step.min(body.len()))),
        }
    }
}

/// A client that waits for content.
fn client() -> (Client, Ticket<ask::Body>) {
    let name = "client.example".parse().expect("a domain");
    let config = Config { start_tls: StartTls::Never, ..Config::new(name) };
    let mut client = Client::new(Arc::new(config), None);
    let to = vec![Recipient::new(ForwardPath::Postmaster)];
    let mut work = Some(Work::Send(Transaction::new(ReversePath::Null, to)));
    let mut replies = ["220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"].iter();
    let (mut input, now) = (BytesMut::new(), Instant::now());
    loop {
        match client.poll_event(&mut input, now).expect("a session") {
            Progress::Event(Event::Ready { ticket }) => {
                client.answer(ticket, work.take().expect("one message")).expect("in time");
            }
            Progress::Event(Event::Body { ticket }) => return (client, ticket),
            Progress::NeedInput => input.extend_from_slice(replies.next().expect("all replies").as_bytes()),
            other => panic!("{other:?}"),
        }
        let output = client.output();
        output.advance(output.remaining());
    }
}

/// Checks and writes all of it, given in pieces of `step`; what is written is dropped.
fn write((client, ticket): &mut (Client, Ticket<ask::Body>), content: &Bytes, step: usize) -> u64 {
    let (mut content, mut size) = (content.clone(), 0);
    while !content.is_empty() {
        let mut piece = content.split_to(step.min(content.len()));
        while !piece.is_empty() {
            client.body(ticket, &mut piece).expect("sound content");
            let output = client.output();
            while output.has_remaining() {
                let len = black_box(output.chunk()).len();
                size += len as u64;
                output.advance(len);
            }
        }
    }
    size
}

fn find(body: &[u8]) -> u64 {
    memmem::find(body, END).map_or(0, |at| at as u64)
}

fn benches(criterion: &mut Criterion) {
    let bodies = |size| [("lines of 78", text(size)), ("lines of 78 with dots", dots(size))];
    let mut group = criterion.benchmark_group("data_path");
    group.sample_size(30);
    for (name, body) in &bodies(LARGE) {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("memmem, {name}"), |bencher| bencher.iter(|| find(body)));
        for step in [16 << 10, 64 << 10] {
            group.bench_function(format!("DotReader by {} KiB, {name}", step >> 10), |bencher| {
                let run = |input| read(input, step);
                bencher.iter_batched(|| BytesMut::from(&body[..]), run, BatchSize::LargeInput);
            });
        }
        group.bench_function(format!("memcpy, {name}"), |bencher| {
            let mut copy = body.clone();
            bencher.iter(|| copy.copy_from_slice(black_box(body)));
        });
    }
    group.finish();

    for (name, body) in &bodies(SHORT) {
        let (mut copy, fresh) = (body.clone(), || BytesMut::from(&body[..]));
        let content = Bytes::from(String::from_utf8_lossy(body).replace("\r\n.", "\r\n"));
        compare(
            &format!("Content, {name}"),
            (body.len() as u64, "octets"),
            body.len() as u64,
            &mut [
                ("memmem for the end alone", &mut || timed(|| find(body))),
                ("DotReader in one slice", &mut || prepared(fresh, |input| read(input.split(), usize::MAX))),
                ("DotReader by 4 KiB", &mut || prepared(fresh, |input| read(input.split(), 4 << 10))),
                ("DotReader by 16 KiB", &mut || prepared(fresh, |input| read(input.split(), 16 << 10))),
                ("DotReader by 64 KiB", &mut || prepared(fresh, |input| read(input.split(), 64 << 10))),
                ("client by 64 KiB", &mut || prepared(client, |client| write(client, &content, 64 << 10))),
                ("client by 4 KiB", &mut || prepared(client, |client| write(client, &content, 4 << 10))),
                ("memcpy", &mut || timed(|| copy.copy_from_slice(black_box(body)))),
            ],
        );
    }
}

criterion_group!(data_path, benches);

fn main() {
    data_path();
    Criterion::default().configure_from_args().final_summary();
}
