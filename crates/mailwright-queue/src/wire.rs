//! The octets of what the queue keeps in the store.

use thiserror::Error;

/// Why what was kept cannot be read. The mail itself is not touched by it: who reads goes on with a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It was written by another version.
    #[error("written in version {0}")]
    Version(u16),
    /// It is not what was written.
    #[error("damaged")]
    Damaged,
}

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

/// Its length, then itself.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, u64::try_from(text.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_time(out: &mut Vec<u8>, at: mailwright_core::Timestamp) {
    out.extend_from_slice(&at.as_millis().to_be_bytes());
}

/// Whether there is a value, then the value.
pub(crate) fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// Reads what was put, in the same order.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, DecodeError> {
        let [octet] = self.array()?;
        Ok(octet)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(DecodeError::Damaged)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Damaged)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = usize::try_from(self.number()?).map_err(|_| DecodeError::Damaged)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Damaged)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| DecodeError::Damaged)
    }

    pub(crate) fn time(&mut self) -> Result<mailwright_core::Timestamp, DecodeError> {
        Ok(mailwright_core::Timestamp(i64::from_be_bytes(self.array()?)))
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.octet()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(DecodeError::Damaged),
        }
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Damaged) }
    }
}
