//! Records by name, and what is found at one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::answer::Answer;
use crate::error::{LookupError, Malformed};
use crate::name::Name;
use crate::record::{Question, RecordData, RecordType};

/// Aliases that are followed from one name.
const ALIASES_MAX: usize = 16;

/// How asking for a name fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    ServerFailure,
    Refused,
    Timeout,
}

impl Fault {
    pub(super) fn error(self) -> LookupError {
        match self {
            Self::ServerFailure => LookupError::ServerFailure { info: None },
            Self::Refused => LookupError::Refused { info: None },
            Self::Timeout => LookupError::Timeout,
        }
    }
}

/// What one line of a zone says about its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// It has a record.
    Record(Duration, RecordData),
    /// It is another name for this one.
    Alias(Duration, Name),
    /// What does not exist below it is remembered so long.
    Authority(Duration),
    /// Asking for it fails, for one type or all.
    Fault(Option<RecordType>, Fault),
    /// It and all below are authentic.
    Secure,
}

/// An alias on the way to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) owner: Name,
    pub(crate) ttl: Duration,
    pub(crate) target: Name,
}

/// What is found for a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The way.
    pub(crate) aliases: Vec<Alias>,
    /// What is at its end.
    pub(crate) outcome: Result<Answer, LookupError>,
}

/// Records by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    nodes: BTreeMap<Name, Node>,
    /// All names that have something, and those above them (RFC 8020).
    exist: BTreeSet<Name>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    records: BTreeMap<RecordType, (Duration, Vec<RecordData>)>,
    alias: Option<(Duration, Name)>,
    authority: Option<Duration>,
    faults: BTreeMap<RecordType, Fault>,
    secure: bool,
}

impl Data {
    pub(super) fn add(&mut self, owner: &Name, statement: Statement) {
        let mut above = Some(owner.clone());
        while let Some(name) = above {
            above = name.parent();
            self.exist.insert(name);
        }
        let node = self.nodes.entry(owner.clone()).or_default();
        match statement {
            Statement::Record(ttl, data) => {
                let (shortest, records) = node.records.entry(data.record_type()).or_insert((ttl, Vec::new()));
                *shortest = ttl.min(*shortest);
                records.push(data);
            }
            Statement::Alias(ttl, target) => node.alias = Some((ttl, target)),
            Statement::Authority(ttl) => node.authority = Some(ttl),
            Statement::Fault(of, fault) => {
                let types = RecordType::ALL.into_iter().filter(|each| of.is_none_or(|of| of == *each));
                node.faults.extend(types.map(|each| (each, fault)));
            }
            Statement::Secure => node.secure = true,
        }
    }

    pub(super) fn find(&self, question: &Question) -> Found {
        let mut aliases: Vec<Alias> = Vec::new();
        let mut at = question.name.clone();
        let mut authentic = true;
        let outcome = loop {
            authentic &= self.is_secure(&at);
            let node = self.nodes.get(&at);
            if let Some(fault) = node.and_then(|node| node.faults.get(&question.record_type)) {
                break Err(fault.error());
            }
            if let Some((ttl, records)) = node.and_then(|node| node.records.get(&question.record_type)) {
                break Ok(Answer { authentic, ..Answer::new(at, records.clone(), *ttl) });
            }
            if let Some((ttl, target)) = node.and_then(|node| node.alias.clone()) {
                if aliases.len() == ALIASES_MAX {
                    break Err(Malformed::TooManyAliases.into());
                }
                aliases.push(Alias { owner: at, ttl, target: target.clone() });
                at = target;
                continue;
            }
            let ttl = self.above(&at).find_map(|node| node.authority);
            let exists = self.exist.contains(&at);
            break Err(if exists {
                LookupError::NoRecords { ttl }
            } else {
                LookupError::NoSuchDomain { ttl }
            });
        };
        Found { aliases, outcome }
    }

    fn is_secure(&self, name: &Name) -> bool {
        self.above(name).any(|node| node.secure)
    }

    /// What is at a name, and at those above it.
    fn above(&self, name: &Name) -> impl Iterator<Item = &Node> {
        let names = std::iter::successors(Some(name.clone()), Name::parent);
        names.filter_map(|name| self.nodes.get(&name))
    }
}
