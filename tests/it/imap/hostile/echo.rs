//! What comes from others goes out as text, and never as part of the protocol.

use super::super::scripts::item::{Piece, pieces};
use super::Server;
use crate::support::Imap;

/// Every line of these replies is a line, whatever the message says.
#[track_caller]
fn assert_clean(imap: &mut Imap, command: &str) {
    let tag = imap.send(command);
    loop {
        let response = imap.wire.try_response().expect("the connection is open");
        for piece in pieces(&response) {
            let Piece::Line(line) = piece else { continue };
            let odd = line.iter().any(|octet| matches!(octet, b'\0' | b'\r' | b'\n'));
            assert!(!odd, "{command}: {}", String::from_utf8_lossy(&response).escape_debug());
        }
        let is_reply = response.starts_with(b"* ") || response.starts_with(tag.as_bytes());
        assert!(is_reply, "{command}: {}", String::from_utf8_lossy(&response).escape_debug());
        if response.starts_with(tag.as_bytes()) {
            return;
        }
    }
}

/// In fields and in parameters: carriage returns, escapes, quotes, ends of replies, and new ones.
#[test]
fn messages() {
    let Some(server) = Server::start() else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    let texts = [
        "a\rx1 OK done",
        "a\r* 23 EXISTS\rb",
        "a\x1b]0;title\x07b",
        "a\"b\\\"c\\",
        "=?utf-8?Q?a=0D=0A*_BYE?=",
        "=?utf-8?B?DQoqIEJZRQ==?=",
        "a {3}",
        "a {3+}\r",
        "\u{7f}\u{1}ä",
        "(((",
        ")))",
    ];
    for text in texts {
        let message = format!(
            "Subject: {text}\r\nFrom: \"{text}\" <{text}@{text}>\r\nTo: {text}: {text}, {text};\r\n\
             Message-ID: <{text}>\r\nIn-Reply-To: {text}\r\nDate: {text}\r\n\
             Content-Type: multipart/mixed; boundary=b; x=\"{text}\"\r\n\r\n\
             --b\r\nContent-Type: text/plain; name=\"{text}\"\r\nContent-ID: {text}\r\n\
             Content-Description: {text}\r\nContent-Disposition: attachment; filename=\"{text}\"\r\n\
             Content-Transfer-Encoding: {text}\r\nContent-Language: {text}\r\nContent-Location: {text}\r\n\r\n\
             {text}\r\n--b--\r\n"
        );
        imap.append("INBOX", "()", &message);
    }
    imap.ok("SELECT INBOX");
    for items in [
        "ENVELOPE",
        "BODY",
        "BODYSTRUCTURE",
        "FULL",
        "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM X)]",
        "BODY.PEEK[1.MIME]",
    ] {
        assert_clean(&mut imap, &format!("FETCH 1:* {items}"));
    }
    assert_clean(&mut imap, "SEARCH SUBJECT \"a\"");
}

/// What a client says comes back to it alone; but others may have told it what to say.
#[test]
fn commands() {
    let Some(server) = Server::start() else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    imap.append("INBOX", "()", "Subject: x\r\n\r\n");
    imap.ok("SELECT INBOX");
    for command in [
        "FETCH 1 BODY.PEEK[HEADER.FIELDS ({15+}\r\na\r\n* 5 EXISTS\r\n)]",
        "FETCH 1 BODY.PEEK[HEADER.FIELDS (\"a\x1bb\")]",
        "STATUS {17+}\r\nx\r\n* BYE\r\ny (a b) (MESSAGES)",
        "LIST \"\" {9+}\r\nx\r\n* BYE*",
        "SELECT {8+}\r\na\r\n* BAD",
        "STORE 1 +FLAGS (\\\r)",
        "SEARCH CHARSET {8+}\r\na\r\n* BAD ALL",
        "ENABLE \x1b[2J",
        "ID (\"a\rb\" \"c\")",
    ] {
        let mut imap = Imap::login(server.imap(), "ann");
        imap.ok("SELECT INBOX");
        assert_clean(&mut imap, command);
    }
}

/// A tag with control characters is none, and is not said again.
#[test]
fn tags() {
    let Some(server) = Server::start() else { return };
    for tag in ["\x1b[2J", "a\0b", "a\rb", "\u{e4}", "+", "a(b", "{3}", ""] {
        let mut imap = Imap::connect(server.imap());
        imap.wire.send(format!("{tag} NOOP\r\n"));
        let response = imap.wire.try_response().unwrap_or_default();
        let shown = String::from_utf8_lossy(&response).into_owned();
        // A carriage return may be taken for the end of a line.
        let refused = ["* BAD", "* BYE", "a BAD"].iter().any(|start| shown.starts_with(start));
        assert!(refused || shown.is_empty(), "{tag:?}: {shown:?}");
        assert!(!shown.contains(['\x1b', '\0']) && shown.matches('\r').count() <= 1, "{shown:?}");
    }
}
