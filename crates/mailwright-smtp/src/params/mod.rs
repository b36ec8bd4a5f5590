//! The parameters of MAIL and RCPT (RFC 5321 §4.1.1.11), the same on both sides of a session: as they are read, as they
//! are written, and what each of them is an extension of.

mod dsn;
mod priority;
mod solicit;
mod timing;
mod xtext;

use std::fmt;
use std::str;

pub use dsn::{EnvelopeId, InvalidValue, Notify, OriginalRecipient, Ret};
use mailwright_core::{Address, OctetSet, ReversePath};
pub use priority::Priority;
pub use solicit::Solicitation;
pub use timing::{DateTime, DeliverBy, Hold, Late, NoSupport, ValidSince};
pub(crate) use xtext::{Xtext, decode as decode_xtext};

use crate::grammar::{CommandError, skip_blanks};

/// The parameters of MAIL. Shown as they are written, each behind a blank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailParams {
    /// `SIZE`: the octets that the client announces (RFC 1870 §6). A number beyond `u64` is its maximum.
    pub size: Option<u64>,
    /// `BODY`: what octets the content may have (RFC 6152, RFC 3030).
    pub body: Option<Body>,
    /// `SMTPUTF8`: header or addresses go beyond ASCII (RFC 6531 §3.4).
    pub smtp_utf8: bool,
    /// `AUTH`: who has submitted the message, if the client, which must be trusted, knows it (RFC 4954 §5).
    pub auth: Option<ReversePath>,
    /// `RET`: how much a report of failure returns (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// `ENVID`: what the sender calls the transaction (RFC 3461 §4.4).
    pub envid: Option<EnvelopeId>,
    /// `REQUIRETLS`: TLS is needed all the way (RFC 8689 §2).
    pub require_tls: bool,
    /// `HOLDFOR` or `HOLDUNTIL`: when the message is released (RFC 4865).
    pub hold: Option<Hold>,
    /// `BY`: how soon the message is to be delivered (RFC 2852).
    pub by: Option<DeliverBy>,
    /// `MT-PRIORITY`: how urgent it is (RFC 6710).
    pub priority: Option<Priority>,
    /// `SOLICIT`: what it solicits (RFC 3865).
    pub solicit: Option<Solicitation>,
}

/// The parameters of RCPT. Shown as they are written, each behind a blank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RcptParams {
    /// `NOTIFY`: when the sender is told (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// `ORCPT`: the recipient as the sender named it (RFC 3461 §4.2).
    pub orcpt: Option<OriginalRecipient>,
    /// `RRVS`: since when the address has been that of the recipient who is meant (RFC 7293).
    pub valid_since: Option<ValidSince>,
}

/// What octets a content may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Body {
    /// `7BIT`: lines of ASCII.
    SevenBit,
    /// `8BITMIME`: lines of any octets (RFC 6152).
    EightBitMime,
    /// `BINARYMIME`: any octets (RFC 3030 §3). They go by BDAT only.
    BinaryMime,
}

/// An extension that a parameter or a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// 8BITMIME (RFC 6152).
    EightBitMime,
    /// BINARYMIME (RFC 3030 §3).
    BinaryMime,
    /// SMTPUTF8 (RFC 6531).
    SmtpUtf8,
    /// DSN (RFC 3461).
    Dsn,
    /// REQUIRETLS (RFC 8689).
    RequireTls,
    /// FUTURERELEASE (RFC 4865).
    FutureRelease,
    /// DELIVERBY (RFC 2852).
    DeliverBy,
    /// MT-PRIORITY (RFC 6710).
    MtPriority,
    /// RRVS (RFC 7293).
    Rrvs,
    /// NO-SOLICITING (RFC 3865).
    NoSoliciting,
}

