//! The snippets, each within its bar.

use std::fs;

use crate::client::{curl, python, swaks};
use crate::example::Example;
use crate::table;

#[test]
fn no_snippet_is_longer_than_its_bar() {
    let bars = [
        ("a_receive", 12),
        ("a2_receive_policy", 20),
        ("b_send_durably", 25),
        ("c_imap_from_my_data", 25),
        ("d_test_my_app", 12),
        ("e_sansio", 25),
        ("f_whole_server", 15),
    ];
    for (name, bar) in bars {
        let lines = table::lines_of_code(name);
        assert!((5..=bar).contains(&lines), "{name} has {lines} lines of code, and may have {bar}");
    }
}

#[test]
fn a_receive() {
    let example = Example::start("a_receive");
    let Some(ran) = swaks(&example.addr(), "ann@example.org", &[]) else { return };
    assert!(ran.ok().contains("250 2.0.0 accepted as "));
    let line = example.line();
    assert!(line.starts_with("<app@client.example> -> [<ann@example.org>]: "), "{line}");
}

#[test]
fn a2_receive_policy() {
    let example = Example::start("a2_receive_policy");
    let script = "
with smtplib.SMTP('127.0.0.1', port) as client:
    refused = client.sendmail('app@client.example', ['ticket-42@mx.example.org', 'bob@mx.example.org'],
        'Subject: sent\\n\\nAt four.\\n')
    assert list(refused) == ['bob@mx.example.org'] and refused['bob@mx.example.org'][0] == 550, refused
";
    let Some(ran) = python(script, &example.port()) else { return };
    ran.ok();
    let inbox = fs::read_dir(example.folder().path().join("inbox")).unwrap();
    let mails: Vec<_> = inbox.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(mails, ["Subject: sent\r\n\r\nAt four.\r\n"]);
}

#[test]
fn b_send_durably() {
    let relay = Example::start("a_receive");
    let url = format!("smtp://{}?tls=never", relay.addr());
    let (lines, status) = Example::run("b_send_durably", &[], &[("MAILWRIGHT_RELAY", &url)]).finish();
    assert!(status.success());
    let [on_disk, arrived] = &lines[..] else { panic!("{lines:?}") };
    assert!(on_disk.starts_with("on the disk as "), "{on_disk}");
    assert!(arrived.starts_with("ticket-42@mx.example.org has it: accepted as "), "{arrived}");
    assert!(relay.line().starts_with("<app@example.org> -> [<ticket-42@mx.example.org>]: "));
}

#[test]
fn c_imap_from_my_data() {
    let example = Example::start("c_imap_from_my_data");
    let url = format!("imap://{}/INBOX;UID=1", example.addr());
    let Some(ran) = curl(&["--user", "ann:secret", &url], "") else { return };
    assert_eq!(ran.ok(), "From: blog@example.org\r\nSubject: Tea\r\n\r\nAt four.\r\n");
    // 67: not let in.
    curl(&["--user", "ann:wrong", &url], "").unwrap().ended(67);
}

#[test]
fn d_test_my_app() {
    let (lines, status) = Example::run("d_test_my_app", &[], &[]).finish();
    assert!(status.success(), "{lines:?}");
    // It was refused once, and came again.
    let refused = lines.iter().position(|line| line.starts_with("S: 451 4.7.1 greylisted, try later"));
    let taken = lines.iter().position(|line| line.starts_with("S: 250 2.0.0"));
    assert!(refused.is_some() && refused < taken, "{lines:#?}");
}

#[test]
fn e_sansio() {
    let example = Example::start("e_sansio");
    let url = format!("smtp://{}/client.example", example.addr());
    let args =
        [&url, "--mail-from", "app@client.example", "--mail-rcpt", "ann@example.org", "--upload-file", "-"];
    let Some(ran) = curl(&args, "Subject: sent\r\n\r\nAt four.\r\n") else { return };
    ran.ok();
    let (lines, status) = example.finish();
    assert!(status.success());
    assert_eq!(lines, ["Subject: sent", "", "At four."]);
}

#[test]
fn f_whole_server() {
    let example = Example::start("f_whole_server");
    let Some(ran) = swaks(&example.addr(), "ann@localhost", &[]) else { return };
    ran.ok();
    let script = "
context = ssl._create_unverified_context() # the certificate was made a moment ago
with imaplib.IMAP4_SSL('127.0.0.1', port, ssl_context=context) as client:
    client.login('ann@localhost', 'correct horse')
    assert client.select() == ('OK', [b'1'])
    assert b'Subject: sent' in client.fetch('1', '(BODY[HEADER])')[1][0][1]
";
    let imaps = example.addrs.get(1).unwrap().port().to_string();
    let Some(ran) = python(script, &imaps) else { return };
    ran.ok();
    assert!(example.interrupt().success());
}
