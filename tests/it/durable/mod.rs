//! What was acknowledged is there, once and byte for byte, whatever happens: the server is killed, the disk is full,
//! a sync fails, a start fails.

mod full_disk;
mod kill;
mod start;
mod sync_fault;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::ExitStatus;

use crate::support::{Dev, Wire, contains, without_trace};

/// A server that keeps its mail there.
fn keep(dir: &Path) -> Dev {
    Dev::start_with(&["--keep", dir.to_str().unwrap()])
}

/// All checksums are right, and the index is what the log says.
#[track_caller]
fn assert_sound(dir: &Path) {
    let report = mailwright_store_sqlite::verify(dir).unwrap();
    assert!(report.is_sound() && report.compared, "{report:?}");
}

/// A server that could not start has said so by a code of sysexits(3), and for one of these reasons.
#[track_caller]
fn assert_failed(status: Option<ExitStatus>, log: &str, reasons: &[&str]) {
    let code = status.and_then(|status| status.code());
    assert!(code.is_some_and(|code| (64..=78).contains(&code)), "{status:?}:\n{log}");
    let said = log.lines().find(|line| line.starts_with("mailwright: ")).unwrap_or_default();
    assert!(reasons.iter().any(|reason| said.contains(reason)), "{said:?} is not one of {reasons:?}:\n{log}");
}

/// A message that is sent once. No other attempt has its id.
#[derive(Debug)]
struct Attempt {
    id: String,
    message: Vec<u8>,
}

impl Attempt {
    /// With a body of about so many octets, which differs from that of every other id.
    fn new(id: String, octets: usize) -> Self {
        let mut body = String::new();
        while body.len() < octets {
            // Dots at the start of lines need care on the way.
            let dots = ".".repeat(body.len() % 3);
            body += &format!("{dots}{id} at {}, and what it takes to make a line of it\r\n", body.len());
        }
        let message = format!(
            "Subject: attempt\r\nX-Attempt: {id}\r\nX-Hash: {:x}\r\n\r\n{body}",
            hash(body.as_bytes())
        );
        Self { id, message: message.into_bytes() }
    }

    /// Sends it to ann at this domain.
    fn send(&self, wire: &mut Wire, domain: &str) -> Outcome {
        match wire.try_mail(&format!("ann@{domain}"), &self.message) {
            Some(reply) if reply.starts_with("250 ") => Outcome::Acknowledged,
            Some(reply) => Outcome::Refused(reply),
            None => Outcome::Unknown,
        }
    }
}

fn hash(octets: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    octets.hash(&mut hasher);
    hasher.finish()
}

/// What the sender of an attempt knows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// The server has taken it.
    Acknowledged,
    /// The server has not, and said so.
    Refused(String),
    /// The connection has ended.
    Unknown,
}

/// All attempts: what was sent, and what became of it.
#[derive(Debug, Default, Clone)]
struct Ledger(BTreeMap<String, (u64, Outcome)>);

impl Ledger {
    fn enter(&mut self, attempt: &Attempt, outcome: Outcome) {
        let before = self.0.insert(attempt.id.clone(), (hash(&attempt.message), outcome));
        assert_eq!(before, None, "{} was sent before", attempt.id);
    }

    fn acknowledged(&self) -> usize {
        self.0.values().filter(|(_, outcome)| *outcome == Outcome::Acknowledged).count()
    }

    /// Who deletes a message no longer expects it.
    fn forget(&mut self, message: &[u8]) {
        let id = id_of(message).unwrap();
        assert!(self.0.remove(&id).is_some(), "{id} is not known");
    }

