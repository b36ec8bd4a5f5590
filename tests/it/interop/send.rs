//! swaks, curl and Python's smtplib send: in plain text, with STARTTLS, inside TLS; with and without AUTH.

use std::net::SocketAddr;

use crate::support::{Dev, Program, Ran, contains, python, without_trace};

/// How a connection becomes secure, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Plain,
    /// RFC 3207 §4
    StartTls,
    /// RFC 8314 §3.3
    Implicit,
}

use Transport::{Implicit, Plain, StartTls};

impl Transport {
    fn addr(self, dev: &Dev) -> SocketAddr {
        if self == Implicit { dev.smtps } else { dev.smtp }
    }

    /// What the protocol is called in Received (RFC 3848).
    fn protocol(self, auth: bool) -> &'static str {
        match (self, auth) {
            (Plain, false) => "ESMTP",
            (Plain, true) => "ESMTPA",
            (_, false) => "ESMTPS",
            (_, true) => "ESMTPSA",
        }
    }
}

const MECHANISMS: [Option<&str>; 3] = [None, Some("PLAIN"), Some("LOGIN")];

const CONTENT: &str = "Subject: sent\r\n\r\nhello\r\n.dot\r\n..two\r\n";

/// Sends without AUTH and with each mechanism, and looks at what has arrived.
fn check(transport: Transport, send: impl Fn(&Dev, Option<&str>) -> Option<Ran>) {
    let dev = Dev::start();
    for mechanism in MECHANISMS {
        let Some(ran) = send(&dev, mechanism) else { return };
        ran.ok();
    }
    let messages = dev.messages("ann");
    assert_eq!(messages.len(), MECHANISMS.len());
    for (message, mechanism) in messages.iter().zip(MECHANISMS) {
        let with = format!("(mailwright) with {} id ", transport.protocol(mechanism.is_some()));
        let shown = String::from_utf8_lossy(message);
        assert!(shown.contains(&with), "no {with:?} in:\n{shown}");
        assert_eq!(shown.contains("\ttls TLS_"), transport != Plain, "{shown}");
        assert!(shown.starts_with("Return-Path: <app@client.example>\r\n"), "{shown}");
        assert!(contains(without_trace(message), b"\r\n\r\nhello\r\n.dot\r\n..two\r\n"), "{shown}");
        assert!(shown.contains("\r\nSubject: sent\r\n"), "{shown}");
    }
}

fn swaks(dev: &Dev, transport: Transport, mechanism: Option<&str>, password: &str) -> Option<Ran> {
    let swaks = Program::find("swaks", "swaks")?;
    let mut command = swaks.command();
    command.arg("--server").arg(transport.addr(dev).to_string());
    command.args(["--helo", "client.example", "--from", "app@client.example", "--to", "ann@localhost"]);
    command.args(["--header", "Subject: sent", "--body", "hello\\n.dot\\n..two", "--timeout", "30"]);
    match transport {
        Plain => {}
        StartTls => drop(command.arg("--tls")),
        Implicit => drop(command.arg("--tls-on-connect")),
    }
    if transport != Plain {
        command.arg("--tls-verify").arg("--tls-ca-path").arg(dev.ca());
    }
    if let Some(mechanism) = mechanism {
        command.args(["--auth", mechanism, "--auth-user", "ann@localhost", "--auth-password", password]);
    }
    Some(crate::support::run(&mut command, b""))
}

fn curl(dev: &Dev, transport: Transport, mechanism: Option<&str>, password: &str) -> Option<Ran> {
    let curl = Program::find("curl", "curl")?;
    let content = curl.home().write("content", CONTENT);
    let mut command = curl.command();
    let scheme = if transport == Implicit { "smtps" } else { "smtp" };
    command.arg("--disable").arg(format!("{scheme}://{}/client.example", transport.addr(dev)));
    command.args(["--noproxy", "*", "--silent", "--show-error", "--max-time", "30"]);
    command.args(["--mail-from", "app@client.example", "--mail-rcpt", "ann@localhost", "--upload-file"]);
    command.arg(content);
    if transport != Plain {
        command.arg("--ssl-reqd").arg("--cacert").arg(dev.ca());
    }
    if let Some(mechanism) = mechanism {
        command.arg("--user").arg(format!("ann@localhost:{password}"));
        command.arg("--login-options").arg(format!("AUTH={mechanism}"));
    }
    Some(crate::support::run(&mut command, b""))
}

