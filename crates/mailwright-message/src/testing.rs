//! For fuzzers and tests.

use std::ops::Range;

use bytes::Bytes;
use mailwright_core::{BodyKind, BodyStructure, Content};

use crate::error::ScanError;
use crate::limits::ScanLimits;
use crate::scan::Scan;
use crate::scanner::Scanner;
use crate::search::envelope::EnvelopeField;
use crate::search::needle::Needle;
use crate::search::text::{SearchScope, TextSearch};
use crate::section::{SectionText, filter_header};
use crate::submission::{Fed, HeaderLimits, HeaderReader, InvalidHeader, SubmittedHeader};
use crate::transfer::TransferDecoder;

/// Parts that are looked at closely; to find one takes the longer the more there are.
const PARTS: usize = 100;

/// Takes any octets for a message, and for a scan, and reads all there is to read in them.
///
/// # Panics
/// If what is found contradicts itself; that is what it looks for.
pub fn exercise(octets: &[u8]) {
    let scan = pieces(octets, usize::MAX);
    let piece = octets.first().map_or(1, |first| 1 + usize::from(first % 16));
    assert_eq!(scan, pieces(octets, piece), "in pieces of {piece}");
    assert_eq!(Scan::decode(Scan::VERSION, scan.octets().clone()), Ok(scan.clone()));
    message(&scan, octets);
    assert_eq!(submitted(octets, usize::MAX), submitted(octets, piece), "in pieces of {piece}");
    for limit in [0, 40, 100] {
        let fitted = scan.fit(limit);
        assert!(fitted.octets().len() <= limit.max(40));
        assert_eq!(fitted.section(&[], SectionText::Header), Ok(Some(scan.header_range())));
        assert_eq!((fitted.sent(), fitted.size()), (scan.sent(), scan.size()));
    }
    if let Ok(damaged) = Scan::decode(Scan::VERSION, Bytes::copy_from_slice(octets)) {
        // Whatever it says, it says it without a panic.
        let _ = (read_all(&damaged), damaged.fit(64).envelope());
    }
}

fn pieces(octets: &[u8], piece: usize) -> Scan {
    let mut scanner = Scanner::new(ScanLimits::default());
    octets.chunks(piece).for_each(|piece| scanner.feed(piece));
    scanner.finish()
}

/// The header as one that a user submits, and how many octets it has.
fn submitted(octets: &[u8], piece: usize) -> Result<(SubmittedHeader, usize), InvalidHeader> {
    let (mut reader, mut fed) = (HeaderReader::new(HeaderLimits::default()), 0);
    for piece in octets.chunks(piece) {
        match reader.feed(piece)? {
            Fed::More(more) => (reader, fed) = (more, fed + piece.len()),
            Fed::Whole { header, taken } => return Ok((header, fed + taken)),
        }
    }
    Ok((reader.finish()?, fed))
}

fn read_all(scan: &Scan) -> Result<Vec<Vec<u32>>, ScanError> {
    scan.envelope()?;
    let mut paths = Vec::new();
    walk(&scan.body_structure()?, &mut Vec::new(), &mut paths);
    for path in &paths {
        scan.part(path)?;
        for text in [SectionText::All, SectionText::Header, SectionText::Text, SectionText::Mime] {
            scan.section(path, text)?;
        }
    }
    for scope in [SearchScope::Body, SearchScope::Text] {
        TextSearch::new(Needle::new("x"), scope).begin(scan)?;
    }
    Ok(paths)
}

/// The numbers of parts.
fn walk(part: &BodyStructure<&[u8]>, at: &mut Vec<u32>, paths: &mut Vec<Vec<u32>>) {
    if paths.len() >= PARTS {
        return;
    }
    match &part.kind {
        BodyKind::Multipart(parts) => {
            if !at.is_empty() {
                paths.push(at.clone());
            }
            for (number, part) in (1..).zip(parts) {
                at.push(number);
                walk(part, at, paths);
                at.pop();
            }
        }
        BodyKind::Single(single) => {
            let is_only = at.is_empty();
            if is_only {
                at.push(1);
            }
            paths.push(at.clone());
            if let Content::Message { body, .. } = &single.content {
                inner(body, at, paths);
            }
            if is_only {
                at.pop();
            }
        }
    }
}

/// A message within the message has no number of its own; if it is no multipart, its body has.
fn inner(body: &BodyStructure<&[u8]>, at: &mut Vec<u32>, paths: &mut Vec<Vec<u32>>) {
    match &body.kind {
        BodyKind::Multipart(parts) => {
            for (number, part) in (1..).zip(parts) {
                at.push(number);
                walk(part, at, paths);
                at.pop();
            }
        }
        BodyKind::Single(_) => {
            at.push(1);
            walk(body, at, paths);
            at.pop();
        }
    }
}

fn message(scan: &Scan, octets: &[u8]) {
    assert_eq!(usize::try_from(scan.size()), Ok(octets.len()));
    let slice = |range: Range<u64>| {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let slice = octets.get(place(range.start)..place(range.end));
        assert!(slice.is_some(), "{range:?} of {}", octets.len());
        slice.unwrap_or_default()
    };
    let header = slice(scan.header_range());
    assert_eq!(filter_header(header, &[""; 0], true), header);
    let paths = read_all(scan);
    assert!(paths.is_ok(), "{paths:?}");
    for path in paths.unwrap_or_default() {
        let found = scan.part(&path);
        let Ok(Some(part)) = found else {
            assert!(matches!(found, Ok(Some(_))), "{path:?}: {found:?}");
            continue;
        };
        assert_eq!(scan.section(&path, SectionText::All), Ok(Some(part.body.clone())));
        assert_eq!(scan.section(&path, SectionText::Mime), Ok(Some(part.header.clone())));
        assert!(part.header.end <= part.body.start, "{part:?}");
        slice(part.header);
        let body = slice(part.body);
        if let Some(encoding) = part.encoding {
            let (mut decoder, mut decoded) = (TransferDecoder::new(encoding), Vec::new());
            decoder.feed(body, &mut decoded);
            decoder.finish(&mut decoded);
            assert!(decoded.len() <= body.len());
        }
    }
    search(scan, octets);
}

fn search(scan: &Scan, octets: &[u8]) {
    let needle = Needle::new("é t");
    for field in [EnvelopeField::Subject, EnvelopeField::From, EnvelopeField::To] {
        assert!(needle.matches_envelope(scan, field).is_ok());
    }
    for scope in [SearchScope::Body, SearchScope::Text] {
        let mut search = TextSearch::new(needle.clone(), scope);
        assert_eq!(search.begin(scan), Ok(()));
        search.feed(0, octets);
        let found = search.found();
        assert!(found || search.wanted().is_none());
        assert_eq!(search.begin(scan), Ok(()));
        for (at, octet) in (0..).zip(octets) {
            search.feed(at, std::slice::from_ref(octet));
        }
        assert_eq!(search.found(), found, "{scope:?}");
    }
}
