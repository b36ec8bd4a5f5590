//! `mailwright user` and `mailwright domain`, with a running server and without one.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use crate::serve_process::Site;
use crate::support::{PATIENCE, Wire};

/// The same commands give the same answers, whoever does them.
fn check_commands(site: &Site) {
    let add =
        |address: &str, password: &str| site.admin(&["user", "add", address, "--password-stdin"], password);
    let passwd = |address: &str| site.admin(&["user", "passwd", address, "--password-stdin"], "secret");
    add("bob@example.org", "secret\n").ok();
    assert!(add("BOB@example.org", "secret").ended(73).text().contains("exists"));
    assert!(add("ann@example.org", "secret").ended(73).text().contains("a user of the configuration"));
    assert!(add("info@example.org", "secret").ended(73).text().contains("a user of the configuration"));
    assert!(
        add("carol@example.net", "secret").ended(68).text().contains("mailwright domain add example.net")
    );
    add("carol", "secret").ended(65);
    add("carol@example.org", "").ended(65);
    add("carol@example.org", "two\nlines").ended(65);
    assert!(
        site.admin(&["user", "add", "carol@example.org"], "secret")
            .ended(64)
            .text()
            .contains("--password-stdin")
    );
    passwd("bob@example.org").ok();
    passwd("nobody@example.org").ended(67);
    passwd("ann@example.org").ended(78);
    site.admin(&["domain", "add", "example.net"], "").ok();
    site.admin(&["domain", "add", "example.net"], "").ended(73);
    site.admin(&["domain", "add", "example.org"], "").ended(73);
    add("carol@example.net", "secret").ok();

    let list = |what: &str| String::from_utf8(site.admin(&[what, "list", "--json"], "").ok().stdout).unwrap();
    let domains = list("domain");
    assert_eq!(
        domains.lines().collect::<Vec<_>>(),
        [
            r#"{"schema_version":1,"domain":"example.org","configured":true}"#,
            r#"{"schema_version":1,"domain":"example.net","configured":false}"#,
        ]
    );
    let bob = r#"{"schema_version":1,"login":"bob@example.org","addresses":["bob@example.org"],"enabled":true,"password":"store"}"#;
    assert!(list("user").lines().any(|line| line == bob), "{}", list("user"));

    let remove = |args: &[&str]| site.admin(&[&["user", "remove", "bob@example.org"], args].concat(), "y\n");
    assert!(remove(&[]).ended(64).text().contains("--yes"));
    remove(&["--yes"]).ok();
    remove(&["--yes"]).ended(67);
    site.admin(&["user", "remove", "ann@example.org", "--yes"], "").ended(78);
}

#[test]
fn without_a_server() {
    let Some(site) = Site::new() else { return };
    check_commands(&site);
    // A server that starts then knows them.
    let serve = site.serve();
    let mut wire = Wire::smtp(serve.smtp());
    wire.expect("MAIL FROM:<app@client.example>", "250");
    wire.expect("RCPT TO:<carol@example.net>", "250");
    wire.expect("RCPT TO:<bob@example.org>", "550");
}

#[test]
fn with_a_server() {
    let Some(site) = Site::new() else { return };
    let serve = site.serve();
    let mut wire = Wire::smtp(serve.smtp());
    wire.expect("MAIL FROM:<app@client.example>", "250");
    wire.expect("RCPT TO:<carol@example.net>", "550");
    check_commands(&site);
    wire.expect("RCPT TO:<carol@example.net>", "250");
    let list = site.admin(&["user", "list"], "").ok().text();
    assert!(list.contains("password in the configuration; also info@example.org"), "{list}");
    // The log has who was added, and neither password nor hash.
    let log = serve.log();
    assert!(log.contains("carol@example.net") && !log.contains("argon2") && !log.contains("secret"), "{log}");
}

fn ask(stream: &mut BufReader<UnixStream>, line: &str) -> String {
    stream.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    answer.trim_end().to_owned()
}

#[test]
fn the_control_socket() {
    let Some(site) = Site::new() else { return };
    let serve = site.serve();
    let path = site.path("data/control.sock");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let connect = || {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        BufReader::new(stream)
    };
    let mut stream = connect();
    let pong = ask(&mut stream, r#"{"version":1,"do":"ping"}"#);
    assert!(pong.starts_with(&format!(r#"{{"version":1,"ok":{{"pong":{{"pid":{},"#, serve.id())), "{pong}");
    assert!(pong.contains(&format!(r#"["smtp","{}"]"#, serve.smtp())), "{pong}");
    let done = ask(&mut stream, r#"{"version":1,"do":"reload"}"#);
    assert_eq!(done, r#"{"version":1,"ok":{"reloaded":{"changed":[],"restart":[]}}}"#);
    let refused = ask(&mut stream, r#"{"version":1,"do":"user-remove","address":"nobody@example.org"}"#);
    assert!(refused.starts_with(r#"{"version":1,"error":{"exit":"no-user","#), "{refused}");

    for wrong in
        [r#"{"version":2,"do":"ping"}"#, "{}", "GET / HTTP/1.1", r#"{"version":1,"do":"sing"}"#, "\0", ""]
    {
        let mut stream = connect();
        let answer = ask(&mut stream, wrong);
        assert!(answer.starts_with(r#"{"version":1,"error":{"#), "{wrong}: {answer}");
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "{wrong}");
    }
    // More than fits, without an end.
    let mut stream = connect();
    let _ = stream.get_mut().write_all(&vec![b'x'; 1 << 20]);
    let mut answer = String::new();
    // What was not read resets the connection; the answer may be lost with it.
    if stream.read_line(&mut answer).is_ok() && !answer.is_empty() {
        assert!(answer.contains("a line longer than"), "{answer}");
    }
    assert!(ask(&mut connect(), r#"{"version":1,"do":"ping"}"#).contains("pong"));

    site.write_config("hostnam = 1");
    let refused = ask(&mut connect(), r#"{"version":1,"do":"reload"}"#);
    assert!(refused.contains(r#""exit":"config""#) && refused.contains("hostnam"), "{refused}");
}
