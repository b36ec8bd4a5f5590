//! What a server does not take is encoded, and nothing is lost by it.

use mailwright_core::testing::Budget;
use mailwright_core::{BodyKind, BodyStructure, Content};
use mailwright_message::conversion::{Carries, Converter, NotConvertible, Survey, Surveyed};
use mailwright_message::{Scan, ScanLimits, TransferDecoder, TransferEncoding, scan};
use proptest::prelude::*;

fn survey(message: &[u8], carries: Carries, step: usize) -> Surveyed {
    let mut survey = Survey::new(carries, ScanLimits::default());
    message.chunks(step).for_each(|piece| survey.feed(piece));
    survey.finish()
}

fn convert(message: &[u8], carries: Carries, step: usize) -> Result<Vec<u8>, NotConvertible> {
    let conversion = survey(message, carries, step).conversion?;
    let (mut converter, mut out) = (Converter::new(&conversion), Vec::new());
    message.chunks(step).for_each(|piece| converter.feed(piece, &mut out));
    if conversion.is_empty() {
        assert_eq!(out, message);
    }
    Ok(out)
}

fn check(message: &str, carries: Carries, expected: Result<&str, NotConvertible>) {
    let message = message.replace('\n', "\r\n");
    let expected = expected.map(|expected| expected.replace('\n', "\r\n"));
    for step in [1, 7, message.len().max(1)] {
        let converted = convert(message.as_bytes(), carries, step);
        let converted = converted.map(|converted| String::from_utf8(converted).unwrap());
        assert_eq!(converted, expected, "in pieces of {step}");
    }
}

#[test]
fn text_becomes_quoted_printable() {
    check(
        "Subject: x\nMIME-Version: 1.0\nContent-Transfer-Encoding:\n 8bit\nContent-Type: text/plain; charset=utf-8\n\n\
         a=b é \n",
        Carries::SevenBit,
        Ok("Subject: x\nMIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\
            Content-Type: text/plain; charset=utf-8\n\na=3Db =C3=A9=20\n"),
    );
}

#[test]
fn what_says_nothing_of_itself_says_it_then() {
    check(
        "Subject: x\n\né\n",
        Carries::SevenBit,
        Ok("Subject: x\nContent-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n=C3=A9\n"),
    );
    check(
        "Content-Type: message/rfc822\nMIME-Version: 1.0\n\nSubject: x\n\né\n",
        Carries::SevenBit,
        Ok("Content-Type: message/rfc822\nMIME-Version: 1.0\n\nSubject: x\n\
            Content-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\n=C3=A9\n"),
    );
}

#[test]
fn other_things_and_what_is_binary_become_base64() {
    check(
        "Content-Type: image/png\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\né\n",
        Carries::SevenBit,
        Ok("Content-Type: image/png\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nw6kNCg==\n"),
    );
    check(
        "MIME-Version: 1.0\nContent-Transfer-Encoding: BINARY\n\nfoo\0",
        Carries::EightBit,
        Ok("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nZm9vAA==\n"),
    );
}

#[test]
fn what_is_fit_stays_and_no_label_promises_more() {
    let labelled = |label| format!("MIME-Version: 1.0\nContent-Transfer-Encoding: {label}\n\na\n");
    for (label, carries, expected) in [
        ("7bit", Carries::SevenBit, "7bit"),
        ("8bit", Carries::SevenBit, "7bit"),
        ("binary", Carries::SevenBit, "7bit"),
        ("8bit", Carries::EightBit, "8bit"),
        ("binary", Carries::EightBit, "8bit"),
        ("base64", Carries::SevenBit, "base64"),
        ("x-uuencode", Carries::SevenBit, "x-uuencode"),
    ] {
        check(&labelled(label), carries, Ok(&labelled(expected)));
    }
    let eight_bit = "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\né\n";
    check(eight_bit, Carries::EightBit, Ok(eight_bit));
    let long = format!("MIME-Version: 1.0\n\n{}\n", "x".repeat(999));
    let lines = format!("{0}=\n", "x".repeat(75)).repeat(13) + &"x".repeat(24);
    check(
        &long,
        Carries::EightBit,
        Ok(&format!("MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\n{lines}\n")),
    );
}

