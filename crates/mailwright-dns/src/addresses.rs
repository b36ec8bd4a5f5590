//! Addresses of both families as one list.

use std::net::IpAddr;

use crate::answer::Answer;
use crate::error::LookupError;
use crate::record::{RecordData, RecordType};

/// Which addresses are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Families {
    /// IPv6 and IPv4.
    #[default]
    Both,
    /// IPv4 only, on a machine without IPv6.
    V4,
    /// IPv6 only.
    V6,
}

impl Families {
    pub(crate) fn record_types(self) -> &'static [RecordType] {
        match self {
            Self::Both => &[RecordType::Aaaa, RecordType::A],
            Self::V4 => &[RecordType::A],
            Self::V6 => &[RecordType::Aaaa],
        }
    }
}

/// One list of what was found for each family, in turn from each, so that whoever tries the first few only has
/// tried both (RFC 8305 §4).
///
/// What was found counts, whatever became of the other family; nothing is final unless all families said so.
pub(crate) fn merge(found: Vec<Result<Answer, LookupError>>) -> Result<Answer<IpAddr>, LookupError> {
    let mut answers = Vec::new();
    let mut error = None;
    for outcome in found {
        match outcome {
            Ok(answer) => answers.push(answer.filter_map(address)),
            Err(other) => error = Some(error.map_or(other.clone(), |error| weaker(error, other))),
        }
    }
    let Some(merged) = answers.into_iter().reduce(interleave) else {
        return Err(error.unwrap_or(LookupError::NoRecords { ttl: None }));
    };
    Ok(merged)
}

fn address(data: RecordData) -> Option<IpAddr> {
    match data {
        RecordData::A(address) => Some(address.into()),
        RecordData::Aaaa(address) => Some(address.into()),
        _ => None,
    }
}

fn interleave(first: Answer<IpAddr>, second: Answer<IpAddr>) -> Answer<IpAddr> {
    let (mut one, mut other) = (first.records.into_iter(), second.records.into_iter());
    let mut records = Vec::with_capacity(one.len() + other.len());
    while one.len() + other.len() > 0 {
        records.extend(one.next());
        records.extend(other.next());
    }
    Answer {
        name: first.name,
        records,
        ttl: first.ttl.min(second.ttl),
        authentic: first.authentic && second.authentic,
        stale: first.stale || second.stale,
    }
}

/// The one of two errors that promises less: a failure before "no records" before "no such domain".
fn weaker(one: LookupError, other: LookupError) -> LookupError {
    let ttl = one.ttl().zip(other.ttl()).map(|(one, other)| one.min(other));
    match (one, other) {
        (error, _) | (_, error) if error.is_temporary() => error,
        (LookupError::NoSuchDomain { .. }, LookupError::NoSuchDomain { .. }) => {
            LookupError::NoSuchDomain { ttl }
        }
        _ => LookupError::NoRecords { ttl },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn found(addresses: &[&str], ttl: u64) -> Result<Answer, LookupError> {
        let records = addresses.iter().map(|address| match address.parse().unwrap() {
            IpAddr::V4(address) => RecordData::A(address),
            IpAddr::V6(address) => RecordData::Aaaa(address),
        });
        let ttl = Duration::from_secs(ttl);
        let answer = Answer::new("mx.example".parse().unwrap(), records.collect(), ttl);
        Ok(Answer { authentic: ttl.as_secs() > 10, ..answer })
    }

    fn no_domain(ttl: u64) -> Result<Answer, LookupError> {
        Err(LookupError::NoSuchDomain { ttl: Some(Duration::from_secs(ttl)) })
    }

    fn no_records(ttl: u64) -> Result<Answer, LookupError> {
        Err(LookupError::NoRecords { ttl: Some(Duration::from_secs(ttl)) })
    }

    #[test]
    fn families_are_merged() {
        let failed = || Err(LookupError::Timeout);
        let text = |merged: Result<Answer<IpAddr>, LookupError>| match merged {
            Ok(answer) => {
                let addresses: Vec<_> = answer.records.iter().map(ToString::to_string).collect();
                let mark = if answer.authentic { " authentic" } else { "" };
                format!("{} {}{mark}", addresses.join(" "), answer.ttl.as_secs())
            }
            Err(error) => format!("{error:?}"),
        };
        for (v6, v4, merged) in [
            (found(&["::1", "::2"], 20), found(&["192.0.2.1"], 30), "::1 192.0.2.1 ::2 20 authentic"),
            (found(&["::1"], 20), found(&["192.0.2.1", "192.0.2.2"], 9), "::1 192.0.2.1 192.0.2.2 9"),
            (no_records(5), found(&["192.0.2.1"], 9), "192.0.2.1 9"),
            (failed(), found(&["192.0.2.1"], 9), "192.0.2.1 9"),
            (no_domain(5), found(&["192.0.2.1"], 9), "192.0.2.1 9"),
            (found(&["::1"], 9), failed(), "::1 9"),
            (no_domain(5), no_domain(4), "NoSuchDomain { ttl: Some(4s) }"),
            (no_domain(5), no_records(6), "NoRecords { ttl: Some(5s) }"),
            (no_records(5), no_domain(6), "NoRecords { ttl: Some(5s) }"),
            (failed(), no_domain(5), "Timeout"),
            (no_records(5), failed(), "Timeout"),
            (no_records(5), Err(LookupError::NoRecords { ttl: None }), "NoRecords { ttl: None }"),
        ] {
            assert_eq!(text(merge(vec![v6, v4])), merged);
        }
    }
}
