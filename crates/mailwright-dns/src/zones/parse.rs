//! The text that zones are written in.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use thiserror::Error;

use super::data::{Data, Fault, Statement};
use crate::name::Name;
use crate::record::{Mx, RecordData, RecordType, Tlsa, Txt};

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {fault}")]
pub struct InvalidZone {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: ZoneFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ZoneFault {
    /// There is no owner, or it is no name.
    #[error("the line begins with no name")]
    Owner,
    /// There is no type, or it is unknown.
    #[error("the type of the record is unknown")]
    Type,
    /// The record is not what its type demands.
    #[error("the record does not have the fields of its type")]
    Data,
    /// A directive is unknown, or lacks its value.
    #[error("the directive is unknown or incomplete")]
    Directive,
}

/// Seconds that a record lasts that does not say.
const TTL: u32 = 300;

/// Adds each line's statement. On error, those before it are added.
pub(super) fn parse(text: &str, data: &mut Data) -> Result<(), InvalidZone> {
    let mut context = Context { origin: Name::root(), ttl: TTL };
    for (index, line) in text.lines().enumerate() {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let fault = |fault| InvalidZone { line: index + 1, fault };
        match words.as_slice() {
            [] => {}
            ["$ORIGIN", name] => {
                context.origin = context.name(name).ok_or_else(|| fault(ZoneFault::Directive))?;
            }
            ["$TTL", ttl] => context.ttl = ttl.parse().map_err(|_| fault(ZoneFault::Directive))?,
            [word, ..] if word.starts_with('$') => return Err(fault(ZoneFault::Directive)),
            [owner, rest @ ..] => {
                let owner = context.name(owner).ok_or_else(|| fault(ZoneFault::Owner))?;
                data.add(&owner, context.statement(rest).map_err(fault)?);
            }
        }
    }
    Ok(())
}

struct Context {
    origin: Name,
    ttl: u32,
}

impl Context {
    /// Without a final dot, below the origin.
    fn name(&self, word: &str) -> Option<Name> {
        if word == "@" {
            Some(self.origin.clone())
        } else if word.ends_with('.') {
            word.parse().ok()
        } else {
            self.origin.prefixed(word).ok()
        }
    }

    fn statement(&self, words: &[&str]) -> Result<Statement, ZoneFault> {
        let (ttl, words) = match words {
            [first, rest @ ..] => match first.parse() {
                Ok(ttl) => (ttl, rest),
                Err(_) => (self.ttl, words),
            },
            [] => return Err(ZoneFault::Type),
        };
        let ttl = Duration::from_secs(u64::from(ttl));
        match words {
            ["IN", words @ ..] => self.typed(ttl, words),
            words => self.typed(ttl, words),
        }
    }

    fn typed(&self, ttl: Duration, words: &[&str]) -> Result<Statement, ZoneFault> {
        let (of, rest) = match words {
            [word, rest @ ..] => match RecordType::ALL.into_iter().find(|of| of.to_string() == *word) {
                Some(of) => (Some(of), rest),
                None => (None, words),
            },
            [] => return Err(ZoneFault::Type),
        };
        if let [word] = rest
            && let Some(fault) = fault(word)
        {
            return Ok(Statement::Fault(of, fault));
        }
        match (of, rest) {
            (Some(of), rest) => Ok(Statement::Record(ttl, self.data(of, rest).ok_or(ZoneFault::Data)?)),
            (None, ["SECURE"]) => Ok(Statement::Secure),
            (None, ["CNAME", target]) => Ok(Statement::Alias(ttl, self.name(target).ok_or(ZoneFault::Data)?)),
            (None, ["SOA", _, _, _, _, _, _, minimum]) => {
                let minimum: u32 = minimum.parse().map_err(|_| ZoneFault::Data)?;
                Ok(Statement::Authority(ttl.min(Duration::from_secs(minimum.into()))))
            }
            (None, ["CNAME" | "SOA", ..]) => Err(ZoneFault::Data),
            (None, _) => Err(ZoneFault::Type),
        }
    }

    fn data(&self, of: RecordType, words: &[&str]) -> Option<RecordData> {
        Some(match (of, words) {
            (RecordType::A, [address]) => RecordData::A(address.parse::<Ipv4Addr>().ok()?),
            (RecordType::Aaaa, [address]) => RecordData::Aaaa(address.parse::<Ipv6Addr>().ok()?),
            (RecordType::Mx, [preference, exchange]) => {
                RecordData::Mx(Mx { preference: preference.parse().ok()?, exchange: self.name(exchange)? })
            }
            (RecordType::Txt, [_, ..]) => {
                let fit = words.iter().all(|word| word.len() <= 255);
                let strings = words.iter().map(|word| word.as_bytes().into()).collect();
                fit.then_some(RecordData::Txt(Txt { strings }))?
            }
            (RecordType::Ptr, [name]) => RecordData::Ptr(self.name(name)?),
            (RecordType::Tlsa, [usage, selector, matching, data]) => RecordData::Tlsa(Tlsa {
                usage: usage.parse().ok()?,
                selector: selector.parse().ok()?,
                matching: matching.parse().ok()?,
                data: octets(data)?,
            }),
            _ => return None,
        })
    }
}

fn fault(word: &str) -> Option<Fault> {
    match word {
        "SERVFAIL" => Some(Fault::ServerFailure),
        "REFUSED" => Some(Fault::Refused),
        "TIMEOUT" => Some(Fault::Timeout),
        _ => None,
    }
}

fn octets(hex: &str) -> Option<Box<[u8]>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Cuts a line at spaces outside quotes, up to a `;` outside quotes. Within quotes a backslash takes the next
/// character as it is.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(chars.next()),
            ';' if !quoted => break,
            c if c.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
