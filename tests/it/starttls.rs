//! What came in plain text is never taken for what TLS protects (CVE-2011-0411, CVE-2021-33515), by our servers nor by
//! our client.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{self, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::outbound::eventually;
use crate::support::{Background, Dev, Installation, Wire, contains, python, route};

/// The server may answer the command, and must not answer what was sent behind it.
fn check_injected(mut wire: Wire, injected: &str) {
    wire.send(injected);
    let reply = wire.reply();
    let refused = ["501 5.5.1", "-ERR", "* BYE"].iter().any(|start| reply.starts_with(start));
    assert!(refused, "{reply}");
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

#[test]
fn imap_in_one_segment() {
    let dev = Dev::start();
    for injected in [
        "a STARTTLS\r\nb CAPABILITY\r\n",
        "a STARTTLS\r\nb LOGIN ann@localhost ann\r\n",
        "a STARTTLS\r\n\r\n",
        "a STARTTLS\r\nb",
    ] {
        let mut wire = Wire::connect(dev.imap);
        assert!(wire.line().starts_with("* OK"));
        check_injected(wire, injected);
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
    let mut imap = Wire::connect(dev.imap);
    assert!(imap.line().starts_with("* OK"));
    check_plain_text_after(imap, "a STARTTLS", "a OK", "b CAPABILITY\r\nc LOGOUT\r\n");
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

/// A server that offers STARTTLS, and says more than yes; until it goes out of scope.
struct Injecting {
    smtp: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
    _background: Background,
}

impl Injecting {
    fn start(yes: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let smtp = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heard);
        let background = Background::start(move || async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(inject(BufReader::new(client), yes, Arc::clone(&keep)));
            }
        });
        Self { smtp, heard, _background: background }
    }

    fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn inject(mut line: BufReader<TcpStream>, yes: &str, heard: Arc<Mutex<Vec<u8>>>) -> io::Result<()> {
    let offer = "250-mx.evil.example\r\n250 STARTTLS\r\n";
    for (reply, begins) in [("220 mx.evil.example\r\n", "EHLO "), (offer, "STARTTLS")] {
        line.get_mut().write_all(reply.as_bytes()).await?;
        let mut command = String::new();
        line.read_line(&mut command).await?;
        heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(command.as_bytes());
        if !command.starts_with(begins) {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    line.get_mut().write_all(yes.as_bytes()).await?;
    let mut rest = Vec::new();
    let read = line.read_to_end(&mut rest).await;
    heard.lock().unwrap_or_else(PoisonError::into_inner).append(&mut rest);
    read.map(drop)
}

/// Replies behind the yes are not those of the server: our client leaves, and the message waits.
#[test]
fn replies_behind_the_yes() {
    for yes in [
        "220 go\r\n250 evil\r\n",
        "220 go\r\n250-mx.evil.example\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n250 ok\r\n",
        "220 go\r\n\r\n",
        "220 go\r\n2",
    ] {
        for tls in ["required", "opportunistic"] {
            let evil = Injecting::start(yes);
            let Some(ours) = Installation::new("a.example", &route("*", evil.smtp, tls)) else { return };
            let _ours = ours.serve();
            ours.send("ann", &["bob@x.example"], "Subject: secret\r\n\r\nsecret\r\n");
            let why = eventually("it is deferred", || {
                let entry = ours.queued().into_iter().find(|entry| entry["queue_name"] == "deferred")?;
                entry["recipients"][0]["delay_reason"].as_str().map(ToOwned::to_owned)
            });
            println!("{tls:13} {yes:?}: {why}");
            let heard = evil.heard();
            assert!(contains(&heard, b"STARTTLS\r\n"), "{}", heard.escape_ascii());
            for word in [&b"AUTH"[..], b"MAIL", b"secret"] {
                assert!(!contains(&heard, word), "{yes:?}: {}", heard.escape_ascii());
            }
        }
    }
}
