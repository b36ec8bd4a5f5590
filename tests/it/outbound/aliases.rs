//! Addresses that lead here and elsewhere.

use std::fs;
use std::process::Command;

use super::eventually;
use crate::support::{Installation, Ran, binary, route, run};

/// As it stands in a configuration.
fn alias(address: &str, to: &[&str]) -> String {
    format!("[[alias]]\naddress = \"{address}\"\nto = {to:?}\n")
}

/// Two servers that know the way to each other, and their aliases.
fn pair(aliases: [&str; 2]) -> Option<[Installation; 2]> {
    let b = Installation::new("b.example", aliases[1])?;
    let to_b = route("b.example", b.smtp, "opportunistic");
    let a = Installation::new("a.example", &format!("{to_b}{}", aliases[0]))?;
    append(&b, &route("a.example", a.smtp, "opportunistic"));
    Some([a, b])
}

/// Adds to the configuration.
fn append(to: &Installation, more: &str) {
    let file = to.path("mail.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, text + more).unwrap();
}

/// From somebody who has not logged in, and is told whether each recipient is taken.
#[track_caller]
fn from_stranger(at: &Installation, from: &str, to: &[(&str, &str)]) {
    let mut stranger = at.stranger();
    stranger.expect(format!("MAIL FROM:<{from}>"), "250");
    for (to, reply) in to {
        stranger.expect(format!("RCPT TO:<{to}>"), reply);
    }
    stranger.expect("DATA", "354");
    stranger.expect("Subject: for all\r\n\r\n.", "250");
}

/// The only message, when it is there and nothing else is to come.
#[track_caller]
fn only(of: &Installation, user: &str, queues: &[&Installation]) -> String {
    eventually("the message arrives", || (!of.inbox(user).is_empty()).then_some(()));
    eventually("all queues are empty", || queues.iter().all(|at| at.queued().is_empty()).then_some(()));
    let mut inbox = of.inbox(user);
    assert_eq!(inbox.len(), 1, "{inbox:#?}");
    inbox.remove(0)
}

#[test]
fn each_gets_it_once() {
    let aliases = alias("sales@a.example", &["bob@a.example", "ann@b.example", "team@a.example"])
        + &alias("team@a.example", &["bob@a.example", "ann@b.example"]);
    let Some([a, b]) = pair([&aliases, ""]) else { return };
    let (_a, _b) = (a.serve(), b.serve());
    let to = ["Sales+x@a.example", "bob@a.example"].map(|to| (to, "250"));
    from_stranger(&a, "x@elsewhere.example", &to);
    for (mail, others) in [(only(&a, "bob", &[&a]), "ann@"), (only(&b, "ann", &[&a]), "bob@")] {
        // RFC 5321 §3.9.1: the rest of the envelope stays as it is.
        assert!(mail.contains("Return-Path: <x@elsewhere.example>\r\n"), "{mail}");
        assert!(mail.contains("Subject: for all\r\n"), "{mail}");
        // Nobody is told whom else it leads to.
        assert!(!mail.contains(others) && !mail.contains("team@"), "{mail}");
    }
}

/// What somebody whom an alias leads to does not take comes back to the sender.
#[test]
fn what_fails_comes_back() {
    let aliases = alias("sales@a.example", &["nobody@b.example", "bob@a.example"]);
    let Some([a, b]) = pair([&aliases, ""]) else { return };
    let (_a, _b) = (a.serve(), b.serve());
    from_stranger(&a, "ann@b.example", &[("sales@a.example", "250")]);
    let report = only(&b, "ann", &[&a]);
    for part in [
        "Return-Path: <>\r\n",
        "Reporting-MTA: dns; mx.a.example\r\n",
        "Final-Recipient: rfc822; nobody@b.example\r\n",
        "Action: failed\r\n",
        "Status: 5.1.1\r\n",
    ] {
        assert!(report.contains(part), "no {part:?} in\n{report}");
    }
    assert_eq!(a.inbox("bob").len(), 1, "who can have it has it");
}

/// Neither server can see that it leads to itself. The hops end it (RFC 5321 §6.3), and the sender is told once.
#[test]
fn a_circle_of_servers_ends_in_one_report() {
    let aliases = ["b", "a"].map(|to| {
        let from = if to == "a" { "b" } else { "a" };
        alias(&format!("loop@{from}.example"), &[&format!("loop@{to}.example")])
    });
    let Some([a, b]) = pair([&aliases[0], &aliases[1]]) else { return };
    let (_a, _b) = (a.serve(), b.serve());
    // It has been under way for long.
    let header = "Received: from x by y; Fri, 2 Jan 2026 03:04:05 +0000\r\n".repeat(90);
    a.send("ann", &["loop@a.example"], &format!("{header}Subject: round\r\n\r\n"));
    let report = only(&a, "ann", &[&a, &b]);
    assert!(report.contains("Return-Path: <>\r\n") && report.contains("Status: 5.4.6\r\n"), "{report}");
    // By way of both, as often as it takes: hop 101 is refused.
    assert_eq!(report.matches("\nReceived: from mx.").count(), 10, "{report}");
}

/// RFC 5321 §7.1: what leads elsewhere by an alias of ours does, and nothing else.
#[test]
fn strangers_are_not_relayed() {
    let aliases = alias("sales@a.example", &["ann@b.example"]) + &alias("@a.example", &["bob@a.example"]);
    let Some([a, b]) = pair([&aliases, ""]) else { return };
    let (_a, _b) = (a.serve(), b.serve());
    let caught = ["ann%b.example@a.example", "\"ann@b.example\"@a.example", "b.example!ann@a.example"];
    let to = caught.map(|to| (to, "250"));
    let refused = ["ann@b.example", "sales@b.example", "@a.example:ann@b.example"].map(|to| (to, "550"));
    from_stranger(&a, "sales@a.example", &[&to[..], &refused].concat());
    only(&a, "bob", &[&a]);
    assert!(b.inbox("ann").is_empty());
    // Who has logged in is still no alias.
    a.login("ann").expect("MAIL FROM:<sales@a.example>", "550");
}

#[test]
fn a_reload_brings_aliases() {
    let Some([a, b]) = pair(["", ""]) else { return };
    let (serving, _b) = (a.serve(), b.serve());
    let mut open = a.stranger();
    append(&a, &alias("sales@a.example", &["bob@a.example", "ann@b.example"]));
    reload(serving.id());
    eventually("it is read again", || a.log().contains("\"changed\":\"alias\"").then_some(()));
    from_stranger(&a, "x@elsewhere.example", &[("sales@a.example", "250")]);
    only(&a, "bob", &[&a]);
    only(&b, "ann", &[&a]);
    // A session keeps to what it began with.
    open.expect("MAIL FROM:<x@elsewhere.example>", "250");
    open.expect("RCPT TO:<sales@a.example>", "550 5.1.1");

    // Nobody takes an alias its address.
    let refused = add_user(&a, "SALES@a.example").ended(73).text();
    assert!(refused.contains("is an alias of the configuration"), "{refused}");

    // A mistake changes nothing.
    append(&a, &alias("team@a.example", &["team@a.example"]));
    reload(serving.id());
    eventually("it is refused", || a.log().contains("the configuration was not reloaded").then_some(()));
    assert!(a.log().contains("team@a.example leads to itself"), "{}", a.log());
    let to = [("sales@a.example", "250"), ("team@a.example", "550")];
    from_stranger(&a, "x@elsewhere.example", &to);
}

fn reload(server: u32) {
    assert!(Command::new("kill").args(["-HUP", &server.to_string()]).status().unwrap().success());
}

fn add_user(at: &Installation, address: &str) -> Ran {
    let mut command = Command::new(binary());
    command.args(["user", "add", address, "--password-stdin", "-c"]).arg(at.path("mail.toml"));
    run(command.env_clear(), b"correct horse\n")
}
