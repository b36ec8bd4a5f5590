//! Relays as URLs.

use mailwright_delivery::outbound::{InvalidRelayUrl, Relay, Route, Way};
use proptest::prelude::*;

use crate::dir::Dir;

fn shown(relay: &Relay) -> String {
    let user = relay.credentials.as_ref().map(|credentials| credentials.user.as_str());
    format!("{:?} {:?} {user:?}", relay.hosts, relay.tls)
}

fn relay(url: &str) -> Result<Relay, InvalidRelayUrl> {
    Route::smarthost(url).map(|route| match route.way {
        Way::Relay(relay) => relay,
        Way::Mx => panic!("{url} is a relay"),
    })
}

#[test]
fn urls_of_relays_are_read() {
    let dir = Dir::new();
    let file = dir.file("secret of mail", b"hunter2\r\n");
    let secret = format!("secret_file={}", file.display()).replace(' ', "%20");
    let name = |host: &str, port| format!("[RelayHost {{ host: Name(<{host}>), port: {port} }}]");
    let address = |host: &str, port| format!("[RelayHost {{ host: Address({host}), port: {port} }}]");
    for (url, hosts, rest) in [
        ("smtps://relay.example.org".to_owned(), name("relay.example.org", 465), "Implicit None"),
        ("SMTPS://Relay.Example.ORG/".to_owned(), name("relay.example.org", 465), "Implicit None"),
        ("smtp://relay.example.org".to_owned(), name("relay.example.org", 587), "Required None"),
        ("smtp://localhost:25?tls=never".to_owned(), name("localhost", 25), "Never None"),
        ("smtp://localhost/?tls=required".to_owned(), name("localhost", 587), "Required None"),
        ("smtp://192.0.2.1:25?tls=opportunistic".to_owned(), address("192.0.2.1", 25), "Opportunistic None"),
        ("smtps://[2001:db8::1]:2465".to_owned(), address("2001:db8::1", 2465), "Implicit None"),
        ("smtps://[2001:db8::1]".to_owned(), address("2001:db8::1", 465), "Implicit None"),
        (format!("smtps://app@relay.example?{secret}"), name("relay.example", 465), "Implicit Some(\"app\")"),
        (
            format!("smtp://app@us.example@relay.example:26?{secret}&tls=required"),
            name("relay.example", 26),
            "Required Some(\"app@us.example\")",
        ),
        (
            format!("smtps://a%40b%3a%2Fc%C3%A9@relay.example?{secret}"),
            name("relay.example", 465),
            "Implicit Some(\"a@b:/cé\")",
        ),
    ] {
        let relay = relay(&url).unwrap();
        assert_eq!(shown(&relay), format!("{hosts} {rest}"), "{url}");
        if let Some(credentials) = relay.credentials {
            assert_eq!(credentials.password.expose(), b"hunter2", "without the line's end");
        }
    }
}

