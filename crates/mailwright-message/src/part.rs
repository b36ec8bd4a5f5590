//! What a part's own header says, as it is kept in a scan.

use mailwright_core::{Disposition, Parameters};

use crate::error::ScanError;
use crate::syntax::media::{self, MediaType};
use crate::syntax::parameter::Parameter;
use crate::wire::{Reader, put_number, put_text, put_word};

/// How a part is treated, whatever its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    Multipart,
    Text,
    Message,
    Other,
}

impl PartKind {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Multipart => 0,
            Self::Text => 1,
            Self::Message => 2,
            Self::Other => 3,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Multipart),
            1 => Some(Self::Text),
            2 => Some(Self::Message),
            3 => Some(Self::Other),
            _ => None,
        }
    }

    pub(crate) const fn has_parts(self) -> bool {
        matches!(self, Self::Multipart | Self::Message)
    }
}

/// Unfolded values of the fields that say what a part is.
#[derive(Debug, Default)]
pub(crate) struct PartDraft {
    pub(crate) content_type: Option<Vec<u8>>,
    pub(crate) encoding: Option<Vec<u8>>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) disposition: Option<Vec<u8>>,
    pub(crate) md5: Option<Vec<u8>>,
    pub(crate) language: Option<Vec<u8>>,
    pub(crate) location: Option<Vec<u8>>,
}

/// What is not in the header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    /// It stands in a `multipart/digest` (RFC 2046 §5.1.5).
    pub(crate) in_digest: bool,
    /// Parts of it could still be taken.
    pub(crate) may_nest: bool,
    /// [`ScanLimits::parameters`](crate::ScanLimits::parameters)
    pub(crate) parameters: usize,
}

/// A header that has been read.
#[derive(Debug)]
pub(crate) struct PartHeader {
    pub(crate) kind: PartKind,
    /// Of a multipart.
    pub(crate) boundary: Option<Vec<u8>>,
    pub(crate) is_digest: bool,
    /// As it is kept.
    pub(crate) octets: Vec<u8>,
    /// Whether nothing was left out.
    pub(crate) complete: bool,
}

const ENCODING: u8 = 1;
const ID: u8 = 1 << 1;
const DESCRIPTION: u8 = 1 << 2;
const DISPOSITION: u8 = 1 << 3;
const MD5: u8 = 1 << 4;
const LANGUAGE: u8 = 1 << 5;
const LOCATION: u8 = 1 << 6;

impl PartDraft {
    pub(crate) fn finish(&self, around: Surroundings) -> PartHeader {
        let most = around.parameters;
        let media = self.media_type(around);
        let kind = kind(&media);
        let mut complete = media.complete;
        let (kind, media) = if kind.has_parts() && !around.may_nest {
            complete = false;
            (PartKind::Other, opaque())
        } else {
            (kind, media)
        };
        let disposition = self.disposition.as_deref().and_then(|text| media::disposition(text, most));
        complete &= disposition.as_ref().is_none_or(|disposition| disposition.complete);
        let languages = self.language.as_deref().map(|text| media::languages(text, most)).unwrap_or_default();
        let encoding = self.encoding.as_deref().and_then(media::encoding);

        let mut octets = Vec::with_capacity(16);
        let there = [
            (ENCODING, encoding.is_some()),
            (ID, self.id.is_some()),
            (DESCRIPTION, self.description.is_some()),
            (DISPOSITION, disposition.is_some()),
            (MD5, self.md5.is_some()),
            (LANGUAGE, !languages.is_empty()),
            (LOCATION, self.location.is_some()),
        ];
        octets.push(there.iter().filter(|(_, there)| *there).fold(0, |bits, (bit, _)| bits | bit));
        if kind != PartKind::Multipart {
            put_word(&mut octets, &media.media_type);
        }
        put_word(&mut octets, &media.subtype);
        put_parameters(&mut octets, &media.parameters);
        if let Some(encoding) = &encoding {
            put_word(&mut octets, encoding);
        }
        for text in [&self.id, &self.description].into_iter().flatten() {
            put_text(&mut octets, text.trim_ascii());
        }
        if let Some(disposition) = &disposition {
            put_word(&mut octets, &disposition.kind);
            put_parameters(&mut octets, &disposition.parameters);
        }
        if let Some(md5) = &self.md5 {
            put_text(&mut octets, md5.trim_ascii());
        }
        if !languages.is_empty() {
            put_number(&mut octets, u64::try_from(languages.len()).unwrap_or_default());
            languages.iter().for_each(|language| put_word(&mut octets, language));
        }
        if let Some(location) = &self.location {
            put_text(&mut octets, location.trim_ascii());
        }
        let is_multipart = kind == PartKind::Multipart;
        let boundary = media.parameter("boundary").filter(|boundary| is_multipart && !boundary.is_empty());
        PartHeader {
            kind,
            boundary: boundary.map(<[u8]>::to_vec),
            is_digest: is_multipart && media.is("multipart", "digest"),
            octets,
            complete,
        }
    }

    fn media_type(&self, around: Surroundings) -> MediaType {
        let stated = self.content_type.as_deref().and_then(|text| MediaType::parse(text, around.parameters));
        match stated {
            Some(media) => media,
            None if around.in_digest => plain("message", "rfc822"),
            None => plain_text(),
        }
    }

    /// Octets held.
    pub(crate) fn size(&self) -> usize {
        let all = [
            &self.content_type,
            &self.encoding,
            &self.id,
            &self.description,
            &self.disposition,
            &self.md5,
            &self.language,
            &self.location,
        ];
        all.iter().map(|value| value.as_ref().map_or(0, Vec::len)).sum()
    }
}

