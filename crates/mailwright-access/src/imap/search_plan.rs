//! A SEARCH, made ready: what can be told from a row, and what only from the message.

use mailwright_core::{ModSeq, Timestamp, Uid, UidSet};
use mailwright_imap::types::{Date, Flag, SearchKey};
use mailwright_message::{EnvelopeField, Needle, Scan, ScanError, SearchScope, SentDate, TextSearch};
use mailwright_store::{Columns, Keyword, RowPage, SystemFlag};

use super::calendar::{day, local_day};
use super::flags::system;

/// What is looked for.
#[derive(Debug)]
pub(super) struct Plan {
    root: Node,
    /// What can only be told from the message.
    leaves: Vec<Leaf>,
    /// What the rest needs.
    pub(super) columns: Columns,
    /// How many keys there are.
    pub(super) keys: u64,
}

#[derive(Debug)]
enum Node {
    Is(bool),
    Messages(UidSet),
    All(Vec<Self>),
    Either(Box<(Self, Self)>),
    Not(Box<Self>),
    System(SystemFlag),
    Keyword(Keyword),
    /// On a day of these, the last not included.
    Arrived(i32, i32),
    /// In this time, the end included.
    Between(Timestamp, Timestamp),
    Larger(u64),
    Smaller(u64),
    Since(ModSeq),
    Leaf(usize),
}

#[derive(Debug)]
enum Leaf {
    Sent(Ordered, Date),
    Header { field: Option<EnvelopeField>, name: String, needle: Box<Needle> },
    Text(Box<TextSearch>),
}

#[derive(Debug, Clone, Copy)]
enum Ordered {
    Before,
    On,
    Since,
}

/// What is needed to tell whether a message is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Its scan.
    Scan,
    /// Its header.
    Header,
    /// Its text.
    Text,
}

/// The answers of the leaves, as far as they are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    leaves: Vec<Option<bool>>,
    /// What a scan can tell was asked, though it need not have known.
    scanned: bool,
}

impl Answers {
    fn get(&self, leaf: usize) -> Option<bool> {
        self.leaves.get(leaf).copied().flatten()
    }

    fn set(&mut self, leaf: usize, answer: bool) {
        if self.leaves.len() <= leaf {
            self.leaves.resize(leaf + 1, None);
        }
        if let Some(place) = self.leaves.get_mut(leaf) {
            *place = Some(answer);
        }
    }
}

impl Plan {
    pub(super) fn new(key: &SearchKey<UidSet>, now: Timestamp) -> Self {
        let mut plan = Self { root: Node::Is(true), leaves: Vec::new(), columns: Columns::UIDS, keys: 0 };
        plan.root = plan.node(key, now);
        plan
    }

    fn node(&mut self, key: &SearchKey<UidSet>, now: Timestamp) -> Node {
        self.keys += 1;
        match key {
            SearchKey::All => Node::Is(true),
            SearchKey::Messages(uids) => Node::Messages(uids.clone()),
            SearchKey::And(keys) => Node::All(keys.iter().map(|key| self.node(key, now)).collect()),
            SearchKey::Or(keys) => Node::Either(Box::new((self.node(&keys.0, now), self.node(&keys.1, now)))),
            SearchKey::Not(key) => Node::Not(Box::new(self.node(key, now))),
            SearchKey::Flag(flag) => self.flag(flag),
            SearchKey::Before(date) => self.arrived(*date, |day| (i32::MIN, day)),
            SearchKey::On(date) => self.arrived(*date, |day| (day, day.saturating_add(1))),
            SearchKey::Since(date) => self.arrived(*date, |day| (day, i32::MAX)),
            SearchKey::SentBefore(date) => self.leaf(Leaf::Sent(Ordered::Before, *date)),
            SearchKey::SentOn(date) => self.leaf(Leaf::Sent(Ordered::On, *date)),
            SearchKey::SentSince(date) => self.leaf(Leaf::Sent(Ordered::Since, *date)),
            SearchKey::Larger(octets) => self.of(Columns::SIZE, Node::Larger(*octets)),
            SearchKey::Smaller(octets) => self.of(Columns::SIZE, Node::Smaller(*octets)),
            SearchKey::Older(seconds) => {
                let until = Timestamp(now.0.saturating_sub(i64::from(*seconds) * 1000));
                self.of(Columns::DATE, Node::Between(Timestamp(i64::MIN), until))
            }
            SearchKey::Younger(seconds) => {
                let from = Timestamp(now.0.saturating_sub(i64::from(*seconds) * 1000));
                self.of(Columns::DATE, Node::Between(from, Timestamp(i64::MAX)))
            }
            SearchKey::ModSeq(modseq) => self.of(Columns::MODSEQ, Node::Since(*modseq)),
            SearchKey::Header { name, text } => {
                let (field, needle) = (field(name), Box::new(needle(text)));
                self.leaf(Leaf::Header { field, name: name.clone(), needle })
            }
            SearchKey::Body(text) => self.text(text, SearchScope::Body),
            SearchKey::Text(text) => self.text(text, SearchScope::Text),
            // A key that this release does not know finds nothing.
            _ => Node::Is(false),
        }
    }

