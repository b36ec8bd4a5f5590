//! Known answers: sections of messages.

use mailwright_message::{SectionText, TransferEncoding, filter_header, scan};

const MESSAGE: &str = "From: a@b\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n\
    preamble\r\n\
    --a\r\nContent-Transfer-Encoding: base64\r\n\r\nb25l\r\n\
    --a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ntwo\r\n\r\n\
    --a\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\n\r\nthree\r\n--b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nfour\r\n--b--\r\n\
    --a--\r\nepilogue\r\n";

fn section(message: &'static str, path: &str, text: SectionText) -> Option<&'static str> {
    let path: Vec<u32> = path.split_terminator('.').map(|number| number.parse().unwrap()).collect();
    let range = scan(message.as_bytes()).section(&path, text).unwrap()?;
    Some(&message[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()])
}

/// RFC 9051 §6.4.5.1
#[test]
fn parts_have_numbers() {
    let all = |path| section(MESSAGE, path, SectionText::All);
    assert_eq!(all(""), Some(MESSAGE));
    assert_eq!(all("1"), Some("b25l"));
    assert_eq!(all("2"), Some("Subject: x\r\n\r\ntwo\r\n"));
    assert_eq!(all("2.1"), Some("two\r\n"));
    assert_eq!(all("3.1"), Some("three"));
    assert_eq!(all("3.2"), Some("four"));
    for none in ["0", "4", "1.1", "2.2", "2.1.1", "3.3", "3.1.1", "4294967295"] {
        assert_eq!(all(none), None, "{none}");
    }
}

#[test]
fn headers_and_texts() {
    let header = |path| section(MESSAGE, path, SectionText::Header);
    let text = |path| section(MESSAGE, path, SectionText::Text);
    let mime = |path| section(MESSAGE, path, SectionText::Mime);
    assert!(header("").unwrap().ends_with("boundary=a\r\n\r\n"));
    assert!(text("").unwrap().starts_with("preamble") && text("").unwrap().ends_with("epilogue\r\n"));
    assert_eq!(mime(""), None);
    assert_eq!((header("1"), text("1")), (None, None));
    assert_eq!(mime("1"), Some("Content-Transfer-Encoding: base64\r\n\r\n"));
    assert_eq!((header("2"), text("2")), (Some("Subject: x\r\n\r\n"), Some("two\r\n")));
    assert_eq!(mime("2"), Some("Content-Type: message/rfc822\r\n\r\n"));
    assert_eq!(mime("2.1"), header("2"));
    assert_eq!(header("2.1"), None);
    assert_eq!(mime("3.1"), Some("\r\n"));
}

/// RFC 9051 §6.4.5.1: every message has a part 1.
#[test]
fn messages_that_are_no_multipart() {
    const PLAIN: &str = "Subject: x\r\n\r\none\r\n";
    assert_eq!(section(PLAIN, "1", SectionText::All), Some("one\r\n"));
    assert_eq!(section(PLAIN, "1", SectionText::Mime), Some("Subject: x\r\n\r\n"));
    assert_eq!(section(PLAIN, "1.1", SectionText::All), None);
    assert_eq!(section(PLAIN, "1", SectionText::Text), None);
    const FORWARD: &str = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\none\r\n";
    assert_eq!(section(FORWARD, "1", SectionText::All), Some(PLAIN));
    assert_eq!(section(FORWARD, "1", SectionText::Header), Some("Subject: x\r\n\r\n"));
    assert_eq!(section(FORWARD, "1.1", SectionText::All), Some("one\r\n"));
    assert_eq!(section(FORWARD, "1.1.1", SectionText::All), None);
    for empty in ["", "\r\n", "x"] {
        assert_eq!(section(empty, "1", SectionText::All), Some(""), "{empty:?}");
    }
}

/// RFC 3516 §4.3: an encoding that is not known is told.
#[test]
fn encodings() {
    let scan = scan(MESSAGE.as_bytes());
    let encoding = |path: &[u32]| scan.part(path).unwrap().map(|part| part.encoding);
    assert_eq!(encoding(&[1]), Some(Some(TransferEncoding::Base64)));
    assert_eq!(encoding(&[2, 1]), Some(Some(TransferEncoding::Identity)));
    assert_eq!(encoding(&[3, 2]), Some(None));
    assert_eq!(encoding(&[3]), Some(Some(TransferEncoding::Identity)));
    assert_eq!(encoding(&[]), Some(Some(TransferEncoding::Identity)));
    assert_eq!(encoding(&[9]), None);
    assert_eq!(scan.part(&[]).unwrap().unwrap().body, 0..scan.size());
}

/// RFC 9051 §6.4.5.1: "Subsetting does not exclude the delimiting blank line".
#[test]
fn filtered_headers() {
    let header = "A: 1\r\n 2\r\nb : 3\r\nno field\r\na:\r\n\r\nA: body";
    let filter = |names: &[&str], not| filter_header(header.as_bytes(), names, not);
    assert_eq!(filter(&["a"], false), "A: 1\r\n 2\r\na:\r\n\r\n");
    assert_eq!(filter(&["B", "x"], false), "b : 3\r\n\r\n");
    assert_eq!(filter(&["A"], true), "b : 3\r\nno field\r\n\r\n");
    assert_eq!(filter(&[], false), "\r\n");
    assert_eq!(filter_header(b"A: 1", &["A"], false), "A: 1");
}
