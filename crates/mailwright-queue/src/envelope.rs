//! The envelope of a message in the queue, but for sender and recipients.

use mailwright_core::{Address, ReversePath, Timestamp};
use mailwright_store::{Opaque, Priority};

use crate::future_release::FutureRelease;
use crate::wire::{DecodeError, Reader, put_number, put_option, put_text, put_time};
use crate::xtext;

/// What came with MAIL, and when: the same for all recipients, and kept as it is from then on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// When the message was accepted.
    pub arrived: Timestamp,
    /// BODY: what octets it has.
    pub body: Body,
    /// SMTPUTF8 (RFC 6531 §3.4).
    pub smtputf8: bool,
    /// REQUIRETLS (RFC 8689 §2).
    pub require_tls: bool,
    /// RET (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// ENVID (RFC 3461 §4.4).
    pub envid: Option<EnvelopeId>,
    /// MT-PRIORITY, if the client gave it (RFC 6710 §4.1).
    pub priority: Option<Priority>,
    /// BY (RFC 2852 §4).
    pub by: Option<DeliverBy>,
    /// HOLDFOR or HOLDUNTIL (RFC 4865 §3).
    pub future_release: Option<FutureRelease>,
    /// AUTH: who has submitted the message, if whoever said so may be believed (RFC 4954 §5).
    pub auth: Option<ReversePath>,
    /// SOLICIT (RFC 3865 §2.4).
    pub solicit: Option<Solicitation>,
    /// Octets in front of the message that stay here: Return-Path, which is for mailboxes (RFC 5321 §4.4).
    pub begin: u64,
    /// Where the message's header ends, with the empty line behind it; zero if that is not known.
    pub header: u64,
}

/// What octets the message has (RFC 6152 §3, RFC 3030 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// `7BIT`.
    #[default]
    SevenBit,
    /// `8BITMIME`.
    EightBitMime,
    /// `BINARYMIME`.
    BinaryMime,
}

/// How much of the message comes back with a report of failure (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// `FULL`: all of it.
    Full,
    /// `HDRS`: its header.
    Headers,
}

/// By when the message is to be delivered (RFC 2852 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverBy {
    /// The moment: when the command came, and the seconds that it named.
    pub at: Timestamp,
    /// What becomes of it then.
    pub late: Late,
    /// The sender wants to know of each server on the way.
    pub trace: bool,
}

/// What becomes of a message that is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// `R`: it is returned.
    Return,
    /// `N`: its sender is told, and it is delivered all the same.
    Notify,
}

/// ENVID, as it stood in the command: a server must pass it on as it was (RFC 3461 §5.2.1 a).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeId(String);

impl EnvelopeId {
    /// RFC 3461 §4.4.
    pub const OCTETS_MAX: usize = 100;

    /// From the parameter's value. `None` unless it is xtext of printable ASCII, and at most
    /// [`OCTETS_MAX`](Self::OCTETS_MAX) long.
    pub fn from_xtext(value: &str) -> Option<Self> {
        let is_printable = |text: String| text.bytes().all(|octet| matches!(octet, b' '..=b'~'));
        let is_id = value.len() <= Self::OCTETS_MAX && xtext::decode(value).is_some_and(is_printable);
        is_id.then(|| Self(value.to_owned()))
    }

    /// The parameter's value, to be passed on.
    pub fn as_xtext(&self) -> &str {
        &self.0
    }

    /// As reports tell it (RFC 3461 §6.3 a).
    pub fn decoded(&self) -> String {
        xtext::decode(&self.0).unwrap_or_default()
    }
}

fn read_auth(reader: &mut Reader<'_>) -> Result<ReversePath, DecodeError> {
    match reader.text()? {
        "" => Ok(ReversePath::Null),
        by => by.parse().map(ReversePath::Address).map_err(|_| DecodeError::Damaged),
    }
}

/// SOLICIT, as it stood in the command: it goes on as it came (RFC 3865 §2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solicitation(String);

impl Solicitation {
    /// RFC 3865 §4.1.
    pub const OCTETS_MAX: usize = 1000;

    /// From the parameter's value, which whoever has read the command has checked. `None` if it could not stand in a
    /// command, or is more than [`OCTETS_MAX`](Self::OCTETS_MAX) long.
    pub fn from_solicit(value: &str) -> Option<Self> {
        let fits = (1..=Self::OCTETS_MAX).contains(&value.len());
        (fits && value.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'='))
            .then(|| Self(value.to_owned()))
    }

    /// The parameter's value, to be passed on.
    pub fn as_solicit(&self) -> &str {
        &self.0
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_solicit(reader.text()?).ok_or(DecodeError::Damaged)
    }
}

