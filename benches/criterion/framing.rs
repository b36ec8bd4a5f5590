//! Finding lines and commands, beside memchr that finds their LF and does nothing else.

use std::hint::black_box;

use bytes::{Buf, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group};
use mailwright_benches::compare::{compare, prepared, timed};
use mailwright_core::framing::{CommandFrame, CommandFramer, Line, LineFramer, LineLimits};
use memchr::memchr;

const LINES: usize = 20_000;

/// Lines of 6 to 90 octets.
fn lines() -> Vec<u8> {
    let line = |n: usize| format!("A{n:04} {}\r\n", "x".repeat(n * 37 % 84));
    (0..LINES).map(line).collect::<String>().into_bytes()
}

fn by_memchr(mut octets: &[u8]) -> u64 {
    let mut count = 0;
    while let Some(at) = memchr(b'\n', octets) {
        let (line, rest) = octets.split_at(at + 1);
        black_box(line);
        octets = rest;
        count += 1;
    }
    count
}

/// What any framing on a `BytesMut` does: memchr, and taking the line off.
fn by_memchr_and_advance(input: &mut BytesMut) -> u64 {
    let mut count = 0;
    while let Some(at) = memchr(b'\n', input) {
        black_box(input.get(..=at));
        input.advance(at + 1);
        count += 1;
    }
    count
}

fn by_lines(input: &mut BytesMut) -> u64 {
    let (mut framer, limits, mut count) = (LineFramer::new(), LineLimits::default(), 0);
    while let Line::Complete { len } = framer.frame(input, limits) {
        black_box(input.get(..len));
        input.advance(len);
        count += 1;
    }
    count
}

fn by_commands(input: &mut BytesMut) -> u64 {
    let (mut framer, mut count) = (CommandFramer::new(), 0);
    while let CommandFrame::Complete { len } = framer.frame(input, 1 << 16) {
        black_box(input.get(..len));
        input.advance(len);
        count += 1;
    }
    count
}

fn benches(criterion: &mut Criterion) {
    let octets = lines();
    let mut group = criterion.benchmark_group("framing");
    group.throughput(Throughput::Bytes(octets.len() as u64));
    let fresh = || BytesMut::from(&octets[..]);
    group.bench_function("memchr", |bencher| bencher.iter(|| by_memchr(&octets)));
    group.bench_function("memchr and advance", |bencher| {
        bencher.iter_batched_ref(fresh, by_memchr_and_advance, BatchSize::LargeInput);
    });
    group.bench_function("LineFramer", |bencher| {
        bencher.iter_batched_ref(fresh, by_lines, BatchSize::LargeInput);
    });
    group.bench_function("CommandFramer", |bencher| {
        bencher.iter_batched_ref(fresh, by_commands, BatchSize::LargeInput);
    });
    group.finish();

    compare(
        "Framing",
        (LINES as u64, "lines"),
        octets.len() as u64,
        &mut [
            ("memchr", &mut || timed(|| by_memchr(&octets))),
            ("memchr and advance", &mut || prepared(fresh, by_memchr_and_advance)),
            ("LineFramer", &mut || prepared(fresh, by_lines)),
            ("CommandFramer", &mut || prepared(fresh, by_commands)),
        ],
    );
}

criterion_group!(framing, benches);

fn main() {
    framing();
    Criterion::default().configure_from_args().final_summary();
}
