//! What a handler is asked when extensions are offered, and LMTP.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::Address;
use mailwright_smtp::server::{Etrn, Extensions, Protocol};
use mailwright_smtp::{Config, RcptParams, Rejection};
use mailwright_tokio::SmtpServer;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};

use crate::client::connect;

/// Notes what it is asked. Knows no `nobody`, delivers nothing to `full`, and does not greet 192.0.2.66.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, note: String) {
        self.0.lock().unwrap().push(note);
    }

    fn last(&self) -> String {
        self.0.lock().unwrap().last().cloned().unwrap_or_default()
    }

    fn server(&self, protocol: Protocol) -> SmtpServer<Self> {
        let offered = Extensions {
            dsn: true,
            burl: Some(String::new()),
            etrn: true,
            vrfy: true,
            expn: true,
            ..Extensions::default()
        };
        let config = Config {
            hostname: "mx.example.org".to_owned(),
            protocol,
            extensions: offered,
            auth_mechanisms: vec!["PLAIN".to_owned()],
            auth_without_tls: true,
            ..Config::default()
        };
        SmtpServer::with_config(config, self.clone())
    }
}

impl SmtpHandler for Asked {
    async fn connect(&self, cx: &Ctx) -> Verdict {
        let listed: IpAddr = "192.0.2.66".parse()?;
        if cx.peer().ip() == listed { Err(Rejection::relay_denied().with_text("listed")) } else { Ok(()) }
    }

    async fn recipient(&self, _cx: &Ctx, to: &Address, params: &RcptParams) -> Verdict {
        self.note(format!("rcpt {to}{params}"));
        if to.local() == "nobody" { Err(Rejection::no_such_user()) } else { Ok(()) }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let body = body.bytes().await?;
        let (peer, user, helo) = (cx.peer(), cx.user(), cx.hello().map(|hello| &hello.name[..]));
        let body = String::from_utf8_lossy(&body);
        let params: String = envelope.rcpt_params.iter().map(ToString::to_string).collect();
        self.note(format!("message{params} from {peer} {helo:?} {user:?}: {body}"));
        Ok("taken".to_owned())
    }

    async fn deliveries(&self, _cx: &Ctx, envelope: &Envelope, body: Body) -> Vec<Verdict<String>> {
        let size = body.bytes().await.map_or(0, |body| body.len());
        let deliver = |to: &Address| match to.local() {
            "full" => Err(Rejection::mailbox_full()),
            name => Ok(format!("{size} octets for {name}")),
        };
        envelope.to.iter().map(deliver).collect()
    }

    async fn burl(&self, _cx: &Ctx, url: &str) -> Verdict<Bytes> {
        if url == "imap://x" {
            Ok(Bytes::from_static(b"from afar\r\n"))
        } else {
            Err(Rejection::local_error())
        }
    }

    async fn vrfy(&self, _cx: &Ctx, name: &str) -> Verdict<Vec<String>> {
        Ok(vec![format!("<{name}@example.org>")])
    }

    async fn etrn(&self, cx: &Ctx, _node: &str) -> Verdict<Etrn> {
        if cx.user().is_some() { Ok(Etrn::Pending(2)) } else { Err(Rejection::relay_denied()) }
    }
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_its_answer_in_lmtp() {
    let (mut client, _session) = connect(Asked::default().server(Protocol::Lmtp));
    client.reply().await;
    client.expect("EHLO c", "500").await;
    client.expect("LHLO c", "250").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    for (to, reply) in [("ann", "250"), ("nobody", "550"), ("full", "250"), ("bob", "250")] {
        client.expect(&format!("RCPT TO:<{to}@d>"), reply).await;
    }
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "250 2.0.0 4 octets for ann").await;
    assert!(client.reply().await.starts_with("452 4.2.2 the mailbox is full"));
    assert!(client.reply().await.starts_with("250 2.0.0 4 octets for bob"));
    client.expect("QUIT", "221").await;
}

