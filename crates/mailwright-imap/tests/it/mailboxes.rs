//! The mailboxes of `ann`, in memory.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mailwright_core::{ModSeq, Uid, UidSet, UidValidity};
use mailwright_imap::StoreAction;
use mailwright_imap::server::{Changed, Copied, MailboxStatus, Permanent, Stored, View};
use mailwright_imap::types::{DateTime, Flag, SearchKey};

use crate::message;

pub(crate) struct Mailboxes {
    pub(crate) all: BTreeMap<String, Mailbox>,
    pub(crate) subscribed: BTreeSet<String>,
    /// The last one that was drawn.
    modseq: u64,
}

#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid_next: u32,
    pub(crate) messages: BTreeMap<Uid, Message>,
    pub(crate) highest: ModSeq,
    /// It keeps no MODSEQs that it would tell.
    pub(crate) is_plain: bool,
    pub(crate) permanent: Permanent,
    pub(crate) special_use: Option<Flag>,
    vanished: Vec<(ModSeq, Uid)>,
    /// What has vanished before is not known.
    history_from: ModSeq,
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) octets: Bytes,
    pub(crate) flags: Vec<Flag>,
    pub(crate) date: DateTime,
    pub(crate) modseq: ModSeq,
}

/// What has changed since.
pub(crate) struct News {
    pub(crate) rows: Vec<(Uid, ModSeq, Vec<Flag>)>,
    /// `None` if it is not known any more.
    pub(crate) vanished: Option<UidSet>,
}

pub(crate) fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

pub(crate) fn modseq(number: u64) -> ModSeq {
    ModSeq::new(number).unwrap()
}

fn flags(text: &str) -> Vec<Flag> {
    text.split_whitespace().map(|flag| flag.parse().unwrap()).collect()
}

impl Mailbox {
    fn new(uid_validity: u32) -> Self {
        Self {
            uid_validity: UidValidity::new(uid_validity).unwrap(),
            uid_next: 1,
            messages: BTreeMap::new(),
            highest: modseq(1),
            is_plain: false,
            permanent: Permanent::All,
            special_use: None,
            vanished: Vec::new(),
            history_from: ModSeq::ZERO,
        }
    }

    fn with(mut self, number: u32, at: u64, flag_names: &str, text: &str) -> Self {
        let octets = format!("From: Ann <ann@example.org>\r\nSubject: {text}\r\n\r\nHello {number}\r\n");
        let message = Message {
            octets: octets.into(),
            flags: flags(flag_names),
            date: message::DATE,
            modseq: modseq(at),
        };
        self.messages.insert(uid(number), message);
        self.uid_next = number + 1;
        self.highest = modseq(at);
        self
    }

    pub(crate) fn uids(&self) -> UidSet {
        self.messages.keys().copied().collect()
    }

    pub(crate) fn view(&self) -> View {
        let mut known = Flag::SYSTEM.to_vec();
        for flag in self.messages.values().flat_map(|message| &message.flags) {
            if !known.contains(flag) {
                known.push(flag.clone());
            }
        }
        let unseen = self.messages.iter().find(|(_, message)| !message.flags.contains(&Flag::SEEN));
        View {
            uid_validity: self.uid_validity,
            uid_next: uid(self.uid_next),
            highest_modseq: (!self.is_plain).then_some(self.highest),
            uids: self.uids(),
            first_unseen: unseen.map(|(uid, _)| *uid),
            flags: known,
            permanent: self.permanent.clone(),
            read_only: false,
        }
    }

    pub(crate) fn status(&self) -> MailboxStatus {
        let messages = || self.messages.values();
        let count = |of: &dyn Fn(&Message) -> bool| messages().filter(|message| of(message)).count() as u32;
        MailboxStatus {
            messages: Some(count(&|_| true)),
            uid_next: Some(uid(self.uid_next)),
            uid_validity: Some(self.uid_validity),
            unseen: Some(count(&|message| !message.flags.contains(&Flag::SEEN))),
            deleted: Some(count(&|message| message.flags.contains(&Flag::DELETED))),
            size: Some(messages().map(|message| message.octets.len() as u64).sum()),
            highest_modseq: (!self.is_plain).then_some(self.highest),
        }
    }

