//! Exchanges as tables: what the client sends (`None`: no initial response), and what comes of it.

use mailwright_auth::AuthError::{Empty, Ended, Forbidden, NoResponse, NotUtf8, Separators, TooLong};
use mailwright_auth::Part::{Authzid, Password, Response, User};
use mailwright_auth::{AuthError, Exchange, ExchangeLimits, Mechanism, Step};
use proptest::prelude::*;

/// What these mechanisms have no use for.
const NONCE: [u8; 18] = [0; 18];

type Sent<'a> = Option<&'a [u8]>;

/// A step, comparable.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    Challenge(Vec<u8>),
    Check { user: String, authzid: Option<String>, password: Vec<u8> },
    Failed(AuthError),
}
use Said::{Challenge, Failed};

fn step(exchange: &mut Exchange, response: Sent<'_>) -> Said {
    match exchange.step(response) {
        Step::Challenge(text) => Challenge(text),
        Step::Check(given) => Said::Check {
            user: given.user,
            authzid: given.authzid,
            password: given.password.expose().to_vec(),
        },
        Step::Failed(error) => Failed(error),
        other => unreachable!("{other:?}"),
    }
}

fn run(mechanism: Mechanism, responses: &[Sent<'_>]) -> Vec<Said> {
    let mut exchange = Exchange::start(mechanism, NONCE);
    responses.iter().map(|response| step(&mut exchange, *response)).collect()
}

fn ask(text: &str) -> Said {
    Challenge(text.into())
}

fn check(user: &str, authzid: Option<&str>, password: impl AsRef<[u8]>) -> Said {
    Said::Check { user: user.into(), authzid: authzid.map(Into::into), password: password.as_ref().to_vec() }
}

#[test]
fn plain() {
    let table: &[(Sent<'_>, Said)] = &[
        // RFC 4616 §4
        (Some(b"\0tim\0tanstaaftanstaaf"), check("tim", None, "tanstaaftanstaaf")),
        (Some(b"Ursel\0Kurt\0xipj3plmq"), check("Kurt", Some("Ursel"), "xipj3plmq")),
        // RFC 4954 §4.1
        (Some(b"test\0test\x001234"), check("test", None, "1234")),
        (Some(b"Tim\0tim\0a"), check("tim", Some("Tim"), "a")),
        (Some("ü\0ж\0パス".as_bytes()), check("ж", Some("ü"), "パス")),
        (Some(b"\0tim\0a b\tc\r\n"), check("tim", None, "a b\tc\r\n")),
        (Some(b"\0' OR '1'='1\0*)(uid=*"), check("' OR '1'='1", None, "*)(uid=*")),
        // Present and empty is not absent.
        (Some(b""), Failed(Separators)),
        (Some(b"tim"), Failed(Separators)),
        (Some(b"\0tim"), Failed(Separators)),
        (Some(b"\0tim\0a\0"), Failed(Separators)),
        (Some(b"\0tim\0a\0b"), Failed(Separators)),
        (Some(b"\0\0\0\0"), Failed(Separators)),
        (Some(b"\0\0"), Failed(Empty(User))),
        (Some(b"tim\0\0a"), Failed(Empty(User))),
        (Some(b"\0tim\0"), Failed(Empty(Password))),
        (Some(b"\xff\0tim\0a"), Failed(NotUtf8(Authzid))),
        (Some(b"\0t\xc3\0a"), Failed(NotUtf8(User))),
        (Some(b"\0tim\0\xed\xa0\x80"), Failed(NotUtf8(Password))),
        (Some(b"\0tim\r\nX: y\0a"), Failed(Forbidden(User))),
        (Some("\0ti\u{85}m\0a".as_bytes()), Failed(Forbidden(User))),
        (Some(b"\x1b[2J\0tim\0a"), Failed(Forbidden(Authzid))),
    ];
    for (message, said) in table {
        assert_eq!(
            &run(Mechanism::Plain, &[*message])[..],
            std::slice::from_ref(said),
            "{message:?} at once"
        );
        let asked = run(Mechanism::Plain, &[None, *message]);
        assert_eq!(asked, [ask(""), said.clone()], "{message:?} when asked");
    }
}

#[test]
fn login() {
    let (user, pass) = (|| ask("Username:"), || ask("Password:"));
    let secret = "tanstaaftanstaaf";
    let table: &[(&[Sent<'_>], &[Said])] = &[
        // draft-murchison-sasl-login-00 §2.3, and the same with an initial response
        (&[None, Some(b"tim"), Some(secret.as_bytes())], &[user(), pass(), check("tim", None, secret)]),
        (&[Some(b"tim"), Some(secret.as_bytes())], &[pass(), check("tim", None, secret)]),
        (&[Some("ж".as_bytes()), Some(b"\xff \t")], &[pass(), check("ж", None, b"\xff \t")]),
        (&[Some(b"")], &[Failed(Empty(User))]),
        (&[None, Some(b"")], &[user(), Failed(Empty(User))]),
        (&[None, Some(b"tim\0")], &[user(), Failed(Forbidden(User))]),
        (&[None, Some(b"tim\r\n")], &[user(), Failed(Forbidden(User))]),
        (&[None, Some(b"\xff")], &[user(), Failed(NotUtf8(User))]),
        (&[Some(b"tim"), Some(b"")], &[pass(), Failed(Empty(Password))]),
        (&[Some(b"tim"), Some(b"a\0")], &[pass(), Failed(Forbidden(Password))]),
        (&[Some(b"tim"), Some(b"a\rb")], &[pass(), Failed(Forbidden(Password))]),
        (&[Some(b"tim"), Some(b"\n")], &[pass(), Failed(Forbidden(Password))]),
        (&[None, None], &[user(), Failed(NoResponse)]),
        (&[Some(b"tim"), None], &[pass(), Failed(NoResponse)]),
    ];
    for (responses, said) in table {
        assert_eq!(&run(Mechanism::Login, responses)[..], *said, "{responses:?}");
    }
}

#[test]
fn an_exchange_ends_once() {
    let right: Sent<'_> = Some(b"\0tim\0a");
    for first in [right, Some(b"")] {
        for then in [None, Some(&b""[..]), right] {
            assert_eq!(run(Mechanism::Plain, &[first, then]).pop(), Some(Failed(Ended)), "{then:?}");
        }
    }
    assert_eq!(run(Mechanism::Plain, &[None, None, right])[1..], [Failed(NoResponse), Failed(Ended)]);
}

#[test]
fn all_that_is_kept_is_bounded() {
    let limits =
        ExchangeLimits { response_max: 20, name_max: 4, password_max: 8, ..ExchangeLimits::default() };
    let too_long = |part, max| Failed(TooLong { part, max });
    for (message, said) in [
        (&b"abcd\0efgh\x0012345678"[..], check("efgh", Some("abcd"), "12345678")),
        (b"abcde\0efgh\x001234567", too_long(Authzid, 4)),
        (b"\0efghi\x0012345678", too_long(User, 4)),
        (b"\0efgh\x00123456789", too_long(Password, 8)),
        ("\0ффф\0a".as_bytes(), too_long(User, 4)),
        (b"abcd\0efgh\x0012345678901", too_long(Response, 20)),
        (&[0; 21], too_long(Response, 20)),
    ] {
        let mut exchange = Exchange::start_within(Mechanism::Plain, NONCE, limits);
        assert_eq!(step(&mut exchange, Some(message)), said, "{message:?}");
    }
    let mut exchange = Exchange::start_within(Mechanism::Login, NONCE, limits);
    assert_eq!(step(&mut exchange, Some(b"abcde")), too_long(User, 4));
    let mut exchange = Exchange::start_within(Mechanism::Login, NONCE, limits);
    assert_eq!(step(&mut exchange, Some(b"abcd")), ask("Password:"));
    assert_eq!(step(&mut exchange, Some(b"123456789")), too_long(Password, 8));
}

#[test]
fn the_defaults_take_what_rfc_4616_says_they_must() {
    let part = "x".repeat(255);
    let message = format!("{}\0{part}\0{part}", "y".repeat(255));
    let said = run(Mechanism::Plain, &[Some(message.as_bytes())]);
    assert_eq!(said, [check(&part, Some(&"y".repeat(255)), &part)]);
}

/// RFC 4422 §3.1
#[test]
fn names_of_mechanisms() {
    for mechanism in Mechanism::ALL {
        assert_eq!(mechanism.to_string().parse(), Ok(*mechanism));
        assert_eq!(mechanism.name().to_ascii_lowercase().parse(), Ok(*mechanism));
    }
    for text in
        ["", "PLAIN ", "PLAI", "PLAINS", "SCRAM", "SCRAM-SHA-256-", "DIGEST-MD5", "ＰＬＡＩＮ", "LOGIN\0"]
    {
        assert_eq!(text.parse::<Mechanism>(), Err(AuthError::UnknownMechanism), "{text:?}");
    }
}

#[test]
fn debug_does_not_show_a_password() {
    let shown = format!("{:?}", Exchange::start(Mechanism::Plain, NONCE).step(Some(b"\0tim\0hunter2")));
    assert!(shown.contains("tim") && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("104, 117"), "{shown}");
}

fn responses() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    let octets = prop_oneof![Just(0_u8), Just(b'a'), any::<u8>()];
    prop::collection::vec(prop::option::of(prop::collection::vec(octets, 0..40)), 0..6)
}

mailwright_core::properties! {
    /// Nothing panics, nothing that breaks the rules gets through, and an end is an end.
    #[test]
    fn any_bytes(responses in responses(), which in 0..Mechanism::PASSWORD.len()) {
        let mut exchange = Exchange::start(Mechanism::PASSWORD[which], NONCE);
        let mut ended = false;
        for response in &responses {
            let said = step(&mut exchange, response.as_deref());
            prop_assert!(!ended || said == Failed(Ended));
            ended |= !matches!(said, Challenge(_));
            if let Said::Check { user, authzid, password } = said {
                prop_assert!(!user.is_empty() && !user.contains(char::is_control));
                prop_assert!(!password.is_empty() && !password.contains(&0));
                prop_assert!(authzid.is_none_or(|name| !name.is_empty() && name != user));
            }
        }
    }

    /// What a client can say in PLAIN arrives as it was said.
    #[test]
    fn plain_round_trip(user in "\\PC{1,20}", authzid in "\\PC{0,20}", password in "[^\0]{1,20}") {
        let said = run(Mechanism::Plain, &[Some(format!("{authzid}\0{user}\0{password}").as_bytes())]);
        let other = Some(&authzid[..]).filter(|name| !name.is_empty() && *name != user);
        prop_assert_eq!(said, [check(&user, other, &password)]);
    }
}