impl Extension {
    /// Its keyword in the reply to EHLO.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
            Self::SmtpUtf8 => "SMTPUTF8",
            Self::Dsn => "DSN",
            Self::RequireTls => "REQUIRETLS",
            Self::FutureRelease => "FUTURERELEASE",
            Self::DeliverBy => "DELIVERBY",
            Self::MtPriority => "MT-PRIORITY",
            Self::Rrvs => "RRVS",
            Self::NoSoliciting => "NO-SOLICITING",
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

impl MailParams {
    /// The extensions that have to be offered for these parameters, each with the parameter. `SIZE` and `AUTH`, which are
    /// hints, are not among them.
    pub fn extensions(&self) -> impl Iterator<Item = (Extension, &'static str)> {
        [
            (self.body == Some(Body::SevenBit), Extension::EightBitMime, "BODY"),
            (self.body == Some(Body::EightBitMime), Extension::EightBitMime, "BODY"),
            (self.body == Some(Body::BinaryMime), Extension::BinaryMime, "BODY=BINARYMIME"),
            (self.smtp_utf8, Extension::SmtpUtf8, "SMTPUTF8"),
            (self.ret.is_some(), Extension::Dsn, "RET"),
            (self.envid.is_some(), Extension::Dsn, "ENVID"),
            (self.require_tls, Extension::RequireTls, "REQUIRETLS"),
            (self.hold.is_some(), Extension::FutureRelease, "HOLDFOR and HOLDUNTIL"),
            (self.by.is_some(), Extension::DeliverBy, "BY"),
            (self.priority.is_some(), Extension::MtPriority, "MT-PRIORITY"),
            (self.solicit.is_some(), Extension::NoSoliciting, "SOLICIT"),
        ]
        .into_iter()
        .filter_map(|(is_set, extension, name)| is_set.then_some((extension, name)))
    }

    /// `Mail-parameters`, with the blank in front of each.
    pub(crate) fn parse<'a>(&mut self, rest: &'a [u8]) -> Result<(), CommandError<'a>> {
        let params = self;
        each_parameter(rest, |keyword, value| {
            let name = |name: &str| keyword.eq_ignore_ascii_case(name.as_bytes());
            if name("SIZE") {
                set(&mut params.size, value, size_value, "SIZE")
            } else if name("BODY") {
                set(&mut params.body, value, body_value, "BODY")
            } else if name("SMTPUTF8") {
                flag(&mut params.smtp_utf8, value, "SMTPUTF8")
            } else if name("AUTH") {
                set(&mut params.auth, value, auth_value, "AUTH")
            } else if name("RET") {
                set(&mut params.ret, value, Ret::read, "RET")
            } else if name("ENVID") {
                set(&mut params.envid, value, EnvelopeId::read, "ENVID")
            } else if name("REQUIRETLS") {
                flag(&mut params.require_tls, value, "REQUIRETLS")
            } else if name("HOLDFOR") {
                set(&mut params.hold, value, |value| timing::hold_for(value).map(Hold::For), "HOLDFOR")
            } else if name("HOLDUNTIL") {
                set(&mut params.hold, value, |value| DateTime::read(value).map(Hold::Until), "HOLDUNTIL")
            } else if name("BY") {
                set(&mut params.by, value, DeliverBy::read, "BY")
            } else if name("MT-PRIORITY") {
                set(&mut params.priority, value, Priority::read, "MT-PRIORITY")
            } else if name("SOLICIT") {
                set(&mut params.solicit, value, Solicitation::read, "SOLICIT")
            } else {
                Err(unknown(keyword))
            }
        })
    }
}

impl RcptParams {
    /// The extensions that have to be offered for these parameters, each with the parameter.
    pub fn extensions(&self) -> impl Iterator<Item = (Extension, &'static str)> {
        [
            (self.notify.is_some(), Extension::Dsn, "NOTIFY"),
            (self.orcpt.is_some(), Extension::Dsn, "ORCPT"),
            (self.valid_since.is_some(), Extension::Rrvs, "RRVS"),
        ]
        .into_iter()
        .filter_map(|(is_set, extension, name)| is_set.then_some((extension, name)))
    }

    /// `Rcpt-parameters`, with the blank in front of each.
    pub(crate) fn parse(rest: &[u8]) -> Result<Self, CommandError<'_>> {
        let mut params = Self::default();
        if rest.is_empty() {
            return Ok(params);
        }
        each_parameter(rest, |keyword, value| {
            if keyword.eq_ignore_ascii_case(b"NOTIFY") {
                set(&mut params.notify, value, Notify::read, "NOTIFY")
            } else if keyword.eq_ignore_ascii_case(b"ORCPT") {
                set(&mut params.orcpt, value, OriginalRecipient::read, "ORCPT")
            } else if keyword.eq_ignore_ascii_case(b"RRVS") {
                set(&mut params.valid_since, value, ValidSince::read, "RRVS")
            } else {
                Err(unknown(keyword))
            }
        })?;
        Ok(params)
    }
}