    /// Compares it with all messages that are there.
    fn compare(&self, messages: &[Vec<u8>]) -> Comparison {
        let mut there: BTreeMap<String, usize> = BTreeMap::new();
        let mut faults = Vec::new();
        for message in messages {
            let known = id_of(message).and_then(|id| Some((self.0.get(&id)?, id)));
            let Some(((sent, _), id)) = known else {
                faults.push(format!(
                    "nobody has sent {}",
                    String::from_utf8_lossy(&message[..message.len().min(500)])
                ));
                continue;
            };
            if hash(without_trace(message)) != *sent {
                faults.push(format!("{id} is not as it was sent"));
            }
            *there.entry(id).or_default() += 1;
        }
        let mut open = 0;
        for (id, (_, outcome)) in &self.0 {
            match (outcome, there.get(id).copied().unwrap_or(0)) {
                (Outcome::Acknowledged, 1) | (Outcome::Refused(_) | Outcome::Unknown, 0) => {}
                (Outcome::Unknown, 1) => open += 1,
                (outcome, count) => faults.push(format!("{id} is there {count} times: {outcome:?}")),
            }
        }
        Comparison { attempts: self.0.len(), acknowledged: self.acknowledged(), open, faults }
    }
}

fn id_of(message: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"X-Attempt: ";
    let line = message.split(|&octet| octet == b'\n').find(|line| line.starts_with(NAME))?;
    String::from_utf8(line[NAME.len()..].trim_ascii_end().to_vec()).ok()
}

/// What a [`Ledger`] and the messages that are there have in common.
#[derive(Debug)]
struct Comparison {
    attempts: usize,
    acknowledged: usize,
    /// Attempts that are there, though their senders do not know.
    open: usize,
    /// All that must not be.
    faults: Vec<String>,
}

impl Comparison {
    #[track_caller]
    fn ok(self) -> Self {
        assert!(
            self.faults.is_empty(),
            "{} faults, the first of them: {:#?}",
            self.faults.len(),
            self.faults.first()
        );
        self
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, acknowledged, open, .. } = self;
        write!(
            f,
            "{attempts} attempts, {acknowledged} acknowledged, {open} there without their senders' knowledge"
        )
    }
}

/// A comparison that finds nothing must have been able to.
#[test]
fn the_comparison_finds_what_is_wrong() {
    let outcomes = [
        Outcome::Acknowledged,
        Outcome::Acknowledged,
        Outcome::Refused("452 4.3.1".into()),
        Outcome::Unknown,
    ];
    let attempts: Vec<Attempt> = (0..4).map(|number| Attempt::new(number.to_string(), 300)).collect();
    let mut ledger = Ledger::default();
    for (attempt, outcome) in attempts.iter().zip(outcomes) {
        ledger.enter(attempt, outcome);
    }
    let trace = "Return-Path: <app@client.example>\r\nReceived: from client.example\r\n\tby localhost\r\n";
    let as_received = |attempt: &Attempt| [trace.as_bytes(), &attempt.message].concat();
    let all: Vec<Vec<u8>> = attempts.iter().map(as_received).collect();
    let faults = |of: &[&[u8]]| {
        let messages: Vec<Vec<u8>> = of.iter().map(|message| message.to_vec()).collect();
        ledger.compare(&messages).faults
    };
    let [first, second, refused, unknown] = &all[..] else { panic!("four") };

    assert_eq!(faults(&[first, second]), [""; 0]);
    assert_eq!(faults(&[unknown, second, first]), [""; 0]);
    assert_eq!(faults(&[first]), ["1 is there 0 times: Acknowledged"]);
    assert_eq!(faults(&[first, second, second]), ["1 is there 2 times: Acknowledged"]);
    assert_eq!(faults(&[first, second, unknown, unknown]), ["3 is there 2 times: Unknown"]);
    assert_eq!(faults(&[first, second, refused]), ["2 is there 1 times: Refused(\"452 4.3.1\")"]);
    assert_eq!(faults(&[first, &second[..second.len() - 2]]), ["1 is not as it was sent"]);
    for at in trace.len()..second.len() {
        let mut torn = second.clone();
        torn[at] ^= 1;
        assert!(!faults(&[first, &torn]).is_empty(), "octet {at} may be anything");
    }
    assert!(
        faults(&[first, second, b"Subject: another\r\n\r\n"])[0].contains("nobody has sent Subject: another")
    );

    let mut deleted = ledger.clone();
    deleted.forget(second);
    assert!(deleted.compare(std::slice::from_ref(first)).faults.is_empty());
    assert!(!deleted.compare(&[first.clone(), second.clone()]).faults.is_empty());
    assert!(contains(&attempts[0].message, b"\r\n.."), "dots are at the start of lines");
}
