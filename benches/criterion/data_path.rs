//! The content of messages: finding its end and undoing its dots, beside a search for the end alone and beside
//! copying it.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use mailwright_benches::compare::{compare, prepared, timed};
use mailwright_core::framing::{DotReader, DotStep};
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
        compare(
            &format!("Content, {name}"),
            (body.len() as u64, "octets"),
            body.len() as u64,
            &mut [
                ("memmem for the end alone", &mut || timed(|| find(body))),
                ("DotReader by 16 KiB", &mut || prepared(fresh, |input| read(input.split(), 16 << 10))),
                ("DotReader by 64 KiB", &mut || prepared(fresh, |input| read(input.split(), 64 << 10))),
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
