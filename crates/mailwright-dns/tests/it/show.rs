//! Answers as text.

use std::fmt::Write;
use std::time::Duration;

use mailwright_dns::{Answer, LookupError, RecordData, Resolver, Zones};
use mailwright_dns::{Question, RecordType};

pub(crate) fn zones(text: &str) -> Zones {
    text.parse().unwrap()
}

/// How often zones were asked, once that is at least so often: the last query may still be on its way when its
/// sender no longer waits.
pub(crate) async fn asked(zones: &Zones, at_least: u64) -> u64 {
    let arrived = async {
        while zones.asked() < at_least {
            tokio::task::yield_now().await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(20), arrived).await;
    zones.asked()
}

/// `example.org MX`
pub(crate) fn question(text: &str) -> Question {
    let (name, of) = text.split_once(' ').unwrap();
    let of = RecordType::ALL.into_iter().find(|known| known.to_string() == of).unwrap();
    Question::new(name.parse().unwrap(), of)
}

pub(crate) async fn ask(resolver: &impl Resolver, text: &str) -> String {
    show(&resolver.lookup(&question(text)).await)
}

/// `mx.example 300: 192.0.2.1, 192.0.2.2 (stale)`, or the error.
pub(crate) fn show(outcome: &Result<Answer, LookupError>) -> String {
    match outcome {
        Ok(answer) => {
            let records: Vec<String> = answer.records.iter().map(record).collect();
            let mut text = format!("{} {}: {}", answer.name, answer.ttl.as_secs(), records.join(", "));
            if answer.authentic {
                text.push_str(" (authentic)");
            }
            if answer.stale {
                text.push_str(" (stale)");
            }
            text
        }
        Err(LookupError::NoSuchDomain { ttl }) => format!("no such domain {}", seconds(*ttl)),
        Err(LookupError::NoRecords { ttl }) => format!("no records {}", seconds(*ttl)),
        Err(error) => error.to_string(),
    }
}

fn seconds(ttl: Option<Duration>) -> String {
    ttl.map_or("?".to_owned(), |ttl| ttl.as_secs().to_string())
}

fn record(data: &RecordData) -> String {
    match data {
        RecordData::A(address) => address.to_string(),
        RecordData::Aaaa(address) => address.to_string(),
        RecordData::Mx(mx) => format!("{} {}", mx.preference, mx.exchange),
        RecordData::Txt(txt) => {
            let strings = txt.strings.iter().map(|string| string.escape_ascii().to_string());
            strings.collect::<Vec<_>>().join("|")
        }
        RecordData::Ptr(name) => name.to_string(),
        RecordData::Tlsa(tlsa) => {
            let mut text = format!("{} {} {} ", tlsa.usage, tlsa.selector, tlsa.matching);
            for octet in &tlsa.data {
                let _ = write!(text, "{octet:02x}");
            }
            text
        }
        other => panic!("{other:?}"),
    }
}
