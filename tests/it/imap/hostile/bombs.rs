//! Messages that are made to be hard to read.

use std::time::Duration;

use super::{Server, others_are_served};
use crate::support::Imap;

/// What all of them may need.
const GROWTH_MAX: u64 = 64 << 20;

fn repeated(start: &str, part: impl Fn(usize) -> String, count: usize, end: &str) -> String {
    let parts: String = (0..count).map(part).collect();
    format!("{start}{parts}{end}")
}

fn fixed(start: &str, part: &str, count: usize, end: &str) -> String {
    format!("{start}{}{end}", part.repeat(count))
}

fn bombs() -> Vec<(&'static str, String)> {
    let multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    vec![
        (
            "multiparts in multiparts",
            repeated(
                "",
                |n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"),
                20_000,
                "x",
            ),
        ),
        (
            "messages in messages",
            fixed("", "Content-Type: message/rfc822\r\n\r\n", 50_000, "Subject: x\r\n\r\nx"),
        ),
        ("parts", fixed(multipart, "--b\r\n\r\nx\r\n", 100_000, "--b--\r\n")),
        ("parts without a text", fixed(multipart, "--b\r\n", 200_000, "--b--\r\n")),
        (
            "the same boundary inside",
            fixed("", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 20_000, "x"),
        ),
        (
            "boundaries that begin alike",
            repeated(
                "",
                |n| {
                    format!(
                        "Content-Type: multipart/mixed; boundary={}\r\n\r\n--{0}\r\n",
                        "b".repeat(n % 60 + 1)
                    )
                },
                5_000,
                "--b",
            ),
        ),
        (
            "continued parameters",
            repeated("Content-Type: text/plain", |n| format!(";\r\n name*{n}=x"), 50_000, "\r\n\r\n"),
        ),
        ("parameters", repeated("Content-Type: text/plain", |n| format!(";\r\n p{n}=x"), 50_000, "\r\n\r\n")),
        ("addresses", repeated("To: ", |n| format!("a{n}@b,\r\n "), 200_000, "x@y\r\n\r\n")),
        ("lines of addresses", fixed("", "To: a@b, c@d\r\n", 100_000, "\r\n")),
        ("groups", fixed("To: ", "g:;,\r\n ", 50_000, "x@y\r\n\r\n")),
        ("an open group", fixed("To: ", "g:", 50_000, "\r\n\r\n")),
        ("comments in comments", fixed("To: ", "(", 100_000, "x@y\r\n\r\n")),
        ("comments", fixed("To: ", "(c) ", 100_000, "x@y\r\n\r\n")),
        ("angles", fixed("To: ", "<", 100_000, "x@y\r\n\r\n")),
        ("quotes", fixed("To: ", "\"", 100_001, "x@y\r\n\r\n")),
        ("backslashes", fixed("To: \"", "\\", 100_001, "\r\n\r\n")),
        ("routes", fixed("To: <", "@a,", 100_000, ":x@y>\r\n\r\n")),
        ("encoded words", fixed("Subject: ", "=?utf-8?Q?x?=\r\n ", 100_000, "\r\n\r\n")),
        ("fields", repeated("", |n| format!("X-{n}: y\r\n"), 200_000, "\r\n")),
        ("folds", fixed("Subject: ", "x\r\n ", 200_000, "\r\n\r\n")),
        ("references", repeated("References:", |n| format!(" <{n}@x>\r\n"), 100_000, "\r\n\r\n")),
        ("a field of one line", fixed("Subject: ", "x", 5_000_000, "\r\n\r\n")),
        ("languages", fixed("Content-Language: ", "en, ", 100_000, "de\r\n\r\n")),
    ]
}

#[test]
fn structures_are_told_soon_and_with_little_memory() {
    let Some(server) = Server::start_on_disk().filter(Server::is_ours) else { return };
    let bombs = bombs();
    let mut watch = server.watch();
    let mut imap = Imap::login(server.imap(), "ann");
    for (number, (name, message)) in bombs.iter().enumerate() {
        let number = number + 1;
        imap.append("INBOX", "()", message);
        imap.ok("SELECT INBOX");
        watch.computed_at_most(Duration::from_secs(2), &format!("{name}: APPEND"));
        for items in ["(ENVELOPE BODYSTRUCTURE)", "BODY.PEEK[HEADER.FIELDS (TO SUBJECT)]", "BODY.PEEK[1.1.1]"]
        {
            let answer = imap.ask(format!("FETCH {number} {items}"));
            let told = answer.untagged.iter().any(|line| line.starts_with(&format!("* {number} FETCH (")));
            assert!(told && answer.status.starts_with("OK"), "{name}: {items}: {}", answer.status);
            watch.computed_at_most(Duration::from_secs(2), &format!("{name}: {items}"));
        }
        imap.ok(format!("SEARCH {number} OR TO nobody SUBJECT nothing"));
        watch.computed_at_most(Duration::from_secs(2), &format!("{name}: SEARCH"));
    }
    watch.grown_at_most(GROWTH_MAX);
    others_are_served(&server);
}