    fn of(&mut self, column: Columns, node: Node) -> Node {
        self.columns = self.columns.and(column);
        node
    }

    fn flag(&mut self, flag: &Flag) -> Node {
        if let Some(system) = system(flag) {
            return self.of(Columns::FLAGS, Node::System(system));
        }
        // One that cannot be set is not set.
        flag.as_str()
            .parse()
            .map_or(Node::Is(false), |keyword| self.of(Columns::FLAGS, Node::Keyword(keyword)))
    }

    fn arrived(&mut self, date: Date, days: impl Fn(i32) -> (i32, i32)) -> Node {
        // A day that the month does not have is counted on.
        let first = day(Date { day: 1, ..date });
        let day = first.map(|first| first.saturating_add(i32::from(date.day) - 1));
        day.map(days).map_or(Node::Is(false), |(from, to)| self.of(Columns::DATE, Node::Arrived(from, to)))
    }

    fn text(&mut self, text: &[u8], scope: SearchScope) -> Node {
        if text.is_empty() {
            return Node::Is(true);
        }
        self.leaf(Leaf::Text(Box::new(TextSearch::new(needle(text), scope))))
    }

    fn leaf(&mut self, leaf: Leaf) -> Node {
        self.leaves.push(leaf);
        Node::Leaf(self.leaves.len() - 1)
    }

    /// Whether the message is found, or what is needed to tell.
    pub(super) fn decide(&self, page: &RowPage, at: usize, answers: &Answers) -> Result<bool, Need> {
        self.root.decide(&Row { page, at, uid: page.uids.get(at).copied() }, answers, &self.leaves)
    }

    /// Answers what can be told from a scan.
    pub(super) fn ask_scan(&self, scan: &Scan, answers: &mut Answers) -> Result<(), ScanError> {
        answers.scanned = true;
        for (at, leaf) in self.leaves.iter().enumerate() {
            match leaf {
                Leaf::Sent(ordered, date) => {
                    answers.set(at, scan.sent().is_some_and(|sent| ordered.is(sent, *date)));
                }
                Leaf::Header { field: Some(field), needle, .. } => {
                    let matches = needle.matches_envelope(scan, *field)?;
                    // What a limited scan has left out may stand in the header.
                    if matches || !scan.is_limited() {
                        answers.set(at, matches);
                    }
                }
                Leaf::Header { .. } | Leaf::Text(_) => {}
            }
        }
        Ok(())
    }

    /// Answers what can be told from a header.
    pub(super) fn ask_header(&self, header: &[u8], answers: &mut Answers) {
        for (at, leaf) in self.leaves.iter().enumerate() {
            if let Leaf::Header { name, needle, .. } = leaf
                && answers.get(at).is_none()
            {
                answers.set(at, needle.matches_header(header, name));
            }
        }
    }

    /// The next search in texts that has no answer yet, and where it is.
    pub(super) fn text_search(&mut self, answers: &Answers) -> Option<(usize, &mut TextSearch)> {
        self.leaves.iter_mut().enumerate().find_map(|(at, leaf)| match leaf {
            Leaf::Text(search) if answers.get(at).is_none() => Some((at, &mut **search)),
            _ => None,
        })
    }

