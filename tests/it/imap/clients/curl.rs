//! curl lists, searches, fetches and stores.

use super::{Implicit, Plain, Server, StartTls, Transport, message};
use crate::support::{Folder, Imap, Program, run};

fn curl(server: &Server, transport: Transport, path: &str, args: &[&str]) -> Option<String> {
    let curl = Program::find("curl", "curl")?;
    let scheme = if transport == Implicit { "imaps" } else { "imap" };
    let mut command = curl.command();
    command.args(["--disable", "--noproxy", "*", "--silent", "--show-error", "--max-time", "30"]);
    command
        .args(["--user", "ann@localhost:ann"])
        .arg(format!("{scheme}://{}/{path}", transport.addr(server)));
    if transport != Plain {
        command.arg("--ssl-reqd").arg("--cacert").arg(server.ca());
    }
    Some(String::from_utf8(run(command.args(args), b"").ok().stdout).unwrap())
}

fn works(transport: Transport) {
    let Some(server) = Server::start() else { return };
    let curl = |path: &str, args: &[&str]| curl(&server, transport, path, args);
    let mut imap = Imap::login(server.imap(), "ann");
    imap.ok("CREATE Archive");
    let Some(list) = curl("", &[]) else { return };
    assert!(list.contains("* LIST (") && list.contains("Archive") && list.contains("INBOX"), "{list}");

    let folder = Folder::new();
    let file = folder.write("message", message("sent by curl"));
    curl("Archive", &["--upload-file", file.to_str().unwrap()]).unwrap();
    assert_eq!(imap.messages("Archive"), [r"sent by curl \Seen"]);

    let uid = curl("Archive?ALL", &[]).unwrap();
    assert_eq!(uid.trim_end(), "* SEARCH 1");
    let whole = curl("Archive;UID=1", &[]).unwrap();
    assert_eq!(whole, message("sent by curl"));
    let text = curl("Archive;MAILINDEX=1;SECTION=TEXT", &[]).unwrap();
    assert_eq!(text, "this is sent by curl\r\n.\r\n");

    let stored = curl("Archive", &["--request", r"STORE 1 -FLAGS.SILENT (\Seen)"]).unwrap();
    assert_eq!(stored, "");
    assert_eq!(imap.messages("Archive"), ["sent by curl"]);
    let flags = curl("Archive", &["--request", "FETCH 1 (FLAGS RFC822.SIZE)"]).unwrap();
    assert!(flags.contains(&format!("RFC822.SIZE {}", whole.len())), "{flags}");
}

#[test]
fn curl_in_plain_text() {
    works(Plain);
}

#[test]
fn curl_with_starttls() {
    works(StartTls);
}

#[test]
fn curl_inside_tls() {
    works(Implicit);
}

/// With the initial response in the same line, and without.
#[test]
fn curl_authenticates() {
    let Some(server) = Server::start() else { return };
    for more in [&[][..], &["--sasl-ir"]] {
        let args = [&["--login-options", "AUTH=PLAIN"], more].concat();
        let Some(list) = curl(&server, Implicit, "", &args) else { return };
        assert!(list.contains("INBOX"), "{args:?}: {list}");
    }
}
