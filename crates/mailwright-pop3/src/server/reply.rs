//! Replies on the wire (RFC 1939 §3, RFC 2449 §3). All are held; the machine releases them when it waits.

use std::fmt::{self, Write as _};

use mailwright_core::Output;

use crate::rejection::Rejection;

/// Octets of text in a line: 512 (RFC 1939 §3) less `-ERR`, the longest code, blanks and CRLF.
const TEXT_MAX: usize = 480;

pub(super) fn write_ok(output: &mut Output, text: &str) {
    write(output, "+OK", text, false);
}

pub(super) fn write_rejection(output: &mut Output, rejection: &Rejection) {
    match rejection.code() {
        None => write(output, "-ERR", rejection.text(), false),
        // Writing to an `Output` cannot fail.
        Some(code) => {
            let _ = write!(output, "-ERR [{code}]");
            write(output, "", rejection.text(), true);
        }
    }
}

/// A line of a multi-line response. None of ours begins with a dot.
pub(super) fn write_line(output: &mut Output, text: &str) {
    printable(output, text);
    output.put(b"\r\n");
}

/// A line of a listing, which is numbers and unique ids.
pub(super) fn write_item(output: &mut Output, item: impl fmt::Display) {
    // Writing to an `Output` cannot fail.
    let _ = write!(output, "{item}\r\n");
}

/// A text that began with `[` would be taken for a response code (RFC 2449 §6.4).
fn write(output: &mut Output, status: &str, text: &str, has_code: bool) {
    output.put(status.as_bytes());
    if !text.is_empty() {
        output.put(b" ");
    }
    match text.strip_prefix('[').filter(|_| !has_code) {
        Some(behind) => {
            output.put(b"(");
            printable(output, behind);
        }
        None => printable(output, text),
    }
    output.put(b"\r\n");
}

/// What is not printable ASCII becomes `?`, so that nothing a peer sent can come back as a control sequence
/// or as another line.
fn printable(output: &mut Output, text: &str) {
    let text = text.as_bytes();
    let text = text.get(..TEXT_MAX).unwrap_or(text);
    if text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return output.put(text);
    }
    let printable: Vec<u8> =
        text.iter().map(|&byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' }).collect();
    output.put(&printable);
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;
    use crate::rejection::ResponseCode;

    #[test]
    fn a_text_is_no_code_and_no_other_line() {
        for (rejection, line) in [
            (Rejection::new(None, ""), "-ERR\r\n".to_owned()),
            (Rejection::new(None, "no"), "-ERR no\r\n".to_owned()),
            (Rejection::new(None, "[AUTH] no"), "-ERR (AUTH] no\r\n".to_owned()),
            (Rejection::new(ResponseCode::Auth, "[no]"), "-ERR [AUTH] [no]\r\n".to_owned()),
            (Rejection::new(None, "no\r\n+OK\u{1b}[2Jü"), "-ERR no??+OK?[2J??\r\n".to_owned()),
            (Rejection::new(None, "x".repeat(1000)), format!("-ERR {}\r\n", "x".repeat(480))),
        ] {
            let mut output = Output::new(0);
            write_rejection(&mut output, &rejection);
            output.release();
            let count = output.remaining();
            assert!(count <= 512);
            assert_eq!(output.copy_to_bytes(count), line);
        }
    }
}
