//! What we find in 172 odd messages is what Dovecot and Cyrus find in them, wherever those two agree.

use std::fs;
use std::ops::Range;
use std::path::Path;

use mailwright_core::{BodyKind, BodyStructure, Content, Envelope, EnvelopeAddress};
use mailwright_message::{Scan, ScanLimits, Scanner, SectionText};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use crate::support::data::data;

/// As many as `shared/data/README.md` says there are.
const FACTS: usize = 2_956;

#[test]
fn two_servers_agree_with_us() {
    let Some(folder) = data("mime") else { return };
    let oracle = fs::read(folder.join("oracle.json")).unwrap();
    let oracle: Map<String, Value> = serde_json::from_slice(&oracle).unwrap();
    let (mut compared, mut different) = (0, Vec::new());
    for (name, facts) in &oracle {
        let message = Message::read(&folder.join(name));
        for (fact, expected) in facts.as_object().unwrap() {
            compared += 1;
            let found = message.fact(fact);
            if found != *expected {
                different.push(format!("{name}: {fact}\n  they: {expected}\n  we:   {found}"));
            }
        }
    }
    println!("mime oracle: {compared} facts of {} messages compared", oracle.len());
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert_eq!(compared, FACTS);
}

struct Message {
    octets: Vec<u8>,
    scan: Scan,
}

impl Message {
    /// With CRLF, as it is after APPEND.
    fn read(path: &Path) -> Self {
        let mut octets = Vec::new();
        for line in fs::read(path).unwrap().split_inclusive(|octet| *octet == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => octets.extend([line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat()),
                None => octets.extend_from_slice(line),
            }
        }
        // As a store keeps it.
        let scan = scan(&octets);
        let scan = Scan::decode(Scan::VERSION, scan.octets().clone()).unwrap();
        Self { octets, scan }
    }

    fn fact(&self, fact: &str) -> Value {
        if let Some(field) = fact.strip_prefix("env.") {
            return field_of(&self.scan.envelope().unwrap(), field);
        }
        let part =
            |numbers: &str| numbers.split('.').map(|number| number.parse().unwrap()).collect::<Vec<_>>();
        match fact.split_once('.') {
            None => match fact {
                "size" => json!(self.scan.size().to_string()),
                // BODY[] is what was appended.
                "roundtrip" => json!(self.section(&[], SectionText::All) == self.octets),
                "hdr" => hash(self.section(&[], SectionText::Header)),
                "text" => hash(self.section(&[], SectionText::Text)),
                "bs" => structure(&self.scan.body_structure().unwrap()),
                _ => panic!("what is {fact}?"),
            },
            Some(("part", numbers)) => hash(self.section(&part(numbers), SectionText::All)),
            Some(("mime", numbers)) => hash(self.section(&part(numbers), SectionText::Mime)),
            Some(_) => panic!("what is {fact}?"),
        }
    }

    fn section(&self, part: &[u32], text: SectionText) -> &[u8] {
        let range = self.scan.section(part, text).unwrap();
        let Range { start, end } = range.unwrap_or_default();
        &self.octets[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]
    }
}

/// In pieces, as it arrives.
fn scan(message: &[u8]) -> Scan {
    let mut scanner = Scanner::new(ScanLimits::default());
    for piece in message.chunks(17) {
        scanner.feed(piece);
    }
    scanner.finish()
}

/// The beginning of the SHA-1, and the length: that of Python's text, in which each octet that is no UTF-8 is
/// a character.
fn hash(octets: &[u8]) -> Value {
    let digest = Sha1::digest(octets);
    let hex: String = digest.iter().take(6).map(|octet| format!("{octet:02x}")).collect();
    let characters = |chunk: std::str::Utf8Chunk<'_>| chunk.valid().chars().count() + chunk.invalid().len();
    json!(format!("{hex}:{}", octets.utf8_chunks().map(characters).sum::<usize>()))
}

fn text(octets: impl AsRef<[u8]>) -> Value {
    json!(String::from_utf8_lossy(octets.as_ref()))
}

fn lower(octets: impl AsRef<[u8]>) -> Value {
    text(octets.as_ref().to_ascii_lowercase())
}

fn or_null(octets: Option<&&[u8]>) -> Value {
    octets.map_or(Value::Null, text)
}

fn field_of(envelope: &Envelope<&[u8]>, field: &str) -> Value {
    let list = |addresses: &[EnvelopeAddress<&[u8]>]| {
        if addresses.is_empty() {
            return Value::Null;
        }
        let parts = |address: &EnvelopeAddress<&[u8]>| {
            let parts = [&address.name, &address.route, &address.mailbox, &address.host];
            json!(parts.map(|part| or_null(part.as_ref())))
        };
        addresses.iter().map(parts).collect()
    };
    match field {
        "date" => or_null(envelope.date.as_ref()),
        "subject" => or_null(envelope.subject.as_ref()),
        "in-reply-to" => or_null(envelope.in_reply_to.as_ref()),
        "message-id" => or_null(envelope.message_id.as_ref()),
        "from" => list(&envelope.from),
        "sender" => list(envelope.shown_sender()),
        "reply-to" => list(envelope.shown_reply_to()),
        "to" => list(&envelope.to),
        "cc" => list(&envelope.cc),
        "bcc" => list(&envelope.bcc),
        _ => panic!("what is {field}?"),
    }
}

fn structure(body: &BodyStructure<&[u8]>) -> Value {
    let subtype = lower(body.subtype);
    let part = match &body.kind {
        BodyKind::Multipart(parts) => {
            return json!(["multipart", subtype, parts.iter().map(structure).collect::<Vec<_>>()]);
        }
        BodyKind::Single(part) => part,
    };
    let mut parameters: Vec<_> =
        body.parameters.iter().map(|(name, value)| [lower(name), text(value)]).collect();
    parameters.sort_by_key(|[name, value]| (name.to_string(), value.to_string()));
    let mut all = vec![
        lower(part.media_type),
        subtype,
        json!(parameters),
        or_null(part.id.as_ref()),
        or_null(part.description.as_ref()),
        lower(part.encoding),
        json!(part.octets.to_string()),
    ];
    match &part.content {
        Content::Text { lines } => all.push(json!(lines.to_string())),
        Content::Message { body, .. } => all.push(structure(body)),
        Content::Other => {}
    }
    Value::Array(all)
}
