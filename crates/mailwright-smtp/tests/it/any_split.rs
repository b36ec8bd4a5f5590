//! However the input is cut, the session is the same.

use mailwright_core::testing::{Budget, Settings, assert_any_split};
use proptest::prelude::*;

use crate::app::bench;

/// Lines and fragments that get far into a session, sound and unsound.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&[u8]> = vec![
        b"EHLO c.example\r\n",
        b"HELO c\r\n",
        b"MAIL FROM:<a@b> SIZE=10\r\n",
        b"MAIL FROM:<> BODY=8BITMIME\r\n",
        b"MAIL FROM:<a@b> SIZE=99999\r\n",
        b"RCPT TO:<ann@example.org>\r\n",
        b"RCPT TO:<nobody@example.org>\r\n",
        b"DATA\r\n",
        b"Subject: x\r\n\r\nbody\r\n.\r\n",
        b"..\r\n...\r\n.\r\n",
        b".\r\n",
        b"bare\nlf\r\n.\r\n",
        b"bare\rcr\r\n.\r\n",
        b"\r\n",
        b".",
        b"\r",
        b"\n",
        b"\0",
        b"NOOP\n",
        b"NOOP\r\n",
        b"RSET\r\n",
        b"BDAT 4\r\n",
        b"BDAT 6 LAST\r\n",
        b"BDAT 0 LAST\r\n",
        b"BDAT 3 LAST\r\nab\r",
        b"BDAT 10\r\nRSET\r\nRSET",
        b"BDAT 2000\r\n",
        b"BDAT 99999 LAST\r\n",
        b"BDAT x\r\n",
        b"MAIL FROM:<a@b> BODY=BINARYMIME\r\n",
        b"MAIL FROM:<gr\xc3\xa5@b> SMTPUTF8\r\n",
        b"RCPT TO:<gr\xc3\xa5@b> NOTIFY=NEVER\r\n",
        b"BURL imap://x/INBOX;UID=1 LAST\r\n",
        b"BURL imap://x/INBOX;UID=2\r\n",
        b"VRFY ann\r\n",
        b"ETRN few.example\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH PLAIN cmlnaHQ=\r\n",
        b"cmlnaHQ=\r\n",
        b"*\r\n",
        b"QUIT\r\n",
        b"\xff\xfe",
    ];
    prop_oneof![
        8 => prop::sample::select(lines).prop_map(<[u8]>::to_vec),
        1 => (1..2600usize).prop_map(|count| vec![b'x'; count]),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

/// A session that gets as far as the content, half of the time.
fn session() -> impl Strategy<Value = Vec<u8>> {
    let prelude = prop::bool::ANY.prop_map(|far| {
        if far { &b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\n"[..] } else { &b"EHLO c\r\n"[..] }
    });
    (prelude, prop::collection::vec(fragment(), 0..12))
        .prop_map(|(prelude, rest)| [prelude.to_vec(), rest.concat()].concat())
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(400).seconds(3).long(100_000))]

    #[test]
    fn any_split_is_the_same_session(
        input in session(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let settings = Settings::from([
            ("auth".to_owned(), "PLAIN LOGIN".to_owned()),
            ("auth-without-tls".to_owned(), "on".to_owned()),
            ("extensions".to_owned(), "BINARYMIME SMTPUTF8 DSN BURL ETRN VRFY".to_owned()),
            // What is early depends on when it comes.
            ("take-early-input".to_owned(), "on".to_owned()),
        ]);
        assert_any_split(&input, &cuts, || bench(&settings));
    }
}
