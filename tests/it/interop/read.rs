//! curl, fetchmail, mpop and Python's poplib read.

use std::fs;
use std::net::SocketAddr;

use crate::support::{Dev, Folder, Program, Wire, contains, python, without_trace};

/// The content of the message that is there to be read.
const CONTENT: &str = "Subject: to be read\r\n\r\nhello\r\n.dot\r\n..two\r\nend\r\n";

/// As it looks on the way.
const STUFFED: &str = "Subject: to be read\r\n\r\nhello\r\n..dot\r\n...two\r\nend\r\n";

/// A server with a message for Ann.
fn dev() -> Dev {
    let dev = Dev::start();
    Wire::smtp(dev.smtp).mail("ann@localhost", STUFFED);
    dev
}

/// What a client has made of the message: it may change line ends, and put fields in front.
#[track_caller]
fn assert_read(received: &[u8]) {
    let lines = received.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join(&b"\r\n"[..]);
    assert!(contains(&text, CONTENT.as_bytes()), "{}", String::from_utf8_lossy(&text));
}

fn curl(dev: &Dev, url: &str, args: &[&str]) -> Option<Vec<u8>> {
    let curl = Program::find("curl", "curl")?;
    let mut command = curl.command();
    command.args(["--disable", "--noproxy", "*", "--silent", "--show-error", "--max-time", "30"]);
    command.args(["--user", "ann@localhost:ann", url, "--cacert"]).arg(dev.ca()).args(args);
    Some(crate::support::run(&mut command, b"").ok().stdout)
}

fn curl_reads(scheme: &str, addr: fn(&Dev) -> SocketAddr, args: &[&str]) {
    let dev = dev();
    let url = format!("{scheme}://{}/", addr(&dev));
    let Some(list) = curl(&dev, &url, args) else { return };
    let size = dev.messages("ann")[0].len();
    assert_eq!(String::from_utf8_lossy(&list), format!("1 {size}\r\n"));
    let message = curl(&dev, &format!("{url}1"), args).unwrap();
    assert_eq!(without_trace(&message), CONTENT.as_bytes());
    let top = curl(&dev, &url, &[args, &["--request", "TOP 1 2"]].concat()).unwrap();
    assert_eq!(without_trace(&top), b"Subject: to be read\r\n\r\nhello\r\n.dot\r\n");
    let uidl = curl(&dev, &url, &[args, &["--request", "UIDL"]].concat()).unwrap();
    assert!(uidl.starts_with(b"1 ") && uidl.ends_with(b"\r\n") && uidl.len() > 4, "{uidl:?}");
}

#[test]
fn curl_in_plain_text() {
    curl_reads("pop3", |dev| dev.pop3, &[]);
}

#[test]
fn curl_with_stls() {
    curl_reads("pop3", |dev| dev.pop3, &["--ssl-reqd"]);
}

#[test]
fn curl_inside_tls() {
    curl_reads("pop3s", |dev| dev.pop3s, &[]);
}

fn fetchmail(addr: fn(&Dev) -> SocketAddr, tls: &str) {
    let dev = dev();
    let Some(fetchmail) = Program::find("fetchmail", "fetchmail") else { return };
    let home = fetchmail.home();
    let inbox = home.path().join("inbox");
    let configuration = format!(
        "poll 127.0.0.1 protocol pop3 port {} auth password timeout 30\n\
         \tuser \"ann@localhost\" password \"ann\" fetchall {}\n\
         \tmda \"cat >> {}\"\n",
        addr(&dev).port(),
        tls.replace("CA", &dev.ca().display().to_string()),
        inbox.display(),
    );
    let file = home.write("fetchmailrc", configuration);
    let mut command = fetchmail.command();
    // One of its own: as root all others share one.
    command.env("FETCHMAILHOME", home.path()).arg("--pidfile").arg(home.path().join("pid"));
    command.arg("--fetchmailrc").arg(file);
    command.args(["--nodetach", "--nosyslog", "--verbose"]);
    let ran = crate::support::run(&mut command, b"").ok();
    assert_eq!(ran.text().contains("TLSv1."), !tls.contains("sslproto \"\""), "{}", ran.text());
    assert_read(&fs::read(inbox).unwrap());
    assert_eq!(dev.messages("ann").len(), 0, "fetchmail deletes what it has fetched");
}

#[test]
fn fetchmail_in_plain_text() {
    fetchmail(|dev| dev.pop3, "sslproto \"\"");
}

