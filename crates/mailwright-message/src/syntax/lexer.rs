//! The lexical tokens of structured fields (RFC 5322 §3.2), from unfolded texts.

use memchr::{memchr, memchr2};

/// Takes the line ends out of a field's value, and what stands before its first word in the first line
/// (RFC 5322 §2.2.3).
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let blanks = value.iter().take_while(|octet| is_blank(**octet)).count();
    join_lines(value.get(blanks..).unwrap_or_default())
}

/// Takes the line ends out of a field, or a piece of one.
pub(crate) fn join_lines(value: &[u8]) -> Vec<u8> {
    let mut rest = value;
    let mut text = Vec::with_capacity(rest.len());
    while let Some(at) = memchr(b'\n', rest) {
        let (line, next) = rest.split_at_checked(at).unwrap_or_default();
        text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = next.get(1..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    text
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// What is left of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer<'a> {
    rest: &'a [u8],
}

/// What was skipped between two words.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Between<'a> {
    /// White space or a comment.
    pub(crate) any: bool,
    /// What stands in the last comment that is not empty, quoted as it was.
    pub(crate) comment: Option<&'a [u8]>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn skip(&mut self, octets: usize) {
        self.rest = self.rest.get(octets..).unwrap_or_default();
    }

    /// Takes `octet` if it is next.
    pub(crate) fn take(&mut self, octet: u8) -> bool {
        let is_next = self.peek() == Some(octet);
        if is_next {
            self.skip(1);
        }
        is_next
    }

    pub(crate) fn take_while(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|octet| !is_wanted(*octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// ```abnf
    /// CFWS = (1*([FWS] comment) [FWS]) / FWS
    /// ```
    pub(crate) fn skip_between(&mut self) -> Between<'a> {
        let mut between = Between::default();
        loop {
            between.any |= !self.take_while(is_space).is_empty();
            if self.peek() != Some(b'(') {
                return between;
            }
            between.any = true;
            let comment = self.comment();
            if !comment.is_empty() {
                between.comment = Some(comment);
            }
        }
    }

    /// ```abnf
    /// comment = "(" *([FWS] ccontent) [FWS] ")"
    /// ```
    /// Without the outer brackets. One that does not end takes all that is left.
    fn comment(&mut self) -> &'a [u8] {
        let inside = self.rest.get(1..).unwrap_or_default();
        let (mut depth, mut is_quoted) = (1_usize, false);
        for (at, octet) in inside.iter().enumerate() {
            match octet {
                _ if is_quoted => is_quoted = false,
                b'\\' => is_quoted = true,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = inside.get(at + 1..).unwrap_or_default();
                return inside.get(..at).unwrap_or_default();
            }
        }
        self.rest = &[];
        inside
    }

    /// ```abnf
    /// quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS]
    /// ```
    /// What is in it is added to `out`, without the quoting. One that does not end takes all that is left.
    pub(crate) fn quoted(&mut self, out: &mut Vec<u8>) {
        self.skip(1);
        while let Some(at) = memchr2(b'"', b'\\', self.rest) {
            out.extend_from_slice(self.rest.get(..at).unwrap_or_default());
            let is_end = self.rest.get(at) == Some(&b'"');
            self.skip(at + 1);
            if is_end {
                return;
            }
            if let Some(octet) = self.peek() {
                out.push(octet);
                self.skip(1);
            }
        }
        out.extend_from_slice(self.rest);
        self.rest = &[];
    }

    /// ```abnf
    /// domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS]
    /// ```
    /// With the brackets.
    pub(crate) fn domain_literal(&mut self) -> &'a [u8] {
        let end = memchr(b']', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (literal, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        literal
    }
}

/// Takes the quoting out of what stands in a comment.
pub(crate) fn unquote(comment: &[u8], out: &mut Vec<u8>) {
    let mut rest = comment.trim_ascii();
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.extend(rest.get(at + 1));
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_go_and_what_begins_the_next_line_stays() {
        for (value, text) in [
            (&b" a b \r\n"[..], &b"a b "[..]),
            (b" \r\n   <x>\r\n", b"   <x>"),
            (b"a\n\tb\n", b"a\tb"),
            (b"a\r b\r\n", b"a\r b"),
            (b" \t", b""),
            (b"\r\n", b""),
        ] {
            assert_eq!(unfold(value).escape_ascii().to_string(), text.escape_ascii().to_string());
        }
    }

    #[test]
    fn comments_nest_and_quote() {
        let mut lexer = Lexer::new(b" (a (b) \\) c) () x(");
        let between = lexer.skip_between();
        assert_eq!((between.any, between.comment), (true, Some(&b"a (b) \\) c"[..])));
        assert!(lexer.take(b'x'));
        assert!(lexer.skip_between().comment.is_none());
        assert_eq!(lexer.peek(), None);
        let mut out = Vec::new();
        unquote(b" a \\) c\\", &mut out);
        assert_eq!(out, b"a ) c");
    }

    #[test]
    fn quoted_strings_lose_their_quoting() {
        for (text, inside, rest) in [
            (&b"\"a \\\"b\\\" \\\\\"c"[..], &b"a \"b\" \\"[..], &b"c"[..]),
            (b"\"a", b"a", b""),
            (b"\"a\\", b"a", b""),
            (b"\"\"", b"", b""),
        ] {
            let (mut lexer, mut out) = (Lexer::new(text), Vec::new());
            lexer.quoted(&mut out);
            assert_eq!((&out[..], lexer.rest), (inside, rest));
        }
    }
}
