//! What a server says (RFC 5321 §4.2), within limits.

use std::fmt;

use bytes::BytesMut;
use mailwright_core::framing::{Line, LineFramer, LineLimits};
use mailwright_core::{EnhancedCode, ReplyCode};
use thiserror::Error;

use super::config::Limits;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reply {
    /// The code.
    pub code: ReplyCode,
    /// The enhanced status code, if the text begins with one of the code's class (RFC 2034 §4).
    pub enhanced: Option<EnhancedCode>,
    /// The text without codes, its lines joined by LF. What is not UTF-8 has become U+FFFD, what is a control
    /// character `?`: fit for a log.
    pub text: String,
}

impl Reply {
    /// Without what is beyond `max` octets of the text.
    pub(super) fn shortened(mut self, max: usize) -> Self {
        if self.text.len() > max {
            let end = (0..=max).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
            self.text.truncate(end);
        }
        self
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text.replace('\n', " / ")) }
    }
}

/// Why something is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ReplyFault {
    /// A line does not begin with a code from 200 to 599, and a blank or a hyphen behind it.
    #[error("a line that is no reply")]
    Syntax,
    /// A line ends in LF without CR: somebody may see other lines in it than we do.
    #[error("a line that ends in LF alone")]
    BareLf,
    /// The lines of one reply have different codes.
    #[error("a reply with two codes")]
    MixedCodes,
    /// A line is longer than [`Limits::reply_line`].
    #[error("a line that is too long")]
    LongLine,
    /// It has more than [`Limits::reply_lines`] lines, or more than [`Limits::reply`] octets.
    #[error("a reply without end")]
    Endless,
}

/// Puts replies together.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    lines: LineFramer,
    begun: Option<Begun>,
}

/// A reply of which not all lines have come.
#[derive(Debug)]
struct Begun {
    reply: Reply,
    lines: usize,
    octets: usize,
}

