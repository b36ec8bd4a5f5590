//! From where mail leaves, with mistakes and without.

use mailwright_delivery::outbound::Family;
use mailwright_dns::Families;

use super::super::{sources, via};
use super::*;

const TWO: &str = r#"
[[source]]
hostname = "out1.example.org"
addresses = ["192.0.2.1", "2001:db8::1"]

[[source]]
hostname = "out2.example.org"
addresses = ["192.0.2.2"]
"#;

fn parse(text: &str) -> Result<Config, String> {
    let environment = [("PROXY_PASSWORD", "correct horse"), ("LONG", &"x".repeat(256))];
    Folder::new().parse_with(&format!("{SMALL}{text}"), &environment)
}

#[test]
fn sources_and_the_routes_that_choose_them() {
    let text = format!(
        "{TWO}[outbound]\n[[route]]\ndomains = [\"bulk.example\"]\nsources = [\"out2.example.org\"]\n\
         [[route]]\ndomains = [\"*\"]\nvia = [\"relay.example.net:587\"]\ntls = \"implicit\"\n"
    );
    let root = parse(&text).unwrap().root;
    let shown = |of: &[_]| {
        let sources = sources(&root, of).into_iter();
        sources.map(|source| format!("{} {}", source.address, source.hostname)).collect::<Vec<_>>()
    };
    let all = ["192.0.2.1 out1.example.org", "2001:db8::1 out1.example.org", "192.0.2.2 out2.example.org"];
    assert_eq!(
        (shown(&[]), shown(&root.route[0].sources)),
        (all.map(str::to_owned).into(), vec![all[2].to_owned()])
    );
    assert!(root.route[0].via.is_empty() && root.route[1].via.len() == 1);
}

#[test]
fn what_outbound_has_of_it() {
    let outbound =
        |text: &str| parse(&format!("[outbound]\n{text}\n")).map(|config| config.root.outbound.unwrap());
    let default = outbound("").unwrap();
    assert_eq!((default.families.value, default.prefer, via(&default)), (Families::Both, Family::V6, None));
    let times = [default.next_address_after.0, default.remember_unreachable.0, default.remember_broken_tls.0];
    assert_eq!(times.map(|time| time.as_secs()), [2, 600, 3600]);
    let other = outbound("families = \"ipv4\"\nprefer = \"ipv4\"\nremember_broken_tls = \"0s\"").unwrap();
    assert_eq!((other.families.value, other.prefer), (Families::V4, Family::V4));
    assert!(other.remember_broken_tls.0.is_zero());
    for (text, shown) in [
        ("via = \"haproxy://[2001:db8::9]:2000\"", "Proxy { proxy: [2001:db8::9]:2000 }"),
        ("via = \"socks5://192.0.2.9:1080/\"", "Socks { proxy: 192.0.2.9:1080, login: None }"),
        (
            "via = \"socks5://192.0.2.9:1080\"\nvia_user = \"mx\"\nvia_password = { env = \"PROXY_PASSWORD\" }",
            "Socks { proxy: 192.0.2.9:1080, login: Some(Login { user: \"mx\", password: Secret(..) }) }",
        ),
    ] {
        assert_eq!(format!("{:?}", via(&outbound(text).unwrap()).unwrap()), shown);
    }
    let config = parse("[outbound]\n[outbound_timeouts]\nbody_end = \"20m\"\n").unwrap();
    let timeouts = &config.root.outbound_timeouts.value;
    assert_eq!((timeouts.body_end.0.as_secs(), timeouts.mail.0.as_secs()), (1200, 300));
    let changes = parse("[outbound]\n").unwrap().changes(&config);
    assert_eq!(changes, [Change { key: "outbound_timeouts.body_end".to_owned(), when: When::Restart }]);
}

/// RFC 5321 §4.5.3.2: what the client has by itself is what stands in the default file.
#[test]
fn the_times_of_stages_are_those_of_the_client() {
    let client = mailwright_smtp::client::Timeouts::default();
    let keys = parse("").unwrap().root.outbound_timeouts.value;
    for (key, time) in [
        (keys.resolve, client.resolve),
        (keys.connect, client.connect),
        (keys.tls, client.tls),
        (keys.greeting, client.greeting),
        (keys.hello, client.hello),
        (keys.start_tls, client.start_tls),
        (keys.auth, client.auth),
        (keys.mail, client.mail),
        (keys.rcpt, client.rcpt),
        (keys.data, client.data),
        (keys.body, client.body),
        (keys.body_end, client.body_end),
    ] {
        assert_eq!(key.0, time);
    }
}

