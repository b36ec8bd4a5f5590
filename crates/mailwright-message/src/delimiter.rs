//! Boundaries of open multiparts, and the lines that they make delimiters (RFC 2046 §5.1.1).

/// What a delimiter line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delimiter {
    /// Which of the open boundaries.
    open: usize,
    /// It is a close-delimiter: no part follows.
    pub(crate) is_last: bool,
}

/// The boundaries of all multiparts that are open, the innermost last.
#[derive(Debug)]
pub(crate) struct OpenBoundaries {
    open: Vec<Open>,
    longest: usize,
    most_octets: usize,
}

#[derive(Debug)]
struct Open {
    boundary: Vec<u8>,
    part: usize,
}

impl OpenBoundaries {
    /// Of each boundary at most so many octets are kept.
    pub(crate) fn new(most_octets: usize) -> Self {
        Self { open: Vec::new(), longest: 0, most_octets }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// So many octets of a line tell whether it is a delimiter, and which: two dashes, the boundary, two dashes.
    pub(crate) fn longest_line(&self) -> usize {
        self.longest + 4
    }

    pub(crate) fn open(&mut self, boundary: &[u8], part: usize) {
        let boundary = boundary.get(..self.most_octets).unwrap_or(boundary).to_vec();
        self.longest = self.longest.max(boundary.len());
        self.open.push(Open { boundary, part });
    }

    /// ```abnf
    /// dash-boundary := "--" boundary
    /// ```
    /// "It is sufficient that the boundary appear in its entirety" at the begin of the line. If more than one does,
    /// the longest is meant; of the same boundary in two multiparts that of the inner one.
    pub(crate) fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let line = line.strip_prefix(b"--")?;
        let mut found: Option<(usize, &Open)> = None;
        for (at, open) in self.open.iter().enumerate().rev() {
            let is_longer = found.is_none_or(|(_, best)| open.boundary.len() > best.boundary.len());
            if is_longer && line.starts_with(&open.boundary) {
                found = Some((at, open));
            }
        }
        let (open, found) = found?;
        let is_last = line.get(found.boundary.len()..).is_some_and(|rest| rest.starts_with(b"--"));
        Some(Delimiter { open, is_last })
    }

    /// Forgets the boundaries inside the multipart that the delimiter is of, and its own with the last delimiter. Tells
    /// which part that multipart is.
    pub(crate) fn close(&mut self, delimiter: &Delimiter) -> Option<usize> {
        let part = self.open.get(delimiter.open)?.part;
        self.open.truncate(delimiter.open + usize::from(!delimiter.is_last));
        self.longest = self.open.iter().map(|open| open.boundary.len()).max().unwrap_or_default();
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_meant_then_the_innermost() {
        let mut open = OpenBoundaries::new(8);
        for (part, boundary) in ["foo", "foobar", "foo", "12345678-cut"].into_iter().enumerate() {
            open.open(boundary.as_bytes(), part);
        }
        let tell = |line: &str| {
            let delimiter = open.delimiter(line.as_bytes())?;
            let part = open.open.get(delimiter.open).map(|open| open.part);
            Some((part.unwrap(), delimiter.is_last))
        };
        assert_eq!(tell("--foo"), Some((2, false)));
        assert_eq!(tell("--foo--"), Some((2, true)));
        assert_eq!(tell("--foo \r\n"), Some((2, false)));
        assert_eq!(tell("--fooba\r\n"), Some((2, false)));
        assert_eq!(tell("--foobar--x"), Some((1, true)));
        assert_eq!(tell("--12345678 whatever"), Some((3, false)));
        for line in ["", "--", "--fo", "-foo", " --foo", "foo"] {
            assert_eq!(tell(line), None, "{line}");
        }
    }
}
