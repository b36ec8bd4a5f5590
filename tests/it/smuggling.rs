//! SMTP smuggling: what ends a message for another server, but not for SMTP, must not end it here, or a second
//! message rides in the first one with a sender that nobody has checked (CVE-2023-51764 and its like).

use crate::support::{Dev, Wire, contains, without_trace};

/// Sequences that have been taken for the end of a message somewhere, or may be. Only CR LF . CR LF is one.
const SEQUENCES: [(&str, &[u8]); 23] = [
    ("LF . LF", b"\n.\n"),
    ("LF . CR", b"\n.\r"),
    ("CR . LF", b"\r.\n"),
    ("CR . CR", b"\r.\r"),
    ("LF . CRLF", b"\n.\r\n"),
    ("CR . CRLF", b"\r.\r\n"),
    ("CRLF NUL . CRLF", b"\r\n\0.\r\n"),
    ("CRLF . CR CRLF", b"\r\n.\r\r\n"),
    ("CR CRLF . CR CRLF", b"\r\r\n.\r\r\n"),
    ("CRLF . LF", b"\r\n.\n"),
    ("CRLF . CR", b"\r\n.\r"),
    ("CRLF . NUL CRLF", b"\r\n.\0\r\n"),
    ("LF . CR CRLF", b"\n.\r\r\n"),
    ("CRLF SP . CRLF", b"\r\n .\r\n"),
    ("CRLF . SP CRLF", b"\r\n. \r\n"),
    ("CRLF . TAB CRLF", b"\r\n.\t\r\n"),
    ("NEL . NEL in UTF-8", b"\xc2\x85.\xc2\x85"),
    ("NEL . NEL in ISO 8859-1", b"\x85.\x85"),
    ("VT . VT", b"\x0b.\x0b"),
    ("FF . FF", b"\x0c.\x0c"),
    ("U+2028 . U+2028", b"\xe2\x80\xa8.\xe2\x80\xa8"),
    ("overlong LF . overlong LF", b"\xc0\x8a.\xc0\x8a"),
    ("CRLF . CRLF with the eighth bit set", b"\x8d\x8a.\x8d\x8a"),
];

/// What follows the sequence: another transaction, if it were an end.
const SMUGGLED: &str =
    "MAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@localhost>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n";

#[test]
fn nothing_rides_in_a_message() {
    let dev = Dev::start();
    for (number, (name, sequence)) in SEQUENCES.into_iter().enumerate() {
        let subject = format!("Subject: number {number}\r\n");
        let content = [subject.as_bytes(), b"\r\ntext", sequence, SMUGGLED.as_bytes()].concat();
        let mut wire = Wire::smtp(dev.smtp);
        wire.begin_mail("ann@localhost");
        wire.send([&content[..], b".\r\n"].concat());
        let reply = wire.reply();
        println!("{name:36} {reply}");
        // One reply, and no more: the next is the one to VRFY, which nothing else has.
        wire.expect("VRFY marker", "252");
        let faulty = contains(sequence, b"\0") || has_bare_line_end(sequence);
        let expected = if faulty { "550 5.5.2 " } else { "250 2.0.0 " };
        assert!(reply.starts_with(expected), "{name}: {reply}");
        wire.mail("ann@localhost", "Subject: afterwards\r\n\r\n");
        wire.expect("QUIT", "221");
        assert_eq!(wire.rest(), b"", "{name}");

        let messages = dev.messages("ann");
        let found: Vec<_> = messages.iter().filter(|message| contains(message, subject.as_bytes())).collect();
        assert_eq!(found.len(), usize::from(!faulty), "{name}");
        if let [found] = found[..] {
            assert_eq!(without_trace(found), unstuffed(&content), "{name}: it is one message, and whole");
        }
        assert_eq!(dev.messages("bob").len(), 0, "{name}");
    }
    let all = dev.messages("ann");
    let afterwards = all.iter().filter(|message| contains(message, b"Subject: afterwards")).count();
    assert_eq!(afterwards, SEQUENCES.len());
    dev.works();
}

/// Whether a CR or an LF stands alone. A CR at the end does too, with what follows.
fn has_bare_line_end(octets: &[u8]) -> bool {
    let before = |at: usize| at.checked_sub(1).map(|at| octets[at]);
    octets.iter().enumerate().any(|(at, octet)| match octet {
        b'\r' => octets.get(at + 1) != Some(&b'\n'),
        b'\n' => before(at) != Some(b'\r'),
        _ => false,
    })
}

/// The content, with the dots undone that begin its lines.
fn unstuffed(content: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    for (at, &octet) in content.iter().enumerate() {
        if octet != b'.' || !content[..at].ends_with(b"\r\n") {
            result.push(octet);
        }
    }
    result
}