#[test]
fn mistakes() {
    for (text, at, told) in [
        ("[[source]]\nhostname = \"a.example\"\naddresses = []\n", "9:13", "a source without an address"),
        (
            "[[source]]\nhostname = \"a.example\"\naddresses = [\"0.0.0.0\"]\n",
            "9:14",
            "nobody has this address",
        ),
        ("[[source]]\nhostname = \"a.example\"\naddresses = [\"mx.example\"]\n", "9:14", "no IP address"),
        (
            "[[source]]\nhostname = \"a.example\"\naddresses = [\"192.0.2.1\", \"::ffff:192.0.2.1\"]\n",
            "9:14",
            "192.0.2.1 is of two sources, or twice of one",
        ),
        (
            "[[source]]\nhostname = \"a.example\"\naddresses = [\"192.0.2.1\"]\n[[source]]\nhostname = \"a.example\"\n\
             addresses = [\"192.0.2.2\"]\n",
            "8:12",
            "there are two sources a.example",
        ),
        (
            "[[source]]\nhostname = \"a.example\"\naddresses = [\"192.0.2.1\"]\n[[route]]\ndomains = [\"*\"]\n\
             sources = [\"b.example\"]\n",
            "12:12",
            "did you mean a.example?",
        ),
        ("[[route]]\ndomains = [\"*\"]\ntls = \"required\"\n", "9:7", "`tls` is for the servers of `via`"),
        ("[[route]]\ndomains = [\"*\"]\nuser = \"us\"\n", "9:8", "`user` is for the servers of `via`"),
        ("[outbound]\nfamilies = \"v6\"\n", "8:12", "one of: both, ipv4, ipv6"),
        ("[outbound]\nvia = \"192.0.2.9:1080\"\n", "8:7", "what it speaks is missing"),
        ("[outbound]\nvia = \"http://192.0.2.9:1080\"\n", "8:7", "neither socks5 nor haproxy"),
        ("[outbound]\nvia = \"socks5://proxy.example:1080\"\n", "8:7", "names are not looked up"),
        ("[outbound]\nvia = \"socks5://192.0.2.9\"\n", "8:7", "the port is missing"),
        ("[outbound]\nvia = \"socks5://192.0.2.9:0\"\n", "8:7", "nobody listens on port 0"),
        (
            "[outbound]\nvia = \"haproxy://192.0.2.9:1\"\nvia_user = \"us\"\n",
            "9:12",
            "`via_user` is for a SOCKS server",
        ),
        ("[outbound]\nvia_password = { env = \"LONG\" }\n", "8:16", "`via_password` is for a SOCKS server"),
        (
            "[outbound]\nvia = \"socks5://192.0.2.9:1\"\nvia_user = \"us\"\n",
            "9:12",
            "`via_user` needs `via_password`",
        ),
        (
            "[outbound]\nvia = \"socks5://192.0.2.9:1\"\nvia_user = \"us\"\nvia_password = { env = \"LONG\" }\n",
            "10:16",
            "at most 255 octets each",
        ),
    ] {
        let report = parse(text).unwrap_err();
        assert!(report.contains(&format!("mail.toml:{at}]")) && report.contains(told), "{text}\n{report}");
    }
    let report = parse(&format!("{TWO}[outbound]\nvia = \"socks5://192.0.2.9:1080\"\n")).unwrap_err();
    assert!(report.contains("cannot be told which") && report.contains("mail.toml:10:14]"), "{report}");
}

#[test]
fn half_a_login_is_none() {
    const RELAY: &str = "[outbound]\n[[route]]\ndomains = [\"*\"]\nvia = [\"relay.example.net:587\"]\n";
    const PASSWORD: &str = "password = { env = \"PROXY_PASSWORD\" }\n";
    assert!(parse(&format!("{RELAY}user = \"us\"\n{PASSWORD}")).is_ok());
    same(
        &parse(&format!("{RELAY}user = \"us\"\n")).unwrap_err(),
        r#"
  × `user` needs `password`
    ╭─[mail.toml:11:8]
 11 │ user = "us"
    ·        ──┬─
    ·          ╰── half a login
    ╰────

mail.toml: 1 error
"#,
    );
    let report = parse(&format!("{RELAY}{PASSWORD}")).unwrap_err();
    assert!(report.contains("`password` needs `user`") && report.contains("mail.toml:11:12]"), "{report}");
    let report = parse(&format!("[outbound]\n[[route]]\ndomains = [\"*\"]\n{PASSWORD}")).unwrap_err();
    assert!(report.contains("`password` is for the servers of `via`"), "{report}");
    // One that cannot be read is there all the same.
    for password in ["{ env = \"NOBODY\" }", "{ file = \"nowhere\" }", "\"correct horse\""] {
        let report = parse(&format!("{RELAY}user = \"us\"\npassword = {password}\n")).unwrap_err();
        assert!(report.ends_with("mail.toml: 1 error"), "{report}");
    }
}

