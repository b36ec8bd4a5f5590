//! Small machines that prove the contract on its hardest users, before it is called stable.
//!
//! Each is a toy protocol endpoint made of nothing but core's parts, with tests that show what the contract
//! has to carry: an answer per recipient ([`lmtp`]), several literals decided one by one ([`multiappend`]),
//! changes pulled while the connection idles ([`idle`]), DEFLATE inside TLS ([`compress`]), and a client of
//! the same shape as the servers ([`client`]).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "that is how tests fail"
)]

mod client;
mod compress;
mod idle;
mod lmtp;
mod multiappend;

use std::path::PathBuf;
use std::time::Instant;

use mailwright_core::testing::{Bench, FakeClock, Seen};
use mailwright_core::{Clock, Machine, Progress};

/// Some instant to count from.
fn start() -> Instant {
    FakeClock::new().mono()
}

/// The transcripts of a stub.
fn scripts(stub: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/proof/scripts", stub].iter().collect()
}

/// The bytes among what was seen, as text.
fn output(seen: &[Seen]) -> String {
    let bytes = seen.iter().flat_map(|seen| if let Seen::Output(bytes) = seen { &bytes[..] } else { &[] });
    String::from_utf8(bytes.copied().collect()).unwrap()
}

/// The events among what was seen.
fn events(seen: &[Seen]) -> Vec<&str> {
    seen.iter()
        .filter_map(|seen| if let Seen::Event(line) = seen { Some(line.as_str()) } else { None })
        .collect()
}

/// Polls once, where no event is expected: why the machine waits.
fn wait<M: Machine<Event: std::fmt::Debug>, A>(bench: &mut Bench<M, A>) -> Result<Progress<()>, M::Error> {
    Ok(match bench.machine.poll_event(&mut bench.input, bench.now)? {
        Progress::Closed => Progress::Closed,
        Progress::Upgrade(upgrade) => Progress::Upgrade(upgrade),
        Progress::NeedDrain => Progress::NeedDrain,
        Progress::NeedReply => Progress::NeedReply,
        Progress::NeedInput => Progress::NeedInput,
        other => panic!("{other:?}"),
    })
}

/// An error is final: it comes again, whatever else arrives, and nothing more is said.
fn assert_final<M: Machine<Error: PartialEq + Clone>, A>(bench: &mut Bench<M, A>, error: &M::Error) {
    for more in [&b""[..], b"NOOP\r\n", b"a NOOP\r\n"] {
        bench.input.extend_from_slice(more);
        let again = bench.machine.poll_event(&mut bench.input, bench.now);
        assert_eq!(again.err().as_ref(), Some(error));
        assert_eq!(bench.machine.output().ready(), 0);
        assert_eq!(bench.machine.poll_timeout(), None);
    }
}
