//! No split of the input changes what a machine does.

use super::bench::{App, Bench, Seen, see};
use crate::machine::Machine;

/// All that a machine did, whatever the order in which output and events alternated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Events, bodies joined, and the end.
    pub events: Vec<Seen>,
    /// All bytes for the peer.
    pub output: Vec<u8>,
}

/// Runs a machine over `pieces`.
pub fn observe<'a, M: Machine, A: App<M>>(
    bench: &mut Bench<M, A>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Observation {
    let (mut events, mut output) = (Vec::new(), Vec::new());
    let mut record = |seen: Vec<Seen>| {
        for next in seen {
            match next {
                Seen::Output(bytes) => output.extend(bytes),
                other => see(&mut events, other),
            }
        }
    };
    record(bench.settle());
    for piece in pieces {
        record(bench.feed(piece));
    }
    bench.machine.handle_eof();
    record(bench.settle());
    Observation { events, output }
}

/// Checks that `input` in one piece, in single octets, and cut at `cuts` (each taken modulo its length) means
/// the same to a machine from `make`.
///
/// # Panics
/// If it does not; that is the test.
pub fn assert_any_split<M: Machine, A: App<M>>(
    input: &[u8],
    cuts: &[usize],
    make: impl Fn() -> Bench<M, A>,
) -> Observation {
    let whole = observe(&mut make(), [input]);
    let octets = observe(&mut make(), input.chunks(1));
    assert_eq!(octets, whole, "in single octets (left) and in one piece (right): {}", input.escape_ascii());
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).chain([0, input.len()]).collect();
    at.sort_unstable();
    let pieces = at.iter().zip(at.iter().skip(1)).filter_map(|(&from, &to)| input.get(from..to));
    let cut = observe(&mut make(), pieces);
    assert_eq!(cut, whole, "cut at {at:?} (left) and in one piece (right): {}", input.escape_ascii());
    whole
}
