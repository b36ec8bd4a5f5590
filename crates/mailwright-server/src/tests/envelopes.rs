//! What comes with MAIL and RCPT: to whom it goes on, and what its sender is told.

use std::sync::Mutex;

use mailwright_delivery::{Deliver, Delivery, Parts, QueueConfig};
use mailwright_queue::{Attempt, Feedback, SettleConfig};
use mailwright_store::Claimed;

use super::*;
use crate::{Alias, AliasAddress};

/// The way to others: notes what it is given, and leaves it in the queue.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<String>>>);

impl Deliver<Arc<dyn DynStore>> for Seen {
    async fn deliver(&self, _: &Arc<Arc<dyn DynStore>>, claimed: &Claimed, parts: &Parts) -> Delivery {
        let Claimed { entry, .. } = claimed;
        let Parts { envelope, recipients } = parts;
        let mut note = format!("{} utf8={} tls={}", entry.sender, envelope.smtputf8, envelope.require_tls);
        note += &format!(" {:?} priority={}", envelope.ret, entry.priority.get());
        note += &format!(" envid={}", envelope.envid.as_ref().map_or("", |envid| envid.as_xtext()));
        note += &envelope.auth.as_ref().map(|auth| format!(" auth={auth}")).unwrap_or_default();
        note += &envelope
            .solicit
            .as_ref()
            .map(|all| format!(" solicit={}", all.as_solicit()))
            .unwrap_or_default();
        for (recipient, state) in entry.recipients.iter().zip(recipients) {
            let orcpt = state.orcpt.as_ref().map_or("", |orcpt| orcpt.as_orcpt());
            note += &format!(" -> {} {:?} {orcpt}", recipient.address, state.notify);
        }
        self.0.lock().unwrap().push(note);
        Delivery {
            attempt: Attempt::Untried { until: Timestamp(i64::MAX), why: None },
            writes: Vec::new(),
            feedback: Feedback::Neutral,
            remote: None,
            stages: Vec::new(),
            tls: None,
        }
    }
}

