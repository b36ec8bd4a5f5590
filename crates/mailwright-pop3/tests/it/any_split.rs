//! However the input is cut, the session is the same.

use mailwright_core::testing::{Budget, Settings, assert_any_split};
use proptest::prelude::*;

use crate::app::bench;

/// Lines and fragments that get far into a session, sound and unsound.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&[u8]> = vec![
        b"USER ann\r\n",
        b"PASS right\r\n",
        b"USER ann\r\nPASS right\r\n",
        b"PASS wrong\r\n",
        b"PASS \r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH PLAIN cmlnaHQ=\r\n",
        b"cmlnaHQ=\r\n",
        b"bW9yZQ==\r\n",
        b"*\r\n",
        b"CAPA\r\n",
        b"STLS\r\n",
        b"STAT\r\n",
        b"LIST\r\n",
        b"LIST 2\r\n",
        b"LIST 18446744073709551617\r\n",
        b"UIDL\r\n",
        b"UIDL 3\r\n",
        b"RETR 2\r\n",
        b"RETR 0\r\n",
        b"RETR -1\r\n",
        b"TOP 2 3\r\n",
        b"TOP 3 99999999999999999999999\r\n",
        b"DELE 1\r\n",
        b"DELE 3\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"NOOP\n",
        b"QUIT\r\n",
        b"\r\n",
        b".\r\n",
        b"\r",
        b"\n",
        b"\0",
        b"\xff\xfe",
    ];
    prop_oneof![
        12 => prop::sample::select(lines).prop_map(<[u8]>::to_vec),
        1 => (1..2600usize).prop_map(|count| vec![b'x'; count]),
        1 => (200..700usize).prop_map(|count| [b"PASS ", &vec![b'x'; count][..], b"\r\n"].concat()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

/// A session that gets as far as the maildrop, half of the time.
fn session() -> impl Strategy<Value = Vec<u8>> {
    let prelude = prop::bool::ANY.prop_map(|far| if far { &b"USER ann\r\nPASS right\r\n"[..] } else { b"" });
    (prelude, prop::collection::vec(fragment(), 0..12))
        .prop_map(|(prelude, rest)| [prelude.to_vec(), rest.concat()].concat())
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(400).seconds(3).long(100_000))]

    #[test]
    fn any_split_is_the_same_session(
        input in session(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        output in prop::sample::select(vec!["1", "20", "60", "65536"]),
    ) {
        let settings = Settings::from([
            ("auth".to_owned(), "PLAIN LOGIN".to_owned()),
            ("login-without-tls".to_owned(), "on".to_owned()),
            ("output".to_owned(), output.to_owned()),
        ]);
        assert_any_split(&input, &cuts, || bench(&settings));
    }
}