impl fmt::Display for MailParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_set(f, "SIZE=", self.size)?;
        write_set(f, "BODY=", self.body)?;
        write_set(f, "SMTPUTF8", self.smtp_utf8.then_some(""))?;
        match &self.auth {
            Some(ReversePath::Null) => f.write_str(" AUTH=<>")?,
            Some(ReversePath::Address(by)) => write!(f, " AUTH={}", Xtext(&by.to_string()))?,
            None => {}
        }
        write_set(f, "RET=", self.ret)?;
        write_set(f, "ENVID=", self.envid.as_ref())?;
        write_set(f, "REQUIRETLS", self.require_tls.then_some(""))?;
        write_set(f, "", self.hold.as_ref())?;
        write_set(f, "BY=", self.by)?;
        write_set(f, "MT-PRIORITY=", self.priority)?;
        write_set(f, "SOLICIT=", self.solicit.as_ref())
    }
}

impl fmt::Display for RcptParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_set(f, "NOTIFY=", self.notify)?;
        write_set(f, "ORCPT=", self.orcpt.as_ref())?;
        write_set(f, "RRVS=", self.valid_since.as_ref())
    }
}

fn write_set(f: &mut fmt::Formatter<'_>, name: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {name}{value}"))
}

impl Body {
    fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn unknown(keyword: &[u8]) -> CommandError<'_> {
    // RFC 5321 sets no limit for keywords; what is shown of one needs some.
    let shown = keyword.get(..KEYWORD_SHOWN_MAX).unwrap_or(keyword);
    CommandError::UnknownParameter(str::from_utf8(shown).unwrap_or_default())
}

/// Octets of an unknown keyword that are shown.
const KEYWORD_SHOWN_MAX: usize = 40;

fn set<'a, T>(
    slot: &mut Option<T>,
    value: Option<&[u8]>,
    read: impl FnOnce(&[u8]) -> Option<T>,
    name: &'static str,
) -> Result<(), CommandError<'a>> {
    if slot.is_some() {
        return Err(CommandError::RepeatedParameter(name));
    }
    *slot = Some(value.and_then(read).ok_or(CommandError::Parameter(name))?);
    Ok(())
}

/// A parameter without a value.
fn flag<'a>(slot: &mut bool, value: Option<&[u8]>, name: &'static str) -> Result<(), CommandError<'a>> {
    match value {
        _ if *slot => Err(CommandError::RepeatedParameter(name)),
        Some(_) => Err(CommandError::Parameter(name)),
        None => {
            *slot = true;
            Ok(())
        }
    }
}

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`, where `esmtp-param = esmtp-keyword ["=" esmtp-value]`
fn each_parameter<'a>(
    mut rest: &'a [u8],
    mut take: impl FnMut(&'a [u8], Option<&'a [u8]>) -> Result<(), CommandError<'a>>,
) -> Result<(), CommandError<'a>> {
    loop {
        let param = skip_blanks(rest);
        if param.is_empty() {
            return Ok(());
        }
        if param.len() == rest.len() {
            return Err(CommandError::Syntax("parameters as KEYWORD=value, after a blank"));
        }
        let (keyword, behind) = KEYWORD.split(param);
        if keyword.is_empty() || keyword.starts_with(b"-") {
            return Err(CommandError::Syntax("KEYWORD=value"));
        }
        let value = behind.strip_prefix(b"=").map(|behind| VALUE.split(behind));
        let value = value.filter(|(value, _)| !value.is_empty());
        take(keyword, value.map(|(value, _)| value))?;
        rest = value.map_or(behind, |(_, rest)| rest);
    }
}

/// `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`
static KEYWORD: OctetSet = OctetSet::LETTERS_AND_DIGITS.with(b"-");

/// `esmtp-value = 1*(%d33-60 / %d62-126)`, and by RFC 6531 §3.3 what is beyond ASCII
static VALUE: OctetSet = OctetSet::NONE.with_range(33, 60).with_range(62, 126).with_range(128, 255);

/// `size-value = 1*20DIGIT` (RFC 1870 §4)
fn size_value(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 20 {
        return None;
    }
    value.iter().try_fold(0_u64, |size, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| size.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

/// `body-value = "7BIT" / "8BITMIME" / "BINARYMIME"` (RFC 6152 §2, RFC 3030 §3)
fn body_value(value: &[u8]) -> Option<Body> {
    let is = |body: &&Body| value.eq_ignore_ascii_case(body.name().as_bytes());
    [Body::EightBitMime, Body::SevenBit, Body::BinaryMime].iter().find(is).copied()
}

/// An `xtext` mailbox, or `<>` (RFC 4954 §5)
fn auth_value(value: &[u8]) -> Option<ReversePath> {
    if value == b"<>" {
        return Some(ReversePath::Null);
    }
    decode_xtext(value)?.parse::<Address>().ok().map(ReversePath::Address)
}
