use bytes::BytesMut;
use mailwright_core::Secret;
use mailwright_tokio::socks::{Handshake, Login, SocksError};

/// The conversation with a SOCKS server. An octet of whether we have a login and of how the rest is cut, and what the
/// server says.
///
/// A plain reader of the whole finds the same, and however it is cut the same comes of it.
pub fn socks_reply(data: &[u8]) {
    let Some((flags, input)) = data.split_first() else { return };
    let has_login = flags & 0x80 != 0;
    let piece = usize::from(flags & 0x7F).max(1);
    let expected = read(input, has_login);
    for piece in [piece, input.len().max(1)] {
        assert_eq!(run(input, has_login, piece), expected, "in pieces of {piece}");
    }
}

/// What has come of it: octets that are left for whoever we are connected to, or a refusal, or more has to come.
#[derive(Debug, PartialEq)]
enum Told {
    Connected(usize),
    Not,
    More,
}

fn run(input: &[u8], has_login: bool, piece: usize) -> Told {
    let login = has_login.then(|| Login::new("u", Secret::from("p")).expect("short enough"));
    let mut handshake = Handshake::new(([192, 0, 2, 1], 25).into(), login);
    let (mut unread, mut output) = (BytesMut::new(), BytesMut::new());
    let mut taken = 0;
    loop {
        match handshake.advance(&mut unread, &mut output) {
            Ok(true) => return Told::Connected(input.len() - taken + unread.len()),
            Ok(false) if taken == input.len() => {
                assert!(unread.len() < 262, "{} octets are kept", unread.len());
                return Told::More;
            }
            Ok(false) => {
                let end = input.len().min(taken + piece);
                unread.extend_from_slice(&input[taken..end]);
                taken = end;
            }
            Err(SocksError::Closed | SocksError::Io(_)) => unreachable!("there is no network"),
            Err(_) => return Told::Not,
        }
        assert!(output.len() <= 4 + 5 + 10, "{output:?}");
    }
}

/// The same, at one look.
fn read(input: &[u8], has_login: bool) -> Told {
    let mut rest = input;
    match rest {
        [] | [5] => return Told::More,
        [5, 0, more @ ..] => rest = more,
        [5, 2, more @ ..] if has_login => match more {
            [] | [1] => return Told::More,
            [1, 0, more @ ..] => rest = more,
            _ => return Told::Not,
        },
        _ => return Told::Not,
    }
    let octets = match rest {
        [] | [5] | [5, 0] | [5, 0, _] | [5, 0, _, 3] => return Told::More,
        [5, 0, _, 1, ..] => 10,
        [5, 0, _, 4, ..] => 22,
        [5, 0, _, 3, count, ..] => 7 + usize::from(*count),
        _ => return Told::Not,
    };
    rest.len().checked_sub(octets).map_or(Told::More, Told::Connected)
}
