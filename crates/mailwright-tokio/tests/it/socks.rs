//! What SOCKS servers say, and what is said to them.

use bytes::BytesMut;
use mailwright_core::Secret;
use mailwright_core::testing::Budget;
use mailwright_tokio::Io;
use mailwright_tokio::socks::{Handshake, Login, SocksError, connect};
use proptest::prelude::*;

use crate::io::Script;

const TO_V4: &str = "198.51.100.25:25";
const TO_V6: &str = "[2001:db8::25]:25";

fn login() -> Login {
    Login::new("ann", Secret::from("secret")).unwrap()
}

/// What has come of it when the server has said `input`, in pieces of that many octets: what was said to it, and what is
/// left if it has connected us, or why it has not; `None` if more has to come.
fn told(
    to: &str,
    login: Option<Login>,
    input: &[u8],
    piece: usize,
) -> (Vec<u8>, Option<Result<Vec<u8>, String>>) {
    let mut handshake = Handshake::new(to.parse().unwrap(), login);
    let (mut unread, mut output) = (BytesMut::new(), BytesMut::new());
    let mut pieces = input.chunks(piece);
    loop {
        match handshake.advance(&mut unread, &mut output) {
            Ok(true) => {
                unread.extend(pieces.flatten());
                return (output.to_vec(), Some(Ok(unread.to_vec())));
            }
            Ok(false) => match pieces.next() {
                Some(piece) => unread.extend_from_slice(piece),
                None => {
                    assert!(unread.len() < 262, "a whole reply was left");
                    return (output.to_vec(), None);
                }
            },
            Err(error) => return (output.to_vec(), Some(Err(error.to_string()))),
        }
    }
}

/// RFC 1928 §3 to §6, RFC 1929 §2.
#[test]
fn conversations() {
    const GREETING: &[u8] = b"\x05\x01\x00";
    const OFFER: &[u8] = b"\x05\x02\x00\x02";
    const LOGIN: &[u8] = b"\x01\x03ann\x06secret";
    const V4: &[u8] = b"\x05\x01\x00\x01\xC6\x33\x64\x19\x00\x19";
    const V6: &[u8] = b"\x05\x01\x00\x04\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x25\x00\x19";
    let name = [&b"\x05\0\x05\0\0\x03\xFF"[..], &[b'x'; 257], b"220"].concat();
    for (to, with_login, input, said, outcome) in [
        (TO_V4, false, &b"\x05\0\x05\0\0\x01\x7F\0\0\x01\x04\x38"[..], [GREETING, V4].concat(), Ok("")),
        (TO_V4, true, b"\x05\0\x05\0\0\x01\x7F\0\0\x01\x04\x38220 mx", [OFFER, V4].concat(), Ok("220 mx")),
        (TO_V6, true, b"\x05\x02\x01\0\x05\0\0\x01\0\0\0\0\0\0", [OFFER, LOGIN, V6].concat(), Ok("")),
        // The address that it sends from may be of any type, and is of no interest; nor is the reserved octet.
        (
            TO_V4,
            false,
            b"\x05\0\x05\0\x99\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            [GREETING, V4].concat(),
            Ok(""),
        ),
        (TO_V4, false, b"\x05\0\x05\0\0\x03\0\0\0", [GREETING, V4].concat(), Ok("")),
        (TO_V4, false, &name, [GREETING, V4].concat(), Ok("220")),
        (
            TO_V4,
            false,
            b"\x05\x02",
            GREETING.to_vec(),
            Err("it takes nobody without a login that we do not have"),
        ),
        (
            TO_V4,
            true,
            b"\x05\x01",
            OFFER.to_vec(),
            Err("it takes nobody without a login that we do not have"),
        ),
        (
            TO_V4,
            true,
            b"\x05\xFF",
            OFFER.to_vec(),
            Err("it takes nobody without a login that we do not have"),
        ),
        (TO_V4, true, b"\x05\x02\x01\x01", [OFFER, LOGIN].concat(), Err("it refuses our login")),
        (TO_V4, true, b"\x05\x02\x05", [OFFER, LOGIN].concat(), Err("it does not speak SOCKS version 5")),
        (TO_V4, false, b"\x04", GREETING.to_vec(), Err("it does not speak SOCKS version 5")),
        (TO_V4, false, b"220 mx", GREETING.to_vec(), Err("it does not speak SOCKS version 5")),
        (TO_V4, false, b"\x05\0\x01", [GREETING, V4].concat(), Err("it does not speak SOCKS version 5")),
        // A refusal is one, whatever follows or does not.
        (TO_V4, false, b"\x05\0\x05\x05", [GREETING, V4].concat(), Err("connection refused")),
        (
            TO_V4,
            false,
            b"\x05\0\x05\x09\x00\x77",
            [GREETING, V4].concat(),
            Err("failure 9, which has no meaning"),
        ),
        (TO_V4, false, b"\x05\0\x05\0\0\x02", [GREETING, V4].concat(), Err("its reply is malformed")),
        (TO_V4, false, b"\x05\0\x05\0\0\0", [GREETING, V4].concat(), Err("its reply is malformed")),
    ] {
        let outcome = outcome.map(|left| left.as_bytes().to_vec()).map_err(str::to_owned);
        let login = with_login.then(login);
        for piece in 1..=input.len() {
            let told = told(to, login.clone(), input, piece);
            assert_eq!(told, (said.clone(), Some(outcome.clone())), "{input:?} in pieces of {piece}");
        }
        // With less, more has to come, unless it is certain.
        let left = outcome.as_ref().map_or(0, Vec::len);
        for end in 0..input.len() - left {
            let (said_then, then) = told(to, login.clone(), &input[..end], end.max(1));
            assert!(said.starts_with(&said_then), "{input:?} to {end}");
            assert!(then.is_none() || then == Some(outcome.clone()), "{input:?} to {end}: {then:?}");
            assert!(then.is_none() || outcome.is_err(), "{input:?} to {end}");
        }
    }
}

