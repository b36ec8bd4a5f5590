//! A message as large as the server takes survives byte for byte.

use std::fs;

use crate::support::{Dev, Program, python, without_trace};

const SIZE: usize = 25_000_000;

/// Lines with and without dots at their start, short and long, of all octets but those that no message may have.
fn large() -> Vec<u8> {
    let mut message = b"Subject: large\r\n\r\n".to_vec();
    let mut number: u32 = 1;
    while message.len() < SIZE - 1000 {
        // A row of octets that repeats after 2^32 only (Numerical Recipes' generator).
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let start: &[u8] = match number >> 29 {
            0 => b".",
            1 => b"..",
            2 => b"From ",
            _ => b"",
        };
        message.extend_from_slice(start);
        let length = number >> 16 & 0x1ff;
        let octets = (0..length).map(|at| (number.rotate_left(at % 32).wrapping_add(at) & 0xff) as u8);
        message.extend(octets.map(|octet| if matches!(octet, 0 | b'\r' | b'\n') { b'-' } else { octet }));
        message.extend_from_slice(b"\r\n");
    }
    message.resize(SIZE - 2, 0xe4);
    message.extend_from_slice(b"\r\n");
    message
}

#[track_caller]
fn assert_same(received: &[u8], sent: &[u8]) {
    let received = without_trace(received);
    let differs = received.iter().zip(sent).position(|(received, sent)| received != sent);
    assert_eq!((received.len(), differs), (sent.len(), None), "length, and where it differs first");
}

#[test]
fn smtplib_to_poplib() {
    let dev = Dev::start();
    let (sent, ca) = (large(), dev.ca().display().to_string());
    let addr = dev.smtp.to_string();
    let args = ["plain", &addr, &ca, "none", "", "", "ann@localhost"];
    let Some(ran) = python("send.py", args, &sent) else { return };
    ran.ok();
    let folder = crate::support::Folder::new();
    let file = folder.path().join("received");
    let (addr, path) = (dev.pop3s.to_string(), file.display().to_string());
    let args = ["implicit", &addr, &ca, "ann@localhost", "ann", &path];
    python("fetch.py", args, b"").unwrap().ok();
    assert_same(&fs::read(file).unwrap(), &sent);
}

#[test]
fn curl_to_curl() {
    let dev = Dev::start();
    let Some(curl) = Program::find("curl", "curl") else { return };
    let sent = large();
    let content = curl.home().write("content", &sent);
    let received = curl.home().path().join("received");
    let mut command = curl.command();
    command
        .arg("--disable")
        .arg(format!("smtps://{}/client.example", dev.smtps))
        .arg("--cacert")
        .arg(dev.ca());
    command.args(["--noproxy", "*", "--silent", "--show-error", "--mail-from", "app@client.example"]);
    command.args(["--mail-rcpt", "ann@localhost", "--upload-file"]).arg(content);
    crate::support::run(&mut command, b"").ok();
    let mut command = curl.command();
    command.arg("--disable").arg(format!("pop3://{}/1", dev.pop3));
    command.args(["--noproxy", "*", "--silent", "--show-error", "--user", "ann@localhost:ann", "--output"]);
    crate::support::run(command.arg(&received), b"").ok();
    assert_same(&fs::read(received).unwrap(), &sent);
}
