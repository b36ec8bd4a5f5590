//! Lines that are no commands, or dangerous ones.

use std::time::Duration;

use crate::support::{Dev, Wire};

#[test]
fn a_line_without_end() {
    let dev = Dev::start();
    for (mut wire, refusal) in [(Wire::smtp(dev.smtp), "500 5.5.2"), (Wire::pop3(dev.pop3), "-ERR")] {
        let piece = [b'x'; 64 << 10];
        // The server may have closed before all is sent.
        let _all = (0..64).all(|_| wire.try_send(piece));
        let rest = wire.try_line();
        assert!(rest.as_ref().is_none_or(|line| line.starts_with(refusal)), "{rest:?}");
        wire.rest();
    }
    dev.works();
}

#[test]
fn a_line_of_one_mebibyte() {
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    let line = [b"NOOP ".as_slice(), &vec![b'x'; (1 << 20) - 7], b"\r\n"].concat();
    wire.send(line);
    let reply = wire.reply();
    assert!(reply.starts_with("500 5.5.2"), "{reply}");
    wire.expect("NOOP", "250");
    dev.works();
}

/// S7: parts of an address that are longer than RFC 5321 §4.5.3.1 has them.
#[test]
fn long_parts() {
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    wire.expect("MAIL FROM:<app@client.example>", "250");
    for length in [65, 300, 60_000] {
        wire.expect(format!("RCPT TO:<{}@localhost>", "a".repeat(length)), "5");
    }
    wire.expect(format!("RCPT TO:<ann@{}localhost>", "a.".repeat(200)), "5");
    wire.expect("RCPT TO:<ann@localhost>", "250");
    dev.works();
}

/// S8
#[test]
fn sizes() {
    let dev = Dev::start();
    let sizes = [
        ("4294967295", "552"),
        ("4294967296", "552"),
        ("4294967297", "552"),
        ("18446744073709551615", "552"),
        ("18446744073709551616", "5"),
        ("99999999999999999999999999", "5"),
        ("-1", "501"),
        ("0x10", "501"),
        ("+1", "501"),
        ("1e3", "501"),
        ("", "501"),
    ];
    for (size, code) in sizes {
        let mut wire = Wire::smtp(dev.smtp);
        wire.expect(format!("MAIL FROM:<app@client.example> SIZE={size}"), code);
        wire.expect("RCPT TO:<ann@localhost>", "503");
    }
    Wire::smtp(dev.smtp).expect("MAIL FROM:<app@client.example> SIZE=26214400", "250");
    dev.works();
}

/// S11: what is echoed, or logged, or written to a header field, has no octet that means something there.
#[test]
fn control_octets_are_not_echoed() {
    let dev = Dev::start();
    let octets: Vec<u8> = (0..=8).chain([11, 12]).chain(14..=31).chain(127..=255).collect();
    for &octet in &octets {
        let mut wire = Wire::connect(dev.smtp);
        wire.reply();
        let odd = [b'x', octet, b'y'];
        let with = |start: &str, end: &str| [start.as_bytes(), &odd, end.as_bytes()].concat();
        for command in [
            with("", ""),
            with("EHLO ", ""),
            with("EHLO [", "]"),
            with("MAIL FROM:<", "@client.example>"),
            with("RCPT TO:<", "@localhost>"),
            with("AUTH ", " AAAA"),
            with("HELP ", ""),
        ] {
            let reply = wire.ask(command);
            let clean = reply.bytes().all(|octet| matches!(octet, b' '..=b'~' | b'\n'));
            assert!(clean, "octet {octet}: {reply:?}");
        }
    }
    // What is left of it in the log has no octet either that a terminal would obey.
    dev.works();
    let (_, log) = dev.stop();
    assert!(!log.bytes().any(|octet| octet < b' ' && octet != b'\n'), "{log}");
}

#[test]
fn header_fields_cannot_be_injected() {
    let dev = Dev::start();
    for name in ["a\rX-Evil: yes", "a\nX-Evil: yes", "a\r\tX-Evil: yes", "a) X-Evil: (", "a>;<x"] {
        let mut wire = Wire::connect(dev.smtp);
        wire.reply();
        if wire.ask(format!("EHLO {name}")).starts_with("250") {
            wire.mail("ann@localhost", "Subject: plain\r\n\r\n");
        }
    }
    for message in dev.messages("ann") {
        let text = String::from_utf8(message).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("X-Evil")), "{text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
    }
    dev.works();
}