/// RFC 1929 §2
#[test]
fn logins_have_their_limits() {
    let of = |user: usize, password: usize| {
        Login::new("u".repeat(user), Secret::new(vec![b'p'; password])).is_ok()
    };
    for (user, password, is_one) in
        [(1, 1, true), (255, 255, true), (0, 1, false), (1, 0, false), (256, 1, false), (1, 256, false)]
    {
        assert_eq!(of(user, password), is_one, "{user} {password}");
    }
    assert!(!format!("{:?}", login()).contains("secret"));
    assert!(!format!("{:?}", Handshake::new(TO_V4.parse().unwrap(), Some(login()))).contains("secret"));
}

#[tokio::test]
async fn on_a_connection() {
    use tokio::io::AsyncReadExt as _;
    let input = b"\x05\x02\x01\0\x05\0\0\x01\0\0\0\0\0\x00220 mx\r\n";
    for (step, stutters) in [(1, false), (1, true), (3, true), (1000, false)] {
        let script = Script::new(input, step, stutters);
        let written = std::sync::Arc::clone(&script.written);
        let to = TO_V4.parse().unwrap();
        let mut io = connect(Box::new(script), to, Some(login())).await.unwrap();
        let mut rest = String::new();
        io.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "220 mx\r\n");
        assert_eq!(
            written.lock().unwrap()[..],
            *b"\x05\x02\x00\x02\x01\x03ann\x06secret\x05\x01\0\x01\xC6\x33\x64\x19\0\x19"
        );
    }
    // Cut at each octet.
    for end in 0..input.len() - "220 mx\r\n".len() {
        let io: Box<dyn Io> = Box::new(Script::new(&input[..end], 1000, false));
        let cut = connect(io, TO_V4.parse().unwrap(), Some(login())).await;
        assert!(matches!(cut.err().unwrap(), SocksError::Closed), "cut at {end}");
    }
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(400).seconds(2).long(100_000))]

    /// However it comes, the same comes of it; and little is kept.
    #[test]
    fn any_split_says_the_same(
        begin in prop::sample::select(vec![
            &b""[..], b"\x05\0", b"\x05\x02\x01\0", b"\x05\0\x05\0\0", b"\x05\0\x05\0\0\x03",
        ]),
        input in prop::collection::vec(any::<u8>(), 0..300),
        piece in 1_usize..20,
        with_login in any::<bool>(),
    ) {
        let input = [begin, &input].concat();
        let login = with_login.then(login);
        let whole = told(TO_V6, login.clone(), &input, input.len().max(1));
        prop_assert_eq!(told(TO_V6, login, &input, piece), whole);
    }
}