impl ReplyReader {
    /// The reply at the front of `input`, if it is whole.
    pub(super) fn read(
        &mut self,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Reply>, ReplyFault> {
        let line_limits = LineLimits { max: limits.reply_line, discard: limits.reply_line };
        loop {
            let len = match self.lines.frame(input, line_limits) {
                Line::Complete { len } => len,
                Line::NeedMore => return Ok(None),
                Line::BareLf => return Err(ReplyFault::BareLf),
                Line::TooLong | Line::Endless => return Err(ReplyFault::LongLine),
            };
            let line = input.split_to(len);
            if let Some(reply) = self.take(line.strip_suffix(b"\r\n").unwrap_or(&line), limits)? {
                return Ok(Some(reply));
            }
        }
    }

    /// Whether nothing has come of a further reply.
    pub(super) fn is_at_start(&self, input: &BytesMut) -> bool {
        self.begun.is_none() && input.is_empty()
    }

    fn take(&mut self, line: &[u8], limits: &Limits) -> Result<Option<Reply>, ReplyFault> {
        let (code, is_last, text) = reply_line(line).ok_or(ReplyFault::Syntax)?;
        let mut begun = self.begun.take().unwrap_or_else(|| {
            let enhanced = enhanced_code(text, code).map(|(enhanced, _)| enhanced);
            Begun { reply: Reply { code, enhanced, text: String::new() }, lines: 0, octets: 0 }
        });
        if begun.reply.code != code {
            return Err(ReplyFault::MixedCodes);
        }
        begun.lines += 1;
        begun.octets += line.len() + 2;
        if begun.lines > limits.reply_lines || begun.octets > limits.reply {
            return Err(ReplyFault::Endless);
        }
        // RFC 2034 §4: it stands in each line.
        let text = match enhanced_code(text, code) {
            Some((enhanced, rest)) if begun.reply.enhanced == Some(enhanced) => rest,
            _ => text,
        };
        if begun.lines > 1 {
            begun.reply.text.push('\n');
        }
        let shown = String::from_utf8_lossy(text);
        begun.reply.text.extend(shown.chars().map(|c| if c.is_control() { '?' } else { c }));
        if is_last {
            return Ok(Some(begun.reply));
        }
        self.begun = Some(begun);
        Ok(None)
    }
}

/// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF` (RFC 5321 §4.2):
/// one line of it, whether it is the last, and the text.
fn reply_line(line: &[u8]) -> Option<(ReplyCode, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
    let code = ReplyCode::new(number)?;
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// `status-code = class "." subject "." detail` (RFC 3463 §2), and what follows it and a blank.
fn enhanced_code(text: &[u8], code: ReplyCode) -> Option<(EnhancedCode, &[u8])> {
    let end = text.iter().position(|&octet| octet == b' ').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let mut numbers = word.split(|&octet| octet == b'.').map(number);
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() || class != code.get() / 100 {
        return None;
    }
    let enhanced = EnhancedCode::new(u8::try_from(class).ok()?, subject, detail)?;
    Some((enhanced, rest.strip_prefix(b" ").unwrap_or(rest)))
}

fn number(digits: &[u8]) -> Option<u16> {
    let is_number = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Limits {
        Limits { reply_line: 40, reply_lines: 3, reply: 80, ..Limits::default() }
    }

    /// What is read of `text` that comes in pieces of `step`.
    fn read(text: &[u8], step: usize) -> Vec<String> {
        let (mut reader, mut input, mut seen) = (ReplyReader::default(), BytesMut::new(), Vec::new());
        for piece in text.chunks(step) {
            input.extend_from_slice(piece);
            loop {
                match reader.read(&mut input, &small()) {
                    Ok(Some(reply)) => seen.push(reply.to_string()),
                    Ok(None) => break,
                    Err(fault) => {
                        seen.push(format!("! {fault}"));
                        return seen;
                    }
                }
            }
        }
        seen
    }

    #[test]
    fn replies_are_read_however_they_arrive() {
        for (text, expected) in [
            (&b"250 ok\r\n"[..], &["250 ok"][..]),
            (b"250\r\n354 \r\n", &["250", "354"]),
            (b"250-a\r\n250-b\r\n250 c\r\n221 bye\r\n", &["250 a / b / c", "221 bye"]),
            (b"550 5.1.1 nobody\r\n", &["550 5.1.1 nobody"]),
            (b"550-5.1.1 no\r\n550 5.1.1 body\r\n", &["550 5.1.1 no / body"]),
            // The class is another, or the word is no such code.
            (b"550 2.1.1 nobody\r\n", &["550 2.1.1 nobody"]),
            (b"250 1.2.3.4 is you\r\n", &["250 1.2.3.4 is you"]),
            (b"250 2.0000.0 x\r\n", &["250 2.0000.0 x"]),
            (b"250 a\x1b[2J\0\xff\r\n", &["250 a?[2J?\u{fffd}"]),
            (b"250-a\r\n550 b\r\n", &["! a reply with two codes"]),
            (b"25 a\r\n", &["! a line that is no reply"]),
            (b"250a\r\n", &["! a line that is no reply"]),
            (b"\r\n", &["! a line that is no reply"]),
            (b"199 a\r\n", &["! a line that is no reply"]),
            (b"600 a\r\n", &["! a line that is no reply"]),
            (b"+OK\r\n", &["! a line that is no reply"]),
            (b"250 a\n", &["! a line that ends in LF alone"]),
            (b"250-a\r\n250-b\r\n250-c\r\n250 d\r\n", &["! a reply without end"]),
            (
                b"250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n250 aaaaaa\r\n",
                &["! a reply without end"],
            ),
            (b"250 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", &["! a line that is too long"]),
            (b"250 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &["! a line that is too long"]),
        ] {
            for step in 1..=text.len() {
                assert_eq!(read(text, step), expected, "{} in pieces of {step}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let reply = Reply { code: ReplyCode::new(550).unwrap(), enhanced: None, text: "aäb".to_owned() };
        let shortened: Vec<String> = (0..5).map(|max| reply.clone().shortened(max).text).collect();
        assert_eq!(shortened, ["", "a", "a", "aä", "aäb"]);
    }
}
