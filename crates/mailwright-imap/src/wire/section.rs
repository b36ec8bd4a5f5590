//! The names of what FETCH answers with: `BODY[1.HEADER]<0>` (RFC 9051 §7.5.2).

use mailwright_core::Output;

use super::text::{astring, number};
use crate::types::{Section, SectionName, SectionText};

/// `"BODY" section ["<" number ">"]`, or as the client named it; `origin` is told if it asked for a part of it
pub(crate) fn section(out: &mut Output, section: &Section, name: SectionName, origin: Option<u64>) {
    match name {
        SectionName::Rfc822 => return out.put(b"RFC822"),
        SectionName::Rfc822Header => return out.put(b"RFC822.HEADER"),
        SectionName::Rfc822Text => return out.put(b"RFC822.TEXT"),
        SectionName::Body => out.put(b"BODY["),
    }
    part(out, &section.part);
    if !section.part.is_empty() && section.text != SectionText::All {
        out.put(b".");
    }
    match &section.text {
        SectionText::All => {}
        SectionText::Header => out.put(b"HEADER"),
        SectionText::HeaderFields(names) => header_fields(out, b"HEADER.FIELDS", names),
        SectionText::HeaderFieldsNot(names) => header_fields(out, b"HEADER.FIELDS.NOT", names),
        SectionText::Text => out.put(b"TEXT"),
        SectionText::Mime => out.put(b"MIME"),
    }
    end(out, origin);
}

/// `"BINARY" section-binary ["<" number ">"]`, or `"BINARY.SIZE" section-binary`
pub(crate) fn binary(out: &mut Output, numbers: &[u32], size: bool, origin: Option<u64>) {
    out.put(if size { b"BINARY.SIZE[" } else { b"BINARY[" });
    part(out, numbers);
    end(out, origin);
}

/// `section-part = nz-number *("." nz-number)`
fn part(out: &mut Output, numbers: &[u32]) {
    for (index, &one) in numbers.iter().enumerate() {
        if index > 0 {
            out.put(b".");
        }
        number(out, one.into());
    }
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn header_fields(out: &mut Output, keyword: &[u8], names: &[String]) {
    out.put(keyword);
    out.put(b" (");
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.put(b" ");
        }
        astring(out, name.as_bytes());
    }
    out.put(b")");
}

fn end(out: &mut Output, origin: Option<u64>) {
    out.put(b"]");
    if let Some(origin) = origin {
        out.put(b"<");
        number(out, origin);
        out.put(b">");
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::written;
    use super::*;

    #[test]
    fn sections_are_called_as_they_were_asked_for() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        for (part, text, origin, expected) in [
            (&[][..], SectionText::All, None, "BODY[]"),
            (&[], SectionText::All, Some(0), "BODY[]<0>"),
            (&[], SectionText::Header, None, "BODY[HEADER]"),
            (&[], SectionText::Text, Some(99), "BODY[TEXT]<99>"),
            (&[1, 2], SectionText::All, None, "BODY[1.2]"),
            (&[1, 2], SectionText::Mime, None, "BODY[1.2.MIME]"),
            (
                &[1],
                SectionText::HeaderFields(names(&["FROM", "x y", "a\r\nb"])),
                Some(0),
                r#"BODY[1.HEADER.FIELDS (FROM "x y" {4}\r\na\r\nb)]<0>"#,
            ),
            (&[], SectionText::HeaderFieldsNot(names(&["To"])), None, "BODY[HEADER.FIELDS.NOT (To)]"),
        ] {
            let asked = Section { part: part.to_vec(), text };
            assert_eq!(written(|out| section(out, &asked, SectionName::Body, origin)), expected);
        }
        for (name, expected) in [
            (SectionName::Rfc822, "RFC822"),
            (SectionName::Rfc822Header, "RFC822.HEADER"),
            (SectionName::Rfc822Text, "RFC822.TEXT"),
        ] {
            assert_eq!(written(|out| section(out, &Section::default(), name, None)), expected);
        }
    }

    #[test]
    fn decoded_parts() {
        assert_eq!(written(|out| binary(out, &[], false, None)), "BINARY[]");
        assert_eq!(written(|out| binary(out, &[1, 2], false, Some(7))), "BINARY[1.2]<7>");
        assert_eq!(written(|out| binary(out, &[3], true, None)), "BINARY.SIZE[3]");
    }
}
