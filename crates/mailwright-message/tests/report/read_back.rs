//! The scanner finds in a report what was put in, whatever a peer has said (RFC 6522 §3).

use mailwright_core::{BodyKind, EnhancedCode, ReplyCode, Timestamp};
use mailwright_message::report::{
    Action, DeliveryReport, Diagnostic, OriginalRecipient, ReportRecipient, Returned, ReturnedPart,
};
use mailwright_message::{SectionText, scan};
use proptest::prelude::*;

fn recipient(words: String, remote: String, original: String, reply: bool) -> ReportRecipient {
    let code = ReplyCode::new(550).unwrap();
    let diagnostic = match reply {
        true => Diagnostic::Smtp { code, enhanced: None, text: words },
        false => Diagnostic::Local(words),
    };
    ReportRecipient {
        original: Some(OriginalRecipient { address_type: "rfc822".to_owned(), address: original }),
        remote_mta: Some(remote),
        diagnostic: Some(diagnostic),
        ..ReportRecipient::new(
            "bob@dest.example".parse().unwrap(),
            Action::Failed,
            EnhancedCode::new(5, 0, 0).unwrap(),
        )
    }
}

mailwright_core::properties! {
    #[test]
    fn a_report_has_its_three_parts(
        words in "(\\PC|[\\r\\n\\t\\x00]|--=0){0,60}",
        remote in "(\\PC|[\\r\\n]){0,20}",
        original in "(\\PC|[\\r\\n]){0,20}",
        reply in any::<bool>(),
        count in 1..4usize,
        message in prop::collection::vec(prop::sample::select(b"ab-=:\r\n \xe9".to_vec()), 0..60),
        utf8 in any::<bool>(),
        full in any::<bool>(),
        nonce in any::<[u8; 16]>(),
    ) {
        // A header without an end has the delimiter's CRLF too.
        let message = [b"A: b\r\n\r\n", &message[..]].concat();
        let make = || recipient(words.clone(), remote.clone(), original.clone(), reply);
        let (mta, from, to) = ("mx.example".parse(), "postmaster@mx.example".parse(), "ann@a.example".parse());
        let mut report = DeliveryReport::new(mta.unwrap(), from.unwrap(), to.unwrap(), make());
        (1..count).for_each(|_| report.push(make()));
        report.utf8 = utf8;
        let part = if full { ReturnedPart::Full } else { ReturnedPart::Header };
        report.returned = Some(Returned { part, range: 0..message.len() as u64, eight_bit: !message.is_ascii() });
        let written = report.write(Timestamp(0), nonce);
        prop_assert!(utf8 || written.head.is_ascii());
        let octets = [&written.head[..], &message, &written.tail].concat();
        let lines = std::str::from_utf8(&written.head).unwrap().split("\r\n");
        prop_assert!(lines.clone().all(|line| line.len() <= 998 && !line.contains(['\r', '\n', '\0'])));

        let scan = scan(&octets);
        let structure = scan.body_structure().unwrap();
        let BodyKind::Multipart(parts) = &structure.kind else { panic!("not a multipart") };
        prop_assert_eq!(parts.len(), 3);
        prop_assert!(structure.subtype.eq_ignore_ascii_case(b"report"));
        let section = |part| {
            let range = scan.section(&[part], SectionText::All).unwrap().unwrap();
            &octets[range.start as usize..range.end as usize]
        };
        prop_assert_eq!(section(3), &message[..]);
        let status = std::str::from_utf8(section(2)).unwrap();
        let groups: Vec<&str> = status.trim_end().split("\r\n\r\n").collect();
        prop_assert_eq!(groups.len(), 1 + count, "{}", status);
        for group in &groups[1..] {
            let fields = group.split("\r\n").filter(|line| !line.starts_with(' '));
            let names: Vec<&str> = fields.filter_map(|line| Some(line.split_once(':')?.0)).collect();
            prop_assert_eq!(
                names,
                ["Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"]
            );
        }
    }
}