    pub(super) fn answer(answers: &mut Answers, leaf: usize, answer: bool) {
        answers.set(leaf, answer);
    }
}

struct Row<'a> {
    page: &'a RowPage,
    at: usize,
    uid: Option<Uid>,
}

impl Node {
    fn decide(&self, row: &Row<'_>, answers: &Answers, leaves: &[Leaf]) -> Result<bool, Need> {
        let Row { page, at, uid } = row;
        let flags = || page.flags.get(*at);
        let date = || page.dates.get(*at).copied();
        let size = || page.sizes.get(*at).copied();
        Ok(match self {
            Self::Is(is) => *is,
            Self::Messages(uids) => uid.is_some_and(|uid| uids.contains(uid)),
            Self::All(nodes) => {
                let mut need = None;
                for node in nodes {
                    match node.decide(row, answers, leaves) {
                        Ok(true) => {}
                        Ok(false) => return Ok(false),
                        // The cheapest one may spare the others.
                        Err(other) => need = Some(need.map_or(other, |need: Need| need.min(other))),
                    }
                }
                return need.map_or(Ok(true), Err);
            }
            Self::Either(nodes) => {
                return match (nodes.0.decide(row, answers, leaves), nodes.1.decide(row, answers, leaves)) {
                    (Ok(true), _) | (_, Ok(true)) => Ok(true),
                    (Err(one), Err(other)) => Err(one.min(other)),
                    (Err(need), _) | (_, Err(need)) => Err(need),
                    _ => Ok(false),
                };
            }
            Self::Not(node) => !node.decide(row, answers, leaves)?,
            Self::System(flag) => flags().is_some_and(|flags| flags.has(*flag)),
            Self::Keyword(keyword) => flags().is_some_and(|flags| flags.has_keyword(keyword)),
            Self::Arrived(from, to) => date().is_some_and(|date| (*from..*to).contains(&local_day(date))),
            Self::Between(from, to) => date().is_some_and(|date| (*from..=*to).contains(&date.at)),
            Self::Larger(octets) => size().is_some_and(|size| size > *octets),
            Self::Smaller(octets) => size().is_some_and(|size| size < *octets),
            Self::Since(modseq) => page.modseqs.get(*at).is_some_and(|own| own >= modseq),
            Self::Leaf(leaf) => return answers.get(*leaf).ok_or_else(|| need(leaves.get(*leaf), answers)),
        })
    }
}

/// What a leaf without an answer needs.
fn need(leaf: Option<&Leaf>, answers: &Answers) -> Need {
    match leaf {
        Some(Leaf::Header { field: Some(_), .. }) if !answers.scanned => Need::Scan,
        Some(Leaf::Header { .. }) => Need::Header,
        Some(Leaf::Text(_)) => Need::Text,
        Some(Leaf::Sent(..)) | None => Need::Scan,
    }
}

impl Ordered {
    fn is(self, sent: SentDate, date: Date) -> bool {
        let (sent, date) = ((sent.year, sent.month, sent.day), (date.year, date.month, date.day));
        match self {
            Self::Before => sent < date,
            Self::On => sent == date,
            Self::Since => sent >= date,
        }
    }
}

fn needle(text: &[u8]) -> Needle {
    Needle::new(&String::from_utf8_lossy(text))
}

/// The field of that name, if scans have it.
fn field(name: &str) -> Option<EnvelopeField> {
    let known = [
        ("Subject", EnvelopeField::Subject),
        ("In-Reply-To", EnvelopeField::InReplyTo),
        ("Message-ID", EnvelopeField::MessageId),
        ("From", EnvelopeField::From),
        ("Sender", EnvelopeField::Sender),
        ("Reply-To", EnvelopeField::ReplyTo),
        ("To", EnvelopeField::To),
        ("Cc", EnvelopeField::Cc),
        ("Bcc", EnvelopeField::Bcc),
    ];
    known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field)
}