    /// Rows in the order of their MODSEQs.
    pub(crate) fn since(&self, rows_since: ModSeq, vanished_since: ModSeq) -> News {
        let changed = self.messages.iter().filter(|(_, message)| message.modseq > rows_since);
        let mut rows: Vec<_> =
            changed.map(|(uid, message)| (*uid, message.modseq, message.flags.clone())).collect();
        rows.sort_by_key(|row| row.1);
        let vanished = self.vanished.iter().filter(|vanished| vanished.0 > vanished_since);
        let vanished = (vanished_since >= self.history_from).then(|| vanished.map(|one| one.1).collect());
        News { rows, vanished }
    }

    /// What vanished so far is not known any more.
    pub(crate) fn forget(&mut self) {
        self.history_from = self.highest;
    }

    pub(crate) fn search(&self, within: &UidSet, key: &SearchKey<UidSet>) -> UidSet {
        let found = self.messages.iter().filter(|(uid, message)| matches(key, **uid, message));
        found.map(|(uid, _)| *uid).collect::<UidSet>().intersection(within)
    }
}

fn matches(key: &SearchKey<UidSet>, uid: Uid, message: &Message) -> bool {
    let has = |octets: &[u8], needle: &[u8]| {
        needle.is_empty() || octets.windows(needle.len()).any(|at| at.eq_ignore_ascii_case(needle))
    };
    match key {
        SearchKey::All => true,
        SearchKey::Messages(uids) => uids.contains(uid),
        SearchKey::And(keys) => keys.iter().all(|key| matches(key, uid, message)),
        SearchKey::Or(both) => matches(&both.0, uid, message) || matches(&both.1, uid, message),
        SearchKey::Not(key) => !matches(key, uid, message),
        SearchKey::Flag(flag) => message.flags.contains(flag),
        SearchKey::Larger(size) => message.octets.len() as u64 > *size,
        SearchKey::Smaller(size) => (message.octets.len() as u64) < *size,
        SearchKey::Header { name, text } => {
            message::field(&message.octets, name).is_some_and(|value| has(&value, text))
        }
        SearchKey::Body(text) => has(message::halves(&message.octets).1, text),
        SearchKey::Text(text) => has(&message.octets, text),
        SearchKey::ModSeq(modseq) => message.modseq >= *modseq,
        // Days are not what these tests are about.
        _ => false,
    }
}

