//! `sequence-set` (RFC 9051 §9, RFC 5182).

use nom::Parser;
use nom::branch::alt;
use nom::character::complete::char;
use nom::combinator::{map, value};
use smallvec::SmallVec;

use super::lexical::{Parsed, no_match, nz_number};
use crate::types::{SeqNumber, SequenceSet};

/// `sequence-set = (seq-number / seq-range) ["," sequence-set] / seq-last-command`
pub(super) fn sequence_set(input: &[u8]) -> Parsed<'_, SequenceSet> {
    if let Some(rest) = input.strip_prefix(b"$") {
        return Ok((rest, SequenceSet::Saved));
    }
    let mut ranges = SmallVec::new();
    let (mut rest, range) = seq_range(input)?;
    ranges.push(range);
    while let Some(behind) = rest.strip_prefix(b",") {
        let (behind, range) = seq_range(behind)?;
        ranges.push(range);
        rest = behind;
    }
    Ok((rest, SequenceSet::Ranges(ranges)))
}

/// A `sequence-set` without `*` and `$`: RFC 7162 §7 `known-uids`.
pub(super) fn known_set(input: &[u8]) -> Parsed<'_, SequenceSet> {
    match sequence_set(input)? {
        (_, set) if set == SequenceSet::Saved || set.has_last() => no_match("numbers"),
        parsed => Ok(parsed),
    }
}

/// `seq-number / seq-range`, where `seq-range = seq-number ":" seq-number`
fn seq_range(input: &[u8]) -> Parsed<'_, (SeqNumber, SeqNumber)> {
    let (rest, first) = seq_number(input)?;
    match rest.strip_prefix(b":") {
        Some(rest) => {
            let (rest, last) = seq_number(rest)?;
            Ok((rest, (first, last)))
        }
        None => Ok((rest, (first, first))),
    }
}

/// `seq-number = nz-number / "*"`
fn seq_number(input: &[u8]) -> Parsed<'_, SeqNumber> {
    alt((value(SeqNumber::Last, char('*')), map(nz_number, SeqNumber::Number))).parse(input)
}
