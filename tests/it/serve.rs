//! `mailwright serve`: mail for users of the configuration and managed ones, the end it is asked for, and why it
//! does not start.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::serve_process::{PASSWORD, Site};
use crate::support::{Dev, Folder, PATIENCE, Wire, contains, skip, stop, wait_until_closed};

#[test]
fn mail_for_users_of_the_configuration_and_managed_ones() {
    let Some(site) = Site::new() else { return };
    let serve = site.serve();
    site.admin(&["user", "add", "bob@example.org", "--password-stdin"], "battery staple\n").ok();
    for (user, to, password) in [
        ("ann@example.org", "info@example.org", PASSWORD),
        ("bob@example.org", "Bob+x@example.org", "battery staple"),
    ] {
        let Some(sent) = serve.deliver(to, &format!("Subject: for {user}\r\n\r\nhello\r\n")) else { return };
        sent.ok();
        let fetched = serve.fetch(user, password).unwrap().unwrap();
        assert!(fetched.contains(&format!("Subject: for {user}\r\n")), "{fetched}");
        assert!(serve.fetch(user, "wrong").unwrap().is_err());
    }
    // Who logs in without a domain means the first.
    serve.fetch("bob", "battery staple").unwrap().unwrap();
    let mut wire = Wire::smtp(serve.smtp());
    wire.expect("MAIL FROM:<app@client.example>", "250");
    wire.expect("RCPT TO:<nobody@example.org>", "550");
    wire.expect("RCPT TO:<ann@elsewhere.example>", "550");
    wire.expect("RCPT TO:<postmaster@example.org>", "250");
    drop(wire);
    assert!(serve.stop().success());

    // What was acknowledged is there after a restart.
    let serve = site.serve();
    for (user, password) in [("ann@example.org", PASSWORD), ("bob@example.org", "battery staple")] {
        let fetched = serve.fetch(user, password).unwrap().unwrap();
        assert!(fetched.contains(&format!("Subject: for {user}\r\n")), "{fetched}");
    }
    assert!(serve.stop().success());
}

/// The mail of a user who no longer stands in the configuration stays; the password does not.
#[test]
fn a_user_becomes_a_managed_one() {
    let Some(site) = Site::new() else { return };
    let serve = site.serve();
    let Some(sent) = serve.deliver("ann@example.org", "Subject: kept\r\n\r\n") else { return };
    sent.ok();
    serve.stop();
    site.write_config(fs::read_to_string(site.path("mail.toml")).unwrap().split("[[user]]").next().unwrap());
    let serve = site.serve();
    assert!(serve.fetch("ann@example.org", PASSWORD).unwrap().is_err());
    site.admin(&["user", "passwd", "ann@example.org", "--password-stdin"], "new").ok();
    assert!(serve.fetch("ann@example.org", "new").unwrap().unwrap().contains("Subject: kept"));
}

#[test]
fn the_end_waits_for_what_is_under_way() {
    let Some(site) = Site::new() else { return };
    let mut serve = site.serve();
    let mut wire = Wire::smtp(serve.smtp());
    wire.begin_mail("ann@example.org");
    wire.send("Subject: under way\r\n\r\n");
    stop(serve.id());
    wait_until_closed(serve.smtp(), PATIENCE);
    wire.send("the rest\r\n.\r\n");
    let reply = wire.reply();
    assert!(reply.starts_with("250 ") || reply.starts_with("421 "), "{reply}");
    let status = serve.ended();
    assert!(status.success(), "{status}");
    assert!(!site.path("data/control.sock").exists());
}

#[test]
fn the_development_server_keeps_what_it_is_told_to() {
    let folder = Folder::new();
    let keep = folder.path().join("kept");
    let args = ["--keep", keep.to_str().unwrap()];
    let dev = Dev::start_with(&args);
    assert!(dev.banner.contains(&format!("kept in {}", keep.display())), "{}", dev.banner);
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: kept\r\n\r\n");
    assert!(dev.stop().0.success());
    let messages = Dev::start_with(&args).messages("ann");
    assert!(messages.iter().any(|message| contains(message, b"Subject: kept")));
}

#[test]
fn after_a_crash_it_starts_again() {
    let Some(site) = Site::new() else { return };
    let serve = site.serve();
    Wire::smtp(serve.smtp()).mail("ann@example.org", "Subject: before\r\n\r\n");
    serve.crash();
    // The socket is there, and nobody behind it.
    assert!(site.path("data/control.sock").exists());
    let listed = site.admin(&["user", "list"], "").ok();
    assert!(listed.text().contains("ann@example.org"), "{}", listed.text());
    let serve = site.serve();
    if let Some(fetched) = serve.fetch("ann@example.org", PASSWORD) {
        assert!(fetched.unwrap().contains("Subject: before"));
    }
}

/// A line, what to do about it, and a code that says of what kind it is.
#[test]
fn why_it_does_not_start() {
    let Some(site) = Site::new() else { return };
    let serve = site.serve();
    let refused = site.admin(&["serve"], "").ended(69).text();
    assert!(refused.contains("one server at a time uses a data directory"), "{refused}");
    Wire::smtp(serve.smtp());
    serve.stop();

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    site.configure(&format!("[[listener]]\nservice = \"smtps\"\naddress = \"{addr}\""));
    let refused = site.admin(&["serve"], "").ended(71).text();
    assert!(refused.contains(&format!("cannot listen on {addr} for smtps:")), "{refused}");
    assert!(refused.contains("another program listens there"), "{refused}");

    site.configure("");
    fs::set_permissions(site.path("data"), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(site.path("data/probe"), "").is_ok() {
        skip("this user may write anywhere");
    } else {
        let refused = site.admin(&["serve"], "").ended(77).text();
        assert!(refused.contains("Permission denied"), "{refused}");
    }
    fs::set_permissions(site.path("data"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// One that somebody else has in the store.
#[test]
fn an_address_has_one_owner() {
    let Some(site) = Site::new() else { return };
    site.admin(&["user", "add", "bob@example.org", "--password-stdin"], "secret").ok();
    site.configure("aliases2 = []");
    site.admin(&["serve"], "").ended(78);
    let text = fs::read_to_string(site.path("mail.toml")).unwrap();
    site.write_config(&text.replace("aliases2 = []", "").replace("info@example.org", "BOB@example.org"));
    let refused = site.admin(&["serve"], "").ended(78).text();
    assert!(refused.contains("belongs to the account bob@example.org in the store"), "{refused}");
}
