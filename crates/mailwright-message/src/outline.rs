//! The parts of a message, as they are found.

use crate::envelope::EnvelopeDraft;
use crate::part::{PartHeader, PartKind, shortened};

/// How far a message has been read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// Octets so far.
    pub(crate) octets: u64,
    /// Line ends so far.
    pub(crate) lines: u64,
    /// Octets of the line end that was read last; zero within a line.
    pub(crate) line_end: u64,
    /// Whether the last octet was a CR.
    pub(crate) behind_cr: bool,
}

/// A part: where it is, and what its header says.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) within: Option<usize>,
    pub(crate) depth: usize,
    pub(crate) kind: PartKind,
    pub(crate) header_start: u64,
    pub(crate) body_start: u64,
    pub(crate) body_end: u64,
    /// Line ends in the body.
    pub(crate) lines: u64,
    /// Where among the kept octets its header is.
    fields: (usize, usize),
    /// The same of the envelope, if it is a message's outermost part.
    envelope: Option<(usize, usize)>,
    is_digest: bool,
    /// Line ends before the body.
    lines_before: u64,
}

impl Part {
    /// One that is not in the message, at `place`.
    pub(crate) fn empty(place: u64) -> Self {
        Self {
            within: None,
            depth: 0,
            kind: PartKind::Text,
            header_start: place,
            body_start: place,
            body_end: place,
            lines: 0,
            fields: (0, 0),
            envelope: None,
            is_digest: false,
            lines_before: 0,
        }
    }
}

/// All parts so far, each before those in it.
#[derive(Debug)]
pub(crate) struct Outline {
    parts: Vec<Part>,
    kept: Vec<u8>,
    most_kept: usize,
    is_limited: bool,
}

impl Outline {
    /// Of all headers at most about so many octets are kept.
    pub(crate) fn new(most_kept: usize) -> Self {
        Self { parts: Vec::new(), kept: Vec::new(), most_kept, is_limited: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether something was not kept for lack of room.
    pub(crate) fn is_limited(&self) -> bool {
        self.is_limited
    }

    pub(crate) fn depth(&self, part: usize) -> usize {
        self.parts.get(part).map_or(0, |part| part.depth)
    }

    pub(crate) fn is_in_digest(&self, part: usize) -> bool {
        let within = self.parts.get(part).and_then(|part| part.within);
        within.and_then(|within| self.parts.get(within)).is_some_and(|container| container.is_digest)
    }

    /// A part begins, with its header.
    pub(crate) fn begin(&mut self, within: Option<usize>, place: &Place) -> usize {
        let depth = within.map_or(0, |within| self.depth(within) + 1);
        self.parts.push(Part { within, depth, lines_before: place.lines, ..Part::empty(place.octets) });
        self.parts.len() - 1
    }

    /// The header of a part is read, and its body begins.
    pub(crate) fn end_header(
        &mut self,
        part: usize,
        place: &Place,
        header: &PartHeader,
        envelope: Option<&EnvelopeDraft>,
    ) {
        let fields = self.keep(&header.octets, &shortened(header.kind));
        let envelope = envelope.map(|envelope| {
            let mut octets = Vec::with_capacity(envelope.size() + 64);
            envelope.put(&mut octets);
            let mut empty = Vec::new();
            EnvelopeDraft::default().put(&mut empty);
            self.keep(&octets, &empty)
        });
        let Some(part) = self.parts.get_mut(part) else { return };
        part.kind = header.kind;
        part.body_start = place.octets;
        part.body_end = place.octets;
        part.lines_before = place.lines;
        part.fields = fields;
        part.envelope = envelope;
        part.is_digest = header.is_digest;
    }

    /// Keeps `octets`, or if there is no room for them the `short` ones instead.
    fn keep(&mut self, octets: &[u8], short: &[u8]) -> (usize, usize) {
        let has_room = self.kept.len().saturating_add(octets.len()) <= self.most_kept;
        self.is_limited |= !has_room;
        let start = self.kept.len();
        self.kept.extend_from_slice(if has_room { octets } else { short });
        (start, self.kept.len())
    }

    /// The parts from `innermost` outwards, up to but without `up_to`, are at their end.
    pub(crate) fn close(&mut self, innermost: usize, up_to: Option<usize>, place: &Place) {
        let mut next = Some(innermost);
        while let Some(at) = next
            && next != up_to
            && let Some(part) = self.parts.get_mut(at)
        {
            next = part.within;
            part.body_end = place.octets.max(part.body_start);
            part.lines = place.lines.saturating_sub(part.lines_before);
        }
    }

    /// What the header of a part says, as it is kept.
    pub(crate) fn fields(&self, part: &Part) -> &[u8] {
        self.kept(part.fields)
    }

    /// The envelope of the message whose outermost part it is.
    pub(crate) fn envelope(&self, part: &Part) -> Option<&[u8]> {
        part.envelope.map(|range| self.kept(range))
    }

    fn kept(&self, (start, end): (usize, usize)) -> &[u8] {
        self.kept.get(start..end).unwrap_or_default()
    }
}
