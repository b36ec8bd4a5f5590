//! BODY and BODYSTRUCTURE (RFC 9051 §7.5.2).

use mailwright_core::{BodyKind, BodyStructure, Content, Disposition, Envelope, Output, SinglePart};

use super::envelope::envelope;
use super::text::{nstring, number, string};

/// A part of no octets, for one that is missing where there has to be one.
const NO_PART: &[u8] = br#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0)"#;

/// `body = "(" (body-type-1part / body-type-mpart) ")"`, for BODYSTRUCTURE `extended`
pub(crate) fn body<T: AsRef<[u8]>>(out: &mut Output, part: &BodyStructure<T>, extended: bool) {
    out.put(b"(");
    match &part.kind {
        BodyKind::Multipart(parts) => multipart(out, part, parts, extended),
        BodyKind::Single(single) => single_part(out, part, single, extended),
    }
    if extended {
        // What follows body-fld-md5 and body-fld-param is the same.
        out.put(b" ");
        disposition(out, part.disposition.as_ref());
        out.put(b" ");
        language(out, &part.language);
        out.put(b" ");
        nstring(out, part.location.as_ref());
    }
    out.put(b")");
}

/// `body-type-mpart = 1*body SP media-subtype [SP body-fld-param ...]`
fn multipart<T: AsRef<[u8]>>(
    out: &mut Output,
    part: &BodyStructure<T>,
    parts: &[BodyStructure<T>],
    extended: bool,
) {
    if parts.is_empty() {
        out.put(NO_PART);
    }
    for part in parts {
        body(out, part, extended);
    }
    out.put(b" ");
    string(out, &part.subtype);
    if extended {
        out.put(b" ");
        parameters(out, &part.parameters);
    }
}

/// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-fld-md5 ...]`
fn single_part<T: AsRef<[u8]>>(
    out: &mut Output,
    part: &BodyStructure<T>,
    single: &SinglePart<T>,
    extended: bool,
) {
    string(out, &single.media_type);
    out.put(b" ");
    string(out, &part.subtype);
    out.put(b" ");
    parameters(out, &part.parameters);
    out.put(b" ");
    nstring(out, single.id.as_ref());
    out.put(b" ");
    nstring(out, single.description.as_ref());
    out.put(b" ");
    string(out, &single.encoding);
    out.put(b" ");
    number(out, single.octets);
    // Clients go by the media type: what is told besides has to fit it, whatever the application gives.
    if is(&single.media_type, b"TEXT") {
        let lines = if let Content::Text { lines } = single.content { lines } else { 0 };
        out.put(b" ");
        number(out, lines);
    } else if is(&single.media_type, b"MESSAGE")
        && (is(&part.subtype, b"RFC822") || is(&part.subtype, b"GLOBAL"))
    {
        message(out, &single.content, extended);
    }
    if extended {
        out.put(b" ");
        nstring(out, part.md5.as_ref());
    }
}

