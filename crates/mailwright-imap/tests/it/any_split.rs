//! However the input is cut, the session is the same.

use mailwright_core::testing::{Budget, Settings, assert_any_split};
use proptest::prelude::*;

use crate::app::bench;

/// Lines and fragments that get far into a session, sound and unsound.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(SESSION).prop_map(<[u8]>::to_vec),
        6 => prop::sample::select(MESSAGES).prop_map(<[u8]>::to_vec),
        4 => prop::sample::select(LITERALS).prop_map(<[u8]>::to_vec),
        2 => prop::sample::select(GARBAGE).prop_map(<[u8]>::to_vec),
        1 => literal(),
        1 => (1..700usize).prop_map(|count| vec![b'x'; count]),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

/// An APPEND with a message of any octets, waited for or not, and maybe another one behind it.
fn literal() -> impl Strategy<Value = Vec<u8>> {
    let message = prop::collection::vec(any::<u8>(), 1..60);
    (message.clone(), message, prop::bool::ANY, prop::bool::ANY).prop_map(|(one, two, plus, more)| {
        let plus = if plus { "+" } else { "" };
        let mut octets = format!("l APPEND INBOX {{{}{plus}}}\r\n", one.len()).into_bytes();
        octets.extend(one);
        if more {
            octets.extend(format!(" {{{}{plus}}}\r\n", two.len()).into_bytes());
            octets.extend(two);
        }
        octets.extend(b"\r\n");
        octets
    })
}

const SESSION: &[&[u8]] = &[
    b"a LOGIN ann right\r\n",
    b"a LOGIN ann wrong\r\n",
    b"a AUTHENTICATE PLAIN\r\n",
    b"a AUTHENTICATE PLAIN cmlnaHQ=\r\n",
    b"cmlnaHQ=\r\n",
    b"bW9yZQ==\r\n",
    b"*\r\n",
    b"a CAPABILITY\r\n",
    b"a ENABLE QRESYNC\r\n",
    b"a ENABLE IMAP4rev2\r\n",
    b"a ID NIL\r\n",
    b"a NOOP\r\n",
    b"a SELECT INBOX\r\n",
    b"a SELECT INBOX (QRESYNC (7 33 11:20))\r\n",
    b"a SELECT Plain\r\n",
    b"a EXAMINE nowhere\r\n",
    b"a IDLE\r\n",
    b"DONE\r\n",
    b"a IDLE\r\nDONE\r\nb NOOP\r\n",
    b"a LIST \"\" *\r\n",
    b"a STATUS INBOX (MESSAGES HIGHESTMODSEQ)\r\n",
    b"a CREATE x\r\n",
    b"a DELETE Sent\r\n",
    b"a RENAME INBOX y\r\n",
    b"a UNSELECT\r\n",
    b"a CLOSE\r\n",
    b"a LOGOUT\r\n",
];

const MESSAGES: &[&[u8]] = &[
    b"a FETCH 1:* (FLAGS UID)\r\n",
    b"a FETCH 1 BODY[]\r\n",
    b"a UID FETCH 1:* (MODSEQ BODY.PEEK[TEXT]<2.5>)\r\n",
    b"a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 33 VANISHED)\r\n",
    b"a FETCH 99 FLAGS\r\n",
    b"a STORE 1:2 +FLAGS (\\Deleted new)\r\n",
    b"a STORE 1:2 (UNCHANGEDSINCE 33) FLAGS.SILENT (\\Seen)\r\n",
    b"a UID STORE 11:14 -FLAGS (\\Deleted)\r\n",
    b"a COPY 1 Sent\r\n",
    b"a COPY 1:2 INBOX\r\n",
    b"a MOVE 1 INBOX\r\n",
    b"a UID MOVE 12:* Sent\r\n",
    b"a EXPUNGE\r\n",
    b"a UID EXPUNGE 11:12\r\n",
    b"a SEARCH UNSEEN\r\n",
    b"a UID SEARCH RETURN (SAVE ALL) 1:2 MODSEQ 32\r\n",
    b"a FETCH $ UID\r\n",
];

const LITERALS: &[&[u8]] = &[
    b"a LOGIN {3}\r\nann {5+}\r\nright\r\n",
    b"a SELECT {5}\r\nINBOX\r\n",
    b"a SEARCH SUBJECT {3+}\r\ntwo\r\n",
    b"a APPEND INBOX (\\Seen) {10}\r\n0123\r\n5678\r\n",
    b"a APPEND INBOX {4+}\r\nabcd (\\Flagged) {3+}\r\nefg\r\n",
    b"a APPEND nowhere {4+}\r\nabcd\r\n",
    b"a APPEND INBOX (\\Wrong) {4+}\r\nabcd {2+}\r\nef\r\n",
    b"a APPEND INBOX {0+}\r\n\r\n",
    b"a APPEND INBOX {101+}\r\n",
    b"a APPEND INBOX ~{3+}\r\n\0\r\n\r\n",
    b"a APPEND INBOX UTF8 (~{2+}\r\nab)\r\n",
    b"a STATUS {300+}\r\n",
    b"a STATUS {300}\r\n",
    b"a X {9223372036854775808}\r\n",
    b"{2+}\r\n",
];

const GARBAGE: &[&[u8]] =
    &[b"\r\n", b"\r", b"\n", b"\0", b"a", b" ", b"a NOOP\n", b"\xff\xfe", b"GET / HTTP/1.1\r\n", b"\x16\x03"];

/// A session that gets as far as a mailbox, mostly.
fn session() -> impl Strategy<Value = Vec<u8>> {
    let prelude = prop::sample::select(vec![
        &b""[..],
        b"0 LOGIN ann right\r\n",
        b"0 LOGIN ann right\r\n1 SELECT INBOX\r\n",
        b"0 LOGIN ann right\r\n1 ENABLE QRESYNC IMAP4rev2\r\n2 SELECT INBOX\r\n",
        b"0 LOGIN ann right\r\n1 SELECT INBOX\r\n2 IDLE\r\n",
    ]);
    (prelude, prop::collection::vec(fragment(), 0..14))
        .prop_map(|(prelude, rest)| [prelude.to_vec(), rest.concat()].concat())
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(400).seconds(3).long(100_000))]

    #[test]
    fn any_split_is_the_same_session(
        input in session(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        output in prop::sample::select(vec!["1", "20", "300", "65536"]),
        literals in prop::sample::select(vec!["plus", "minus", "none"]),
    ) {
        let settings = Settings::from([
            ("auth", "PLAIN LOGIN"),
            ("tls", "on"),
            ("command-before-login", "250"),
            ("command", "400"),
            ("message", "100"),
            ("swallow", "1500"),
            ("messages-per-append", "2"),
            ("auth-line", "60"),
            ("errors", "8"),
            ("output", output),
            ("literals", literals),
        ].map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_any_split(&input, &cuts, || bench(&settings));
    }
}
