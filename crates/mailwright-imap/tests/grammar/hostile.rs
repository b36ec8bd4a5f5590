//! What nobody sends who means well: threats I2 to I4 and I8, and any octets.

use mailwright_imap::types::SequenceSet;
use mailwright_imap::{
    Announced, Command, CommandError, CommandLine, Grammar, append_end, append_head, append_next,
};
use proptest::prelude::*;

fn parse(command: &str) -> Result<Command, CommandError> {
    CommandLine::parse(format!("a {command}\r\n").as_bytes(), &Grammar::default()).unwrap().command
}

#[test]
fn nothing_is_nested_deeper_than_allowed() {
    let not = |times| format!("SEARCH {}ALL", "NOT ".repeat(times));
    let or = |times| format!("SEARCH {}ALL", "OR ALL ".repeat(times));
    let or_first = |times| format!("SEARCH {}ALL{}", "OR ".repeat(times), " ALL".repeat(times));
    let parens = |times| format!("SEARCH {}ALL{}", "(".repeat(times), ")".repeat(times));
    let mixed = |times| format!("SEARCH {}ALL{}", "(NOT OR ALL ".repeat(times), ")".repeat(times));
    for nested in [not, or] {
        assert!(parse(&nested(32)).is_ok());
    }
    assert!(parse(&or_first(32)).is_ok() && parse(&parens(32)).is_ok() && parse(&mixed(10)).is_ok());
    for command in [not(33), or(33), or_first(33), parens(33), mixed(11)] {
        assert_eq!(parse(&command), Err(CommandError::TooDeep));
    }
    for command in [not(50_000), or(50_000), or_first(50_000), parens(1_000_000), mixed(50_000)] {
        assert_eq!(parse(&command), Err(CommandError::TooDeep));
    }
    assert_eq!(parse(&format!("SEARCH {}", "(".repeat(60_000))), Err(CommandError::TooDeep));
    for command in
        ["LIST", "LIST \"\"", "FETCH 1", "STATUS x", "STORE 1", "SELECT x", "ID", "CREATE x", "UID"]
    {
        assert!(parse(&format!("{command} {}", "(".repeat(60_000))).is_err());
    }
}

#[test]
fn nothing_is_more_than_allowed() {
    let many = |before: &str, one: &str, times: usize, after: &str| {
        parse(&format!("{before}{}{after}", vec![one; times].join(" ")))
    };
    let too_many = |what| Err(CommandError::TooMany(what));
    assert!(many("SEARCH ", "ALL", 1024, "").is_ok());
    assert_eq!(many("SEARCH ", "ALL", 1025, ""), too_many("search keys"));
    assert_eq!(many("SEARCH (", "ALL", 16_000, ")"), too_many("search keys"));
    assert_eq!(many("SEARCH ", "KEYWORD x", 5000, ""), too_many("search keys"));
    assert_eq!(many("FETCH 1 (", "FLAGS", 10_000, ")"), too_many("FETCH items"));
    assert_eq!(many("FETCH 1 (BODY[HEADER.FIELDS (", "x", 20_000, ")])"), too_many("header fields"));
    assert_eq!(many("STORE 1 FLAGS (", "x", 5000, ")"), too_many("flags"));
    assert_eq!(many("STORE 1 FLAGS ", "x", 5000, ""), too_many("flags"));
    assert_eq!(many("LIST \"\" (", "*", 5000, ")"), too_many("patterns"));
    assert_eq!(many("ENABLE ", "X", 5000, ""), too_many("capabilities"));
    assert_eq!(many("STATUS x (", "SIZE", 5000, ")"), too_many("STATUS items"));
    assert!(many("ID (", "\"a\" \"b\"", 30, ")").is_ok());
    assert_eq!(many("ID (", "\"a\" \"b\"", 31, ")"), too_many("fields in ID: 30 are allowed"));
    let section = |numbers: usize| parse(&format!("FETCH 1 BODY[{}]", vec!["1"; numbers].join(".")));
    assert!(section(100).is_ok());
    for numbers in [101, 10_000] {
        assert_eq!(section(numbers), too_many("numbers of a section"));
    }
}

