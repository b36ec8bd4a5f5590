//! The three programs that a new user wrote.

use crate::client::{python, swaks};
use crate::example::Example;
use crate::hook::Hook;

#[test]
fn webhook() {
    let hook = Hook::start(&["500 Internal Server Error", "202 Accepted"]);
    let example = Example::start_with("webhook", &[&hook.url()]);
    let Some(ran) = swaks(&example.addr(), "ann@example.org", &[]) else { return };
    // The hook is down: the client keeps it, and is to come again.
    assert!(ran.ended(26).contains("451 4.3.0 local error, try again later"));
    swaks(&example.addr(), "ann@example.org", &["--to", "bob@example.org"]).unwrap().ok();
    let [first, second] = [hook.request(), hook.request()];
    assert_eq!(first["to"], serde_json::json!(["ann@example.org"]));
    assert_eq!(second["to"], serde_json::json!(["bob@example.org"]));
    assert_eq!(second["from"], "app@client.example");
    assert_eq!(second["subject"], "sent");
    assert_ne!(first["id"], second["id"]);
    assert!(second["message"].as_str().unwrap().contains("\r\n\r\nAt four.\r\n"), "{second}");
}

#[test]
fn imap_view_of_table() {
    let example = Example::start("imap_view_of_table");
    let script = "
with imaplib.IMAP4('127.0.0.1', port) as client:
    client.login('ann', 'secret')
    assert client.select() == ('OK', [b'2'])
    assert client.uid('SEARCH', 'UNSEEN') == ('OK', [b'2'])
    assert client.uid('SEARCH', 'TEXT', 'printer') == ('OK', [b'2'])
    assert client.uid('SEARCH', 'BEFORE', '23-Nov-2026') == ('OK', [b'1'])
    header, content = client.uid('FETCH', '1', '(FLAGS BODY.PEEK[])')[1][0]
    assert b'\\\\Seen' in header, header
    assert content.startswith(b'From: bob@example.net\\r\\nSubject: No tea\\r\\nMIME-Version: 1.0\\r\\n'), content
    assert content.endswith(b'\\r\\n\\r\\nThe kettle is cold.\\r\\n'), content
    assert client.uid('STORE', '2', '+FLAGS', '\\\\Seen')[0] == 'NO'
    assert client.append('INBOX', None, None, b'Subject: more\\r\\n\\r\\n')[0] == 'NO'
";
    let Some(ran) = python(script, &example.port()) else { return };
    ran.ok();
}