impl Envelope {
    /// The version of the format that [`encode`](Self::encode) writes.
    pub const VERSION: u16 = 3;

    /// Of a message accepted at that time; the rest as if nothing was said.
    pub fn new(arrived: Timestamp) -> Self {
        Self { arrived, ..Self::default() }
    }

    /// From when on it may be tried, and its time runs: until it is released nobody waits for it.
    pub fn begins(&self) -> Timestamp {
        self.future_release.as_ref().map_or(self.arrived, |release| release.at.max(self.arrived))
    }

    /// As it is kept in the store.
    pub fn encode(&self) -> Opaque {
        let mut out = Vec::with_capacity(32);
        put_time(&mut out, self.arrived);
        out.push(match self.body {
            Body::SevenBit => 0,
            Body::EightBitMime => 1,
            Body::BinaryMime => 2,
        });
        out.push(u8::from(self.smtputf8) | u8::from(self.require_tls) << 1);
        put_option(&mut out, self.ret, |out, ret| out.push(u8::from(ret == Ret::Full)));
        put_option(&mut out, self.envid.as_ref(), |out, id| put_text(out, id.as_xtext()));
        put_option(&mut out, self.priority, |out, priority| {
            out.extend_from_slice(&priority.get().to_be_bytes());
        });
        put_number(&mut out, self.begin);
        put_number(&mut out, self.header);
        put_option(&mut out, self.by, |out, by| {
            put_time(out, by.at);
            out.push(u8::from(by.late == Late::Return) | u8::from(by.trace) << 1);
        });
        put_option(&mut out, self.future_release.as_ref(), |out, release| release.put(out));
        put_option(&mut out, self.auth.as_ref(), |out, auth| {
            put_text(out, &auth.address().map(Address::to_string).unwrap_or_default());
        });
        put_option(&mut out, self.solicit.as_ref(), |out, solicit| put_text(out, solicit.as_solicit()));
        Opaque { version: Self::VERSION, bytes: out.into() }
    }

    /// What [`encode`](Self::encode) gave, also in version 1, which had no BY, and in 2, which had neither FUTURERELEASE
    /// nor AUTH and SOLICIT.
    ///
    /// # Errors
    /// If it is of another version, or damaged. A delivery then goes on with [`Envelope::new`].
    pub fn decode(opaque: &Opaque) -> Result<Self, DecodeError> {
        if !(1..=Self::VERSION).contains(&opaque.version) {
            return Err(DecodeError::Version(opaque.version));
        }
        let mut reader = Reader::new(&opaque.bytes);
        let arrived = reader.time()?;
        let body = match reader.octet()? {
            0 => Body::SevenBit,
            1 => Body::EightBitMime,
            2 => Body::BinaryMime,
            _ => return Err(DecodeError::Damaged),
        };
        let flags = reader.octet()?;
        if flags > 0b11 {
            return Err(DecodeError::Damaged);
        }
        let ret = reader.option(|reader| match reader.octet()? {
            0 => Ok(Ret::Headers),
            1 => Ok(Ret::Full),
            _ => Err(DecodeError::Damaged),
        })?;
        let envid =
            reader.option(|reader| EnvelopeId::from_xtext(reader.text()?).ok_or(DecodeError::Damaged))?;
        let priority = reader.option(|reader| {
            Priority::new(i8::from_be_bytes([reader.octet()?])).ok_or(DecodeError::Damaged)
        })?;
        let (begin, header) = (reader.number()?, reader.number()?);
        let by = if opaque.version < 2 { None } else { reader.option(DeliverBy::read)? };
        let is_new = opaque.version >= 3;
        let future_release = if is_new { reader.option(FutureRelease::read)? } else { None };
        let auth = if is_new { reader.option(read_auth)? } else { None };
        let solicit = if is_new { reader.option(Solicitation::read)? } else { None };
        reader.end()?;
        let (smtputf8, require_tls) = (flags & 1 != 0, flags & 2 != 0);
        Ok(Self {
            arrived,
            body,
            smtputf8,
            require_tls,
            ret,
            envid,
            priority,
            by,
            future_release,
            auth,
            solicit,
            begin,
            header,
        })
    }
}

impl DeliverBy {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (at, flags) = (reader.time()?, reader.octet()?);
        if flags > 0b11 {
            return Err(DecodeError::Damaged);
        }
        let late = if flags & 1 != 0 { Late::Return } else { Late::Notify };
        Ok(Self { at, late, trace: flags & 2 != 0 })
    }
}
