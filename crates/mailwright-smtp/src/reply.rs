//! Replies on the wire (RFC 5321 §4.2, RFC 2034).

use mailwright_core::{EnhancedCode, Output};
use memchr::memchr;

/// Octets of text in a line: 512 (RFC 5321 §4.5.3.1.5) less the codes, blanks and CRLF.
const TEXT_MAX: usize = 490;

/// Writes a reply of this text and these lines more, held. Its enhanced code, if it has one, stands in front of each line
/// (RFC 2034 §4). What is not printable ASCII becomes `?`, so that nothing a peer sent can come back as a control sequence.
pub(crate) fn write(
    output: &mut Output,
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: &str,
    more: &[String],
) {
    if more.is_empty() && memchr(b'\n', text.as_bytes()).is_none() {
        return line(output, code, enhanced, b' ', text);
    }
    let mut lines = text.lines().chain(more.iter().flat_map(|line| line.lines()));
    let mut last = lines.next().unwrap_or_default();
    for next in lines {
        line(output, code, enhanced, b'-', last);
        last = next;
    }
    line(output, code, enhanced, b' ', last);
}

fn line(output: &mut Output, code: u16, enhanced: Option<EnhancedCode>, separator: u8, text: &str) {
    // By hand: a session says little else, and formatting at large costs more than all of its grammar.
    let [hundreds, tens, ones] = digits(code);
    output.put(&[hundreds, tens, ones, separator]);
    if let Some(enhanced) = enhanced {
        number(output, u16::from(enhanced.class()), b'.');
        number(output, enhanced.subject(), b'.');
        number(output, enhanced.detail(), b' ');
    }
    let text = text.as_bytes();
    let text = text.get(..TEXT_MAX).unwrap_or(text);
    // All are looked at, so that the compiler looks at many at once.
    if text.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        output.put(text);
    } else {
        let printable: Vec<u8> =
            text.iter().map(|&byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' }).collect();
        output.put(&printable);
    }
    output.put(b"\r\n");
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
