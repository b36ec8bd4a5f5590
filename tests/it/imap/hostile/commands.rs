//! Somebody has logged in, and asks for too much.

use std::time::Duration;

use super::{Server, others_are_served};
use crate::support::{Imap, Wire, contains};

const GROWTH_MAX: u64 = 8 << 20;

/// No command may take longer.
const SECOND: Duration = Duration::from_secs(1);

/// A session with a message selected.
fn selected(server: &Server) -> Imap {
    let mut imap = Imap::login(server.imap(), "ann");
    imap.append("INBOX", "()", "Subject: here\r\n\r\nhello\r\n");
    imap.ok("SELECT INBOX");
    imap
}

/// `part` as often as fits.
fn filled(start: &str, part: &str, end: &str, octets: usize) -> String {
    let count = octets.saturating_sub(start.len() + end.len()) / part.len();
    format!("{start}{}{end}", part.repeat(count))
}

/// Each is answered soon, or refused, whether it is short enough to be a command or not.
#[test]
fn what_is_nested_and_what_is_long() {
    let Some(server) = Server::start() else { return };
    let mut watch = server.watch();
    let parts = [
        ("SEARCH ", "(", "ALL"),
        ("SEARCH ", "NOT ", "ALL"),
        ("SEARCH ", "OR SEEN ", "ALL"),
        ("SEARCH ", "OR ", "ALL"),
        ("SEARCH ", "KEYWORD k ", "ALL"),
        ("SEARCH ", "1:4294967295,", "1"),
        ("SEARCH UID ", "1,3:5,", "1"),
        ("SEARCH ", "HEADER a b ", "ALL"),
        ("SEARCH SUBJECT \"", "x", "\""),
        ("UID FETCH ", "1:9,", "1 FLAGS"),
        ("FETCH ", "1:*,", "1 (FLAGS BODY.PEEK[])"),
        ("FETCH 1 (", "FLAGS ", "UID)"),
        ("FETCH 1 (", "BODY.PEEK[] ", "UID)"),
        ("FETCH 1 BODY.PEEK[", "1.", "1]"),
        ("FETCH 1 BODY.PEEK[HEADER.FIELDS (", "a ", "a)]"),
        ("FETCH 1 ", "(", "FLAGS"),
        ("STORE 1 +FLAGS (", "k ", "k)"),
        ("LIST \"\" (", "* ", "*)"),
        ("LIST \"\" ", "(", "*"),
        ("STATUS INBOX (", "MESSAGES ", "MESSAGES)"),
        ("ID (", "\"a\" \"b\" ", "\"a\" \"b\")"),
        ("ENABLE ", "X ", "X"),
        ("APPEND INBOX (", "k ", "k) {1}"),
    ];
    for octets in [1_000, 60_000, 1_000_000] {
        for (start, part, end) in parts {
            let mut imap = selected(&server);
            imap.send(filled(start, part, end, octets));
            let what = format!("{start}{part}... of {octets} octets");
            // Shown if the test fails: it may fail by waiting.
            println!("{what}");
            // It is answered, or the connection is given up; APPEND may ask for its message.
            while let Some(response) = imap.wire.try_response() {
                let shown = String::from_utf8_lossy(&response[..response.len().min(200)]).into_owned();
                if shown.starts_with("* BYE") || !shown.starts_with('*') {
                    break;
                }
            }
            watch.computed_at_most(SECOND, &what);
        }
    }
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}

/// Numbers that do not fit are none: they do not wrap around.
#[test]
fn numbers() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    let mut imap = selected(&server);
    let digits = "9".repeat(1000);
    let mut taken = Vec::new();
    for number in ["0", "4294967296", "4294967297", "18446744073709551617", &digits, "-1", "1.0", "0x1"] {
        for command in [
            format!("FETCH {number} FLAGS"),
            format!("UID FETCH {number} FLAGS"),
            format!("UID FETCH {number}:* FLAGS"),
            format!("STORE {number} +FLAGS (\\Seen)"),
            format!("COPY {number} INBOX"),
            format!("SEARCH {number}"),
            format!("SEARCH UID {number}"),
            format!("FETCH 1 BODY.PEEK[{number}]"),
        ] {
            // Not to be cut off for them.
            let mut imap = Imap::login(server.imap(), "ann");
            imap.ok("SELECT INBOX");
            let answer = imap.ask(&command);
            taken.extend((!answer.status.starts_with("BAD")).then(|| format!("{command}: {answer}")));
        }
    }
    assert_eq!(taken, [""; 0]);
    // As large as can be: there is nothing.
    for partial in ["<4294967295.4294967295>", "<4294967295.1>"] {
        let answer = imap.ask(format!("FETCH 1 BODY.PEEK[]{partial}"));
        let fetched = answer.untagged.concat();
        let nothing =
            fetched.contains("BODY[]<4294967295> \"\"") || fetched.contains("BODY[]<4294967295> {0}");
        assert!(nothing || answer.status.starts_with("BAD"), "{answer}");
    }
    for partial in ["<0.18446744073709551616>", "<0.0>", "<-1.1>", "<1>", "<1.>", "<.1>"] {
        let answer = imap.ask(format!("FETCH 1 BODY.PEEK[]{partial}"));
        let all = answer.untagged.iter().any(|line| line.contains("hello"));
        assert!(!all && !answer.status.starts_with("NO"), "{partial}: {answer}");
    }
    assert!(imap.ask("SEARCH LARGER 18446744073709551616").status.starts_with("BAD"));
    assert_eq!(imap.ok("UID FETCH 4294967295 FLAGS"), [""; 0]);
    assert_eq!(imap.ok("SEARCH UID 4294967295"), ["* SEARCH"]);
}

/// The same by POP3.
#[test]
fn pop3_numbers() {
    let Some(Server::Ours(dev)) = Server::start() else { return };
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: one\r\n\r\nhello\r\n");
    for number in ["0", "2", "4294967296", "4294967297", "18446744073709551617", "-1"] {
        // Not to be cut off for them.
        let mut wire = Wire::pop3(dev.pop3);
        wire.expect("USER ann@localhost", "+OK");
        wire.expect("PASS ann", "+OK");
        for command in ["RETR N", "TOP N 0", "DELE N", "LIST N", "UIDL N"] {
            wire.expect(command.replace('N', number), "-ERR");
        }
        wire.expect("STAT", "+OK 1 ");
        let top = wire.ask("TOP 1 18446744073709551617");
        assert!(top.starts_with("-ERR") || contains(&wire.lines(), b"hello"), "{top}");
        wire.expect("QUIT", "+OK");
    }
}

/// A matcher that tries all ways would never be done.
#[test]
fn wildcards() {
    let Some(server) = Server::start() else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    for number in 0..40 {
        imap.ok(format!("CREATE {}{number:02}", "a".repeat(58)));
    }
    let mut watch = server.watch();
    for pattern in ["*%".repeat(100), "*a".repeat(60), "%a".repeat(60), "%".repeat(5000), "*".repeat(5000)] {
        imap.ok(format!("LIST \"\" \"{pattern}\""));
        imap.ok(format!("LIST \"\" \"{pattern}b\""));
        watch.computed_at_most(Duration::from_millis(100), &pattern);
    }
    watch.grown_at_most(GROWTH_MAX);
}
