//! What the log has: each message by its id, and no secret.

use crate::support::{Dev, Wire, contains, python};

#[test]
fn the_id_in_the_reply_is_the_one_in_received_and_in_the_log() {
    let dev = Dev::start_with(&["--log-format", "json"]);
    let reply = Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: traced\r\n\r\n");
    let id = reply.rsplit(' ').next().unwrap();
    assert!(id.len() >= 4, "{reply}");
    let message = String::from_utf8(dev.messages("ann").remove(0)).unwrap();
    assert!(message.contains(&format!("(mailwright) with ESMTP id {id}\r\n")), "{message}");
    let mut smtp = Wire::smtp(dev.smtp);
    smtp.expect("MAIL FROM:<app@client.example>", "250");
    // Who is refused can tell, too, what to look for.
    let refused = smtp.expect("RCPT TO:<nobody@localhost>", "550");
    let refused_id = refused.rsplit(['(', ')']).nth(1).unwrap();
    let (_, log) = dev.stop();
    for (id, word) in [(id, "accepted"), (refused_id, "rejected")] {
        let has = |line: &&str| line.contains(&format!("\"trace\":\"{id}\"")) && line.contains(word);
        assert_eq!(log.lines().filter(has).count(), 1, "{word} {id}:\n{log}");
    }
    assert_is_json(&log);
}

#[track_caller]
fn assert_is_json(log: &str) {
    assert!(!log.is_empty());
    if let Some(ran) = python("json_lines.py", [""; 0], log.as_bytes()) {
        ran.ok();
    }
}

/// Without a terminal the log is for programs.
#[test]
fn the_log_is_json_unless_it_is_for_people() {
    let dev = Dev::start();
    dev.works();
    let (status, log) = dev.stop();
    assert!(status.success());
    assert_is_json(&log);
}

/// Whatever is logged, passwords are not: right ones, wrong ones, those in the wrong place, and none in the
/// form that they have on the way.
#[test]
fn secrets_are_not_logged() {
    const RIGHT: &str = "rechte-Losung-7731";
    const WRONG: &str = "falsche-Losung-9942";
    let dev = Dev::start_with(&["--log", "trace", "--log-format", "json"]);
    let mut hidden = Vec::new();
    for secret in [RIGHT, WRONG] {
        for form in
            [secret.to_owned(), format!("\0eve@localhost\0{secret}"), format!("eve@localhost {secret}")]
        {
            hidden.push(base64(form.as_bytes()));
            hidden.push(form);
        }
        hidden.push(format!("{:?}", secret.as_bytes()).trim_matches(['[', ']']).to_owned());
    }
    let plain = |secret: &str| base64(format!("\0eve@localhost\0{secret}").as_bytes());
    let (right, wrong) = (plain(RIGHT), plain(WRONG));

    // The first login creates the user.
    Wire::smtp(dev.smtp).expect(format!("AUTH PLAIN {right}"), "235");
    let mut smtp = Wire::smtp(dev.smtp);
    smtp.expect(format!("AUTH PLAIN {wrong}"), "535");
    smtp.expect("AUTH LOGIN", "334");
    smtp.expect(base64(b"eve@localhost"), "334");
    smtp.expect(base64(WRONG.as_bytes()), "535");
    smtp.expect("AUTH PLAIN", "334");
    smtp.expect(&wrong, "535");
    // Malformed, in the wrong place, by an unknown mechanism, twice.
    smtp.expect(format!("AUTH PLAIN {right}!"), "5");
    smtp.expect(format!("AUTH PLAIN {}", base64(RIGHT.as_bytes())), "5");
    smtp.expect(format!("AUTH XOTHER {right}"), "5");
    smtp.expect("AUTH LOGIN", "334");
    smtp.expect(base64(b"eve@localhost"), "334");
    smtp.expect(base64(RIGHT.as_bytes()), "235");
    smtp.expect(format!("AUTH PLAIN {right}"), "503");
    // It was base64 that the client forgot.
    let mut smtp = Wire::smtp(dev.smtp);
    smtp.expect("AUTH LOGIN", "334");
    smtp.expect("eve@localhost", "5");
    smtp.expect(RIGHT, "500");
    smtp.expect(&right, "500");

    let mut pop3 = Wire::pop3(dev.pop3);
    pop3.expect(format!("PASS {WRONG}"), "-ERR");
    pop3.expect("USER eve@localhost", "+OK");
    pop3.expect(format!("PASS {WRONG}"), "-ERR");
    pop3.expect(format!("AUTH PLAIN {wrong}"), "-ERR");
    pop3.expect(format!("AUTH PLAIN {right}"), "+OK");
    pop3.expect(format!("PASS {RIGHT}"), "-ERR");
    pop3.expect("QUIT", "+OK");
    drop(pop3);
    let mut pop3 = Wire::pop3(dev.pop3);
    pop3.expect("USER eve@localhost", "+OK");
    pop3.expect(format!("PASS {RIGHT}"), "+OK");
    pop3.expect("QUIT", "+OK");

    let (addr, ca) = (dev.smtps.to_string(), dev.ca().display().to_string());
    for (secret, code) in [(RIGHT, 0), (WRONG, 2)] {
        let args = ["implicit", &addr, &ca, "login()", "eve@localhost", secret, "ann@localhost"];
        if let Some(ran) = python("send.py", args, b"Subject: inside\r\n\r\n") {
            ran.ended(code);
        }
    }

    let (_, log) = dev.stop();
    assert!(log.contains("eve@localhost") && log.contains("login failed"), "{log}");
    assert!(log.lines().count() > 20, "{log}");
    for secret in hidden {
        let line = log.lines().find(|line| contains(line.as_bytes(), secret.as_bytes()));
        assert_eq!(line, None, "{secret:?} is logged");
    }
    assert_is_json(&log);
}

/// RFC 4648 §4
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits =
            group.iter().fold(0, |bits, &octet| bits << 8 | usize::from(octet)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let known = at <= group.len();
            text.push(if known { char::from(ALPHABET[bits >> (18 - 6 * at) & 63]) } else { '=' });
        }
    }
    text
}
