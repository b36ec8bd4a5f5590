//! Replies on the wire (RFC 5321 §4.2, RFC 2034).

use mailwright_core::{EnhancedCode, Output};
use smallvec::SmallVec;

use crate::rejection::Rejection;

/// Octets of text in a line: 512 (RFC 5321 §4.5.3.1.5) less the codes, blanks and CRLF.
const TEXT_MAX: usize = 490;

/// Writes a reply, held. Its enhanced code, if it has one, stands in front of each line (RFC 2034 §4). Each line of `text` becomes one of the reply; what is not printable ASCII becomes
/// `?`, so that nothing a peer sent can come back as a control sequence.
pub(crate) fn write(output: &mut Output, code: u16, enhanced: Option<EnhancedCode>, text: &str) {
    let lines: SmallVec<[&str; 8]> = text.lines().collect();
    let last = lines.len().saturating_sub(1);
    if lines.is_empty() {
        line(output, code, enhanced, " ", "");
    }
    for (index, text) in lines.into_iter().enumerate() {
        line(output, code, enhanced, if index == last { " " } else { "-" }, text);
    }
}

pub(crate) fn write_rejection(output: &mut Output, rejection: &Rejection) {
    write(output, rejection.code().get(), Some(rejection.enhanced()), rejection.text());
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
