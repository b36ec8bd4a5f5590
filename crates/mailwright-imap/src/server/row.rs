//! A message as FETCH shows it.

use bytes::Bytes;
use mailwright_core::{BodyStructure, Envelope, ModSeq, Output};
use smallvec::SmallVec;

use super::event::Changed;
use super::selected::Selected;
use crate::types::{DateTime, Partial, Section, SectionName};
use crate::wire;

/// A FETCH under way.
#[derive(Debug)]
pub(super) struct Fetching {
    pub(super) tag: String,
    /// It was UID FETCH.
    pub(super) uid: bool,
    /// UIDs are told.
    pub(super) with_uid: bool,
    /// Some of the messages were expunged meanwhile.
    pub(super) gone: bool,
    pub(super) row: Progress,
}

/// How much of a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// No row is begun.
    Between,
    /// It is begun, and has so many items.
    Begun { items: u32 },
    /// So many octets of a literal are still to come, in a row with so many items.
    Literal { left: u64, items: u32 },
    /// The application has left something out: what the peer reads makes no sense any more.
    Broken,
}

/// A message as FETCH shows it, item by item. [`finish`](Self::finish) ends it: one that is dropped before closes the
/// connection, so that no part is taken for the whole.
#[derive(Debug)]
pub struct Row<'a> {
    pub(super) output: &'a mut Output,
    pub(super) fetching: &'a mut Fetching,
    pub(super) selected: &'a mut Selected,
    /// The client wants MODSEQs.
    pub(super) condstore: bool,
    /// Keywords have shown up that the client has not heard of.
    pub(super) learned: bool,
}

impl Row<'_> {
    /// FLAGS
    pub fn flags(&mut self, flags: impl IntoIterator<Item = impl AsRef<str>>) {
        let flags: SmallVec<[_; 8]> = flags.into_iter().collect();
        self.learned |= self.selected.learn(flags.iter().map(AsRef::as_ref));
        self.item(b"FLAGS ");
        wire::flags(self.output, &flags);
    }

    /// FLAGS, and UID and MODSEQ where CONDSTORE is on, of a message that this FETCH has made `\Seen`. Not
    /// [`flags`](Self::flags) too.
    pub fn seen(&mut self, changed: Changed, flags: impl IntoIterator<Item = impl AsRef<str>>) {
        // RFC 7162 §3.2.4: changed flags are told with the UID, whoever has changed them.
        if self.condstore && !self.fetching.with_uid {
            self.item(b"UID ");
            wire::number(self.output, changed.uid.get().into());
        }
        self.flags(flags);
        self.selected.remember(changed.uid, changed.modseq);
        if self.condstore {
            self.modseq(changed.modseq);
        }
    }

    /// INTERNALDATE
    pub fn internal_date(&mut self, date: &DateTime) {
        self.item(b"INTERNALDATE ");
        wire::date_time(self.output, date);
    }

    /// RFC822.SIZE
    pub fn size(&mut self, octets: u64) {
        self.item(b"RFC822.SIZE ");
        wire::number(self.output, octets);
    }

    /// MODSEQ
    pub fn modseq(&mut self, modseq: ModSeq) {
        self.item(b"MODSEQ (");
        wire::number(self.output, modseq.get());
        self.output.put(b")");
    }

    /// ENVELOPE
    pub fn envelope<T: AsRef<[u8]>>(&mut self, envelope: &Envelope<T>) {
        self.item(b"ENVELOPE ");
        wire::envelope(self.output, envelope);
    }

    /// BODY: the structure without extension data.
    pub fn body<T: AsRef<[u8]>>(&mut self, body: &BodyStructure<T>) {
        self.item(b"BODY ");
        wire::body(self.output, body, false);
    }

    /// BODYSTRUCTURE
    pub fn body_structure<T: AsRef<[u8]>>(&mut self, body: &BodyStructure<T>) {
        self.item(b"BODYSTRUCTURE ");
        wire::body(self.output, body, true);
    }

    /// A section, already cut to `partial`; `None` if there is no such section. Large ones are not copied.
    pub fn section(
        &mut self,
        section: &Section,
        name: SectionName,
        partial: Option<Partial>,
        octets: Option<Bytes>,
    ) {
        self.item(b"");
        wire::section(self.output, section, name, partial.map(|partial| partial.offset));
        self.octets(octets, false);
    }

    /// Begins a section of `len` octets, after it was cut to `partial`. They are given with
    /// [`Server::chunk`](super::Server::chunk); then [`Server::row`](super::Server::row) goes on with the row.
    pub fn begin_section(mut self, section: &Section, name: SectionName, partial: Option<Partial>, len: u64) {
        self.item(b"");
        wire::section(self.output, section, name, partial.map(|partial| partial.offset));
        self.announce(len, false);
        self.output.release();
        if let Progress::Begun { items } = self.fetching.row {
            self.fetching.row = Progress::Literal { left: len, items };
        }
    }

    /// A part, decoded and already cut to `partial`; `None` if there is no such part.
    pub fn binary(&mut self, part: &[u32], partial: Option<Partial>, octets: Option<Bytes>) {
        self.item(b"");
        wire::binary(self.output, part, false, partial.map(|partial| partial.offset));
        let has_nul = octets.as_ref().is_some_and(|octets| memchr::memchr(0, octets).is_some());
        self.octets(octets, has_nul);
    }

    /// The size of a part, decoded.
    pub fn binary_size(&mut self, part: &[u32], octets: u64) {
        self.item(b"");
        wire::binary(self.output, part, true, None);
        self.output.put(b" ");
        wire::number(self.output, octets);
    }

    /// Ends the row.
    pub fn finish(self) {
        let whole = matches!(self.fetching.row, Progress::Begun { .. });
        self.fetching.row = if whole { Progress::Between } else { Progress::Broken };
        self.output.put(b")\r\n");
        if self.learned {
            self.output.put(b"* FLAGS ");
            wire::flags(self.output, &self.selected.flags);
            self.output.put(b"\r\n");
        }
        self.output.release();
    }

    fn item(&mut self, name: &[u8]) {
        match &mut self.fetching.row {
            Progress::Begun { items: 0 } => self.fetching.row = Progress::Begun { items: 1 },
            Progress::Begun { items } => {
                *items = items.saturating_add(1);
                self.output.put(b" ");
            }
            _ => {}
        }
        self.output.put(name);
    }

    fn octets(&mut self, octets: Option<Bytes>, binary: bool) {
        match octets {
            None => self.output.put(b" NIL"),
            Some(octets) => {
                self.announce(octets.len() as u64, binary);
                self.output.push(octets);
            }
        }
    }

    fn announce(&mut self, len: u64, binary: bool) {
        self.output.put(if binary { b" ~{" } else { b" {" });
        wire::number(self.output, len);
        self.output.put(b"}\r\n");
    }
}
