//! Tags, and mailbox names in both encodings.

use mailwright_imap::types::Pattern;
use mailwright_imap::{Command, CommandError, CommandLine, Grammar};

#[test]
fn an_answer_bears_the_tag_even_of_what_is_no_command() {
    let grammar = Grammar::default();
    for (octets, tag) in [
        (&b"a1 NOOP\r\n"[..], Some("a1")),
        (b"a1 NOOP", Some("a1")),
        (b"A142.]-_~ FOO\r\n", Some("A142.]-_~")),
        (b"a1\r\n", Some("a1")),
        (b"a1 \r\n", Some("a1")),
        (b"GET / HTTP/1.1\r\n", Some("GET")),
        (b"* BYE\r\n", None),
        (b"+ x\r\n", None),
        (b"a+b NOOP\r\n", None),
        (b"a\x1b[2J NOOP\r\n", None),
        (b"\x16\x03\x01\r\n", None),
        (b"a{3}\r\nxyz NOOP\r\n", None),
        (b"\"a\" NOOP\r\n", None),
        ("ä NOOP\r\n".as_bytes(), None),
        (b" NOOP\r\n", None),
        (b"\r\n", None),
        (b"", None),
    ] {
        let line = CommandLine::parse(octets, &grammar);
        let expected = tag.map(str::to_owned).ok_or(CommandError::NoTag);
        assert_eq!(line.map(|line| line.tag), expected, "{}", octets.escape_ascii());
    }
}

#[test]
fn names_are_utf8_or_modified_utf7() {
    let cannot = |why| Err(CommandError::InvalidMailbox(why));
    let bad_utf7 = "it is not modified UTF-7; & is written as &-";
    let control = "it has control characters";
    for (name, in_utf7, in_utf8) in [
        (&b"x"[..], Ok("x"), Ok("x")),
        (b"iNbOx", Ok("INBOX"), Ok("INBOX")),
        (b"\"inbox\"", Ok("INBOX"), Ok("INBOX")),
        (b"inbox/a", Ok("inbox/a"), Ok("inbox/a")),
        (b"{5}\r\ninbox", Ok("INBOX"), Ok("INBOX")),
        (b"&AOQ-", Ok("ä"), Ok("&AOQ-")),
        (b"a&-b", Ok("a&b"), Ok("a&-b")),
        (b"\"a&b\"", cannot(bad_utf7), Ok("a&b")),
        (b"&AOQ", cannot(bad_utf7), Ok("&AOQ")),
        (b"&AGE-", cannot(bad_utf7), Ok("&AGE-")),
        (b"&2D0-", cannot(bad_utf7), Ok("&2D0-")),
        ("\"ä\"".as_bytes(), Ok("ä"), Ok("ä")),
        ("{2}\r\nä".as_bytes(), Ok("ä"), Ok("ä")),
        (b"\"\xe4\"", cannot("it is not UTF-8"), cannot("it is not UTF-8")),
        (b"\"\xed\xa0\x80\"", cannot("it is not UTF-8"), cannot("it is not UTF-8")),
        (b"&AAo-", cannot(control), Ok("&AAo-")),
        (b"&AIU-", cannot(control), Ok("&AIU-")),
        (b"{2}\r\na\n", cannot(control), cannot(control)),
        (b"\"\x1b[2J\"", cannot(control), cannot(control)),
        (b"\"\xc2\x85\"", cannot(control), cannot(control)),
        (b"../../etc/passwd", Ok("../../etc/passwd"), Ok("../../etc/passwd")),
        (b"&AC8-", cannot(bad_utf7), Ok("&AC8-")),
    ] {
        for (utf8, expected) in [(false, in_utf7), (true, in_utf8)] {
            let grammar = Grammar { utf8, ..Grammar::default() };
            let expected = expected.map(str::to_owned);
            let octets = [b"a DELETE ", name, b"\r\n"].concat();
            let deleted = CommandLine::parse(&octets, &grammar).unwrap().command;
            let mailbox = deleted.map(|command| match command {
                Command::Delete { mailbox } => mailbox,
                other => panic!("{other:?}"),
            });
            assert_eq!(mailbox, expected, "{}, UTF-8: {utf8}", name.escape_ascii());

            let octets = [b"a LIST \"\" ", name, b"\r\n"].concat();
            let listed = CommandLine::parse(&octets, &grammar).unwrap().command;
            let patterns = listed.map(|command| match command {
                Command::List(list) => list.patterns,
                other => panic!("{other:?}"),
            });
            match expected {
                Ok(name) => assert_eq!(patterns, Ok(vec![Pattern(name)])),
                // A pattern that is no name is taken, and finds nothing.
                Err(_) => assert_eq!(patterns.map(|patterns| patterns.len()), Ok(1)),
            }
        }
    }
}

#[test]
fn the_separator_at_the_end_of_a_new_name_means_nothing() {
    let grammar = Grammar { separator: '.', ..Grammar::default() };
    let created = |octets: &[u8]| CommandLine::parse(octets, &grammar).unwrap().command;
    let create = |mailbox: &str| Command::Create { mailbox: mailbox.to_owned(), special_use: Vec::new() };
    assert_eq!(created(b"a CREATE a.b.\r\n"), Ok(create("a.b")));
    assert_eq!(created(b"a CREATE a/\r\n"), Ok(create("a/")));
    assert_eq!(created(b"a CREATE inbox.\r\n"), Ok(create("INBOX")));
    assert_eq!(created(b"a CREATE .\r\n"), Err(CommandError::InvalidMailbox("it is empty")));
}
