//! fetchmail and getmail fetch mail, and delete what they have.

use std::fs;

use super::{Implicit, Plain, Server, StartTls, Transport, message};
use crate::support::{Imap, Program, run};

/// A server with two messages for Ann, in her inbox.
fn server() -> Option<Server> {
    let server = Server::start()?;
    let mut imap = Imap::login(server.imap(), "ann");
    imap.append("INBOX", "()", message("first"));
    imap.append("INBOX", "()", message("second"));
    Some(server)
}

/// Both are here, and no more there.
#[track_caller]
fn assert_fetched(server: &Server, fetched: &str) {
    let fetched = fetched.replace('\r', "");
    for subject in ["first", "second"] {
        let body = format!("\n\nthis is {subject}\n.\n");
        assert!(fetched.contains(&body) && fetched.contains(&format!("\nSubject: {subject}\n")), "{fetched}");
    }
    assert_eq!(Imap::login(server.imap(), "ann").messages("INBOX"), [""; 0]);
}

fn fetchmail(transport: Transport) {
    let Some(server) = server() else { return };
    let Some(fetchmail) = Program::find("fetchmail", "fetchmail") else { return };
    let home = fetchmail.home();
    let inbox = home.path().join("inbox");
    let tls = match transport {
        Plain => "sslproto \"\"",
        StartTls => "sslproto \"TLS1.2+\" sslcertck sslcertfile \"CA\" sslcommonname \"localhost\"",
        Implicit => "ssl sslcertck sslcertfile \"CA\" sslcommonname \"localhost\"",
    };
    let config = format!(
        "poll 127.0.0.1 protocol imap port {} auth password timeout 30\n\
         \tuser \"ann@localhost\" password \"ann\" fetchall {}\n\
         \tmda \"cat >> {}\"\n",
        transport.addr(&server).port(),
        tls.replace("CA", &server.ca().display().to_string()),
        inbox.display(),
    );
    let file = home.write("fetchmailrc", config);
    let mut command = fetchmail.command();
    // One of its own: as root all others share one.
    command.env("FETCHMAILHOME", home.path()).arg("--pidfile").arg(home.path().join("pid"));
    command.arg("--fetchmailrc").arg(file).args(["--nodetach", "--nosyslog", "--verbose"]);
    let ran = run(&mut command, b"").ok();
    assert_eq!(ran.text().contains("TLSv1."), transport != Plain, "{}", ran.text());
    assert_fetched(&server, &fs::read_to_string(inbox).unwrap());
}

#[test]
fn fetchmail_in_plain_text() {
    fetchmail(Plain);
}

#[test]
fn fetchmail_with_starttls() {
    fetchmail(StartTls);
}

#[test]
fn fetchmail_inside_tls() {
    fetchmail(Implicit);
}

fn getmail(transport: Transport) {
    let Some(server) = server() else { return };
    let Some(getmail) = Program::find("getmail", "getmail6") else { return };
    let home = getmail.home();
    let inbox = home.path().join("inbox");
    // It knows no STARTTLS.
    let tls = if transport == Implicit {
        format!("SimpleIMAPSSLRetriever\nca_certs = {}", server.ca().display())
    } else {
        "SimpleIMAPRetriever".to_owned()
    };
    let config = format!(
        "[retriever]\ntype = {tls}\nserver = localhost\nport = {}\nusername = ann@localhost\npassword = ann\n\
         mailboxes = (\"INBOX\",)\ntimeout = 30\n\
         [destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"-c\", \"cat >> {}\")\n\
         allow_root_commands = true\n\
         [options]\ndelete = true\nverbose = 2\n",
        transport.addr(&server).port(),
        inbox.display(),
    );
    home.write("getmailrc", config);
    run(getmail.command().arg("--getmaildir").arg(home.path()), b"").ok();
    assert_fetched(&server, &fs::read_to_string(inbox).unwrap());
}

#[test]
fn getmail_in_plain_text() {
    getmail(Plain);
}

#[test]
fn getmail_inside_tls() {
    getmail(Implicit);
}
