//! Known answers: ENVELOPE and BODYSTRUCTURE, written as IMAP would.

use mailwright_core::{BodyKind, BodyStructure, Content, Envelope, EnvelopeAddress};
use mailwright_message::{ScanError, ScanLimits, Scanner, scan};

fn text(octets: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(octets))
}

fn nil(octets: Option<&&[u8]>) -> String {
    octets.map_or("NIL".into(), |octets| text(octets))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "NIL".into() } else { format!("({})", items.join(" ")) }
}

fn addresses(addresses: &[EnvelopeAddress<&[u8]>]) -> String {
    list(addresses.iter().map(|address| {
        let parts = [&address.name, &address.route, &address.mailbox, &address.host];
        list(parts.iter().map(|part| nil(part.as_ref())))
    }))
}

fn envelope(envelope: &Envelope<&[u8]>) -> String {
    let lists = [
        &envelope.from,
        envelope.shown_sender(),
        envelope.shown_reply_to(),
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ];
    let texts = [&envelope.date, &envelope.subject].map(|text| nil(text.as_ref()));
    let ids = [&envelope.in_reply_to, &envelope.message_id].map(|text| nil(text.as_ref()));
    list(texts.into_iter().chain(lists.map(addresses)).chain(ids))
}

fn parameters(parameters: &[(&[u8], &[u8])]) -> String {
    list(parameters.iter().flat_map(|(name, value)| [text(name), text(value)]))
}

fn structure(body: &BodyStructure<&[u8]>) -> String {
    let mut all = Vec::new();
    match &body.kind {
        BodyKind::Multipart(parts) => {
            all.push(parts.iter().map(structure).collect::<String>());
            all.extend([text(body.subtype), parameters(&body.parameters)]);
        }
        BodyKind::Single(part) => {
            all.extend([text(part.media_type), text(body.subtype), parameters(&body.parameters)]);
            all.extend([nil(part.id.as_ref()), nil(part.description.as_ref())]);
            all.extend([text(part.encoding), part.octets.to_string()]);
            match &part.content {
                Content::Text { lines } => all.push(lines.to_string()),
                Content::Message { envelope: inner, body, lines } => {
                    all.extend([envelope(inner), structure(body), lines.to_string()]);
                }
                Content::Other => {}
            }
            all.push(nil(body.md5.as_ref()));
        }
    }
    let disposition = body.disposition.as_ref();
    all.push(disposition.map_or("NIL".into(), |disposition| {
        list([text(disposition.kind), parameters(&disposition.parameters)].into_iter())
    }));
    all.extend([list(body.language.iter().map(|language| text(language))), nil(body.location.as_ref())]);
    format!("({})", all.join(" "))
}

fn has_structure(message: &str, expected: &str) {
    assert_eq!(structure(&scan(message.as_bytes()).body_structure().unwrap()), expected, "{message}");
}

fn has_envelope(header: &str, expected: &str) {
    assert_eq!(envelope(&scan(header.as_bytes()).envelope().unwrap()), expected, "{header}");
}

/// RFC 9051 §7.5.2
#[test]
fn envelopes() {
    has_envelope("", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    has_envelope(
        "Date:  Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nSubject: \r\n afternoon\r\n\tmeeting \r\n\
         From: Ann <a@x.example>\r\nReply-To:\r\nSender: b@x.example\r\nTo: c@d\r\nto: E <e@f>\r\n\
         Message-Id: <1>\r\nMessage-Id: <2>\r\nIn-Reply-To:\r\n\r\nCc: no@header\r\n",
        r#"("Mon, 7 Feb 1994 21:52:25 -0800 (PST)" " afternoon\tmeeting " (("Ann" NIL "a" "x.example")) ((NIL NIL "b" "x.example")) (("Ann" NIL "a" "x.example")) ((NIL NIL "c" "d") ("E" NIL "e" "f")) NIL NIL "" "<2>")"#,
    );
    has_envelope(
        "Bcc: g: a@b;\nnot a field\nSubject : x\n y\n",
        r#"(NIL "x y" NIL NIL NIL NIL NIL ((NIL NIL "g" NIL) (NIL NIL "a" "b") (NIL NIL NIL NIL)) NIL NIL)"#,
    );
}

/// RFC 2045 §5.2, RFC 2183 §2, RFC 9051 §7.5.2
#[test]
fn a_plain_message() {
    has_structure("", r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 0 0 NIL NIL NIL NIL)"#);
    has_structure(
        "Content-Type: nonsense\r\nContent-Transfer-Encoding: two words\r\n\r\na\r\n\r\nb",
        r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 6 2 NIL NIL NIL NIL)"#,
    );
    has_structure(
        "Content-Type: Image/PNG; Name=\"a \\\"b\\\"\"\r\nContent-Transfer-Encoding: BASE64\r\nContent-ID: <x@y> \r\n\
         Content-Description: one\r\n two\r\nContent-MD5: Q2hlY2s=\r\nContent-Language: de, en-GB\r\n\
         Content-Location: http://x.example/\r\nContent-Disposition: attachment; filename*0=a; filename*1=b\r\n\r\naaaa",
        r#"("Image" "PNG" ("Name" "a \"b\"") "<x@y>" "one two" "BASE64" 4 "Q2hlY2s=" ("attachment" ("filename" "ab")) ("de" "en-GB") "http://x.example/")"#,
    );
}

