//! The octets of a scan: numbers, texts, and a reader that goes no further than it is asked.

use bytes::Bytes;

use crate::error::ScanError;
use crate::words;

/// Seven bits an octet, the lowest first; the highest bit says that more follow.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Twice its length, then itself.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_number(out, length(text) << 1);
    out.extend_from_slice(text);
}

/// As a text; one that is among the known words is their number, doubled, and one more.
pub(crate) fn put_word(out: &mut Vec<u8>, text: &[u8]) {
    match words::number(text) {
        Some(number) => put_number(out, number << 1 | 1),
        None => put_text(out, text),
    }
}

pub(crate) fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

/// Reads from `all`, of which the texts are slices.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    all: &'a Bytes,
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// From `at` to `end`, or to the end of `all` if that is before.
    pub(crate) fn new(all: &'a Bytes, at: usize, end: usize) -> Self {
        Self { all, at, end: end.min(all.len()) }
    }

    /// Where the next octet is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Octets that are not yet read.
    pub(crate) fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, ScanError> {
        let octet = self.all.get(self.at).filter(|_| self.at < self.end).ok_or(ScanError::Damaged)?;
        self.at += 1;
        Ok(*octet)
    }

    /// The next octets, as they are.
    pub(crate) fn octets<const N: usize>(&mut self) -> Result<[u8; N], ScanError> {
        let end = self.at.checked_add(N).filter(|end| *end <= self.end).ok_or(ScanError::Damaged)?;
        let octets = self.all.get(self.at..end).and_then(|octets| octets.try_into().ok());
        self.at = end;
        octets.ok_or(ScanError::Damaged)
    }

    pub(crate) fn number(&mut self) -> Result<u64, ScanError> {
        let first = self.octet()?;
        let (mut number, mut shift) = (u64::from(first & 0x7f), 7);
        if first & 0x80 == 0 {
            return Ok(number);
        }
        loop {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            if shift > 63 || (shift == 63 && bits > 1) {
                return Err(ScanError::Damaged);
            }
            number |= bits << shift;
            if octet & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// A number of octets, items or the like.
    pub(crate) fn count(&mut self) -> Result<usize, ScanError> {
        usize::try_from(self.number()?).map_err(|_| ScanError::Damaged)
    }

    /// A text, as it stands in what is read.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], ScanError> {
        let header = self.number()?;
        if header & 1 == 1 {
            return words::word(header >> 1).ok_or(ScanError::Damaged);
        }
        let length = usize::try_from(header >> 1).map_err(|_| ScanError::Damaged)?;
        let to = self.at.checked_add(length).filter(|to| *to <= self.end).ok_or(ScanError::Damaged)?;
        let text = self.all.get(self.at..to).ok_or(ScanError::Damaged)?;
        self.at = to;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            let all = Bytes::from(out);
            let mut reader = Reader::new(&all, 0, usize::MAX);
            assert_eq!(reader.number(), Ok(number));
            assert_eq!(reader.left(), 0);
            for end in 0..all.len() {
                assert_eq!(Reader::new(&all, 0, end).number(), Err(ScanError::Damaged));
            }
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_damage() {
        for octets in [&[0xff_u8; 11][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]] {
            let all = Bytes::copy_from_slice(octets);
            assert_eq!(Reader::new(&all, 0, usize::MAX).number(), Err(ScanError::Damaged));
        }
    }

    #[test]
    fn texts_come_back_and_known_words_take_an_octet() {
        let mut out = Vec::new();
        put_word(&mut out, b"text");
        assert_eq!(out.len(), 1);
        put_word(&mut out, b"");
        put_text(&mut out, b"text");
        put_word(&mut out, b"unheard-of");
        let all = Bytes::from(out);
        let mut reader = Reader::new(&all, 0, usize::MAX);
        for text in ["text", "", "text", "unheard-of"] {
            assert_eq!(reader.text().unwrap(), text.as_bytes());
        }
        assert_eq!(reader.text(), Err(ScanError::Damaged));
    }
}
