//! Lines, of which only the beginning is kept.

use memchr::{memchr, memchr_iter};

use super::LINE_MAX;

/// A line, or as much of it as matters.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Where it begins.
    pub(super) at: u64,
    /// Its octets, the end included.
    pub(super) octets: u64,
    /// Those at its beginning.
    pub(super) head: Vec<u8>,
    pub(super) end: LineEnd,
    pub(super) beyond_ascii: bool,
    /// It has a NUL, or a CR that is not of its end.
    is_odd: bool,
    ends_with_cr: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// The message ends here.
    #[default]
    None,
    Lf,
    Crlf,
}

impl LineEnd {
    pub(super) fn octets(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Lf => 1,
            Self::Crlf => 2,
        }
    }
}

/// Octets that are kept of a line: a whole one, unless it is too long for any server; and a delimiter.
const HEAD: usize = 1_100;

impl Line {
    /// Whether it is a line as SMTP has them, whatever octets beyond ASCII are in it.
    pub(super) fn is_fit(&self) -> bool {
        !self.is_odd && self.end != LineEnd::Lf && self.octets - self.end.octets() <= LINE_MAX
    }

    fn extend(&mut self, octets: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(octets.get(..room).unwrap_or(octets));
        self.octets += u64::try_from(octets.len()).unwrap_or_default();
        self.beyond_ascii |= !octets.is_ascii();
        let is_stray = |at: usize| octets.get(at + 1).is_some_and(|next| *next != b'\n');
        self.is_odd |= memchr(0, octets).is_some()
            || self.ends_with_cr && octets.first() != Some(&b'\n')
            || memchr_iter(b'\r', octets).any(is_stray);
        if octets.ends_with(b"\n") {
            let behind_cr = octets.ends_with(b"\r\n") || octets.len() == 1 && self.ends_with_cr;
            self.end = if behind_cr { LineEnd::Crlf } else { LineEnd::Lf };
        }
        self.ends_with_cr = octets.ends_with(b"\r");
    }

    /// The next line; the memory is used again.
    fn reset(&mut self) {
        let (mut head, at) = (std::mem::take(&mut self.head), self.at + self.octets);
        head.clear();
        *self = Self { at, head, ..Self::default() };
    }
}

/// Puts lines together.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Line,
}

impl Lines {
    pub(super) fn feed(&mut self, octets: &[u8], mut take: impl FnMut(&Line)) {
        let mut rest = octets;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (piece, next) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = next;
            self.line.extend(piece);
            if self.line.end != LineEnd::None {
                take(&self.line);
                self.line.reset();
            }
        }
    }

    /// Gives what stands behind the last line end, and the size of all.
    pub(super) fn finish(&mut self, take: impl FnOnce(&Line)) -> u64 {
        self.line.is_odd |= self.line.ends_with_cr;
        if self.line.octets > 0 {
            take(&self.line);
        }
        self.line.at + self.line.octets
    }
}
