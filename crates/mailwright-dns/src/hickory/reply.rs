//! What a message says about a question.

use std::str;
use std::time::Duration;

use hickory_net::proto::op::{Message, ResponseCode};
use hickory_net::proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_net::proto::rr::{self, DNSClass, RData, Record};

use super::config::HickoryConfig;
use super::exchange::record_type;
use crate::answer::Answer;
use crate::error::{LookupError, Malformed};
use crate::name::{InvalidName, Name};
use crate::record::{Mx, Question, RecordData, Tlsa, Txt};

/// RFC 8914 §2.
const EXTENDED_ERROR: u16 = 15;

/// What a message says, if it says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The records.
    Answer(Answer),
    /// The name is an alias, and the server does not say what is there.
    Alias {
        /// Where it leads; without records.
        way: Answer,
        /// How many more aliases may be followed.
        aliases: usize,
    },
}

/// Reads a message as the reply to a question, following at most so many aliases.
pub(super) fn read(
    message: &Message,
    question: &Question,
    mut aliases: usize,
    config: &HickoryConfig,
) -> Result<Reply, LookupError> {
    let mut at = asked_for(message, question)?;
    let no_such_domain = match message.metadata.response_code {
        ResponseCode::NoError => false,
        ResponseCode::NXDomain => true,
        ResponseCode::ServFail => return Err(LookupError::ServerFailure { info: extended_error(message) }),
        ResponseCode::Refused => return Err(LookupError::Refused { info: extended_error(message) }),
        other => return Err(LookupError::OtherCode(other.into())),
    };
    let wanted = record_type(question.record_type);
    let answers = || message.answers.iter().filter(|record| record.dns_class == DNSClass::IN);
    let mut answer = Answer {
        authentic: config.trust_authentic && message.metadata.authentic_data,
        ..Answer::new(question.name.clone(), Vec::new(), Duration::MAX)
    };
    loop {
        let found: Vec<&Record> =
            answers().filter(|record| record.record_type() == wanted && record.name == *at).collect();
        if !found.is_empty() {
            return records(&found, answer, config).map(Reply::Answer);
        }
        let alias = answers().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *at => Some((ttl(record.ttl), &target.0)),
            _ => None,
        });
        let Some((ttl, target)) = alias else { break };
        aliases = aliases.checked_sub(1).ok_or(Malformed::TooManyAliases)?;
        answer.name = name(target).map_err(|_| Malformed::UnusableName)?;
        answer.ttl = answer.ttl.min(ttl);
        at = target;
    }
    let negative = negative_ttl(message);
    let ttl = negative.map(|ttl| ttl.min(answer.ttl));
    let refers = message.authorities.iter().any(|record| record.record_type() == rr::RecordType::NS);
    if no_such_domain {
        Err(LookupError::NoSuchDomain { ttl })
    } else if negative.is_none() && answer.name != question.name {
        Ok(Reply::Alias { way: answer, aliases })
    } else if negative.is_none() && refers {
        // RFC 2308 §2.2: this is no answer at all. Taken for one it would make mail bounce.
        Err(Malformed::Referral.into())
    } else {
        Err(LookupError::NoRecords { ttl })
    }
}

/// The name of the question as the message has it. hickory looks at it over UDP only.
fn asked_for<'a>(message: &'a Message, question: &Question) -> Result<&'a rr::Name, Malformed> {
    match message.queries.as_slice() {
        [query]
            if query.query_type() == record_type(question.record_type)
                && query.query_class() == DNSClass::IN
                && name(query.name()).as_ref() == Ok(&question.name) =>
        {
            Ok(query.name())
        }
        _ => Err(Malformed::OtherQuestion),
    }
}

fn records(found: &[&Record], answer: Answer, config: &HickoryConfig) -> Result<Answer, LookupError> {
    if found.len() > config.records {
        return Err(Malformed::TooManyRecords.into());
    }
    let records: Vec<RecordData> = found.iter().filter_map(|record| data(&record.data)).collect();
    if records.is_empty() {
        return Err(Malformed::UnusableName.into());
    }
    let shortest = found.iter().map(|record| ttl(record.ttl)).min().unwrap_or_default();
    Ok(Answer { records, ttl: answer.ttl.min(shortest), ..answer })
}

/// `None` if it names what is no [`Name`].
fn data(data: &RData) -> Option<RecordData> {
    match data {
        RData::A(address) => Some(RecordData::A(address.0)),
        RData::AAAA(address) => Some(RecordData::Aaaa(address.0)),
        RData::MX(mx) => {
            Some(RecordData::Mx(Mx { preference: mx.preference, exchange: name(&mx.exchange).ok()? }))
        }
        RData::TXT(txt) => Some(RecordData::Txt(Txt { strings: txt.txt_data.to_vec() })),
        RData::PTR(target) => Some(RecordData::Ptr(name(&target.0).ok()?)),
        RData::TLSA(tlsa) => Some(RecordData::Tlsa(Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.as_slice().into(),
        })),
        _ => None,
    }
}

fn name(of: &rr::Name) -> Result<Name, InvalidName> {
    let mut text = String::new();
    for label in of.iter() {
        // A dot within a label would make two of it.
        let label = str::from_utf8(label).ok().filter(|label| !label.contains('.'));
        text.push_str(label.ok_or(InvalidName::Syntax)?);
        text.push('.');
    }
    if text.is_empty() { Ok(Name::root()) } else { text.parse() }
}

/// RFC 2181 §8: with the highest bit set it is zero.
fn ttl(seconds: u32) -> Duration {
    Duration::from_secs(i32::try_from(seconds).map_or(0, |_| seconds.into()))
}

/// RFC 2308 §5: the lower of the two times of the SOA; `None` without one.
fn negative_ttl(message: &Message) -> Option<Duration> {
    message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(ttl(record.ttl).min(ttl(soa.minimum))),
        _ => None,
    })
}

fn extended_error(message: &Message) -> Option<u16> {
    let edns = message.edns.as_ref()?;
    match edns.option(EdnsCode::from(EXTENDED_ERROR))? {
        EdnsOption::Unknown(_, content) => content.first_chunk().map(|code| u16::from_be_bytes(*code)),
        _ => None,
    }
}