#[test]
fn fetchmail_with_stls() {
    let tls = "sslproto \"TLS1.2+\" sslcertck sslcertfile \"CA\" sslcommonname \"localhost\"";
    fetchmail(|dev| dev.pop3, tls);
}

#[test]
fn fetchmail_inside_tls() {
    fetchmail(|dev| dev.pop3s, "ssl sslcertck sslcertfile \"CA\" sslcommonname \"localhost\"");
}

fn mpop(addr: fn(&Dev) -> SocketAddr, tls: &str) {
    let dev = dev();
    let Some(mpop) = Program::find("mpop", "mpop") else { return };
    let home = mpop.home();
    let maildir = home.path().join("maildir");
    for part in ["", "cur", "new", "tmp"] {
        fs::create_dir(maildir.join(part)).unwrap();
    }
    let configuration = format!(
        "account test\nhost 127.0.0.1\nport {}\nuser ann@localhost\npassword ann\nauth user\n{}\n\
         delivery maildir {}\nuidls_file {}\nkeep off\ntimeout 30\n",
        addr(&dev).port(),
        tls.replace("CA", &dev.ca().display().to_string()),
        maildir.display(),
        home.path().join("uidls").display(),
    );
    let file = home.write("mpoprc", configuration);
    let mut command = mpop.command();
    command.arg("--file").arg(file).args(["--debug", "test"]);
    crate::support::run(&mut command, b"").ok();
    let new: Vec<_> = fs::read_dir(maildir.join("new")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(new.len(), 1);
    assert_read(&fs::read(&new[0]).unwrap());
    assert_eq!(dev.messages("ann").len(), 0, "mpop deletes what it has fetched");
}

#[test]
fn mpop_in_plain_text() {
    mpop(|dev| dev.pop3, "tls off");
}

#[test]
fn mpop_with_stls() {
    mpop(|dev| dev.pop3, "tls on\ntls_starttls on\ntls_trust_file CA");
}

#[test]
fn mpop_inside_tls() {
    mpop(|dev| dev.pop3s, "tls on\ntls_starttls off\ntls_trust_file CA");
}

fn poplib(transport: &str, addr: fn(&Dev) -> SocketAddr) {
    let dev = dev();
    let folder = Folder::new();
    let file = folder.path().join("received");
    let (addr, ca, path) =
        (addr(&dev).to_string(), dev.ca().display().to_string(), file.display().to_string());
    let args = [transport, &addr, &ca, "ann@localhost", "ann", &path];
    let Some(ran) = python("fetch.py", args, b"") else { return };
    assert_eq!(ran.ok().text().contains("TLSv1."), transport != "plain");
    assert_eq!(without_trace(&fs::read(file).unwrap()), CONTENT.as_bytes());
}

#[test]
fn poplib_in_plain_text() {
    poplib("plain", |dev| dev.pop3);
}

#[test]
fn poplib_with_stls() {
    poplib("stls", |dev| dev.pop3);
}

#[test]
fn poplib_inside_tls() {
    poplib("implicit", |dev| dev.pop3s);
}

/// UIDL, TOP, RETR, RSET; DELE counts with QUIT, and only then.
#[test]
fn poplib_deletes() {
    let dev = Dev::start();
    let mut smtp = Wire::smtp(dev.smtp);
    for number in 1..=3 {
        smtp.mail("ann@localhost", &format!("Subject: {number}\r\n\r\n..first\r\nsecond\r\n"));
    }
    let addr = dev.pop3.to_string();
    if let Some(ran) = python("maildrop.py", [&addr, "ann@localhost", "ann"], b"") {
        ran.ok();
    }
}

/// The next session may begin as soon as the client knows that the last one has ended.
#[test]
fn a_maildrop_is_free_once_quit_is_answered() {
    let dev = dev();
    let mut earlier = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::pop3(dev.pop3);
        wire.expect("USER ann@localhost", "+OK");
        wire.expect("PASS ann", "+OK");
        wire.expect("QUIT", "+OK");
        // Not closed yet.
        earlier.push(wire);
    }
}

/// Two at once could each delete what the other has not seen (RFC 1939 §8).
#[test]
fn a_maildrop_has_one_reader() {
    let dev = dev();
    let mut first = Wire::pop3(dev.pop3);
    first.expect("USER ann@localhost", "+OK");
    first.expect("PASS ann", "+OK");
    let mut second = Wire::pop3(dev.pop3);
    second.expect("USER ann@localhost", "+OK");
    second.expect("PASS ann", "-ERR [IN-USE]");
    first.expect("STAT", "+OK 1 ");
}
