//! The mailbox in view, and how far the client has been told of it.

use mailwright_core::{ModSeq, Uid, UidSet, UidValidity};

use super::event::{Permanent, View};
use super::numbering::Numbering;
use crate::types::Flag;

/// Own changes that are remembered before the application is asked for all of them at once.
const OWN_MAX: usize = 256;

/// The mailbox in view.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) numbering: Numbering,
    /// The last UID that there was, if there was one.
    pub(super) last_uid: Option<Uid>,
    pub(super) uid_validity: UidValidity,
    pub(super) read_only: bool,
    pub(super) has_modseqs: bool,
    /// All changes of flags up to here were told.
    pub(super) rows_since: ModSeq,
    /// All that vanished up to here was told. It may lag behind: withheld expunges are told later, and once.
    pub(super) vanished_since: ModSeq,
    /// Flags and keywords that the client knows of.
    pub(super) flags: Vec<Flag>,
    pub(super) permanent: Permanent,
    /// What `$` stands for (RFC 5182).
    pub(super) saved: UidSet,
    /// The application said that something may have changed.
    pub(super) changed: bool,
    /// The application could not tell what: it is asked again at the end of the next command.
    pub(super) later: bool,
    own: Vec<(ModSeq, UidSet)>,
}

impl Selected {
    pub(super) fn new(view: View, read_only: bool) -> Self {
        let modseq = view.highest_modseq.unwrap_or_default();
        Self {
            numbering: Numbering::new(&view.uids),
            last_uid: Uid::new(view.uid_next.get() - 1),
            uid_validity: view.uid_validity,
            read_only: read_only || view.read_only,
            has_modseqs: view.highest_modseq.is_some(),
            rows_since: modseq,
            vanished_since: modseq,
            flags: view.flags,
            permanent: view.permanent,
            saved: UidSet::new(),
            changed: false,
            later: false,
            own: Vec::new(),
        }
    }

    /// Whether there is something to ask for.
    pub(super) fn is_behind(&self, expunge_allowed: bool) -> bool {
        self.changed || (expunge_allowed && !self.later && self.vanished_since < self.rows_since)
    }

    /// All UIDs that there ever were: no others can have vanished.
    pub(super) fn ever(&self) -> UidSet {
        self.last_uid.map_or_else(UidSet::new, |last| UidSet::range(Uid::FIRST, last))
    }

    /// New messages, of which the client is told now.
    pub(super) fn extend(&mut self, uids: &UidSet) {
        self.numbering.extend(uids);
        self.last_uid = self.last_uid.max(self.numbering.last());
    }

    /// What the client may take for the mailbox's HIGHESTMODSEQ: it knows of all changes up to there.
    pub(super) fn told(&self) -> ModSeq {
        self.rows_since.min(self.vanished_since)
    }

    /// This session has changed a message's flags, and the client knows.
    pub(super) fn remember(&mut self, uid: Uid, modseq: ModSeq) {
        match self.own.last_mut().filter(|own| own.0 == modseq) {
            Some((_, uids)) => uids.insert(uid),
            None => self.own.push((modseq, UidSet::range(uid, uid))),
        }
        self.changed |= self.own.len() > OWN_MAX;
    }

    /// How many own changes are remembered.
    pub(super) fn own_len(&self) -> usize {
        self.own.len()
    }

    /// The client takes for undone what was done since then: it is news.
    pub(super) fn forget_own(&mut self, len: usize) {
        self.own.truncate(len);
        self.changed = true;
    }

    /// Whether this change is one of this session's.
    pub(super) fn is_own(&self, uid: Uid, modseq: ModSeq) -> bool {
        self.own.iter().rev().any(|own| own.0 == modseq && own.1.contains(uid))
    }

    /// Whether somebody else has changed the message, and the client does not know.
    pub(super) fn is_news(&self, uid: Uid, modseq: ModSeq) -> bool {
        modseq > self.rows_since && !self.is_own(uid, modseq)
    }

    /// All changes of flags up to there were told.
    pub(super) fn rows_told(&mut self, upto: ModSeq) {
        self.rows_since = self.rows_since.max(upto);
        self.own.retain(|own| own.0 > upto);
    }

    /// These are not there any more, and the client knows.
    pub(super) fn remove(&mut self, uids: &UidSet) {
        self.numbering.remove(uids);
        self.saved = self.saved.difference(uids);
    }

    /// Takes in keywords that the client has not heard of, and says whether there are any.
    pub(super) fn learn<'a>(&mut self, flags: impl Iterator<Item = &'a str>) -> bool {
        let known = self.flags.len();
        for flag in flags {
            if !flag.starts_with('\\')
                && !self.flags.iter().any(|known| known.is(flag))
                && let Ok(flag) = flag.parse()
            {
                self.flags.push(flag);
            }
        }
        self.flags.len() > known
    }
}