/// RFC 2046 §5.1.1, §5.1.5, §5.2.1
#[test]
fn a_nested_message() {
    has_structure(
        "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n\r\none\r\n\r\n--a \r\n\
         Content-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/digest; boundary=\"b c\"\r\n\r\n\
         --b c\r\n\r\nFrom: a@b\r\n\r\ntwo\r\n--b c\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b c--\r\nepilogue\r\n--a--\r\n",
        r#"(("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 5 1 NIL NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7BIT" 145 (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL) (("message" "rfc822" NIL NIL NIL "7BIT" 16 (NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 3 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)("text" "html" NIL NIL NIL "7BIT" 3 0 NIL NIL NIL NIL) "digest" ("boundary" "b c") NIL NIL NIL) 13 NIL NIL NIL NIL) "mixed" ("boundary" "a") NIL NIL NIL)"#,
    );
}

/// The same with bare LF: octets are fewer, lines are the same.
#[test]
fn bare_line_feeds() {
    let message = "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\ntwo\n--a\nContent-Type: message/rfc822\n\n\
                   Subject: x\n\n--a--\n";
    has_structure(
        message,
        r#"(("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 7 1 NIL NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7BIT" 12 (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 0 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL) "mixed" ("boundary" "a") NIL NIL NIL)"#,
    );
}

#[test]
fn a_container_without_parts_has_an_empty_one() {
    let empty = r#"(("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 0 0 NIL NIL NIL NIL) "mixed" NIL NIL NIL NIL)"#;
    has_structure("Content-Type: multipart/mixed\r\n\r\nx\r\n", empty);
    has_structure("Content-Type: multipart/mixed\r\n", empty);
    let with_boundary = empty.replace(r#""mixed" NIL"#, r#""mixed" ("boundary" "a")"#);
    has_structure("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a--", &with_boundary);
}

#[test]
fn what_is_too_deep_is_opaque() {
    let mut scanner = Scanner::new({
        let mut limits = ScanLimits::default();
        limits.depth = 1;
        limits
    });
    scanner.feed(
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
          --b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a--\r\n",
    );
    let scan = scanner.finish();
    assert!(scan.is_limited());
    assert_eq!(
        structure(&scan.body_structure().unwrap()),
        r#"(("application" "octet-stream" NIL NIL NIL "7BIT" 10 NIL NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 3 0 NIL NIL NIL NIL) "mixed" ("boundary" "a") NIL NIL NIL)"#
    );
}

/// Its depth is bounded whatever is asked for: to read it recurses.
#[test]
fn the_deepest() {
    let mut limits = ScanLimits::default();
    limits.depth = usize::MAX;
    for header in [
        "Content-Type: message/rfc822\r\n\r\n",
        "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\n",
    ] {
        let mut scanner = Scanner::new(limits.clone());
        scanner.feed(header.repeat(10_000).as_bytes());
        let scan = scanner.finish();
        assert!(scan.is_limited());
        let (mut body, mut depth) = (scan.body_structure().unwrap(), 0);
        loop {
            body = match body.kind {
                BodyKind::Multipart(mut parts) => parts.remove(0),
                BodyKind::Single(part) => match part.content {
                    Content::Message { body, .. } => *body,
                    _ => break,
                },
            };
            depth += 1;
        }
        assert_eq!(depth, 250);
    }
}

#[test]
fn what_does_not_fit_is_left_out_in_order() {
    let to: String = (0..100).map(|number| format!("user{number}@x.example,\r\n ")).collect();
    let message = format!("Date: 1 Jan 2000 00:00:00 +0100\r\nTo: {to}\r\nContent-Type: text/plain\r\n\r\nx");
    let whole = scan(message.as_bytes());
    let octets = whole.octets().len();
    assert_eq!(whole.fit(octets), whole);
    let fewer = whole.fit(octets - 1);
    assert_eq!(fewer.envelope(), whole.envelope());
    assert_eq!(fewer.body_structure(), Err(ScanError::LeftOut));
    assert_eq!(fewer.part(&[1]), Err(ScanError::LeftOut));
    let least = whole.fit(200);
    assert!(least.octets().len() < 40);
    assert_eq!(least.envelope(), Err(ScanError::LeftOut));
    for fitted in [&fewer, &least] {
        assert_eq!((fitted.header_range(), fitted.size()), (whole.header_range(), whole.size()));
        assert_eq!((fitted.sent(), fitted.is_limited()), (whole.sent(), false));
        assert_eq!(fitted.fit(0), least);
    }
    assert_eq!(whole.sent().unwrap().unix_seconds(), 946_681_200);
}