#[tokio::test(start_paused = true)]
async fn between_chunks_other_things_may_be_asked() {
    let asked = Asked::default();
    let (mut client, _session) = connect(asked.server(Protocol::Smtp));
    client.reply().await;
    client.expect("EHLO c", "250").await;
    client.expect("ETRN example.org", "550").await;
    client.expect("AUTH PLAIN AGFubgByaWdodA==", "535").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    client.expect("RCPT TO:<ann@d> NOTIFY=NEVER ORCPT=rfc822;x@y", "250").await;
    assert_eq!(asked.last(), "rcpt ann@d NOTIFY=NEVER ORCPT=rfc822;x@y");
    client.expect("BDAT 6\r\nabcd", "250 2.0.0 6 octets taken").await;
    client.expect("VRFY bob", "250 2.1.5 <bob@example.org>").await;
    client.expect("EXPN staff", "252").await;
    client.expect("DATA", "503").await;
    client.expect("BURL imap://x", "530").await;
    client.expect("BDAT 4 LAST\r\nef", "250 2.0.0 taken").await;
    let note = asked.last();
    assert!(note.starts_with("message NOTIFY=NEVER ORCPT=rfc822;x@y from 192.0.2.1:"), "{note}");
    assert!(note.ends_with(": abcd\r\nef\r\n"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn who_is_trusted_speaks_for_another() {
    let asked = Asked::default();
    let proxy: IpAddr = "192.0.2.1".parse().unwrap();
    let server = asked.server(Protocol::Smtp).trust_xclient(move |addr| addr == proxy);
    let (mut client, _session) = connect(server);
    client.reply().await;
    client.expect("EHLO proxy", "250").await;
    client.expect("XCLIENT ADDR=198.51.100.7 PORT=99 HELO=c.example LOGIN=ann", "220").await;
    client.expect("EHLO c", "250").await;
    client.expect("ETRN example.org", "253 2.0.0 2 pending").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    client.expect("RCPT TO:<ann@d>", "250").await;
    // Who has logged in may have parts fetched from elsewhere.
    client.expect("BURL imap://x", "250").await;
    client.expect("BDAT 4 LAST\r\nhi", "250 2.0.0 taken").await;
    assert_eq!(asked.last(), "message from 198.51.100.7:99 Some(\"c\") Some(\"ann\"): from afar\r\nhi\r\n");
    client.expect("XCLIENT ADDR=192.0.2.66", "554 5.7.1 listed").await;
    client.expect("EHLO c", "503").await;
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_not_to_be_had_ends_the_message() {
    let asked = Asked::default();
    let (mut client, _session) = connect(asked.server(Protocol::Smtp).trust_xclient(|_| true));
    client.reply().await;
    client.expect("XCLIENT LOGIN=ann", "220").await;
    client.expect("EHLO c", "250").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    client.expect("RCPT TO:<ann@d>", "250").await;
    client.expect("BDAT 4\r\nhi", "250").await;
    client.expect("BURL imap://y LAST", "451 4.3.0").await;
    client.expect("BDAT 0 LAST", "503").await;
    assert_eq!(asked.last(), "rcpt ann@d", "there was no message");
}

/// Greets after ten seconds.
struct Slow;

impl SmtpHandler for Slow {
    async fn connect(&self, _cx: &Ctx) -> Verdict {
        tokio::time::sleep(Duration::from_secs(10)).await;
        Ok(())
    }

    async fn message(&self, _cx: &Ctx, _envelope: &Envelope, _body: Body) -> Verdict<String> {
        Ok(String::new())
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_for_the_greeting_is_let_go() {
    let (mut client, _session) = connect(SmtpServer::new("mx.example.org", Slow));
    client.expect("EHLO c", "554 5.5.0").await;
    client.ended().await;
    let (mut patient, _session) = connect(SmtpServer::new("mx.example.org", Slow));
    assert!(patient.reply().await.starts_with("220 "));
}
