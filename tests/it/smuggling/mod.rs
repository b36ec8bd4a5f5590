//! SMTP smuggling: what ends a message for another server, but not for SMTP, must not end it here, or a second message
//! rides in the first one with a sender that nobody has checked (CVE-2023-51764 and its like); nor may we send it on to
//! whom it is an end for.

mod inbound;
mod outbound;
mod recorder;

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

/// How many of them no message may have: those with a NUL, or a CR or LF by itself.
const FAULTY: usize = 13;

/// What ends a message behind DATA, and is a line of it in a chunk.
const END: (&str, &[u8]) = ("CRLF . CRLF", b"\r\n.\r\n");

/// What follows the sequence: another transaction, if it were an end.
const SMUGGLED: &str =
    "MAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@localhost>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n";

/// A message that has the sequence in it.
fn content(number: usize, sequence: &[u8]) -> Vec<u8> {
    let header = format!("Subject: number {number}\r\n\r\ntext");
    [header.as_bytes(), sequence, SMUGGLED.as_bytes()].concat()
}

/// Whether there is a NUL, or a CR or LF by itself. A CR at the end is, too, with what follows.
fn is_faulty(octets: &[u8]) -> bool {
    let before = |at: usize| at.checked_sub(1).map(|at| octets[at]);
    octets.iter().enumerate().any(|(at, octet)| match octet {
        0 => true,
        b'\r' => octets.get(at + 1) != Some(&b'\n'),
        b'\n' => before(at) != Some(b'\r'),
        _ => false,
    })
}

#[test]
fn so_many_are_faulty() {
    assert_eq!(SEQUENCES.iter().filter(|(_, sequence)| is_faulty(sequence)).count(), FAULTY);
    assert!(!is_faulty(END.1));
}