fn smtplib(dev: &Dev, transport: Transport, mechanism: Option<&str>, password: &str) -> Option<Ran> {
    let name = match transport {
        Plain => "plain",
        StartTls => "starttls",
        Implicit => "implicit",
    };
    let (addr, ca) = (transport.addr(dev).to_string(), dev.ca().display().to_string());
    let mechanism = mechanism.unwrap_or("none");
    let args = [name, &addr, &ca, mechanism, "ann@localhost", password, "ann@localhost"];
    python("send.py", args, CONTENT.as_bytes())
}

#[test]
fn swaks_in_plain_text() {
    check(Plain, |dev, mechanism| swaks(dev, Plain, mechanism, "ann"));
}

#[test]
fn swaks_with_starttls() {
    check(StartTls, |dev, mechanism| swaks(dev, StartTls, mechanism, "ann"));
}

#[test]
fn swaks_inside_tls() {
    check(Implicit, |dev, mechanism| swaks(dev, Implicit, mechanism, "ann"));
}

#[test]
fn curl_in_plain_text() {
    check(Plain, |dev, mechanism| curl(dev, Plain, mechanism, "ann"));
}

#[test]
fn curl_with_starttls() {
    check(StartTls, |dev, mechanism| curl(dev, StartTls, mechanism, "ann"));
}

#[test]
fn curl_inside_tls() {
    check(Implicit, |dev, mechanism| curl(dev, Implicit, mechanism, "ann"));
}

#[test]
fn smtplib_in_plain_text() {
    check(Plain, |dev, mechanism| smtplib(dev, Plain, mechanism, "ann"));
}

#[test]
fn smtplib_with_starttls() {
    check(StartTls, |dev, mechanism| smtplib(dev, StartTls, mechanism, "ann"));
}

#[test]
fn smtplib_inside_tls() {
    check(Implicit, |dev, mechanism| smtplib(dev, Implicit, mechanism, "ann"));
}

#[test]
fn a_wrong_password_is_refused() {
    let dev = Dev::start();
    for mechanism in ["PLAIN", "LOGIN"] {
        if let Some(ran) = swaks(&dev, StartTls, Some(mechanism), "wrong") {
            // 28: no mechanism worked.
            assert!(ran.ended(28).text().contains("535 5.7.8"));
        }
        if let Some(ran) = curl(&dev, Implicit, Some(mechanism), "wrong") {
            // 67: the login was denied.
            ran.ended(67);
        }
        if let Some(ran) = smtplib(&dev, Plain, Some(mechanism), "wrong") {
            assert!(ran.ended(2).text().contains("535 b'5.7.8"));
        }
    }
    assert_eq!(dev.messages("ann").len(), 0);
}

/// Its own choice of a mechanism, and several recipients, each of whom gets the message once.
#[test]
fn smtplib_to_several_recipients() {
    let dev = Dev::start();
    let (addr, ca) = (dev.smtp.to_string(), dev.ca().display().to_string());
    let args = ["starttls", &addr, &ca, "login()", "bob@localhost", "bob"];
    let to = ["ann@localhost", "bob@localhost", "ann@localhost"];
    let Some(ran) = python("send.py", args.into_iter().chain(to), CONTENT.as_bytes()) else { return };
    ran.ok();
    for user in ["ann", "bob"] {
        let messages = dev.messages(user);
        assert_eq!(messages.len(), 1, "{user}");
        // What is sent with a login is completed, and not changed.
        let (added, sent) = messages[0].split_at(messages[0].len() - CONTENT.len());
        assert_eq!(sent, CONTENT.as_bytes());
        assert!(contains(added, b"\r\nFrom: bob@localhost\r\nDate: "));
        // To name the others here would tell each of them (RFC 5321 §7.2).
        assert!(!contains(&messages[0], b"for <"));
    }
}