#[test]
fn what_is_no_url_is_told_with_its_place() {
    const PARAMETER: &str =
        "the parameters are tls, secret_file and secret_env, each NAME=VALUE, and each once";
    const HOST: &str = "the host is a name, an IPv4 address, or an IPv6 address in brackets";
    const SCHEME: &str = "the URL of a relay begins with smtps:// or smtp://";
    const USER: &str =
        "the user is one or more characters, of which @ : / ? # and % stand as %40 %3A %2F %3F %23 %25";
    const PASSWORD: &str =
        "a password does not stand in a URL: write secret_file=PATH or secret_env=VARIABLE";
    const NO_SECRET: &str = "a user needs a secret: secret_file=PATH or secret_env=VARIABLE";
    const TLS: &str = "tls is never, opportunistic or required; with smtps:// it is implicit, and not said";
    const CLEAR: &str = "a secret is sent by TLS only: leave tls out, or write tls=required";
    const PORT: &str = "a port is a number from 1 to 65535";
    const PATH: &str = "behind the host stand only parameters";
    for (url, at, told) in [
        ("", 0, SCHEME),
        ("relay.example.org:587", 0, SCHEME),
        ("smtp:relay", 0, SCHEME),
        ("https://relay.example", 0, SCHEME),
        ("smtps://", 8, HOST),
        ("smtps://relay..example", 8, HOST),
        ("smtps://app@?secret_env=PATH", 12, HOST),
        ("smtps://re lay", 8, HOST),
        ("smtps://relay_\r\nx", 8, HOST),
        ("smtps://2001:db8::1", 8, HOST),
        ("smtps://[192.0.2.1]", 8, HOST),
        ("smtps://[2001:db8::1", 8, HOST),
        ("smtps://[::1]x:25", 8, HOST),
        ("smtps://é.example", 8, HOST),
        ("smtps://relay:", 14, PORT),
        ("smtps://relay:0", 14, PORT),
        ("smtps://relay:65536", 14, PORT),
        ("smtps://relay:+25", 14, PORT),
        ("smtps://relay:smtp", 14, PORT),
        ("smtps://relay/inbox", 14, PATH),
        ("smtps://relay#top", 13, PATH),
        ("smtps://@relay", 8, USER),
        ("smtps://a%4@relay", 8, USER),
        ("smtps://a%+1@relay", 8, USER),
        ("smtps://a%FF@relay", 8, USER),
        ("smtps://a%00@relay", 8, USER),
        ("smtps://app:hunter2@relay", 11, PASSWORD),
        ("smtps://app:@relay", 11, PASSWORD),
        ("smtps://app@relay", 8, NO_SECRET),
        ("smtps://app@relay?", 18, PARAMETER),
        ("smtps://relay?secret_env=PATH", 14, "a secret needs a user: smtps://USER@HOST"),
        ("smtps://app@relay?hunter2", 18, PARAMETER),
        ("smtps://app@relay?password=hunter2", 18, PARAMETER),
        ("smtps://app@relay?secret_env=", 18, PARAMETER),
        ("smtps://app@relay?secret_env=%zz", 18, PARAMETER),
        ("smtps://app@relay?secret_env=PATH&secret_file=hunter2", 34, PARAMETER),
        ("smtp://relay?tls=required&tls=never", 26, PARAMETER),
        ("smtp://relay?tls=yes", 13, TLS),
        ("smtp://relay?tls=implicit", 13, TLS),
        ("smtps://relay?tls=required", 14, TLS),
        ("smtp://app@relay?tls=never&secret_env=PATH", 27, CLEAR),
        ("smtp://app@relay?secret_env=PATH&tls=opportunistic", 17, CLEAR),
        ("smtps://app@relay?secret_env=MAILWRIGHT_NO_SUCH", 18, "there is no variable MAILWRIGHT_NO_SUCH"),
        (
            "smtps://app@relay?secret_file=/no/such/file",
            18,
            "/no/such/file: No such file or directory (os error 2)",
        ),
    ] {
        let error = relay(url).unwrap_err();
        assert_eq!(error.to_string(), format!("{told} (octet {at} of the URL)"), "{url}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_secret_is_one_line() {
    let dir = Dir::new();
    let long = vec![b'x'; 4097];
    for (content, is_secret) in [
        (&b"a b"[..], true),
        (b"caf\xc3\xa9\n", true),
        (&long[..4096], true),
        (&long, false),
        (b"", false),
        (b"\n", false),
        (b"a\nb\n", false),
        (b"\na", false),
        (b"a\0b", false),
    ] {
        let file = dir.file("secret", content);
        let read = relay(&format!("smtps://app@relay?secret_file={}", file.display()));
        match read {
            Ok(_) => assert!(is_secret, "{content:?}"),
            Err(error) => {
                let told = "there stands no secret: one line is wanted, of at most 4096 octets (octet 18 of the URL)";
                assert!(!is_secret, "{content:?}");
                assert_eq!(error.to_string(), told);
            }
        }
    }
}

/// A variable that each test has.
#[test]
fn a_secret_may_stand_in_a_variable() {
    let path = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let relay = relay("smtps://app@relay?secret_env=CARGO_MANIFEST_DIR").unwrap();
    assert_eq!(relay.credentials.unwrap().password.expose(), path.as_bytes());
}

#[test]
fn a_secret_is_not_shown() {
    let dir = Dir::new();
    let file = dir.file("secret", b"hunter2");
    let route = Route::smarthost(&format!("smtps://app@relay?secret_file={}", file.display())).unwrap();
    let text = format!("{route:?} {route:#?}");
    assert!(text.contains("app") && !text.contains("hunter2"), "{text}");
}

mailwright_core::properties! {
    #[test]
    fn any_text_is_read_or_refused(
        scheme in "(smtps?://)?",
        rest in "[a-z0-9.@:/?#&=%\\[\\]é]{0,20}(\\?(tls=|secret_env=)[a-zA-Z%é&=]{0,12})?",
    ) {
        let url = scheme + &rest;
        match relay(&url) {
            Ok(relay) => prop_assert_eq!(relay.hosts.len(), 1),
            Err(error) => prop_assert!(error.at <= url.len() && url.is_char_boundary(error.at)),
        }
    }
}
