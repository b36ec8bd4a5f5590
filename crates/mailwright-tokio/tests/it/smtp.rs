//! The machine's questions as methods.

use mailwright_smtp::Config;
use mailwright_tokio::SmtpServer;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use tokio::io::AsyncWriteExt;

use crate::client::{connect, seconds};
use crate::inbox::{Inbox, Log, TRACE};

/// All defaults.
struct OneMethod;

impl SmtpHandler for OneMethod {
    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        assert!(cx.user().is_none() && cx.tls().is_none());
        Ok(format!("{} octets for {:?} from {}", body.bytes().await?.len(), envelope.to, cx.peer()))
    }
}

fn auth_config() -> Config {
    let auth_mechanisms = vec!["PLAIN".to_owned(), "LOGIN".to_owned()];
    Config { auth_mechanisms, auth_without_tls: true, ..Config::default() }
}

#[tokio::test(start_paused = true)]
async fn one_method_is_a_server() {
    let (mut client, session) = connect(SmtpServer::new("mx.example.org", OneMethod));
    client.data("bob").await;
    client.expect("Hi\r\n..\r\n.", "250 2.0.0 7 octets for [<bob@mx.example.org>] from 192.0.2.1:").await;
    client.expect("QUIT", "221").await;
    client.ended().await;
    drop(client);
    session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn auth_says_no_unless_written() {
    let (mut client, _session) = connect(SmtpServer::with_config(auth_config(), OneMethod));
    client.reply().await;
    client.expect("EHLO c", "250").await;
    client.expect("AUTH PLAIN AGFubgByaWdodA==", "535 5.7.8").await;
}

#[tokio::test(start_paused = true)]
async fn refusals_have_the_trace_id() {
    let (log, _guard) = Log::keep();
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server());
    client.envelope("bob").await;
    client
        .expect(
            "RCPT TO:<nobody@mx.example.org>",
            &format!("550 5.1.1 there is no such mailbox here ({TRACE})"),
        )
        .await;
    assert!(log.has(&["rejected", "550 5.1.1", TRACE, "192.0.2.1"]), "{:?}", log.lines());
    client
        .expect(
            "RCPT TO:<broken@mx.example.org>",
            &format!("451 4.3.0 local error, try again later ({TRACE})"),
        )
        .await;
    assert!(log.has(&["WARN", "451 4.3.0", TRACE, "the directory burns"]), "{:?}", log.lines());
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", &format!("250 2.0.0 stored as {TRACE}")).await;
    assert!(log.has(&["accepted", TRACE, "recipients=1", "size=4"]), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_end_keeps_the_mail_with_the_client() {
    let (log, _guard) = Log::keep();
    let (mut client, _session) = connect(Inbox::new().server());
    client.data("full").await;
    client.expect("Hi\r\n.", "451 4.3.0").await;
    assert!(log.has(&["WARN", "failed"]) && !log.has(&["accepted"]), "{:?}", log.lines());
    client.expect("QUIT", "221").await;
}

#[tokio::test(start_paused = true)]
async fn two_messages_in_one_segment() {
    let inbox = Inbox::new();
    let (mut client, session) = connect(inbox.server());
    let message = |to: &str| {
        let text = format!("for {to}\r\n");
        format!("MAIL FROM:<a@b>\r\nRCPT TO:<{to}@d>\r\nBDAT {} LAST\r\n{text}", text.len())
    };
    client.reply().await;
    client.expect("EHLO c", "250").await;
    client.send(format!("{}{}QUIT\r\n", message("bob"), message("eve"))).await;
    let all = client.rest().await;
    assert_eq!(all.matches(&format!("250 2.0.0 stored as {TRACE}")).count(), 2, "{all}");
    assert_eq!(inbox.contents(), ["for bob\r\n", "for eve\r\n"]);
    drop(client);
    session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn postmaster_needs_no_domain() {
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server());
    client.reply().await;
    client.expect("EHLO c", "250").await;
    client.expect("MAIL FROM:<>", "250").await;
    client.expect("RCPT TO:<PostMaster>", "250").await;
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "250").await;
    let mails = inbox.mails.lock().unwrap();
    assert_eq!(mails[0].0.to[0].to_string(), "postmaster@mx.example.org");
    assert!(mails[0].0.from.address().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_authenticates_has_a_name() {
    for plain in [true, false] {
        let inbox = Inbox::new();
        let (mut client, _session) = connect(inbox.server_with(auth_config()));
        client.reply().await;
        client.expect("EHLO c", "250").await;
        client.expect("AUTH PLAIN AGFubgB3cm9uZw==", "535 5.7.8").await;
        client.expect("AUTH PLAIN AGFubg==", "535 5.7.8").await;
        client.expect("AUTH LOGIN", "334 VXNlcm5hbWU6").await;
        client.expect("*", "501").await;
        if plain {
            client.expect("AUTH PLAIN", "334").await;
            client.expect("AGFubgByaWdodA==", "235").await;
        } else {
            client.expect("AUTH LOGIN", "334 VXNlcm5hbWU6").await;
            client.expect("YW5u", "334 UGFzc3dvcmQ6").await;
            client.expect("cmlnaHQ=", "235").await;
        }
        client.expect("MAIL FROM:<a@b>", "250").await;
        assert_eq!(inbox.notes().last().unwrap(), "mail <a@b> user=Some(\"ann\") hello=Some(\"c\")");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_yes_is_a_no() {
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server_with(auth_config()));
    client.reply().await;
    client.expect("EHLO c", "250").await;
    client.expect("AUTH PLAIN AHNsb3cAcmlnaHQ=", "454 4.7.0").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    assert_eq!(inbox.notes().last().unwrap(), "mail <a@b> user=None hello=Some(\"c\")");
    client.expect("RCPT TO:<bob@d>", "250").await;
    let (time, ()) = seconds(client.expect("RCPT TO:<late@d>", "451 4.3.0")).await;
    assert_eq!(time, 120);
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "250").await;
    let mails = inbox.mails.lock().unwrap();
    assert_eq!(mails[0].0.to.len(), 1, "the client will bring it again for the other");
}

/// Takes ten minutes to let content come, the first time.
struct SlowData(std::sync::atomic::AtomicBool);

impl SmtpHandler for SlowData {
    async fn data(&self, _cx: &Ctx, _envelope: &Envelope) -> Verdict {
        if !self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        }
        Ok(())
    }

    async fn message(&self, _cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        Ok(format!("{} octets for {}", body.bytes().await?.len(), envelope.to.len()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_yes_to_data_leaves_the_transaction_open() {
    let (mut client, _session) = connect(SmtpServer::new("mx.example.org", SlowData(false.into())));
    client.envelope("bob").await;
    client.expect("DATA", "451").await;
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "250 2.0.0 4 octets for 1").await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_hello_is_not_remembered() {
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server());
    client.reply().await;
    client.expect("EHLO spam.example", "550 5.7.1").await;
    client.expect("MAIL FROM:<a@b>", "503").await;
    client.expect("EHLO ham.example", "250").await;
    client.expect("EHLO spam.example", "550 5.7.1").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    assert_eq!(inbox.notes().last().unwrap(), "mail <a@b> user=None hello=Some(\"ham.example\")");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_small() {
    let (_near, far) = tokio::io::duplex(1);
    let server = Inbox::new().server();
    let session = server.session(Box::new(far), crate::client::peer());
    let size = size_of_val(&session);
    assert!(size < 8 << 10, "{size} octets");
}

#[tokio::test(start_paused = true)]
async fn who_half_closes_is_still_answered() {
    let inbox = Inbox::new();
    let (mut client, _session) = connect(inbox.server());
    client.data("held").await;
    client.send("Hi\r\n.\r\n").await;
    client.io.shutdown().await.unwrap();
    inbox.release.notify_one();
    assert!(client.rest().await.starts_with("250 2.0.0 stored"));
}