#[test]
fn what_is_for_others_needs_outbound() {
    const SOURCE: &str = "[[source]]\nhostname = \"a.example\"\naddresses = [\"192.0.2.1\"]\n";
    for (text, at, what) in [
        (SOURCE, "8:12", "[[source]]"),
        ("[[route]]\ndomains = [\"*\"]\n", "8:12", "[[route]]"),
        ("[outbound_timeouts]\nmail = \"10m\"\n", "7:1", "[outbound_timeouts]"),
        ("etrn_from = [\"192.0.2.7\"]\n", "7:14", "`etrn_from`"),
    ] {
        let report = parse(text).unwrap_err();
        let told = format!("{what} is for mail for others, and none is taken");
        assert!(report.contains(&told) && report.contains(&format!("mail.toml:{at}]")), "{report}");
        assert!(report.contains("write [outbound]") && report.ends_with("mail.toml: 1 error"), "{report}");
        assert!(parse(&format!("{text}[outbound]\n")).is_ok(), "{text}");
    }
}

/// What could never leave.
#[test]
fn some_source_is_of_a_family_that_is_connected_to() {
    const SIX: &str = "[[source]]\nhostname = \"six.example\"\naddresses = [\"2001:db8::1\"]\n";
    const FOUR: &str = "[[source]]\nhostname = \"four.example\"\naddresses = [\"192.0.2.1\"]\n";
    let route = |lines: &str| format!("[[route]]\ndomains = [\"*\"]\n{lines}\n");
    let by_six = route("sources = [\"six.example\"]");
    let over_six =
        route("sources = [\"six.example\"]\nvia = [\"relay.example.net:25\", \"[2001:db8::2]:25\"]");
    for (families, rest) in [
        ("both", SIX.to_owned()),
        ("ipv6", SIX.to_owned()),
        ("ipv4", format!("{SIX}{FOUR}")),
        ("both", format!("{SIX}{FOUR}{by_six}")),
        ("ipv4", format!("{SIX}{FOUR}{over_six}")),
    ] {
        let parsed = parse(&format!("[outbound]\nfamilies = \"{families}\"\n{rest}"));
        assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
    }
    let none = "no source has an address of the only family that is connected to";
    let to_four = route("via = [\"192.0.2.25:25\"]");
    for (families, rest, at, told) in [
        ("ipv4", SIX.to_owned(), "8:12", none),
        ("ipv6", FOUR.to_owned(), "8:12", none),
        ("ipv4", format!("{SIX}{FOUR}{by_six}"), "17:12", none),
        ("both", format!("{SIX}{to_four}"), "14:8", "no source has an address of this family"),
    ] {
        let report = parse(&format!("[outbound]\nfamilies = \"{families}\"\n{rest}")).unwrap_err();
        assert!(report.contains(told) && report.contains(&format!("mail.toml:{at}]")), "{report}");
        assert!(report.ends_with("mail.toml: 1 error"), "{report}");
    }
    // A source that is mistaken may be meant to be of it.
    let torn = SIX.replace("[\"2001", "[\"192.0.2.300\", \"2001");
    let report = parse(&format!("[outbound]\nfamilies = \"ipv4\"\n{torn}")).unwrap_err();
    assert!(report.contains("no IP address") && report.ends_with("mail.toml: 1 error"), "{report}");
}

/// Wherever somebody writes it.
#[test]
fn a_password_in_the_address_of_a_proxy_is_not_shown() {
    for text in [
        "[outbound]\nvia = \"socks5://us:correct-horse@192.0.2.9:1080\"\n",
        "[outbound]\nvia = \"sock://us:correct-horse@192.0.2.9\"\n",
        "via = \"socks5://us:correct-horse@192.0.2.9:1080\"\n",
    ] {
        let report = parse(text).unwrap_err();
        assert!(!report.contains("correct") && !report.contains("horse"), "{report}");
    }
    let told = parse("[outbound]\nvia = \"socks5://us:correct-horse@192.0.2.9:1080\"\n").unwrap_err();
    assert!(told.contains("via_password"), "{told}");
}