impl Mailboxes {
    /// INBOX has a history; the others show one thing each.
    pub(crate) fn new() -> Self {
        let mut inbox = Mailbox::new(7)
            .with(11, 31, "\\Seen", "one")
            .with(12, 32, "", "two")
            .with(14, 33, "\\Answered $Forwarded", "three")
            .with(17, 34, "\\Deleted", "four")
            .with(18, 35, "\\Flagged", "five");
        inbox.uid_next = 20;
        inbox.vanished =
            [(36, 13), (38, 15), (38, 16), (40, 19)].map(|(at, gone)| (modseq(at), uid(gone))).into();
        (inbox.highest, inbox.history_from) = (modseq(40), modseq(20));
        let sent = Mailbox { special_use: Some("\\Sent".parse().unwrap()), ..Mailbox::new(8) };
        let drafts = Mailbox { special_use: Some("\\Drafts".parse().unwrap()), ..Mailbox::new(9) };
        let plain =
            Mailbox { is_plain: true, ..Mailbox::new(12).with(1, 1, "", "a").with(2, 2, "\\Seen", "b") };
        let all = [
            ("INBOX", inbox),
            ("Sent", sent.with(3, 50, "\\Seen", "sent")),
            ("Entwürfe", drafts),
            ("R&D", Mailbox::new(10)),
            ("lists/rust", Mailbox::new(11)),
            ("Plain", plain),
        ];
        Self {
            all: all.map(|(name, mailbox)| (name.to_owned(), mailbox)).into(),
            subscribed: ["INBOX", "lists/rust", "gone"].map(str::to_owned).into(),
            modseq: 100,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Mailbox> {
        self.all.get(name)
    }

    fn draw(&mut self) -> ModSeq {
        self.modseq += 1;
        modseq(self.modseq)
    }

    pub(crate) fn create(&mut self, name: &str, special_use: Option<Flag>) {
        let mailbox = Mailbox { special_use, ..Mailbox::new(100 + self.all.len() as u32) };
        self.all.insert(name.to_owned(), mailbox);
    }

    pub(crate) fn append(&mut self, name: &str, messages: Vec<Message>) -> Option<(UidValidity, UidSet)> {
        let at = self.draw();
        let mailbox = self.all.get_mut(name)?;
        let mut uids = UidSet::new();
        for message in messages {
            uids.insert(uid(mailbox.uid_next));
            mailbox.messages.insert(uid(mailbox.uid_next), Message { modseq: at, ..message });
            mailbox.uid_next += 1;
        }
        mailbox.highest = at;
        Some((mailbox.uid_validity, uids))
    }

    /// These are not there any more.
    pub(crate) fn expunge(&mut self, name: &str, uids: &UidSet) {
        let at = self.draw();
        let mailbox = self.all.get_mut(name).unwrap();
        for uid in uids.iter() {
            if mailbox.messages.remove(&uid).is_some() {
                mailbox.vanished.push((at, uid));
                mailbox.highest = at;
            }
        }
    }

    /// Those of these that are `\Deleted`.
    pub(crate) fn deleted(&self, name: &str, uids: &UidSet) -> UidSet {
        self.get(name).unwrap().search(uids, &SearchKey::Flag(Flag::DELETED))
    }

    /// Each message that there still is, with its flags as they have become.
    pub(crate) fn store(
        &mut self,
        name: &str,
        uids: &UidSet,
        action: StoreAction,
        new: &[Flag],
        unchanged_since: Option<ModSeq>,
    ) -> (Vec<(Changed, Vec<Flag>)>, Stored) {
        let at = self.draw();
        let mailbox = self.all.get_mut(name).unwrap();
        let (mut rows, mut stored) = (Vec::new(), Stored::default());
        for uid in uids.iter() {
            let Some(message) = mailbox.messages.get_mut(&uid) else {
                stored.gone.insert(uid);
                continue;
            };
            if unchanged_since.is_some_and(|since| message.modseq > since) {
                stored.modified.insert(uid);
                continue;
            }
            let mut flags = message.flags.clone();
            match action {
                StoreAction::Replace => flags = new.to_vec(),
                StoreAction::Add => flags.extend_from_slice(new),
                StoreAction::Remove => flags.retain(|flag| !new.contains(flag)),
            }
            let mut once: Vec<Flag> = Vec::new();
            for flag in flags {
                if !once.contains(&flag) {
                    once.push(flag);
                }
            }
            let previous = message.modseq;
            if once != message.flags {
                (message.flags, message.modseq, mailbox.highest) = (once, at, at);
            }
            rows.push((Changed { uid, modseq: message.modseq, previous }, message.flags.clone()));
        }
        (rows, stored)
    }

    /// `None` if none of them is there any more.
    pub(crate) fn copy(&mut self, name: &str, uids: &UidSet, to: &str) -> Option<Copied> {
        let from = self.get(name)?.uids().intersection(uids);
        if from.is_empty() {
            return None;
        }
        let messages = from.iter().map(|uid| self.all[name].messages[&uid].clone()).collect();
        let (uid_validity, to) = self.append(to, messages)?;
        Some(Copied { uid_validity, from, to })
    }
}
