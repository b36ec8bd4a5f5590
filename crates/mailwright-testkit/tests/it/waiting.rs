//! Waiting in vain.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mailwright_testkit::{Limits, MailServer, Message};

use crate::app;

fn in_vain(mail: &MailServer, wanted: impl Fn(&Message) -> bool) -> String {
    let waiting = AssertUnwindSafe(|| mail.wait_for_blocking(wanted));
    *catch_unwind(waiting).expect_err("there is such a message").downcast::<String>().unwrap()
}

#[test]
fn the_report_tells_what_came_and_what_was_said() {
    let mail = MailServer::builder().patience(Duration::from_millis(20)).start_blocking();
    let nothing = in_vain(&mail, |_| true);
    assert!(nothing.contains("tests/it/waiting.rs:"), "{nothing}");
    assert!(
        nothing.ends_with("no such mail within 20ms.\nNo mail has arrived.\nNobody has connected.\n"),
        "{nothing}"
    );

    let url = mail.smtp_url().replace("//", "//ann:opensesame@");
    app::signup(&url, "bob@example.org").unwrap();
    let other = in_vain(&mail, |m| m.to("ann@example.org"));
    for part in [
        "Others have arrived: 1\n  <app@example.org> -> <bob@example.org>: \"Welcome, née Müller\"\n",
        "Sessions: 1\n",
        "@ protocol smtp\n# from 127.0.0.1:",
        "S: 220 localhost ESMTP",
        "C: AUTH PLAIN ***\nS: 235 ",
        "C: MAIL FROM:<app@example.org>",
        "C: RCPT TO:<bob@example.org>\nS: 250 ",
        "C: .\nS: 250 2.0.0 accepted as ",
    ] {
        assert!(other.contains(part), "{part}\n\n{other}");
    }
    assert!(!other.contains("opensesame"), "{other}");
}

#[tokio::test]
async fn the_report_names_the_line_that_waits() {
    let mail = MailServer::builder().patience(Duration::ZERO).start().await;
    let waiting = mail.wait_for(|_| false);
    let line = line!() - 1;
    // On a runtime, as in a test that waits with `await`.
    let report = std::thread::scope(|scope| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let waited = scope.spawn(move || catch_unwind(AssertUnwindSafe(|| runtime.block_on(waiting)))).join();
        *waited.unwrap().expect_err("there is such a message").downcast::<String>().unwrap()
    });
    assert!(report.contains(&format!("tests/it/waiting.rs:{line}:")), "{report}");
}

#[test]
fn a_report_has_an_end() {
    let limits = Limits { report: 1_000, ..Limits::default() };
    let mail = MailServer::builder().patience(Duration::ZERO).limits(limits).start_blocking();
    for _ in 0..20 {
        app::signup(&mail.smtp_url(), "bob@example.org").unwrap();
    }
    let report = in_vain(&mail, |_| false);
    assert!(report.contains("The last 1 of 20 sessions:") && report.ends_with("# and more\n"), "{report}");
    assert!(report.len() < 5_000, "{}", report.len());
}

#[test]
fn who_looks_may_ask_for_more() {
    let mail = MailServer::start_blocking();
    app::signup(&mail.smtp_url(), "ann@example.org").unwrap();
    mail.wait_for_blocking(|_| mail.messages().len() == 1);
}

/// What waits can be sent to another thread, as runtimes do.
#[test]
fn waiting_can_be_spawned() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let mail = sent(MailServer::builder().patience(Duration::ZERO).start_blocking());
    drop(sent(mail.wait_for(|m| m.to("ann@example.org"))));
}