#[test]
fn long_sets_and_strings_are_taken() {
    let ranges: Vec<_> = (0..10_000).map(|n| format!("{}:{}", 20_001 - n * 2, 20_000 - n * 2)).collect();
    let Ok(Command::Fetch { set, .. }) = parse(&format!("UID FETCH {} FLAGS", ranges.join(","))) else {
        panic!()
    };
    let SequenceSet::Ranges(ranges) = set.set else { panic!() };
    assert_eq!(ranges.len(), 10_000);
    assert!(parse(&format!("FETCH {} FLAGS", ["1:4294967295"; 500].join(","))).is_ok());
    assert!(parse(&format!("LOGIN x \"{}\"", "\\\\".repeat(500_000))).is_ok());
    assert!(parse(&format!("LOGIN x \"{}", "x".repeat(1_000_000))).is_err());
}

#[test]
fn numbers_never_wrap() {
    let numbers =
        ["0", "00", "01", "4294967296", "4294967297", "18446744073709551617", "10000000000000000000000"];
    for number in numbers {
        for command in [
            format!("FETCH {number} FLAGS"),
            format!("FETCH 1:{number} FLAGS"),
            format!("UID SEARCH UID 1,{number}"),
            format!("FETCH 1 BODY[{number}]"),
            format!("SELECT x (QRESYNC ({number} 1))"),
            format!("SEARCH OLDER {number}"),
        ] {
            assert_eq!(parse(&command), Err(CommandError::InvalidNumber), "{command}");
        }
    }
    for number in
        ["9223372036854775808", "18446744073709551616", "18446744073709551617", "10000000000000000000000"]
    {
        for command in [
            format!("FETCH 1 BODY[]<{number}.1>"),
            format!("FETCH 1 BODY[]<0.{number}>"),
            format!("SEARCH LARGER {number}"),
            format!("SEARCH MODSEQ {number}"),
            format!("FETCH 1 FLAGS (CHANGEDSINCE {number})"),
            format!("STORE 1 (UNCHANGEDSINCE {number}) FLAGS ()"),
            format!("LOGIN {{{number}}}\r\nx"),
        ] {
            assert_eq!(parse(&command), Err(CommandError::InvalidNumber), "{command}");
        }
    }
    for command in ["FETCH -1 FLAGS", "FETCH +1 FLAGS", "FETCH 1 BODY[]<-1.1>", "SEARCH LARGER -1"] {
        assert!(matches!(parse(command), Err(CommandError::Syntax(_))), "{command}");
    }
}

/// Pieces of commands, so that random input gets past the first word.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        &b"a "[..],
        b"UID ",
        b"FETCH ",
        b"SEARCH ",
        b"STORE ",
        b"LIST ",
        b"LSUB ",
        b"SELECT ",
        b"STATUS ",
        b"LOGIN ",
        b"APPEND ",
        b"ID ",
        b"ENABLE ",
        b"CREATE ",
        b"AUTHENTICATE ",
        b"(",
        b")",
        b" ",
        b"[",
        b"]",
        b"<",
        b">",
        b"\"",
        b"\\",
        b"{3}\r\n",
        b"{0+}\r\n",
        b"~{1}\r\n",
        b"1:*",
        b"$",
        b",",
        b".",
        b"FLAGS",
        b"BODY.PEEK",
        b"HEADER.FIELDS ",
        b"RETURN ",
        b"QRESYNC ",
        b"NOT ",
        b"OR ",
        b"CHARSET UTF-8 ",
        b"&AOQ-",
        b"INBOX",
        b"\r\n",
        b"\\Seen",
        b"1-Feb-2026",
        b"UTF8 (",
        b"STATUS ",
        b"CHANGEDSINCE 1",
        b"BINARY",
    ]);
    let octets = prop::collection::vec(any::<u8>(), 0..4);
    let piece = prop_oneof![8 => words.prop_map(<[u8]>::to_vec), 1 => octets];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| [b"a ".to_vec(), pieces.concat()].concat())
}

fn read(octets: &[u8]) {
    for utf8 in [false, true] {
        let grammar = Grammar { utf8, ..Grammar::default() };
        let error = match CommandLine::parse(octets, &grammar) {
            Ok(line) => {
                assert!(line.tag.bytes().all(|byte| byte.is_ascii_graphic()));
                line.command.err()
            }
            Err(error) => Some(error),
        };
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.bytes().all(|byte| matches!(byte, b' '..=b'~')) && error.len() < 120);
        if let Announced::Message { head, .. } = append_head(octets, &grammar) {
            assert!(head.mailbox.is_some_and(|mailbox| !mailbox.contains(char::is_control)));
        }
        let _ = append_next(octets, utf8, &grammar);
        let _ = append_end(octets, utf8);
    }
}

mailwright_core::properties! {
    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80)) {
        read(&octets);
    }

    #[test]
    fn any_pieces_are_read_or_refused(octets in pieces()) {
        read(&octets);
    }
}
