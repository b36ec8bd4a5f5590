//! Replies on the wire (RFC 5321 §4.2, RFC 2034). What is not printable ASCII in them becomes `?`, so that nothing a peer
//! sent can come back as a control sequence.

use mailwright_core::{EnhancedCode, Output};

/// Octets of text in a line: 512 (RFC 5321 §4.5.3.1.5) less the codes, blanks and CRLF.
const TEXT_MAX: usize = 490;
/// Octets of a reply to EHLO, about.
const CAPACITY: usize = 512;
/// Digits of a code.
const CODE_LEN: usize = 3;

/// A reply that is known beforehand: most of what a session says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed {
    pub(crate) code: u16,
    pub(crate) enhanced: Option<(u8, u16, u16)>,
    pub(crate) text: &'static str,
    /// All of it, with CRLF.
    pub(crate) line: &'static str,
}

/// The code, the enhanced code if it has one, and the text.
macro_rules! fixed {
    ($code:literal, $text:literal) => {
        $crate::reply::Fixed {
            code: $code,
            enhanced: None,
            text: $text,
            line: concat!($code, " ", $text, "\r\n"),
        }
    };
    ($code:literal, ($class:literal, $subject:literal, $detail:literal), $text:literal) => {
        $crate::reply::Fixed {
            code: $code,
            enhanced: Some(($class, $subject, $detail)),
            text: $text,
            line: concat!($code, " ", $class, ".", $subject, ".", $detail, " ", $text, "\r\n"),
        }
    };
}

pub(crate) use fixed;

/// Writes a reply of this text, held.
pub(crate) fn write(output: &mut Output, code: u16, enhanced: Option<EnhancedCode>, text: &str) {
    // A session says little else: this way costs less than all of its grammar.
    if text.len() <= TEXT_MAX && is_printable(text) {
        head(output, code, enhanced);
        output.put(text.as_bytes());
        output.put(b"\r\n");
    } else {
        let mut reply = Reply::new(code, enhanced);
        reply.lines(text);
        reply.put(output);
    }
}

/// A reply of several lines.
pub(crate) struct Reply {
    /// What each line begins with: an enhanced code stands in all of them (RFC 2034 §4).
    head: String,
    text: String,
    /// Where the last line so far begins.
    last: usize,
}

impl Reply {
    pub(crate) fn new(code: u16, enhanced: Option<EnhancedCode>) -> Self {
        let head = match enhanced {
            Some(enhanced) => format!("{code}-{enhanced} "),
            None => format!("{code}-"),
        };
        Self { head, text: String::with_capacity(CAPACITY), last: 0 }
    }

    /// A line more, of these parts.
    pub(crate) fn line(&mut self, parts: &[&str]) {
        self.last = self.text.len();
        self.text.push_str(&self.head);
        let mut room = TEXT_MAX;
        for part in parts {
            if part.len() <= room && is_printable(part) {
                self.text.push_str(part);
            } else {
                let printable =
                    part.bytes().map(|byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' });
                self.text.extend(printable.take(room).map(char::from));
            }
            room = room.saturating_sub(part.len());
        }
        self.text.push_str("\r\n");
    }

    /// Each line of a text.
    pub(crate) fn lines(&mut self, text: &str) {
        text.lines().for_each(|line| self.line(&[line]));
    }

    /// Writes it, held.
    pub(crate) fn put(mut self, output: &mut Output) {
        if self.text.is_empty() {
            self.line(&[]);
        }
        // RFC 5321 §4.2.1: in the last line a blank stands behind the code.
        let separator = self.last + CODE_LEN;
        self.text.replace_range(separator..=separator, " ");
        output.put(self.text.as_bytes());
    }
}

/// All are looked at, so that the compiler looks at many at once.
fn is_printable(text: &str) -> bool {
    text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'))
}

/// The codes of the only line. By hand: formatting at large costs more than a command.
fn head(output: &mut Output, code: u16, enhanced: Option<EnhancedCode>) {
    let [hundreds, tens, ones] = digits(code);
    let Some(enhanced) = enhanced else { return output.put(&[hundreds, tens, ones, b' ']) };
    let [.., class] = digits(u16::from(enhanced.class()));
    let (subject, detail) = (enhanced.subject(), enhanced.detail());
    if let (0..10, 0..10) = (subject, detail) {
        let ([.., subject], [.., detail]) = (digits(subject), digits(detail));
        return output.put(&[hundreds, tens, ones, b' ', class, b'.', subject, b'.', detail, b' ']);
    }
    output.put(&[hundreds, tens, ones, b' ', class, b'.']);
    number(output, subject, b'.');
    number(output, detail, b' ');
}

fn number(output: &mut Output, number: u16, end: u8) {
    match (number, digits(number)) {
        (0..10, [.., ones]) => output.put(&[ones, end]),
        (10..100, [_, tens, ones]) => output.put(&[tens, ones, end]),
        (_, [hundreds, tens, ones]) => output.put(&[hundreds, tens, ones, end]),
    }
}

/// Those of a number below 1,000.
fn digits(number: u16) -> [u8; 3] {
    [number / 100, number / 10 % 10, number % 10].map(|digit| {
        let [low, _] = digit.to_le_bytes();
        b'0' + low
    })
}
