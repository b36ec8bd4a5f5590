//! Whole reports, in `golden/`. `UPDATE_EXPECT=1` writes them; they are then read as carefully as code.

use std::path::Path;

use mailwright_core::{Address, EnhancedCode, ReplyCode, Timestamp, TraceId};
use mailwright_message::report::{
    Action, DeliveryReport, Diagnostic, OriginalRecipient, ReportRecipient, Returned, ReturnedPart,
};

const ORIGINAL: &str = "From: Ann <ann@sender.example>\r\nSubject: tea?\r\n\r\nAt four.\r\n";
const ARRIVED: Timestamp = Timestamp(1_767_225_600_000);
const NOW: Timestamp = Timestamp(ARRIVED.0 + 5 * 3_600_000);

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn status(class: u8, subject: u16, detail: u16) -> EnhancedCode {
    EnhancedCode::new(class, subject, detail).unwrap()
}

fn said(code: u16, enhanced: EnhancedCode, text: &str) -> Option<Diagnostic> {
    let code = ReplyCode::new(code).unwrap();
    Some(Diagnostic::Smtp { code, enhanced: Some(enhanced), text: text.to_owned() })
}

fn refused(to: &str) -> ReportRecipient {
    ReportRecipient {
        remote_mta: Some("mx1.dest.example".to_owned()),
        diagnostic: said(550, status(5, 1, 1), "no such user here"),
        last_attempt: Some(NOW),
        ..ReportRecipient::new(address(to), Action::Failed, status(5, 1, 1))
    }
}

fn report(first: ReportRecipient) -> DeliveryReport {
    let mta = "mx.sender.example".parse().unwrap();
    let from = address("postmaster@sender.example");
    let mut report = DeliveryReport::new(mta, from, address("ann@sender.example"), first);
    report.arrived = Some(ARRIVED);
    report.trace = Some(TraceId::new(ARRIVED, [1, 2, 3, 4]));
    report
}

fn returning(report: DeliveryReport, part: ReturnedPart, eight_bit: bool) -> DeliveryReport {
    let end = match part {
        ReturnedPart::Full => ORIGINAL.len(),
        ReturnedPart::Header => ORIGINAL.find("\r\n\r\n").unwrap() + 4,
    };
    let mut report = report;
    report.returned = Some(Returned { part, range: 0..end as u64, eight_bit });
    report
}

/// Compares with `golden/{name}.txt`, where line ends are line feeds.
fn check(name: &str, report: &DeliveryReport) {
    let written = report.write(NOW, [7; 16]);
    let mut octets = written.head.to_vec();
    if let Some(range) = &written.original {
        octets.extend_from_slice(&ORIGINAL.as_bytes()[range.start as usize..range.end as usize]);
    }
    octets.extend_from_slice(&written.tail);
    assert_eq!(octets.len() as u64, written.size());
    let text = String::from_utf8(octets).unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])), "{text}");
    let text = text.replace("\r\n", "\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/golden").join(format!("{name}.txt"));
    #[expect(
        clippy::disallowed_methods,
        reason = "the golden files are read, and written if that is asked for"
    )]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    } else {
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, golden, "{name} differs (UPDATE_EXPECT=1 rewrites it)");
    }
}

#[test]
fn a_refused_recipient() {
    check("refused", &returning(report(refused("bbo@dest.example")), ReturnedPart::Header, false));
}

/// RFC 3461 §6.3: ENVID and ORCPT come back; RFC 3464 §2.3.9: until when it is tried; RET=FULL returns all.
#[test]
fn several_recipients_with_all_parameters() {
    let original =
        OriginalRecipient { address_type: "rfc822".to_owned(), address: "team@dest.example".to_owned() };
    let mut several = report(ReportRecipient { original: Some(original), ..refused("bob@dest.example") });
    several.envelope_id = Some("QQ314159".to_owned());
    several.push(ReportRecipient {
        diagnostic: Some(Diagnostic::Local("no answer from mx.slow.example within 5 minutes".to_owned())),
        last_attempt: Some(NOW),
        ..ReportRecipient::new(
            address("carl@slow.example"),
            Action::Delayed { until: Timestamp(ARRIVED.0 + 5 * 86_400_000) },
            status(4, 4, 1),
        )
    });
    several.push(ReportRecipient {
        remote_mta: Some("mx.old.example".to_owned()),
        diagnostic: said(250, status(2, 0, 0), "queued"),
        ..ReportRecipient::new(address("dora@old.example"), Action::Relayed, status(2, 0, 0))
    });
    check("several", &returning(several, ReturnedPart::Full, true));
}

#[test]
fn what_was_given_up() {
    let expired = ReportRecipient {
        remote_mta: Some("mx1.dest.example".to_owned()),
        diagnostic: said(452, status(4, 2, 2), "mailbox is full\nask bob to make room"),
        last_attempt: Some(NOW),
        ..ReportRecipient::new(address("bob@dest.example"), Action::Expired, status(4, 2, 2))
    };
    check("expired", &report(expired));
}

#[test]
fn deliveries() {
    let delivered = ReportRecipient::new(address("bob@sender.example"), Action::Delivered, status(2, 0, 0));
    let mut delivered = report(delivered);
    delivered.future_release = Some("until;2026-11-23T09:00:00+01:00".to_owned());
    delivered.push(ReportRecipient::new(address("all@sender.example"), Action::Expanded, status(2, 0, 0)));
    check("delivered", &returning(delivered, ReturnedPart::Header, false));
}

/// RFC 6533 §4
#[test]
fn with_utf8() {
    let original =
        OriginalRecipient { address_type: "utf-8".to_owned(), address: "jürgen@dest.example".to_owned() };
    let recipient = ReportRecipient {
        original: Some(original),
        diagnostic: said(550, status(5, 6, 7), "kein SMTPUTF8 für dich"),
        ..refused("bob@dest.example")
    };
    let recipient = ReportRecipient { status: status(5, 6, 7), ..recipient };
    let mut utf8 = returning(report(recipient), ReturnedPart::Header, true);
    utf8.utf8 = true;
    assert!(utf8.write(NOW, [0; 16]).utf8);
    check("utf8", &utf8);
}

/// What a peer says cannot become a field, a part, or a line that is too long.
#[test]
fn a_hostile_reply() {
    let text = "go\r\nBcc: eve@evil.example\r\n\r\n--=07070707070707070707070707070707=--\r\n\u{1b}[2Jthé";
    let recipient = ReportRecipient {
        remote_mta: Some("evil.example\r\nAction: delivered".to_owned()),
        diagnostic: said(554, status(5, 7, 1), text),
        ..refused("bob@dest.example")
    };
    check("hostile", &report(recipient));
}
