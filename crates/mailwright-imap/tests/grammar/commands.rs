//! Commands and what they say. `\r\n` and `\0` stand for these octets.

use crate::shown;

fn check(table: &[(&str, &str)]) {
    for (command, expected) in table {
        assert_eq!(shown(command), *expected, "{command}");
    }
}

#[test]
fn commands_without_arguments() {
    check(&[
        ("NOOP", "Noop"),
        ("noop  ", "Noop"),
        ("NOOP x", "! syntax error, expected: the end of the command"),
        ("CAPABILITY", "Capability"),
        ("Logout", "Logout"),
        ("STARTTLS", "StartTls"),
        ("FOO", "! unknown command"),
        ("", "! unknown command"),
        ("UID", "! unknown command"),
        ("UID FOO", "! unknown command"),
        ("NAMESPACE", "Namespace"),
        ("IDLE", "Idle"),
        ("CHECK", "Check"),
        ("CLOSE", "Close"),
        ("UNSELECT", "Unselect"),
        ("APPEND x", r#"! syntax error, expected: APPEND mailbox [(flags)] ["date-time"] {size}"#),
    ]);
}

#[test]
fn who_the_client_is() {
    check(&[
        ("LOGIN ann secret", r#"Login { user: "ann", password: Secret(..) }"#),
        (r#"LOGIN "ann" "se\"c\\ret""#, r#"Login { user: "ann", password: Secret(..) }"#),
        (r#"LOGIN {3}\r\nann {6+}\r\nsecret"#, r#"Login { user: "ann", password: Secret(..) }"#),
        ("LOGIN ann", "! syntax error, expected: LOGIN user password"),
        ("LOGIN ann sec ret", "! syntax error, expected: the end of the command"),
        (r#"LOGIN "ann secret"#, "! syntax error, expected: a string with its closing quote"),
        (r#"LOGIN "a\nn" b"#, r#"! syntax error, expected: \\ for \ in a quoted string"#),
        (r#"LOGIN {3}\r\na\0n x"#, "! syntax error, expected: a literal without NUL"),
        (r#"LOGIN "" """#, r#"Login { user: "", password: Secret(..) }"#),
        ("AUTHENTICATE plain", r#"Authenticate { mechanism: "PLAIN", initial: None }"#),
        (
            "AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=",
            r#"Authenticate { mechanism: "PLAIN", initial: Some(Base64(Secret(..))) }"#,
        ),
        ("AUTHENTICATE EXTERNAL =", r#"Authenticate { mechanism: "EXTERNAL", initial: Some(Empty) }"#),
        ("AUTHENTICATE EXTERNAL ", r#"Authenticate { mechanism: "EXTERNAL", initial: None }"#),
        ("AUTHENTICATE PLAIN a*", "! syntax error, expected: the end of the command"),
        ("ID NIL", "Id([])"),
        ("ID ()", "Id([])"),
        (r#"ID ("name" "x" "version" NIL)"#, r#"Id([("name", Some("x")), ("version", None)])"#),
        (r#"ID ("name")"#, r#"! syntax error, expected: ID NIL or ID ("name" "value" ...)"#),
        ("ENABLE CONDSTORE qresync", r#"Enable(["CONDSTORE", "QRESYNC"])"#),
        ("ENABLE", "! syntax error, expected: ENABLE capability ..."),
        ("AUTHENTICATE", "! syntax error, expected: AUTHENTICATE mechanism"),
        (r#"ID ("a" "\[1m")"#, r#"! syntax error, expected: \\ for \ in a quoted string"#),
        (
            r#"ID ("0123456789012345678901234567890" "x")"#,
            "! syntax error, expected: ID with names of at most 30 octets, values of at most 1024",
        ),
        (r#"LOGIN ann {6+}\r\nab  cd"#, r#"Login { user: "ann", password: Secret(..) }"#),
        (r#"LOGIN ann {6+}\r\nabc"#, "! syntax error, expected: the octets of a literal"),
        (r#"LOGIN ann {99999999999999999999}\r\nabc"#, "! a number is out of range"),
        (r#"LOGIN ann ~{3}\r\nabc"#, "! syntax error, expected: the end of the command"),
        ("LOGIN ä b", "! syntax error, expected: LOGIN user password"),
    ]);
}

#[test]
fn mailboxes() {
    check(&[
        ("SELECT inbox", r#"Select { mailbox: "INBOX", read_only: false, condstore: false, qresync: None }"#),
        (
            r#"SELECT "a b" (CONDSTORE)"#,
            r#"Select { mailbox: "a b", read_only: false, condstore: true, qresync: None }"#,
        ),
        (
            "SELECT x (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
            r#"Select { mailbox: "x", read_only: false, condstore: false, qresync: Some(QresyncParameters { uid_validity: UidValidity(67890007), modseq: ModSeq(20050715194045000), known: Some(Ranges([(Number(41), Number(41)), (Number(43), Number(211)), (Number(214), Number(541))])), matches: None }) }"#,
        ),
        (
            "SELECT x (QRESYNC (1 2 3:5 (1,2 3,4)) CONDSTORE)",
            r#"Select { mailbox: "x", read_only: false, condstore: true, qresync: Some(QresyncParameters { uid_validity: UidValidity(1), modseq: ModSeq(2), known: Some(Ranges([(Number(3), Number(5))])), matches: Some((Ranges([(Number(1), Number(1)), (Number(2), Number(2))]), Ranges([(Number(3), Number(3)), (Number(4), Number(4))]))) }) }"#,
        ),
        (
            "SELECT x (QRESYNC (1 2 (1,2 3,4)))",
            r#"Select { mailbox: "x", read_only: false, condstore: false, qresync: Some(QresyncParameters { uid_validity: UidValidity(1), modseq: ModSeq(2), known: None, matches: Some((Ranges([(Number(1), Number(1)), (Number(2), Number(2))]), Ranges([(Number(3), Number(3)), (Number(4), Number(4))]))) }) }"#,
        ),
        ("SELECT x (QRESYNC (0 2))", "! a number is out of range"),
        (
            "SELECT x (QRESYNC (1 2 3:*))",
            "! syntax error, expected: (CONDSTORE) or (QRESYNC (uidvalidity modseq [uids] [(numbers uids)]))",
        ),
        (
            "SELECT x (FOO)",
            "! syntax error, expected: (CONDSTORE) or (QRESYNC (uidvalidity modseq [uids] [(numbers uids)]))",
        ),
        ("SELECT", "! syntax error, expected: a mailbox name"),
        (r#"SELECT """#, "! bad mailbox name: it is empty"),
        ("SELECT &AOQ-", r#"Select { mailbox: "ä", read_only: false, condstore: false, qresync: None }"#),
        ("SELECT &AOQ", "! bad mailbox name: it is not modified UTF-7; & is written as &-"),
        (r#"SELECT "ä""#, r#"Select { mailbox: "ä", read_only: false, condstore: false, qresync: None }"#),
        (r#"SELECT {3}\r\na\r\n"#, "! bad mailbox name: it has control characters"),
        ("EXAMINE x", r#"Select { mailbox: "x", read_only: true, condstore: false, qresync: None }"#),
        ("CREATE a/b/", r#"Create { mailbox: "a/b", special_use: [] }"#),
        ("CREATE /", "! bad mailbox name: it is empty"),
        (r#"CREATE Sent (USE (\Sent \Foo))"#, r#"Create { mailbox: "Sent", special_use: [\Sent, \Foo] }"#),
        ("CREATE x (USE ())", r#"Create { mailbox: "x", special_use: [] }"#),
        ("DELETE x", r#"Delete { mailbox: "x" }"#),
        ("RENAME a b", r#"Rename { from: "a", to: "b" }"#),
        ("SUBSCRIBE #news.x", r##"Subscribe { mailbox: "#news.x" }"##),
        ("UNSUBSCRIBE x]", r#"Unsubscribe { mailbox: "x]" }"#),
        (
            "STATUS x (MESSAGES UIDNEXT MESSAGES HIGHESTMODSEQ)",
            r#"Status { mailbox: "x", items: [Messages, UidNext, HighestModSeq] }"#,
        ),
        ("STATUS x ()", "! syntax error, expected: STATUS mailbox (items)"),
        ("STATUS x (FOO)", "! syntax error, expected: STATUS mailbox (items)"),
        ("CREATE x (FOO)", r#"! syntax error, expected: (USE (\Use ...))"#),
        ("RENAME a/b c/", r#"Rename { from: "a/b", to: "c" }"#),
        ("SELECT a*", "! syntax error, expected: the end of the command"),
        ("SELECT a%b", "! syntax error, expected: the end of the command"),
        ("SELECT (a)", "! syntax error, expected: a mailbox name"),
        (r#"SELECT "a&b""#, "! bad mailbox name: it is not modified UTF-7; & is written as &-"),
        (
            r#"SELECT "a&-b""#,
            r#"Select { mailbox: "a&b", read_only: false, condstore: false, qresync: None }"#,
        ),
        (
            r#"SELECT "ä&-b""#,
            r#"Select { mailbox: "ä&-b", read_only: false, condstore: false, qresync: None }"#,
        ),
        ("SELECT &AAo-", "! bad mailbox name: it has control characters"),
        (r#"SELECT {1}\r\n\0"#, "! syntax error, expected: a literal without NUL"),
    ]);
}

#[test]
fn lists_of_mailboxes() {
    check(&[
        (
            r#"LIST "" *"#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("*")], select: ListSelect { subscribed: false, remote: false, recursive_match: false, special_use: false }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (
            r#"LIST "" "%""#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("%")], select: ListSelect { subscribed: false, remote: false, recursive_match: false, special_use: false }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (
            r#"LIST "" """#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("")], select: ListSelect { subscribed: false, remote: false, recursive_match: false, special_use: false }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (
            r#"LIST (SUBSCRIBED RECURSIVEMATCH) "" ("a*" b%) RETURN (CHILDREN STATUS (MESSAGES UNSEEN) SPECIAL-USE)"#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("a*"), Pattern("b%")], select: ListSelect { subscribed: true, remote: false, recursive_match: true, special_use: false }, returns: ListReturn { subscribed: false, children: true, special_use: true, status: Some([Messages, Unseen]) } })"#,
        ),
        (
            r#"LIST () "" % RETURN ()"#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("%")], select: ListSelect { subscribed: false, remote: false, recursive_match: false, special_use: false }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (r#"LIST (RECURSIVEMATCH) "" %"#, "! syntax error, expected: SUBSCRIBED with RECURSIVEMATCH"),
        (
            r#"LIST (REMOTE SPECIAL-USE) "" %"#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("%")], select: ListSelect { subscribed: false, remote: true, recursive_match: false, special_use: true }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (
            r#"LIST "" % RETURN (FOO)"#,
            "! syntax error, expected: RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (...))",
        ),
        (r#"LIST "" ()"#, "! syntax error, expected: a pattern of mailbox names"),
        (
            r#"LSUB "" *"#,
            r#"List(List { lsub: true, reference: "", patterns: [Pattern("*")], select: ListSelect { subscribed: false, remote: false, recursive_match: false, special_use: false }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (
            r#"LIST "" {1}\r\n%"#,
            r#"List(List { lsub: false, reference: "", patterns: [Pattern("%")], select: ListSelect { subscribed: false, remote: false, recursive_match: false, special_use: false }, returns: ListReturn { subscribed: false, children: false, special_use: false, status: None } })"#,
        ),
        (
            r#"LIST (REMOTE FOO) "" %"#,
            "! syntax error, expected: (SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE), RECURSIVEMATCH not without SUBSCRIBED",
        ),
        (
            r#"LIST "" % RETURN (STATUS ())"#,
            "! syntax error, expected: RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (...))",
        ),
    ]);
}

#[test]
fn what_is_fetched() {
    check(&[
        (
            "FETCH 1:* FLAGS",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Last)]) }, items: [Flags], changed_since: None, vanished: false }",
        ),
        (
            "FETCH 1 ALL",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Flags, InternalDate, Size, Envelope], changed_since: None, vanished: false }",
        ),
        (
            "FETCH 1 full",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Flags, InternalDate, Size, Envelope, Body], changed_since: None, vanished: false }",
        ),
        (
            "FETCH 2,4:7,9:* (FLAGS UID FLAGS BODY BODYSTRUCTURE RFC822.SIZE INTERNALDATE ENVELOPE MODSEQ)",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(2), Number(2)), (Number(4), Number(7)), (Number(9), Last)]) }, items: [Flags, Uid, Body, BodyStructure, Size, InternalDate, Envelope, ModSeq], changed_since: None, vanished: false }",
        ),
        (
            "FETCH $ (BODY[] BODY.PEEK[HEADER] BODY[1.2.MIME]<0.100> BODY[TEXT] RFC822 RFC822.HEADER RFC822.TEXT)",
            "Fetch { set: MessageSet { uid: false, set: Saved }, items: [Section { section: Section { part: [], text: All }, partial: None, peek: false, name: Body }, Section { section: Section { part: [], text: Header }, partial: None, peek: true, name: Body }, Section { section: Section { part: [1, 2], text: Mime }, partial: Some(Partial { offset: 0, length: 100 }), peek: false, name: Body }, Section { section: Section { part: [], text: Text }, partial: None, peek: false, name: Body }, Section { section: Section { part: [], text: All }, partial: None, peek: false, name: Rfc822 }, Section { section: Section { part: [], text: Header }, partial: None, peek: true, name: Rfc822Header }, Section { section: Section { part: [], text: Text }, partial: None, peek: false, name: Rfc822Text }], changed_since: None, vanished: false }",
        ),
        (
            "FETCH 1 BODY.PEEK[HEADER.FIELDS (From To)]",
            r#"Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Section { section: Section { part: [], text: HeaderFields(["From", "To"]) }, partial: None, peek: true, name: Body }], changed_since: None, vanished: false }"#,
        ),
        (
            r#"FETCH 1 BODY[2.HEADER.FIELDS.NOT ("Subject")]"#,
            r#"Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Section { section: Section { part: [2], text: HeaderFieldsNot(["Subject"]) }, partial: None, peek: false, name: Body }], changed_since: None, vanished: false }"#,
        ),
        ("FETCH 1 BODY[MIME]", "! syntax error, expected: FETCH items"),
        ("FETCH 1 BODY[1.]", "! syntax error, expected: FETCH items"),
        ("FETCH 1 BODY[0]", "! a number is out of range"),
        ("FETCH 1 BODY[HEADER.FIELDS ()]", "! syntax error, expected: FETCH items"),
        (
            r#"FETCH 1 BODY[HEADER.FIELDS ({4}\r\na\r\nb)]"#,
            "! syntax error, expected: the name of a header field",
        ),
        ("FETCH 1 BODY.PEEK", "! syntax error, expected: FETCH items"),
        (
            "FETCH 1 (BINARY[1] BINARY.PEEK[2.3]<5.10> BINARY.SIZE[])",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Binary { part: [1], partial: None, peek: false }, Binary { part: [2, 3], partial: Some(Partial { offset: 5, length: 10 }), peek: true }, BinarySize { part: [] }], changed_since: None, vanished: false }",
        ),
        ("FETCH 1 BINARY[TEXT]", "! syntax error, expected: FETCH items"),
        ("FETCH 1 BODY[]<0.0>", "! a number is out of range"),
        (
            "FETCH 1 BODY[]<4294967295.4294967295>",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Section { section: Section { part: [], text: All }, partial: Some(Partial { offset: 4294967295, length: 4294967295 }), peek: false, name: Body }], changed_since: None, vanished: false }",
        ),
        ("FETCH 1 BODY[]<0.18446744073709551616>", "! a number is out of range"),
        ("FETCH 1 BODY[]<0>", "! syntax error, expected: the end of the command"),
        ("FETCH 0 FLAGS", "! a number is out of range"),
        ("FETCH 4294967296 FLAGS", "! a number is out of range"),
        ("FETCH 10000000000000000000000 FLAGS", "! a number is out of range"),
        ("FETCH -1 FLAGS", "! syntax error, expected: a set of messages"),
        ("FETCH 01 FLAGS", "! a number is out of range"),
        ("FETCH 1:2:3 FLAGS", "! syntax error, expected: FETCH items"),
        ("FETCH 1, FLAGS", "! syntax error, expected: a set of messages"),
        ("FETCH 1 ()", "! syntax error, expected: FETCH items"),
        ("FETCH 1 (FLAGS", "! syntax error, expected: FETCH items"),
        (
            "FETCH 1 FLAGS (CHANGEDSINCE 12345)",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Flags], changed_since: Some(ModSeq(12345)), vanished: false }",
        ),
        (
            "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)",
            "Fetch { set: MessageSet { uid: true, set: Ranges([(Number(1), Last)]) }, items: [Flags], changed_since: Some(ModSeq(12345)), vanished: true }",
        ),
        (
            "FETCH 1 FLAGS (CHANGEDSINCE 12345 VANISHED)",
            "! syntax error, expected: VANISHED in UID FETCH with CHANGEDSINCE only",
        ),
        (
            "UID FETCH 1 FLAGS (VANISHED)",
            "! syntax error, expected: VANISHED in UID FETCH with CHANGEDSINCE only",
        ),
        ("FETCH 1 FLAGS (CHANGEDSINCE 0)", "! a number is out of range"),
        ("FETCH 1:3:* FLAGS", "! syntax error, expected: FETCH items"),
        (
            "FETCH *:4,5:7 UID",
            "Fetch { set: MessageSet { uid: false, set: Ranges([(Last, Number(4)), (Number(5), Number(7))]) }, items: [Uid], changed_since: None, vanished: false }",
        ),
        ("FETCH 1 (FLAGS  UID)", "! syntax error, expected: FETCH items"),
        ("FETCH 1 (ALL)", "! syntax error, expected: FETCH items"),
        ("FETCH 1 RFC822.FOO", "! syntax error, expected: FETCH items"),
        ("FETCH 1 BODY[1.2.3", "! syntax error, expected: FETCH items"),
        (
            "fetch 1 body.peek[header.fields.not (x)]<1.2>",
            r#"Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Section { section: Section { part: [], text: HeaderFieldsNot(["x"]) }, partial: Some(Partial { offset: 1, length: 2 }), peek: true, name: Body }], changed_since: None, vanished: false }"#,
        ),
        (
            "FETCH 1 BODY[1.HEADER.FIELDS (X)]",
            r#"Fetch { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, items: [Section { section: Section { part: [1], text: HeaderFields(["X"]) }, partial: None, peek: false, name: Body }], changed_since: None, vanished: false }"#,
        ),
    ]);
}

#[test]
fn what_is_searched() {
    check(&[
        ("SEARCH ALL", "Search { uid: false, returns: None, key: All }"),
        (
            "SEARCH 1:5 UNSEEN NOT DELETED",
            r#"Search { uid: false, returns: None, key: And([Messages(MessageSet { uid: false, set: Ranges([(Number(1), Number(5))]) }), Not(Flag(\Seen)), Not(Flag(\Deleted))]) }"#,
        ),
        (
            r#"UID SEARCH UID 1:* OR FROM ann TO "bob b" "#,
            r#"Search { uid: true, returns: None, key: And([Messages(MessageSet { uid: true, set: Ranges([(Number(1), Last)]) }), Or((Header { name: "From", text: b"ann" }, Header { name: "To", text: b"bob b" }))]) }"#,
        ),
        (
            "SEARCH RETURN () ALL",
            "Search { uid: false, returns: Some(SearchReturn { min: false, max: false, all: true, count: false, save: false }), key: All }",
        ),
        (
            r#"SEARCH RETURN (MIN COUNT SAVE) CHARSET UTF-8 TEXT {2}\r\nä"#,
            r#"Search { uid: false, returns: Some(SearchReturn { min: true, max: false, all: false, count: true, save: true }), key: Text(b"\xc3\xa4") }"#,
        ),
        ("SEARCH CHARSET latin1 ALL", "! unknown charset, known are US-ASCII and UTF-8"),
        (r#"SEARCH CHARSET "US-ASCII" NEW"#, "Search { uid: false, returns: None, key: Not(All) }"),
        (
            r#"SEARCH (OLD RECENT) HEADER Message-ID "<x@y>""#,
            r#"Search { uid: false, returns: None, key: And([And([All, Not(All)]), Header { name: "Message-ID", text: b"<x@y>" }]) }"#,
        ),
        (
            r#"SEARCH BEFORE 1-Feb-2026 SENTON "28-FEB-1999" SINCE 32-Jan-2020"#,
            "! syntax error, expected: search keys",
        ),
        (
            // RFC 5032 §3
            "SEARCH LARGER 10000 SMALLER 0 OLDER 1 YOUNGER 259200",
            "Search { uid: false, returns: None, key: And([Larger(10000), Smaller(0), Older(1), Younger(259200)]) }",
        ),
        ("SEARCH OLDER 0", "! a number is out of range"),
        (
            r#"SEARCH MODSEQ "/flags/\\draft" all 620162338"#,
            "Search { uid: false, returns: None, key: ModSeq(ModSeq(620162338)) }",
        ),
        ("SEARCH MODSEQ 0", "Search { uid: false, returns: None, key: ModSeq(ModSeq(0)) }"),
        (
            "SEARCH KEYWORD $Junk UNKEYWORD x",
            "Search { uid: false, returns: None, key: And([Flag($Junk), Not(Flag(x))]) }",
        ),
        (
            "SEARCH $",
            "Search { uid: false, returns: None, key: Messages(MessageSet { uid: false, set: Saved }) }",
        ),
        ("SEARCH", "! syntax error, expected: search keys"),
        ("SEARCH RETURN (PARTIAL 1:2) ALL", "! syntax error, expected: RETURN (MIN MAX ALL COUNT SAVE)"),
        ("SEARCH ()", "! syntax error, expected: search keys"),
        ("SEARCH (ALL", "! syntax error, expected: search keys"),
        (r#"SEARCH HEADER "" x"#, "! syntax error, expected: the name of a header field"),
        (
            r#"SEARCH HEADER Subject """#,
            r#"Search { uid: false, returns: None, key: Header { name: "Subject", text: b"" } }"#,
        ),
        ("SEARCH UNDELETED ", r#"Search { uid: false, returns: None, key: Not(Flag(\Deleted)) }"#),
        ("SEARCH CHARSET", "! syntax error, expected: search keys"),
        ("SEARCH RETURN ALL", "! syntax error, expected: RETURN (MIN MAX ALL COUNT SAVE)"),
        ("SEARCH NOT", "! syntax error, expected: search keys"),
        ("SEARCH OR ALL", "! syntax error, expected: search keys"),
        ("SEARCH FROM", "! syntax error, expected: search keys"),
        (
            r#"SEARCH SUBJECT {0}\r\n"#,
            r#"Search { uid: false, returns: None, key: Header { name: "Subject", text: b"" } }"#,
        ),
        (
            r#"SEARCH BODY "a \"b\"" CC x BCC y"#,
            r#"Search { uid: false, returns: None, key: And([Body(b"a \"b\""), Header { name: "Cc", text: b"x" }, Header { name: "Bcc", text: b"y" }]) }"#,
        ),
        (
            r#"SEARCH ON "1-Jan-2026" SENTBEFORE 01-Dec-1999 SENTSINCE 9-May-2020"#,
            "Search { uid: false, returns: None, key: And([On(Date { year: 2026, month: 1, day: 1 }), SentBefore(Date { year: 1999, month: 12, day: 1 }), SentSince(Date { year: 2020, month: 5, day: 9 })]) }",
        ),
        ("SEARCH ON 1-Foo-2026", "! syntax error, expected: search keys"),
        ("SEARCH LARGER 9223372036854775808", "! a number is out of range"),
        ("SEARCH LARGER 4294967296", "Search { uid: false, returns: None, key: Larger(4294967296) }"),
        (
            "SEARCH DRAFT UNDRAFT ANSWERED UNANSWERED FLAGGED UNFLAGGED SEEN",
            r#"Search { uid: false, returns: None, key: And([Flag(\Draft), Not(Flag(\Draft)), Flag(\Answered), Not(Flag(\Answered)), Flag(\Flagged), Not(Flag(\Flagged)), Flag(\Seen)]) }"#,
        ),
    ]);
}

#[test]
fn what_is_done_to_messages() {
    check(&[
        ("EXPUNGE", "Expunge { uids: None }"),
        ("UID EXPUNGE 3,5:*", "Expunge { uids: Some(Ranges([(Number(3), Number(3)), (Number(5), Last)])) }"),
        (
            r#"STORE 1 FLAGS (\Seen \recent work)"#,
            r#"Store { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, unchanged_since: None, action: Replace, silent: false, flags: [\Seen, work] }"#,
        ),
        (
            r#"STORE 1:3 +FLAGS.SILENT \Deleted \Seen"#,
            r#"Store { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(3))]) }, unchanged_since: None, action: Add, silent: true, flags: [\Deleted, \Seen] }"#,
        ),
        (
            "UID STORE 1 (UNCHANGEDSINCE 0) -flags ()",
            "Store { set: MessageSet { uid: true, set: Ranges([(Number(1), Number(1))]) }, unchanged_since: Some(ModSeq(0)), action: Remove, silent: false, flags: [] }",
        ),
        (r#"STORE 1 FLAGS (\Foo)"#, "! unknown system flag"),
        ("STORE 1 FLAGS", "! syntax error, expected: flags"),
        (
            r#"STORE 1 FLAGS \Seen "#,
            r#"Store { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(1))]) }, unchanged_since: None, action: Replace, silent: false, flags: [\Seen] }"#,
        ),
        (
            r#"COPY 1:2 "x y""#,
            r#"Copy { set: MessageSet { uid: false, set: Ranges([(Number(1), Number(2))]) }, mailbox: "x y" }"#,
        ),
        (
            "UID MOVE 1 x",
            r#"Move { set: MessageSet { uid: true, set: Ranges([(Number(1), Number(1))]) }, mailbox: "x" }"#,
        ),
        ("MOVE * x", r#"Move { set: MessageSet { uid: false, set: Ranges([(Last, Last)]) }, mailbox: "x" }"#),
        ("COPY 1", "! syntax error, expected: a mailbox name"),
        ("STORE 1 FLAGS.LOUD ()", "! syntax error, expected: FLAGS, +FLAGS, -FLAGS, .SILENT"),
        ("STORE 1 (FOO 1) FLAGS ()", "! syntax error, expected: (UNCHANGEDSINCE modseq)"),
        ("STORE 1 FLAGS (a(b)", "! syntax error, expected: flags"),
    ]);
}
