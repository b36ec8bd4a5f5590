//! Replies on the wire (RFC 5321 §4.2, RFC 2034).

use mailwright_core::{EnhancedCode, Output};

/// Octets of text in a line: 512 (RFC 5321 §4.5.3.1.5) less the codes, blanks and CRLF.
const TEXT_MAX: usize = 490;

/// A reply that is being written, held. Its enhanced code, if it has one, stands in front of each line (RFC 2034 §4). What is
/// not printable ASCII becomes `?`, so that nothing a peer sent can come back as a control sequence.
pub(crate) struct Reply<'a> {
    output: &'a mut Output,
    code: u16,
    enhanced: Option<EnhancedCode>,
    /// The last line so far, which waits to know whether it is the last one.
    last: Option<Parts<'a>>,
}

/// A line of text, in parts.
type Parts<'a> = [&'a str; 3];

impl<'a> Reply<'a> {
    pub(crate) fn new(output: &'a mut Output, code: u16, enhanced: Option<EnhancedCode>) -> Self {
        Self { output, code, enhanced, last: None }
    }

    /// A line more.
    pub(crate) fn line(&mut self, parts: Parts<'a>) {
        if let Some(before) = self.last.replace(parts) {
            self.put(b'-', before);
        }
    }

    /// Each line of a text.
    pub(crate) fn lines(&mut self, text: &'a str) {
        text.lines().for_each(|line| self.line([line, "", ""]));
    }

    /// These lines, and no more.
    pub(crate) fn end(mut self, more: &'a [String]) {
        more.iter().for_each(|line| self.lines(line));
        let last = self.last.take().unwrap_or_default();
        self.put(b' ', last);
    }

    fn put(&mut self, separator: u8, parts: Parts<'_>) {
        head(self.output, self.code, self.enhanced, separator);
        let mut room = TEXT_MAX;
        for part in parts.map(str::as_bytes) {
            let part = part.get(..room).unwrap_or(part);
            room -= part.len();
            if is_printable(part) {
                self.output.put(part);
            } else {
                let printable: Vec<u8> =
                    part.iter().map(|&byte| if is_printable(&[byte]) { byte } else { b'?' }).collect();
                self.output.put(&printable);
            }
        }
        self.output.put(b"\r\n");
    }
}

/// Writes a reply of this text and these lines more.
pub(crate) fn write(
    output: &mut Output,
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: &str,
    more: &[String],
) {
    // A session says little else: this way costs less than all of its grammar.
    if more.is_empty() && text.len() <= TEXT_MAX && is_printable(text.as_bytes()) {
        head(output, code, enhanced, b' ');
        output.put(text.as_bytes());
        return output.put(b"\r\n");
    }
    let mut reply = Reply::new(output, code, enhanced);
    reply.lines(text);
    reply.end(more);
}

/// All are looked at, so that the compiler looks at many at once.
fn is_printable(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'))
}

/// The codes of a line.
fn head(output: &mut Output, code: u16, enhanced: Option<EnhancedCode>, separator: u8) {
    let [hundreds, tens, ones] = digits(code);
    let Some(enhanced) = enhanced else { return output.put(&[hundreds, tens, ones, separator]) };
    let (class, subject, detail) = (enhanced.class(), enhanced.subject(), enhanced.detail());
    let [.., class] = digits(u16::from(class));
    if let (0..10, 0..10) = (subject, detail) {
        let ([.., subject], [.., detail]) = (digits(subject), digits(detail));
        output.put(&[hundreds, tens, ones, separator, class, b'.', subject, b'.', detail, b' ']);
    } else {
        output.put(&[hundreds, tens, ones, separator, class, b'.']);
        number(output, subject, b'.');
        number(output, detail, b' ');
    }
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