#[test]
fn parts_are_encoded_one_by_one() {
    check(
        "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\nContent-Type: multipart/mixed; boundary=\"x y\"\n\n\
         before\n--x y\n\né\n--x y\nContent-Type: application/x\n\né\n\n--x y\nContent-Type: message/rfc822\n\
         Content-Transfer-Encoding: 8bit\n\nSubject: y\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\nß\n\
         --x y\n\nplain\n--x y--\nbehind\n",
        Carries::SevenBit,
        Ok(
            "MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\nContent-Type: multipart/mixed; boundary=\"x y\"\n\n\
            before\n--x y\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9\n--x y\nContent-Type: application/x\n\
            Content-Transfer-Encoding: base64\n\nw6kNCg==\n--x y\nContent-Type: message/rfc822\n\
            Content-Transfer-Encoding: 7bit\n\nSubject: y\nMIME-Version: 1.0\n\
            Content-Transfer-Encoding: quoted-printable\n\n=C3=9F\n--x y\n\nplain\n--x y--\nbehind\n",
        ),
    );
}

#[test]
fn what_is_badly_encoded_is_encoded_anew() {
    check(
        "MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\nö=C3=A9\n",
        Carries::SevenBit,
        Ok("MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\n=C3=B6=C3=A9\n"),
    );
    check(
        "MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nZmöv\n",
        Carries::SevenBit,
        Ok("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nZms=\n"),
    );
}

#[test]
fn what_is_signed_stays() {
    let parts = |text: &str| {
        format!(
            "Content-Type: multipart/signed; boundary=x\nContent-Transfer-Encoding: 8bit\n\n\
             --x\nContent-Transfer-Encoding: 8bit\n\n{text}\n--x\n\nsignature\n--x--\n"
        )
    };
    check(&parts("é"), Carries::SevenBit, Err(NotConvertible::Signed));
    check(&parts("é"), Carries::EightBit, Ok(&parts("é")));
    let expected = parts("e").replacen("Encoding: 8bit", "Encoding: 7bit", 1);
    check(&parts("e"), Carries::SevenBit, Ok(&expected));

    let whole = |text: &str| format!("DKIM-Signature: v=1\nContent-Transfer-Encoding: 8bit\n\n{text}\n");
    check(&whole("é"), Carries::SevenBit, Err(NotConvertible::Signed));
    check(&whole("e"), Carries::SevenBit, Ok(&whole("e")));
}

#[test]
fn what_cannot_be_changed_is_said_to_be_so() {
    use NotConvertible::{Header, Limits, Lines, Part};
    let deep = "Content-Type: multipart/mixed; boundary=x\n\n--x\n".repeat(101);
    for (message, expected) in [
        ("Subject: é\n\n", Header),
        ("Content-Type: multipart/mixed; boundary=x\n\né\n--x\n", Header),
        ("Subject: \0\n\n", Lines),
        ("Subject: x\n y\rz\n\n", Lines),
        (&format!("{}\n\n", "x".repeat(999)), Lines),
        ("Content-Transfer-Encoding: x-uuencode\n\né\n", Part),
        ("Content-Type: message/partial\n\né\n", Part),
        ("Content-Type: multipart/mixed\n\né\n", Part),
        ("Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 7bit\n\né\n", Part),
        (&deep, Limits),
        (&format!("Content-Type: {}\n\n", "x\n ".repeat(200_000)), Limits),
    ] {
        let message = message.replace('\n', "\r\n");
        let surveyed = survey(message.as_bytes(), Carries::SevenBit, 1000);
        assert_eq!(surveyed.conversion, Err(expected), "{message:.100}");
        assert_eq!(surveyed.ascii_headers, !matches!(expected, Limits) && !message.starts_with("Subject: é"));
    }
    for lf in
        ["Subject: x\n\r\ny", "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\n--x--\r\n"]
    {
        assert_eq!(survey(lf.as_bytes(), Carries::EightBit, 1).conversion, Err(Lines), "{lf:?}");
    }
}

/// Octets that are of interest in a body.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b"\0",
        b"--",
        b"--b",
        b" ",
        b"\t",
        b"=",
        b".",
        b"=C3",
        b"\xc3\xa9",
        b"text",
    ];
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat()),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => "[a-z ]{0,90}(é|\r\n)?".prop_map(String::into_bytes),
        1 => (900..1100usize).prop_map(|count| vec![b'x'; count]),
    ]
}

