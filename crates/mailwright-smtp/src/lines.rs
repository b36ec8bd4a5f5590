//! Whether a content is made of lines.

use mailwright_core::framing::BodyFault;
use memchr::memchr3_iter;

/// Checks content that comes in pieces: lines end in CRLF, and there is no NUL.
///
/// A fault is not mended. Whoever has stored or signed the content has seen other octets than would be sent, and
/// what one program takes for a line end another does not ("SMTP smuggling").
#[derive(Debug, Default)]
pub(crate) struct Lines {
    last: Option<u8>,
}

impl Lines {
    /// A fault, with how many octets of the text stand before the one that shows it.
    pub(crate) fn check(&mut self, text: &[u8]) -> Result<(), (usize, BodyFault)> {
        let Some(&first) = text.first() else { return Ok(()) };
        if self.last == Some(b'\r') && first != b'\n' {
            return Err((0, BodyFault::BareCr));
        }
        for at in memchr3_iter(b'\r', b'\n', 0, text) {
            let before = at.checked_sub(1).map_or(self.last, |before| text.get(before).copied());
            match (text.get(at), text.get(at + 1)) {
                (Some(b'\r'), None | Some(b'\n')) => {}
                (Some(b'\r'), _) => return Err((at + 1, BodyFault::BareCr)),
                (Some(b'\n'), _) if before == Some(b'\r') => {}
                (Some(b'\n'), _) => return Err((at, BodyFault::BareLf)),
                _ => return Err((at, BodyFault::Nul)),
            }
        }
        self.last = text.last().copied();
        Ok(())
    }

    /// Whether the last line still needs an end.
    pub(crate) fn end(&self) -> Result<bool, BodyFault> {
        match self.last {
            Some(b'\r') => Err(BodyFault::BareCr),
            last => Ok(!matches!(last, None | Some(b'\n'))),
        }
    }
}