/// A part without anything, for a container without any (RFC 9051 §9 body-type-mpart wants one).
pub(crate) fn empty_text() -> Vec<u8> {
    let around = Surroundings { in_digest: false, may_nest: false, parameters: 0 };
    PartDraft::default().finish(around).octets
}

/// The same as `octets`, without anything that it can do without.
pub(crate) fn shortened(kind: PartKind) -> Vec<u8> {
    let mut octets = vec![0];
    let (media_type, subtype): (&[u8], &[u8]) = match kind {
        PartKind::Multipart => (b"multipart", b"mixed"),
        PartKind::Text => (b"text", b"plain"),
        PartKind::Message => (b"message", b"rfc822"),
        PartKind::Other => (b"application", b"octet-stream"),
    };
    if kind != PartKind::Multipart {
        put_word(&mut octets, media_type);
    }
    put_word(&mut octets, subtype);
    put_parameters(&mut octets, &[]);
    octets
}

fn kind(media: &MediaType) -> PartKind {
    if media.media_type.eq_ignore_ascii_case(b"multipart") {
        PartKind::Multipart
    } else if media.media_type.eq_ignore_ascii_case(b"text") {
        PartKind::Text
    } else if media.is("message", "rfc822") || media.is("message", "global") {
        PartKind::Message
    } else {
        PartKind::Other
    }
}

fn plain(media_type: &str, subtype: &str) -> MediaType {
    MediaType {
        media_type: media_type.into(),
        subtype: subtype.into(),
        parameters: Vec::new(),
        complete: true,
    }
}

/// RFC 2045 §5.2
fn plain_text() -> MediaType {
    MediaType { parameters: vec![(b"charset".to_vec(), b"us-ascii".to_vec())], ..plain("text", "plain") }
}

/// A container that is not opened.
fn opaque() -> MediaType {
    plain("application", "octet-stream")
}

fn put_parameters(out: &mut Vec<u8>, parameters: &[Parameter]) {
    put_number(out, u64::try_from(parameters.len()).unwrap_or_default());
    for (name, value) in parameters {
        put_word(out, name);
        put_word(out, value);
    }
}

/// What a part's header says, read from a scan.
pub(crate) struct PartFields<'a> {
    pub(crate) media_type: &'a [u8],
    pub(crate) subtype: &'a [u8],
    pub(crate) parameters: Parameters<&'a [u8]>,
    pub(crate) encoding: Option<&'a [u8]>,
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) description: Option<&'a [u8]>,
    pub(crate) disposition: Option<Disposition<&'a [u8]>>,
    pub(crate) md5: Option<&'a [u8]>,
    pub(crate) language: Vec<&'a [u8]>,
    pub(crate) location: Option<&'a [u8]>,
}

impl<'a> PartFields<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>, kind: PartKind) -> Result<Self, ScanError> {
        let bits = reader.octet()?;
        let media_type = match kind {
            PartKind::Multipart => b"multipart",
            _ => reader.text()?,
        };
        Ok(Self {
            media_type,
            subtype: reader.text()?,
            parameters: parameters(reader)?,
            encoding: if_there(reader, bits & ENCODING, Reader::text)?,
            id: if_there(reader, bits & ID, Reader::text)?,
            description: if_there(reader, bits & DESCRIPTION, Reader::text)?,
            disposition: if_there(reader, bits & DISPOSITION, |reader| {
                Ok(Disposition { kind: reader.text()?, parameters: parameters(reader)? })
            })?,
            md5: if_there(reader, bits & MD5, Reader::text)?,
            language: if_there(reader, bits & LANGUAGE, texts)?.unwrap_or_default(),
            location: if_there(reader, bits & LOCATION, Reader::text)?,
        })
    }
}

/// What is needed to decode a part, read from a scan.
pub(crate) struct PartCoding<'a> {
    pub(crate) charset: Option<&'a [u8]>,
    pub(crate) encoding: Option<&'a [u8]>,
}

impl<'a> PartCoding<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>, kind: PartKind) -> Result<Self, ScanError> {
        let bits = reader.octet()?;
        if kind != PartKind::Multipart {
            reader.text()?;
        }
        reader.text()?;
        let mut charset = None;
        for _ in 0..reader.count()? {
            let (name, value) = (reader.text()?, reader.text()?);
            if name.eq_ignore_ascii_case(b"charset") {
                charset = charset.or(Some(value));
            }
        }
        Ok(Self { charset, encoding: if_there(reader, bits & ENCODING, Reader::text)? })
    }
}

fn if_there<'a, T>(
    reader: &mut Reader<'a>,
    bit: u8,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, ScanError>,
) -> Result<Option<T>, ScanError> {
    if bit == 0 { Ok(None) } else { read(reader).map(Some) }
}

fn parameters<'a>(reader: &mut Reader<'a>) -> Result<Parameters<&'a [u8]>, ScanError> {
    let count = reader.count()?;
    let mut parameters = Vec::with_capacity(count.min(reader.left()));
    for _ in 0..count {
        parameters.push((reader.text()?, reader.text()?));
    }
    Ok(parameters)
}

fn texts<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, ScanError> {
    let count = reader.count()?;
    let mut texts = Vec::with_capacity(count.min(reader.left()));
    for _ in 0..count {
        texts.push(reader.text()?);
    }
    Ok(texts)
}