fn leaf() -> impl Strategy<Value = Vec<u8>> {
    let types = vec![
        "",
        "Content-Type: text/html\r\n",
        "Content-Type: image/png\r\n",
        "Content-Type: message/partial\r\n",
    ];
    let labels = vec!["", "7bit", "8bit", "binary", "quoted-printable", "base64", "x-other"];
    let fields = (prop::sample::select(types), prop::sample::select(labels));
    (fields, octets()).prop_map(|((media, label), body)| {
        let label =
            if label.is_empty() { String::new() } else { format!("Content-Transfer-Encoding: {label}\r\n") };
        [media.as_bytes(), label.as_bytes(), b"\r\n", &body].concat()
    })
}

/// A message, with parts within parts.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let entity = leaf().prop_recursive(3, 12, 4, |inner| {
        let subtype = prop::sample::select(vec!["mixed", "digest", "signed"]);
        let boundary = prop::sample::select(vec!["b1", "b2", "bb3"]);
        let parts = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            3 => (subtype, boundary, parts, any::<bool>()).prop_map(|(subtype, boundary, parts, is_closed)| {
                let head = format!("Content-Type: multipart/{subtype}; boundary={boundary}\r\n\r\n");
                let mut entity = head.into_bytes();
                for part in parts {
                    entity.extend(format!("\r\n--{boundary}\r\n").bytes().chain(part));
                }
                entity.extend(if is_closed { format!("\r\n--{boundary}--\r\n") } else { String::new() }.bytes());
                entity
            }),
            1 => inner.prop_map(|inner| [b"Content-Type: message/rfc822\r\n\r\n", &inner[..]].concat()),
        ]
    });
    prop_oneof![
        4 => entity,
        1 => octets(),
    ]
}

/// The numbers of all parts without parts.
fn leaves(part: &BodyStructure<&[u8]>, at: &mut Vec<u32>, found: &mut Vec<Vec<u32>>) {
    match &part.kind {
        BodyKind::Multipart(parts) => {
            for (number, part) in (1..).zip(parts) {
                at.push(number);
                leaves(part, at, found);
                at.pop();
            }
        }
        BodyKind::Single(single) => {
            let is_only = at.is_empty();
            if is_only {
                at.push(1);
            }
            match &single.content {
                Content::Message { body, .. } if matches!(body.kind, BodyKind::Multipart(_)) => {
                    leaves(body, at, found);
                }
                Content::Message { body, .. } => {
                    at.push(1);
                    leaves(body, at, found);
                    at.pop();
                }
                _ => found.push(at.clone()),
            }
            if is_only {
                at.pop();
            }
        }
    }
}

/// What all parts without parts say when their encoding is undone.
fn decoded(message: &[u8], scan: &Scan) -> Vec<Option<Vec<u8>>> {
    let mut paths = Vec::new();
    leaves(&scan.body_structure().unwrap(), &mut Vec::new(), &mut paths);
    let decode = |path: &Vec<u32>| {
        let part = scan.part(path).unwrap()?;
        let body =
            &message[usize::try_from(part.body.start).unwrap()..usize::try_from(part.body.end).unwrap()];
        let (mut decoder, mut out) =
            (TransferDecoder::new(part.encoding.unwrap_or(TransferEncoding::Identity)), vec![]);
        decoder.feed(body, &mut out);
        decoder.finish(&mut out);
        Some(out)
    };
    paths.iter().map(decode).collect()
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(500).seconds(2).long(100_000))]

    #[test]
    fn nothing_is_lost_and_all_is_fit(message in message(), step in 1..50usize) {
        for carries in [Carries::SevenBit, Carries::EightBit] {
            let found = survey(&message, carries, message.len().max(1));
            prop_assert_eq!(&survey(&message, carries, step), &found);
            let Ok(converted) = convert(&message, carries, step) else { continue };
            let whole = convert(&message, carries, message.len().max(1));
            prop_assert_eq!(whole.as_ref(), Ok(&converted));
            let shown = converted.escape_ascii();
            prop_assert_eq!(
                decoded(&converted, &scan(&converted)), decoded(&message, &scan(&message)), "{}", shown
            );
            if carries == Carries::SevenBit {
                prop_assert!(converted.is_ascii(), "{}", shown);
            }
            for line in converted.split(|octet| *octet == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                prop_assert!(line.len() <= 998 && !line.contains(&b'\r') && !line.contains(&0), "{}", shown);
            }
            let bare = (0..converted.len()).any(|at| converted[at] == b'\n' && (at == 0 || converted[at - 1] != b'\r'));
            prop_assert!(!bare, "{}", shown);
            // What is fit is left alone from then on.
            prop_assert!(survey(&converted, carries, step).conversion.is_ok_and(|left| left.is_empty()), "{}", shown);
        }
    }
}
