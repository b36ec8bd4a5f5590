//! What goes wrong when it is told to.

use std::time::{Duration, Instant};

use mailwright_testkit::{Cut, MailServer, Protocol, Stage};

use crate::app;
use crate::talk::Talk;

const STAGES: [Stage; 7] =
    [Stage::Connect, Stage::Hello, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Message];

/// Where lettre logs in, so that it comes by all stages.
fn url(mail: &MailServer) -> String {
    format!("smtp://ann:pw@{}", mail.addr(Protocol::Smtp))
}

#[test]
fn each_stage_is_refused_once() {
    for stage in STAGES {
        let mail = MailServer::start_blocking();
        mail.fail_next(stage, "451 4.7.1 not now");
        let error = app::signup(&url(&mail), "ann@example.org").unwrap_err();
        assert!(error.is_transient(), "{stage:?}: {error}");
        assert!(error.to_string().contains("not now"), "{stage:?}: {error}");
        assert!(mail.messages().is_empty(), "{stage:?}");
        app::signup(&url(&mail), "ann@example.org").unwrap();
        assert_eq!(mail.messages().len(), 1, "{stage:?}");
    }
}

#[test]
fn refusals_come_in_order_and_then_always() {
    let mail = MailServer::start_blocking();
    mail.fail_next(Stage::Rcpt, "451 4.7.1 later");
    mail.fail_next(Stage::Rcpt, "452 4.2.2 full");
    mail.fail_always(Stage::Rcpt, "550 5.1.1 gone");
    for code in ["451", "452", "550", "550"] {
        let error = app::signup(&mail.smtp_url(), "ann@example.org").unwrap_err();
        assert_eq!(error.status().unwrap().to_string(), code);
    }
    mail.heal();
    app::signup(&mail.smtp_url(), "ann@example.org").unwrap();
}

#[test]
#[should_panic(expected = "\"250 2.0.0 fine\" is no refusal")]
fn only_refusals_are_failures() {
    MailServer::start_blocking().fail_next(Stage::Rcpt, "250 2.0.0 fine");
}

#[test]
fn a_program_that_tries_again_gets_through_a_greylist() {
    let mail = MailServer::start_blocking();
    mail.greylist();
    assert_eq!(app::send_patiently(&mail.smtp_url(), "ann@example.org").unwrap(), 2);
    assert_eq!(app::send_patiently(&mail.smtp_url(), "ann@example.org").unwrap(), 1);
    assert_eq!(app::send_patiently(&mail.smtp_url(), "bob@example.org").unwrap(), 2);
}

#[test]
fn the_connection_breaks_at_each_stage() {
    for stage in STAGES {
        let mail = MailServer::start_blocking();
        mail.disconnect_next(stage);
        let error = app::signup(&url(&mail), "ann@example.org").unwrap_err();
        assert!(error.status().is_none(), "{stage:?}: {error}");
        assert!(mail.messages().is_empty(), "{stage:?}");
        assert!(
            mail.transcript().contains("# the connection breaks here"),
            "{stage:?}: {}",
            mail.transcript()
        );
        app::signup(&url(&mail), "ann@example.org").unwrap();
    }
}

/// RFC 1047
#[test]
fn a_lost_reply_means_two_messages() {
    let mail = MailServer::start_blocking();
    mail.lose_next_reply();
    assert_eq!(app::send_patiently(&mail.smtp_url(), "ann@example.org").unwrap(), 2);
    assert_eq!(mail.messages().len(), 2);
    assert_eq!(mail.account("ann@example.org").inbox().len(), 2);
}

#[test]
fn replies_are_late() {
    let mail = MailServer::start_blocking();
    let late = Duration::from_millis(60);
    mail.delay_next(Stage::Connect, late);
    mail.delay_next(Stage::Message, late);
    let begin = Instant::now();
    app::signup(&mail.smtp_url(), "ann@example.org").unwrap();
    assert!(begin.elapsed() >= 2 * late, "{:?}", begin.elapsed());
}

#[test]
fn a_connection_breaks_at_each_octet_of_the_client() {
    let mail = MailServer::start_blocking();
    let session = "HELO c\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n\nhello\n.\n";
    let whole = session.replace('\n', "\r\n").len() as u64;
    for at in 0..=whole + 1 {
        mail.cut_next(Protocol::Smtp, Cut::Received(at));
        let mut talk = Talk::to(mail.addr(Protocol::Smtp));
        talk.hear();
        let mut replies = Vec::new();
        for line in session.split_inclusive('\n') {
            talk.say(line);
            if !matches!(line, "\n" | "hello\n") {
                replies.push(talk.hear());
            }
            if replies.last().is_some_and(String::is_empty) {
                break;
            }
        }
        // The last octet is received, and nothing is answered to it.
        assert_eq!(replies.last().unwrap().is_empty(), at <= whole, "{at}: {replies:?}");
    }
    // With the last octet the message is there, whether the client hears of it or not.
    assert_eq!(mail.messages().len(), 2, "{}", mail.transcript());
}

#[test]
fn a_connection_breaks_at_each_octet_of_the_server() {
    let mail = MailServer::start_blocking();
    for (protocol, greeting) in
        [(Protocol::Smtp, "220 localhost"), (Protocol::Imap, "* OK [CAPABI"), (Protocol::Pop3, "+OK ")]
    {
        for at in 0..=greeting.len() {
            mail.cut_next(protocol, Cut::Sent(at as u64));
            assert_eq!(Talk::to(mail.addr(protocol)).rest(), greeting[..at], "{protocol} {at}");
        }
        assert!(Talk::to(mail.addr(protocol)).hear().starts_with(greeting));
    }
}