/// S12: what has crashed a parser somewhere, or was taken for a program or a file.
#[test]
fn odd_addresses() {
    let dev = Dev::start();
    let odd: Vec<Vec<u8>> = vec![
        b"\"\"@localhost".to_vec(),
        b"\"ann@localhost".to_vec(),
        b"\"ann\\".to_vec(),
        b"ann\"@localhost".to_vec(),
        [vec![b'('; 500], b"ann@localhost".to_vec()].concat(),
        [b"ann".as_slice(), &[b'@'; 500], b"localhost"].concat(),
        b"ann@".to_vec(),
        b"@localhost".to_vec(),
        b"ann@localhost@".to_vec(),
        b"\xe4nn@localhost".to_vec(),
        b"\xc0\x80@localhost".to_vec(),
        b"ann\xe2\x80@localhost".to_vec(),
        b"|/bin/sh@localhost".to_vec(),
        b"\"|/bin/sh\"@localhost".to_vec(),
        b":include:/etc/passwd@localhost".to_vec(),
        b"/tmp/x@localhost".to_vec(),
        b"../../x@localhost".to_vec(),
        b"${run{/bin/sh}}@localhost".to_vec(),
        b"ann@localhost;id".to_vec(),
        b"ann@[127.0.0.1".to_vec(),
        b"ann@[999.0.0.1]".to_vec(),
        b"ann@[IPv6:::::]".to_vec(),
        b"ann.@localhost".to_vec(),
        b".ann@localhost".to_vec(),
        b"a..nn@localhost".to_vec(),
        b"ann @localhost".to_vec(),
        b"ann@local host".to_vec(),
        b"ann@-localhost".to_vec(),
        [b"@h.example,".repeat(100), b"@h.example:x@localhost".to_vec()].concat(),
    ];
    for address in odd {
        let mut wire = Wire::smtp(dev.smtp);
        let shown = String::from_utf8_lossy(&address).into_owned();
        // As a sender it may be anything that is an address.
        wire.ask([b"MAIL FROM:<", &address[..], b">"].concat());
        wire.ask("RSET");
        wire.expect("MAIL FROM:<>", "250");
        let reply = wire.ask([b"RCPT TO:<", &address[..], b">"].concat());
        assert!(reply.starts_with('5'), "{shown}: {reply}");
        wire.expect("RCPT TO:<ann@localhost>", "250");
    }
    dev.works();
}

/// S3: a chunk without a transaction is taken off the input and refused; where its end cannot be known, or is not worth
/// waiting for, the session ends, and nothing behind it is a command.
#[test]
fn chunks_are_refused() {
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    wire.expect("BDAT 0", "503");
    wire.expect("BDAT 6\r\nQUIT", "503");
    wire.expect("BDAT 6 LAST\r\nQUIT", "503");
    for size in ["4294967296", "18446744073709551615", "18446744073709551616", "-1", "x", "0x10"] {
        let mut wire = Wire::smtp(dev.smtp);
        wire.expect(format!("BDAT {size}"), "50");
        assert_eq!(String::from_utf8_lossy(&wire.rest()), "", "{size}");
    }
    dev.works();
}

#[test]
fn http_is_told_so() {
    let dev = Dev::start();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (addr, greeting, hint) in [
        (dev.smtp, "220", "500 5.5.1 this is SMTP, not HTTP"),
        (dev.pop3, "+OK", "-ERR this is POP3, not HTTP"),
    ] {
        for request in [request, "POST /v1 HTTP/1.1\r\nHost: localhost\r\n\r\nMAIL FROM:<a@b>\r\n"] {
            let mut wire = Wire::connect(addr);
            wire.send(request);
            assert!(wire.line().starts_with(greeting));
            assert_eq!(wire.line(), hint);
            assert_eq!(String::from_utf8_lossy(&wire.rest()), "");
        }
    }
    dev.works();
}

#[test]
fn tls_on_the_plain_port_is_told_so() {
    let dev = Dev::start();
    // A record of a handshake of TLS 1.0 (for compatibility), 512 octets, a ClientHello.
    let hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), &[0x5a; 506]].concat();
    for (addr, greeting, refusal) in [(dev.smtp, "220", "500 5.5.1 "), (dev.pop3, "+OK", "-ERR ")] {
        let mut wire = Wire::connect(addr);
        wire.send(&hello);
        assert!(wire.line().starts_with(greeting));
        let hint = wire.line();
        assert!(hint.starts_with(refusal) && hint.contains("TLS"), "{hint}");
        assert_eq!(wire.rest(), b"");
    }
    dev.works();
}

#[test]
fn plain_text_on_the_tls_port_is_closed() {
    let dev = Dev::start();
    for (addr, command) in
        [(dev.smtps, "EHLO client.example\r\n"), (dev.pop3s, "CAPA\r\n"), (dev.smtps, "\r\n\r\n\r\n")]
    {
        let mut wire = Wire::connect(addr);
        wire.send(command);
        let rest = wire.rest();
        // At most a TLS alert (RFC 8446 §6), whose type is 21; no word in plain text.
        assert!(rest.len() < 16 && rest.first().is_none_or(|&first| first == 21), "{rest:?}");
    }
    dev.works();
}

/// A TLS handshake that stops half way holds up nobody.
#[test]
fn a_handshake_that_stops() {
    let dev = Dev::start();
    let mut stopped: Vec<Wire> = (0..20).map(|_| Wire::connect(dev.smtps)).collect();
    for wire in &mut stopped {
        wire.send(b"\x16\x03\x01\x02\x00\x01");
    }
    dev.works();
    assert_eq!(stopped[0].within(Duration::from_millis(1)), None, "it still has time");
}
