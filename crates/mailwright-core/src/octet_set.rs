//! Which octets may stand somewhere.

/// A set of octets, made when the program is compiled. Grammars say most of what they say in such sets, and whoever reads
/// looks up each octet of a line: a table is faster than comparisons.
///
/// ```
/// use mailwright_core::OctetSet;
///
/// static ATOM: OctetSet = OctetSet::LETTERS_AND_DIGITS.with(b"-_").with_range(128, 255);
/// assert!(b"caf\xc3\xa9-1".iter().all(|&octet| ATOM.has(octet)));
/// assert!(!ATOM.has(b'.'));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OctetSet([bool; 256]);

impl OctetSet {
    /// None.
    pub const NONE: Self = Self([false; 256]);

    /// `ALPHA / DIGIT` (RFC 5234 appendix B.1).
    pub const LETTERS_AND_DIGITS: Self =
        Self::NONE.with_range(b'0', b'9').with_range(b'A', b'Z').with_range(b'a', b'z');

    /// With these too.
    #[must_use]
    pub const fn with(mut self, octets: &[u8]) -> Self {
        let mut rest = octets;
        while let [octet, more @ ..] = rest {
            self = self.with_range(*octet, *octet);
            rest = more;
        }
        self
    }

    /// With all from `first` to `last`, these included, too.
    #[must_use]
    pub const fn with_range(mut self, first: u8, last: u8) -> Self {
        let (mut rest, mut octet) = (self.0.as_mut_slice(), 0);
        while let [has, more @ ..] = rest {
            if octet >= first as usize && octet <= last as usize {
                *has = true;
            }
            (rest, octet) = (more, octet + 1);
        }
        self
    }

    /// Whether it is one of them.
    #[inline]
    pub fn has(&self, octet: u8) -> bool {
        self.0.get(usize::from(octet)).copied().unwrap_or_default()
    }

    /// What of them `text` begins with, and the rest.
    #[inline]
    pub fn split<'a>(&self, text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        text.split_at_checked(self.run(text)).unwrap_or_default()
    }

    /// How many of them `text` begins with.
    #[inline]
    pub fn run(&self, text: &[u8]) -> usize {
        // By fours, which the compiler writes out: most runs are short, and counting costs as much as looking.
        let (fours, rest) = text.as_chunks::<4>();
        let mut run = 0;
        for four in fours {
            match four.map(|octet| self.has(octet)) {
                [false, ..] => return run,
                [true, false, ..] => return run + 1,
                [true, true, false, _] => return run + 2,
                [true, true, true, false] => return run + 3,
                [true, true, true, true] => run += 4,
            }
        }
        run + rest.iter().position(|&octet| !self.has(octet)).unwrap_or(rest.len())
    }
}