/// `SP envelope SP body SP body-fld-lines`
fn message<T: AsRef<[u8]>>(out: &mut Output, content: &Content<T>, extended: bool) {
    out.put(b" ");
    if let Content::Message { envelope: inner, body: structure, lines } = content {
        envelope(out, inner);
        out.put(b" ");
        body(out, structure, extended);
        out.put(b" ");
        number(out, *lines);
    } else {
        envelope(out, &Envelope::<&[u8]>::default());
        out.put(b" ");
        out.put(NO_PART);
        out.put(b" 0");
    }
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
fn parameters<T: AsRef<[u8]>>(out: &mut Output, parameters: &[(T, T)]) {
    if parameters.is_empty() {
        return out.put(b"NIL");
    }
    for (index, (name, value)) in parameters.iter().enumerate() {
        out.put(if index == 0 { b"(" } else { b" " });
        string(out, name);
        out.put(b" ");
        string(out, value);
    }
    out.put(b")");
}

/// `body-fld-dsp = "(" string SP body-fld-param ")" / nil`
fn disposition<T: AsRef<[u8]>>(out: &mut Output, disposition: Option<&Disposition<T>>) {
    let Some(disposition) = disposition else { return out.put(b"NIL") };
    out.put(b"(");
    string(out, &disposition.kind);
    out.put(b" ");
    parameters(out, &disposition.parameters);
    out.put(b")");
}

/// `body-fld-lang = nstring / "(" string *(SP string) ")"`
fn language<T: AsRef<[u8]>>(out: &mut Output, languages: &[T]) {
    match languages {
        [] => out.put(b"NIL"),
        [one] => string(out, one),
        several => {
            for (index, one) in several.iter().enumerate() {
                out.put(if index == 0 { b"(" } else { b" " });
                string(out, one);
            }
            out.put(b")");
        }
    }
}

fn is(name: &impl AsRef<[u8]>, other: &[u8]) -> bool {
    name.as_ref().eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::text::tests::written;
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn part(kind: BodyKind, subtype: &'static str) -> BodyStructure {
        BodyStructure {
            kind,
            subtype: bytes(subtype),
            parameters: Vec::new(),
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }

    fn single(media_type: &'static str, subtype: &'static str, content: Content) -> BodyStructure {
        let single = SinglePart {
            media_type: bytes(media_type),
            id: None,
            description: None,
            encoding: bytes("7BIT"),
            octets: 2279,
            content,
        };
        part(BodyKind::Single(Box::new(single)), subtype)
    }

    fn both(structure: &BodyStructure) -> [String; 2] {
        [false, true].map(|extended| written(|out| body(out, structure, extended)))
    }

    /// The example of RFC 9051 §7.5.2
    #[test]
    fn a_text() {
        let mut text = single("TEXT", "PLAIN", Content::Text { lines: 48 });
        text.parameters = vec![(bytes("CHARSET"), bytes("US-ASCII"))];
        assert_eq!(
            both(&text),
            [
                r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2279 48)"#,
                r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2279 48 NIL NIL NIL NIL)"#,
            ]
        );
    }

    #[test]
    fn all_that_can_be_told() {
        let mut image = single("image", "png", Content::Other);
        image.parameters = vec![(bytes("name"), bytes("a\"b.png")), (bytes("x"), bytes(""))];
        image.md5 = Some(bytes("Q2hlY2sgSW50ZWdyaXR5IQ=="));
        image.disposition = Some(Disposition {
            kind: bytes("attachment"),
            parameters: vec![(bytes("filename"), bytes("x\r\n* BYE"))],
        });
        image.language = vec![bytes("de"), bytes("en")];
        image.location = Some(bytes("http://example.org/"));
        assert_eq!(
            both(&image),
            [
                r#"("image" "png" ("name" "a\"b.png" "x" "") NIL NIL "7BIT" 2279)"#,
                r#"("image" "png" ("name" "a\"b.png" "x" "") NIL NIL "7BIT" 2279 "Q2hlY2sgSW50ZWdyaXR5IQ==" ("attachment" ("filename" {8}\r\nx\r\n* BYE)) ("de" "en") "http://example.org/")"#,
            ]
        );
        image.language.truncate(1);
        assert!(both(&image)[1].contains(r#")) "de" "http"#));
    }

    #[test]
    fn several_parts() {
        let mut mixed = part(
            BodyKind::Multipart(vec![
                single("TEXT", "PLAIN", Content::Text { lines: 1 }),
                part(BodyKind::Multipart(vec![single("A", "B", Content::Other)]), "related"),
            ]),
            "mixed",
        );
        mixed.parameters = vec![(bytes("boundary"), bytes("x"))];
        assert_eq!(
            both(&mixed),
            [
                r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 2279 1)(("A" "B" NIL NIL NIL "7BIT" 2279) "related") "mixed")"#,
                r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 2279 1 NIL NIL NIL NIL)(("A" "B" NIL NIL NIL "7BIT" 2279 NIL NIL NIL NIL) "related" NIL NIL NIL NIL) "mixed" ("boundary" "x") NIL NIL NIL)"#,
            ]
        );
    }

    #[test]
    fn a_message_inside() {
        let content = Content::Message {
            envelope: Box::default(),
            body: Box::new(single("TEXT", "PLAIN", Content::Text { lines: 1 })),
            lines: 9,
        };
        assert_eq!(
            both(&single("message", "rfc822", content))[0],
            r#"("message" "rfc822" NIL NIL NIL "7BIT" 2279 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 2279 1) 9)"#
        );
    }

    #[test]
    fn what_does_not_fit_is_made_to() {
        for (structure, expected) in [
            (
                part(BodyKind::Multipart(Vec::new()), "mixed"),
                r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0) "mixed")"#,
            ),
            (single("text", "html", Content::Other), r#"("text" "html" NIL NIL NIL "7BIT" 2279 0)"#),
            (single("a", "b", Content::Text { lines: 1 }), r#"("a" "b" NIL NIL NIL "7BIT" 2279)"#),
            (
                single("message", "GLOBAL", Content::Other),
                r#"("message" "GLOBAL" NIL NIL NIL "7BIT" 2279 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0) 0)"#,
            ),
            (
                single("message", "partial", Content::Other),
                r#"("message" "partial" NIL NIL NIL "7BIT" 2279)"#,
            ),
        ] {
            assert_eq!(both(&structure)[0], expected);
        }
    }
}
