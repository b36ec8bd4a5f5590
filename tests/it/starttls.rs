//! What came in plain text is never taken for what TLS protects (CVE-2011-0411, CVE-2021-33515).

use crate::support::{Dev, Wire, python};

/// The server may answer the command, and must not answer what was sent behind it.
fn check_injected(mut wire: Wire, injected: &str) {
    wire.send(injected);
    let reply = wire.reply();
    assert!(reply.starts_with("501 5.5.1") || reply.starts_with("-ERR"), "{reply}");
    assert_eq!(String::from_utf8_lossy(&wire.rest()), "", "{injected:?}");
}

#[test]
fn smtp_in_one_segment() {
    let dev = Dev::start();
    for injected in [
        "STARTTLS\r\nNOOP\r\n",
        "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<ann@localhost>\r\nDATA\r\n",
        "STARTTLS\r\n\r\n",
        "STARTTLS\r\nN",
    ] {
        check_injected(Wire::smtp(dev.smtp), injected);
    }
    dev.works();
}

#[test]
fn pop3_in_one_segment() {
    let dev = Dev::start();
    for injected in
        ["STLS\r\nCAPA\r\n", "STLS\r\nUSER ann@localhost\r\nPASS ann\r\n", "STLS\r\n\r\n", "STLS\r\nC"]
    {
        check_injected(Wire::pop3(dev.pop3), injected);
    }
    dev.works();
}

/// What comes after the yes is TLS, or it is nothing.
fn check_plain_text_after(mut wire: Wire, command: &str, yes: &str, injected: &str) {
    wire.expect(command, yes);
    wire.send(injected);
    // At most a TLS alert (RFC 8446 §6), whose type is 21.
    let rest = wire.rest();
    assert!(rest.is_empty() || rest[0] == 21, "{:?}", String::from_utf8_lossy(&rest));
    assert!(rest.len() < 16, "{:?}", String::from_utf8_lossy(&rest));
}

#[test]
fn plain_text_after_the_yes() {
    let dev = Dev::start();
    check_plain_text_after(Wire::smtp(dev.smtp), "STARTTLS", "220", "EHLO evil\r\nNOOP\r\n");
    check_plain_text_after(Wire::pop3(dev.pop3), "STLS", "+OK", "CAPA\r\nQUIT\r\n");
    dev.works();
}

/// RFC 3207 §4.2, RFC 2595 §4: what was said before is forgotten.
#[test]
fn nothing_is_remembered() {
    let dev = Dev::start();
    let (smtp, pop3, ca) = (dev.smtp.to_string(), dev.pop3.to_string(), dev.ca().display().to_string());
    if let Some(ran) = python("forgotten.py", [&smtp, &pop3, &ca], b"") {
        ran.ok();
    }
}