impl Seen {
    /// What was given, once it is so many.
    pub(super) async fn wait(&self, count: usize) -> Vec<String> {
        for _ in 0..2000 {
            let mut seen = self.0.lock().unwrap().clone();
            if seen.len() >= count {
                seen.sort();
                return seen;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{:?}", self.0.lock().unwrap());
    }
}

/// A server for ann and grå, and aliases that lead elsewhere.
async fn serve(store: &Arc<dyn DynStore>, seen: &Seen) -> Running {
    let alias = |name: &str, targets: &[&str]| Alias {
        address: AliasAddress::One(address(name)),
        targets: targets.iter().map(|target| address(target)).collect(),
    };
    let away = alias("away+1@a.example", &["ann@elsewhere.example"]);
    let both = alias("both@a.example", &["bob@elsewhere.example", "ann@a.example"]);
    let users = vec![user("ann@a.example", &[]), user("grå@a.example", &[])];
    let host: Domain = "mx.a.example".parse().unwrap();
    let queue = QueueConfig::new(SettleConfig::new(host, address("postmaster@a.example")));
    Server::new("mx.a.example")
        .settings(Settings { aliases: vec![away, both], ..settings(users) })
        .store(Arc::clone(store))
        .login_without_tls()
        .deliver(Arc::new(seen.clone()), queue)
        .listen(Service::Smtp, ([127, 0, 0, 1], 0))
        .listen(Service::Submission, ([127, 0, 0, 1], 0))
        .listen(Service::Lmtp, ([127, 0, 0, 1], 0))
        .start()
        .await
        .unwrap()
}

const LOGIN: &str = "AUTH PLAIN AGFubkBhLmV4YW1wbGUAc2VjcmV0";

/// RFC 3461 §5.2
#[tokio::test]
async fn what_is_asked_for_in_reports_goes_on() {
    let (store, seen) = (memory(4 << 20), Seen::default());
    let running = serve(&store, &seen).await;
    let mut client = Client::connect_to(&running, Service::Submission).await;
    client.expect(LOGIN, "235 ").await;
    client.expect("MAIL FROM:<ann@a.example> RET=HDRS ENVID=Q+2B1 MT-PRIORITY=3", "250 ").await;
    let both = "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Eve+2B1@elsewhere.example";
    client.expect(&format!("RCPT TO:<eve@elsewhere.example> {both}"), "250 ").await;
    client.expect("RCPT TO:<away+1@a.example> NOTIFY=SUCCESS,DELAY", "250 ").await;
    client.expect("RCPT TO:<both@a.example> NOTIFY=SUCCESS,DELAY", "250 ").await;
    client.expect("RCPT TO:<never@other.example> NOTIFY=NEVER", "250 ").await;
    client.expect("RCPT TO:<plain@other.example>", "250 ").await;
    client.expect("RCPT TO:<plain@other>", "550 5.1.2 other is not a fully-qualified domain").await;
    client.expect("DATA", "354 ").await;
    client.expect("Subject: x\r\n\r\nhello\r\n.", "250 ").await;
    let envelope = "<ann@a.example> utf8=false tls=false Some(Headers) priority=3 envid=Q+2B1";
    assert_eq!(
        seen.wait(2).await,
        [
            format!(
                "{envelope} -> ann@elsewhere.example Some(On {{ success: true, failure: false, delay: true }}) \
                 rfc822;away+2B1@a.example -> bob@elsewhere.example \
                 Some(On {{ success: false, failure: false, delay: true }}) rfc822;both@a.example -> eve@elsewhere.example \
                 Some(On {{ success: true, failure: true, delay: false }}) rfc822;Eve+2B1@elsewhere.example"
            ),
            format!("{envelope} -> never@other.example Some(Never)  -> plain@other.example None "),
        ]
    );
    // RFC 3461 §5.2.7.3: that it has gone on from the alias of several is told at once, and nothing else.
    let told = messages(&store, "ann@a.example").await;
    let [message, report] = &told[..] else { panic!("{told:?}") };
    assert!(message.contains("\r\n\tpriority 3; "), "{message}");
    for line in ["Original-Envelope-Id: Q+1", "Final-Recipient: rfc822; both@a.example", "Action: expanded"] {
        assert!(report.contains(&format!("{line}\r\n")), "{line}: {report}");
    }
    assert!(!report.contains("elsewhere.example"), "{report}");
    running.shutdown().await;
}

/// RFC 4954 §5: of the submitter that is believed which a user may say of himself.
#[tokio::test]
async fn who_has_submitted_a_message_goes_on() {
    for (said, goes_on) in [
        ("", ""),
        (" AUTH=<>", " auth=<>"),
        (" AUTH=ann+2Bwork@a.example", " auth=<ann+work@a.example>"),
        (" AUTH=eve@elsewhere.example", " auth=<>"),
    ] {
        let (store, seen) = (memory(4 << 20), Seen::default());
        let running = serve(&store, &seen).await;
        let mut client = Client::connect_to(&running, Service::Submission).await;
        client.expect(LOGIN, "235 ").await;
        client.expect(&format!("MAIL FROM:<ann@a.example>{said}"), "250 ").await;
        client.expect("RCPT TO:<bob@elsewhere.example>", "250 ").await;
        client.expect("DATA", "354 ").await;
        client.expect("Subject: x\r\n\r\n.", "250 ").await;
        let expected = format!("priority=0 envid={goes_on} -> bob@elsewhere.example");
        let seen = seen.wait(1).await;
        assert!(seen[0].contains(&expected), "{said}: {seen:?}");
    }
}

/// RFC 3461 §5.2.3, and to a sender elsewhere.
#[tokio::test]
async fn who_asks_is_told_of_delivery() {
    let (store, seen) = (memory(4 << 20), Seen::default());
    let running = serve(&store, &seen).await;
    let mut client = Client::connect(&running).await;
    client.expect("MAIL FROM:<app@client.example> REQUIRETLS", "555 ").await;
    client.expect("MAIL FROM:<app@client.example> ENVID=7", "250 ").await;
    client.expect("RCPT TO:<ann+x@a.example> NOTIFY=SUCCESS ORCPT=rfc822;a@list.example", "250 ").await;
    client.expect("RCPT TO:<grå@a.example>", "553 5.6.7").await;
    client.expect("BDAT 4 LAST\r\nhi", "250 ").await;
    assert_eq!(messages(&store, "ann@a.example").await.len(), 1);
    let report = seen.wait(1).await;
    assert_eq!(report, ["<> utf8=false tls=false None priority=0 envid= -> app@client.example Some(Never) "]);
    // Nobody is told of mail that nobody has sent, nor who did not ask.
    client.expect("MAIL FROM:<>", "250 ").await;
    client.expect("RCPT TO:<ann@a.example> NOTIFY=SUCCESS", "250 ").await;
    client.expect("BDAT 4 LAST\r\nhi", "250 ").await;
    client.expect("MAIL FROM:<app@client.example>", "250 ").await;
    client.expect("RCPT TO:<ann@a.example> NOTIFY=FAILURE", "250 ").await;
    client.expect("BDAT 4 LAST\r\nhi", "250 ").await;
    assert_eq!(messages(&store, "ann@a.example").await.len(), 3);
    assert_eq!(seen.wait(1).await.len(), 1);
    running.shutdown().await;
}

/// RFC 6531: local parts are compared as RFC 8265 has it, domains go by their A-labels.
#[tokio::test]
async fn addresses_may_go_beyond_ascii() {
    let (store, seen) = (memory(4 << 20), Seen::default());
    let running = serve(&store, &seen).await;
    let mut client = Client::connect_to(&running, Service::Submission).await;
    client.expect(LOGIN, "235 ").await;
    client.expect("MAIL FROM:<ann@a.example> SMTPUTF8", "250 ").await;
    client.expect("RCPT TO:<GRÅ@A.example>", "250 ").await;
    client.expect("RCPT TO:<用户@Bücher.example>", "250 ").await;
    client.expect("RCPT TO:<a@xn--\u{fc}.example>", "550 5.1.2").await;
    client.expect("DATA", "354 ").await;
    client.expect("Subject: grå\r\n\r\n.", "250 ").await;
    let seen = seen.wait(1).await;
    assert!(seen[0].contains("utf8=true") && seen[0].contains("-> 用户@xn--bcher-kva.example"), "{seen:?}");
    let mail = messages(&store, "grå@a.example").await;
    assert!(mail[0].contains("with UTF8SMTPA id") && mail[0].contains("Subject: grå\r\n"), "{mail:?}");
    running.shutdown().await;
}

/// RFC 2033: each recipient has an answer of its own.
#[tokio::test]
async fn lmtp_answers_for_each() {
    let (store, seen) = (memory(4 << 20), Seen::default());
    let running = serve(&store, &seen).await;
    let mut client = Client::connect_to(&running, Service::Lmtp).await;
    client.expect("LHLO front.example", "250 ").await;
    // Nobody has logged in: what is urgent is not put before the mail of others.
    client.expect("MAIL FROM:<app@client.example> MT-PRIORITY=9", "250 ").await;
    client.expect("RCPT TO:<ann@a.example>", "250 ").await;
    client.expect("RCPT TO:<nobody@a.example>", "550 5.1.1").await;
    client.expect("RCPT TO:<eve@elsewhere.example>", "550 5.7.1").await;
    client.expect("RCPT TO:<away+1@a.example> NOTIFY=FAILURE", "250 ").await;
    client.expect("DATA", "354 ").await;
    client.expect("Subject: x\r\n\r\nhello\r\n.", "250 2.0.0 delivered as ").await;
    assert!(client.reply().await.starts_with("250 2.0.0 delivered as "));
    let mail = messages(&store, "ann@a.example").await;
    assert!(mail[0].contains("with LMTP id") && mail[0].ends_with("\r\n\r\nhello\r\n"), "{mail:?}");
    let seen = seen.wait(1).await;
    assert!(seen[0].contains("priority=0") && seen[0].contains("-> ann@elsewhere.example"), "{seen:?}");
    running.shutdown().await;
}

/// RFC 3030 §3: what comes in binary is kept in lines, and goes on so.
#[tokio::test]
async fn binary_content_is_kept_in_base64() {
    let (store, seen) = (memory(4 << 20), Seen::default());
    let running = serve(&store, &seen).await;
    let mut client = Client::connect(&running).await;
    let header = "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n";
    let binary = "Content-Transfer-Encoding: binary\r\n\r\n\0bare\n\rends";
    let send = async |client: &mut Client, more: &str, reply: &str| {
        client.expect("MAIL FROM:<app@client.example> BODY=BINARYMIME", "250 ").await;
        client.expect("RCPT TO:<ann@a.example>", "250 ").await;
        let content = format!("{header}{more}{binary}");
        // The line end that is sent behind it belongs to it.
        client.expect(&format!("BDAT {} LAST\r\n{content}", content.len() + 2), reply).await;
    };
    send(&mut client, "", "250 ").await;
    // It would no longer be what was signed.
    send(&mut client, "DKIM-Signature: v=1; d=client.example\r\n", "554 5.6.3 ").await;
    let mail = messages(&store, "ann@a.example").await;
    let kept = format!("{header}Content-Transfer-Encoding: base64\r\n\r\nAGJhcmUKDWVuZHMNCg==\r\n");
    assert!(mail.len() == 1 && mail[0].ends_with(&kept), "{mail:?}");
    running.shutdown().await;
}
