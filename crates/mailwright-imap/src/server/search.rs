//! What SEARCH has found, as the client wants it (RFC 9051 §7.3.4, RFC 3501 §7.2.5, RFC 5182).

use mailwright_core::{Output, UidSet};

use super::event::Found;
use super::numbering::Numbering;
use super::state::Searching;
use crate::types::SearchReturn;
use crate::wire;

/// Writes what was found; gives what `$` stands for from now on, if that changes.
pub(super) fn write(
    out: &mut Output,
    searching: &Searching,
    found: &Found,
    numbering: &Numbering,
    rev2: bool,
) -> Option<UidSet> {
    let ranges = ranges(searching, &found.uids, numbering);
    let returns = match searching.returns {
        None if !rev2 => {
            plain(out, &ranges, found);
            return None;
        }
        None => SearchReturn { all: true, ..SearchReturn::default() },
        Some(returns) if returns == SearchReturn::default() => SearchReturn { all: true, ..returns },
        Some(returns) => returns,
    };
    if returns.min || returns.max || returns.all || returns.count {
        extended(out, searching, returns, &ranges, found);
    }
    returns.save.then(|| saved(returns, &found.uids))
}

/// RFC 5182 §2.1: with MIN and MAX alone, only these.
fn saved(returns: SearchReturn, uids: &UidSet) -> UidSet {
    if returns.all || returns.count || !(returns.min || returns.max) {
        return uids.clone();
    }
    let min = uids.first().filter(|_| returns.min);
    min.into_iter().chain(uids.last().filter(|_| returns.max)).collect()
}

fn ranges(searching: &Searching, uids: &UidSet, numbering: &Numbering) -> Vec<(u32, u32)> {
    if searching.uid {
        uids.ranges().map(std::ops::RangeInclusive::into_inner).collect()
    } else {
        numbering.numbers(uids).collect()
    }
}

fn plain(out: &mut Output, ranges: &[(u32, u32)], found: &Found) {
    out.put(b"* SEARCH");
    for number in ranges.iter().flat_map(|&(first, last)| first..=last) {
        out.put(b" ");
        wire::number(out, number.into());
    }
    if let Some(modseq) = found.modseq {
        out.put(b" (MODSEQ ");
        wire::number(out, modseq.get());
        out.put(b")");
    }
    out.put(b"\r\n");
}

fn extended(
    out: &mut Output,
    searching: &Searching,
    returns: SearchReturn,
    ranges: &[(u32, u32)],
    found: &Found,
) {
    out.put(b"* ESEARCH (TAG \"");
    // A tag has neither quotes nor backslashes (RFC 9051 §9).
    out.put(searching.tag.as_bytes());
    out.put(b"\")");
    if searching.uid {
        out.put(b" UID");
    }
    let item = |out: &mut Output, name: &[u8], number: u64| {
        out.put(name);
        wire::number(out, number);
    };
    if let (true, Some(&(min, _))) = (returns.min, ranges.first()) {
        item(out, b" MIN ", min.into());
    }
    if let (true, Some(&(_, max))) = (returns.max, ranges.last()) {
        item(out, b" MAX ", max.into());
    }
    if returns.all && !ranges.is_empty() {
        out.put(b" ALL ");
        sequence_set(out, ranges);
    }
    if returns.count {
        item(out, b" COUNT ", found.uids.len());
    }
    if let Some(modseq) = found.modseq {
        item(out, b" MODSEQ ", modseq.get());
    }
    out.put(b"\r\n");
}

pub(super) fn sequence_set(out: &mut Output, ranges: &[(u32, u32)]) {
    for (index, &(first, last)) in ranges.iter().enumerate() {
        if index > 0 {
            out.put(b",");
        }
        wire::number(out, first.into());
        if first < last {
            out.put(b":");
            wire::number(out, last.into());
        }
    }
}
