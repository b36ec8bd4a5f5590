//! What a session knows of a source.

use std::collections::BTreeMap;

use bytes::Bytes;
use mailwright_core::{BlobId, MailboxId, ModSeq, UidValidity};
use mailwright_store::MailboxName;

use super::contract::Folder;
use super::mailbox::Mailbox;

#[derive(Debug)]
pub(super) struct State<U> {
    pub(super) user: Option<U>,
    pub(super) login: String,
    pub(super) mailboxes: BTreeMap<MailboxId, Mailbox>,
    /// The message that was read last: what is asked of one is asked in several questions.
    pub(super) last_read: Option<(BlobId, Bytes)>,
    last_id: u64,
}

impl<U> Default for State<U> {
    fn default() -> Self {
        Self { user: None, login: String::new(), mailboxes: BTreeMap::new(), last_read: None, last_id: 0 }
    }
}

impl<U> State<U> {
    /// Takes in which folders there are. One with another UIDVALIDITY is another one.
    pub(super) fn refresh(&mut self, folders: Vec<Folder>, now: ModSeq) {
        let mut before = std::mem::take(&mut self.mailboxes);
        for folder in folders {
            // A name that cannot be one is nothing that a client could ask for.
            let Ok(name) = folder.name.parse::<MailboxName>() else { continue };
            let uid_validity =
                UidValidity::new(folder.uid_validity).unwrap_or(UidValidity(std::num::NonZeroU32::MIN));
            let same = |mailbox: &&Mailbox| mailbox.name == name && mailbox.uid_validity == uid_validity;
            let known = before.values().find(same).map(|mailbox| mailbox.id);
            let mut mailbox = known.and_then(|id| before.remove(&id)).unwrap_or_else(|| {
                self.last_id += 1;
                Mailbox::new(MailboxId(self.last_id), name, uid_validity, folder.special_use, now)
            });
            mailbox.special_use = folder.special_use;
            mailbox.given(folder.uid_next);
            self.mailboxes.insert(mailbox.id, mailbox);
        }
    }
}
