//! What stands before the messages of an APPEND.

use mailwright_imap::{Announced, CommandError, Grammar, append_end, append_head, append_next};

fn shown(prefix: &str) -> String {
    let prefix = prefix.replace("\\r\\n", "\r\n") + "\r\n";
    match append_head(prefix.as_bytes(), &Grammar::default()) {
        Announced::Argument => "argument".to_owned(),
        Announced::Message { tag, head } => {
            let date = head.date.map(|date| {
                let (day, month, year) = (date.date.day, date.date.month, date.date.year);
                format!(" {year}-{month}-{day} {}:{}:{} {}", date.hour, date.minute, date.second, date.offset)
            });
            let utf8 = if head.utf8 { " in UTF8" } else { "" };
            format!("{tag} {} {:?}{}{utf8}", head.mailbox.unwrap(), head.flags, date.unwrap_or_default())
        }
        Announced::Invalid { tag, error } => format!("! {} {error}", tag.unwrap_or_default()),
    }
}

#[test]
fn literals_are_messages_or_arguments() {
    for (prefix, expected) in [
        ("a APPEND saved-messages {310}", "a saved-messages []"),
        ("a append inbox (\\Seen \\recent work) {310+}", "a INBOX [\\Seen, work]"),
        ("a APPEND &AOQ- () ~{1}", "a ä []"),
        ("a APPEND {5}\\r\\na\"b c (\\Draft) {0}", "a a\"b c [\\Draft]"),
        ("a APPEND {0+}\\r\\n {1}", "! a bad mailbox name: it is empty"),
        ("a APPEND x \" 7-Feb-1994 21:52:25 -0830\" {310}", "a x [] 1994-2-7 21:52:25 -510"),
        ("a APPEND x (\\Seen) \"17-Jul-1996 02:44:25 +0000\" {3}", "a x [\\Seen] 1996-7-17 2:44:25 0"),
        ("a APPEND x \"7-Feb-1994 21:52:60 +1400\" {310}", "a x [] 1994-2-7 21:52:60 840"),
        ("a APPEND x UTF8 (~{3}", "a x [] in UTF8"),
        ("a APPEND {3}", "argument"),
        ("a APPEND {0}", "argument"),
        ("a APPEND {3+}", "argument"),
        ("a LOGIN {3}", "argument"),
        ("a LOGIN {3}\\r\\nann {6}", "argument"),
        ("a FOO {3}", "argument"),
        ("a  APPEND x {3}", "argument"),
        ("{3}", "! a command begins with a tag"),
        ("a{3}", "! a command begins with a tag"),
        ("+ APPEND x {3}", "! a command begins with a tag"),
    ] {
        let expected = expected.replace("! a command", "!  a command");
        assert_eq!(shown(prefix), expected, "{prefix}");
    }
}

#[test]
fn what_is_no_append_is_said_before_the_message_is_sent() {
    let form = "! a syntax error, expected: [(flags)] [\"date-time\"] {size}";
    for (prefix, expected) in [
        ("a APPEND x(\\Seen) {3}", form),
        ("a APPEND x (\\Seen {3}", form),
        ("a APPEND x \\Seen {3}", form),
        ("a APPEND x (\\Seen) (\\Seen) {3}", form),
        ("a APPEND x \"32-Feb-1994 21:52:25 -0830\" {3}", form),
        ("a APPEND x \"7-Feb-1994 24:52:25 -0830\" {3}", form),
        ("a APPEND x \"7-Feb-1994 21:52:25 -2430\" {3}", form),
        ("a APPEND x \"7-Feb-1994 21:52:25\" {3}", form),
        ("a APPEND x{3}", form),
        ("a APPEND x  {3}", form),
        ("a APPEND x CATENATE (TEXT {3}", form),
        ("a APPEND x (\\Foo) {3}", "! a unknown system flag"),
        ("a APPEND a&b {3}", "! a bad mailbox name: it is not modified UTF-7; & is written as &-"),
        ("a APPEND ~{3}", form),
        ("a APPEND", "! a syntax error, expected: APPEND mailbox"),
    ] {
        assert_eq!(shown(prefix), expected, "{prefix}");
    }
}

#[test]
fn further_messages_and_the_end() {
    let grammar = Grammar::default();
    let next = append_next(b" (\\Seen) \" 7-Feb-1994 21:52:25 -0830\" {30}\r\n", false, &grammar).unwrap();
    assert_eq!((next.mailbox, next.flags.len(), next.date.is_some(), next.utf8), (None, 1, true, false));
    assert!(append_next(b" {30}\r\n", false, &grammar).is_ok());
    assert!(append_next(b") UTF8 (~{30}\r\n", true, &grammar).unwrap().utf8);
    assert!(!append_next(b") {30}\r\n", true, &grammar).unwrap().utf8);
    for (prefix, in_utf8) in
        [(&b"{30}\r\n"[..], false), (b" x {30}\r\n", false), (b" {30}\r\n", true), (b") {30}\r\n", false)]
    {
        assert!(matches!(append_next(prefix, in_utf8, &grammar), Err(CommandError::Syntax(_))));
    }
    assert_eq!(append_end(b"\r\n", false), Ok(()));
    assert_eq!(append_end(b"  \r\n", false), Ok(()));
    assert_eq!(append_end(b")\r\n", true), Ok(()));
    for (line, in_utf8) in
        [(&b")\r\n"[..], false), (b"\r\n", true), (b" x\r\n", false), (b"(\\Seen)\r\n", false)]
    {
        assert!(append_end(line, in_utf8).is_err());
    }
}
