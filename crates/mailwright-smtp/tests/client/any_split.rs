//! However what the server says is cut, the session is the same. Replies are cut in any way, but not moved before the
//! commands that they answer: what comes too early has transcripts of its own.

use mailwright_core::Machine as _;
use mailwright_core::testing::{Budget, Seen};
use mailwright_smtp::client::{self, Limits};
use proptest::prelude::*;

use crate::app::config;
use crate::sender::{Job, go, sending};

/// One reply or a part of one, sound and unsound.
fn reply() -> impl Strategy<Value = Vec<u8>> {
    let replies: Vec<&[u8]> = vec![
        b"220 mx.example.org\r\n",
        b"250 ok\r\n",
        b"250 2.1.0 ok\r\n",
        b"250-mx\r\n250-SIZE 100\r\n250 8BITMIME\r\n",
        b"250-mx\r\n250 CHUNKING\r\n",
        b"354 go\r\n",
        b"550-5.1.1 no\r\n550 5.1.1 body\r\n",
        b"450 later\r\n",
        b"502 what?\r\n",
        b"421 bye\r\n",
        b"250-",
        b"250-x\r\n",
        b"250 a\n",
        b"nonsense\r\n",
        b"250 \xff\0\x1b\r\n",
    ];
    prop_oneof![
        20 => prop::sample::select(replies).prop_map(<[u8]>::to_vec),
        1 => (1..300usize).prop_map(|count| vec![b'2'; count]),
    ]
}

/// A session that gets as far as the content, half of the time.
fn session() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let begin: Vec<&[&[u8]]> = vec![
        &[b"220 mx\r\n"],
        &[b"220 mx\r\n", b"250-mx\r\n250 CHUNKING\r\n"],
        &[b"220 mx\r\n", b"250 mx\r\n", b"250 ok\r\n", b"250 ok\r\n", b"550 no\r\n", b"354 go\r\n"],
        &[
            b"220 mx\r\n",
            b"250-mx\r\n250 PIPELINING\r\n",
            b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n",
            b"250 taken\r\n",
            b"250 ok\r\n550-no\r\n550 no\r\n503 nobody\r\n",
        ],
        &[
            b"220 mx\r\n",
            b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
            b"250 ok\r\n250 ok\r\n250 ok\r\n",
            b"250 8\r\n250 8\r\n",
        ],
    ];
    (prop::sample::select(begin), prop::collection::vec(reply(), 0..12))
        .prop_map(|(begin, rest)| begin.iter().map(|reply| reply.to_vec()).chain(rest).collect())
}

/// All that is seen if each of `turns` comes in pieces.
fn observe(turns: &[Vec<u8>], cut: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> (Vec<Seen>, Vec<u8>) {
    let limits = Limits { reply_line: 100, reply: 300, reply_text: 20, chunk: 8, ..Limits::default() };
    let jobs = [Job::new(&["<c@d>", "<e@f>"], ".x\r\n".repeat(10)), Job::new(&["<g@h>"], "y")];
    let mut client = sending(client::Config { limits, ..config() }, &jobs, 5);
    let (mut events, mut sent) = (Vec::new(), Vec::new());
    let mut record = |seen: Vec<Seen>| {
        for next in seen {
            match next {
                Seen::Output(bytes) => sent.extend(bytes),
                other => events.push(other),
            }
        }
    };
    record(go(&mut client));
    for piece in turns.iter().flat_map(|turn| cut(turn)) {
        client.input.extend_from_slice(&piece);
        record(go(&mut client));
    }
    client.machine.handle_eof();
    record(go(&mut client));
    (events, sent)
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(300).seconds(3).long(100_000))]

    #[test]
    fn any_split_is_the_same_session(turns in session(), size in 1..20usize) {
        let whole = observe(&turns, |turn| vec![turn.to_vec()]);
        let pieces = |size| move |turn: &[u8]| turn.chunks(size).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(&observe(&turns, pieces(1)), &whole);
        prop_assert_eq!(&observe(&turns, pieces(size)), &whole);
    }
}
