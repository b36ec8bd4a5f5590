//! Replies on the wire (RFC 5321 §4.2, RFC 2034).

use mailwright_core::{EnhancedCode, Output};

/// Octets of text in a line: 512 (RFC 5321 §4.5.3.1.5) less the codes, blanks and CRLF.
const TEXT_MAX: usize = 490;

/// Writes a reply, held. Its enhanced code, if it has one, stands in front of each line (RFC 2034 §4). What is not
/// printable ASCII becomes `?`, so that nothing a peer sent can come back as a control sequence.
pub(crate) fn write<'a>(
    output: &mut Output,
    code: u16,
    enhanced: Option<EnhancedCode>,
    mut lines: impl Iterator<Item = &'a str>,
) {
    let mut text = lines.next().unwrap_or_default();
    for next in lines {
        line(output, code, enhanced, "-", text);
        text = next;
    }
    line(output, code, enhanced, " ", text);
}

fn line(output: &mut Output, code: u16, enhanced: Option<EnhancedCode>, separator: &str, text: &str) {
    use std::fmt::Write as _;
    // Writing to an `Output` cannot fail.
    let _ = match enhanced {
        Some(enhanced) => write!(output, "{code}{separator}{enhanced} "),
        None => write!(output, "{code}{separator}"),
    };
    let text = text.as_bytes();
    let text = text.get(..TEXT_MAX).unwrap_or(text);
    if text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        output.put(text);
    } else {
        let printable: Vec<u8> =
            text.iter().map(|&byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' }).collect();
        output.put(&printable);
    }
    output.put(b"\r\n");
}
