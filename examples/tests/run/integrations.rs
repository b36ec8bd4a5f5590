//! The examples beside others' crates.

use std::fs;

use crate::client::{curl, python, swaks};
use crate::example::Example;

#[test]
fn lettre_transport() {
    let relay = Example::start("a_receive");
    let url = format!("smtp://{}?tls=never", relay.addr());
    let (lines, status) = Example::run("lettre_transport", &[], &[("MAILWRIGHT_RELAY", &url)]).finish();
    assert!(status.success());
    let [on_disk, arrived] = &lines[..] else { panic!("{lines:?}") };
    assert!(on_disk.starts_with("on the disk as "), "{on_disk}");
    assert!(arrived.starts_with("ann@example.net: accepted as "), "{arrived}");
    assert!(relay.line().starts_with("<app@example.org> -> [<ann@example.net>]: "));
}

#[test]
fn axum_inbox() {
    let example = Example::start("axum_inbox");
    let Some(ran) = swaks(&example.addr(), "ann@example.org", &[]) else { return };
    ran.ok();
    let url = format!("http://{}/", example.addrs.get(1).unwrap());
    let Some(ran) = curl(&[&url], "") else { return };
    let page = ran.ok();
    let (id, envelope) = page.split_once(' ').unwrap();
    assert_eq!(envelope, "<app@client.example> -> [<ann@example.org>]\n");
    assert!(curl(&[&format!("{url}{id}")], "").unwrap().ok().contains("\r\n\r\nAt four.\r\n"));
    // 22: an HTTP status of 400 or more.
    assert!(curl(&["--fail", &format!("{url}nothing")], "").unwrap().ended(22).contains("404"));
}

#[test]
fn lmtp_server() {
    let example = Example::start("lmtp_server");
    let to = "ann@example.org,bob@example.org";
    for _ in 0..2 {
        let Some(ran) = swaks(&example.addr(), to, &["--protocol", "LMTP"]) else { return };
        let text = ran.ok();
        assert!(
            text.contains("250 2.0.0 delivered to ann") && text.contains("250 2.0.0 delivered to bob"),
            "{text}"
        );
    }
    // Bob's mailbox is full by now, and that is no matter of Ann's.
    let ran = swaks(&example.addr(), to, &["--protocol", "LMTP"]).unwrap();
    assert!(
        ran.text.contains("250 2.0.0 delivered to ann") && ran.text.contains("452 4.2.2"),
        "{}",
        ran.text
    );
    let mails = |name| fs::read_dir(example.folder().path().join("mail").join(name)).unwrap().count();
    assert_eq!((mails("ann"), mails("bob")), (3, 2));
}

#[test]
fn tower_accept() {
    let example = Example::start("tower_accept");
    let Some(ran) = swaks(&example.addr(), "ann@example.org", &[]) else { return };
    ran.ok();
    assert!(example.line().starts_with("<app@client.example> -> [<ann@example.org>]: "));
    let ran = swaks(&example.addr(), "ann@example.org", &["--local-interface", "127.0.0.2"]).unwrap();
    assert_ne!(ran.code, Some(0), "{}", ran.text);
    assert_eq!(example.line(), "127.0.0.2: not from there");
}

#[test]
fn tower_delivery() {
    let example = Example::start("tower_delivery");
    let Some(ran) = swaks(&example.addr(), "ann@example.org", &[]) else { return };
    assert!(ran.ok().contains("250 2.0.0 archived as "));
    assert!(example.line().ends_with(": from <app@client.example>"));
    assert!(example.line().ends_with(" octets are in the archive"));
    // 26: the content is not taken.
    let refused = swaks(&example.addr(), "slow@example.org", &[]).unwrap().ended(26);
    assert!(refused.contains("451 4.3.0 local error, try again later"), "{refused}");
    assert!(example.line().ends_with(": from <app@client.example>"));
    swaks(&example.addr(), "ann@example.org", &[]).unwrap().ok();
}

#[test]
fn blocking_server() {
    let example = Example::start("blocking_server");
    // Two at once, and one who says nothing.
    let script = "
silent = socket.create_connection(('127.0.0.1', port))
assert silent.recv(100).startswith(b'220 ')
with smtplib.SMTP('127.0.0.1', port) as one, smtplib.SMTP('127.0.0.1', port) as other:
    one.ehlo()
    assert other.sendmail('app@client.example', ['ann@example.org'], 'Subject: other\\n\\nAt five.\\n') == {}
    assert one.sendmail('app@client.example', ['ann@example.org'], 'Subject: one\\n\\nAt four.\\n') == {}
";
    let Some(ran) = python(script, &example.port()) else { return };
    ran.ok();
    assert_eq!([example.line(), example.line()], ["28 octets", "26 octets"]);
}

#[test]
fn custom_store() {
    let example = Example::start("custom_store");
    let Some(ran) = swaks(&example.addr(), "ann@localhost", &[]) else { return };
    ran.ok();
    let line = example.line();
    assert!(line.starts_with("commit ") && line.ends_with(" operations"), "{line}");
    assert!(example.interrupt().success());
}
