//! What the application tells in parts, before it answers.

use bytes::Bytes;
use mailwright_core::{ModSeq, Output, Stale, Ticket, Uid, UidSet};
use smallvec::SmallVec;

use super::event::{Changed, Copied, ListRow, ask};
use super::machine::Server;
use super::reply;
use super::row::{Fetching, Progress, Row};
use super::selected::Selected;
use super::state::{Asked, State};
use crate::wire;

impl Server {
    /// A mailbox that LIST is to show.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn list(&mut self, ticket: &Ticket<ask::List>, row: &ListRow) -> Result<(), Stale> {
        self.told(ticket)?;
        let State::Asked(Asked::List { list, .. }) = &self.state else { return Err(Stale) };
        reply::list_row(&mut self.output, row, list, self.enabled.utf8());
        if let (Some(items), Some(status)) = (&list.status, &row.status) {
            reply::status(&mut self.output, &row.name, items, status, &self.config, self.enabled.utf8());
        }
        self.output.release();
        Ok(())
    }

    /// Begins a message that FETCH is to show; `None` if the client does not see it.
    ///
    /// A producer waits for [`Output::room`] before it begins the next one.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn fetch(&mut self, ticket: &Ticket<ask::Fetch>, uid: Uid) -> Result<Option<Row<'_>>, Stale> {
        self.told(ticket)?;
        let (State::Asked(Asked::Fetch(fetching)), Some(selected)) = (&mut self.state, &mut self.selected)
        else {
            return Err(Stale);
        };
        let Some(number) = selected.numbering.number(uid) else { return Ok(None) };
        if fetching.row != Progress::Between {
            fetching.row = Progress::Broken;
            return Err(Stale);
        }
        begin(&mut self.output, number);
        let mut items = 0;
        if fetching.with_uid {
            self.output.put(b"UID ");
            wire::number(&mut self.output, uid.get().into());
            items = 1;
        }
        fetching.row = Progress::Begun { items };
        let condstore = self.enabled.condstore && selected.has_modseqs;
        Ok(Some(Row { output: &mut self.output, fetching, selected, condstore, learned: false }))
    }

    /// A piece of what [`Row::begin_section`] has begun. Large pieces are not copied.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer), or if there is more than was announced.
    pub fn chunk(&mut self, ticket: &Ticket<ask::Fetch>, octets: Bytes) -> Result<(), Stale> {
        self.told(ticket)?;
        let State::Asked(Asked::Fetch(Fetching { row, .. })) = &mut self.state else { return Err(Stale) };
        let Progress::Literal { left, .. } = row else { return Err(Stale) };
        let Some(rest) = left.checked_sub(octets.len() as u64) else {
            *row = Progress::Broken;
            return Err(Stale);
        };
        *left = rest;
        self.output.push(octets);
        self.output.release();
        Ok(())
    }

    /// Goes on with a row behind a section that was given in pieces.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer), or if some of the section is missing.
    pub fn row(&mut self, ticket: &Ticket<ask::Fetch>) -> Result<Option<Row<'_>>, Stale> {
        self.told(ticket)?;
        let (State::Asked(Asked::Fetch(fetching)), Some(selected)) = (&mut self.state, &mut self.selected)
        else {
            return Err(Stale);
        };
        let Progress::Literal { left: 0, items } = fetching.row else {
            fetching.row = Progress::Broken;
            return Err(Stale);
        };
        fetching.row = Progress::Begun { items };
        let condstore = self.enabled.condstore && selected.has_modseqs;
        Ok(Some(Row { output: &mut self.output, fetching, selected, condstore, learned: false }))
    }

    /// These of the messages in [`Fetch::vanished`](super::Fetch::vanished) have vanished. Before any message.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn fetch_vanished(&mut self, ticket: &Ticket<ask::Fetch>, uids: &UidSet) -> Result<(), Stale> {
        self.told(ticket)?;
        self.vanished_earlier(uids);
        Ok(())
    }

    /// A message that FETCH asks for was expunged meanwhile. The client, which sees it still, learns why it is not
    /// told of it.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn fetch_gone(&mut self, ticket: &Ticket<ask::Fetch>, uid: Uid) -> Result<(), Stale> {
        self.told(ticket)?;
        let State::Asked(Asked::Fetch(fetching)) = &mut self.state else { return Err(Stale) };
        let Some(selected) = &mut self.selected else { return Err(Stale) };
        if selected.numbering.number(uid).is_some() {
            fetching.gone = true;
            selected.changed = true;
        }
        Ok(())
    }

    /// A message's flags, after STORE. Only of messages that have now what was asked for.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn stored(
        &mut self,
        ticket: &Ticket<ask::Store>,
        changed: Changed,
        flags: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Stale> {
        self.told(ticket)?;
        let (State::Asked(Asked::Store(storing)), Some(selected)) = (&self.state, &mut self.selected) else {
            return Err(Stale);
        };
        let Some(number) = selected.numbering.number(changed.uid) else { return Ok(()) };
        let with_modseq = selected.has_modseqs && (storing.conditional || self.enabled.condstore);
        // RFC 7162 §3.1.3: what somebody else has changed is told even if it is to be silent.
        let with_flags = !storing.silent || selected.is_news(changed.uid, changed.previous);
        if changed.modseq > changed.previous || (with_flags && changed.modseq > selected.rows_since) {
            selected.remember(changed.uid, changed.modseq);
        }
        if with_flags || with_modseq {
            let with_uid = storing.uid || self.enabled.tells_uids();
            let row =
                FlagRow { number, uid: changed.uid, with_uid, modseq: with_modseq.then_some(changed.modseq) };
            row.write(&mut self.output, selected, with_flags.then_some(flags));
            self.output.release();
        }
        Ok(())
    }

    /// These messages were moved. Once, or in parts.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn moved(&mut self, ticket: &Ticket<ask::Move>, copied: &Copied) -> Result<(), Stale> {
        self.told(ticket)?;
        if copied.from.is_empty() {
            return Ok(());
        }
        self.output.put(b"* OK [");
        reply::copy_uid(&mut self.output, copied);
        self.output.put(b"] moved\r\n");
        // RFC 6851 §4.3: COPYUID before the expunges.
        self.expunge(&copied.from);
        self.output.release();
        Ok(())
    }

    /// A message that is new, or whose flags have changed, with its flags as they are now.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn sync_row(
        &mut self,
        ticket: &Ticket<ask::Sync>,
        uid: Uid,
        modseq: ModSeq,
        flags: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Stale> {
        self.told(ticket)?;
        let (State::Asked(Asked::Sync(syncing)), Some(selected)) = (&mut self.state, &mut self.selected)
        else {
            return Err(Stale);
        };
        let Some(number) = selected.numbering.number(uid) else {
            if selected.numbering.last().is_none_or(|last| last < uid) {
                syncing.arrived.insert(uid);
            }
            return Ok(());
        };
        if selected.is_news(uid, modseq) {
            let modseq = (self.enabled.condstore && selected.has_modseqs).then_some(modseq);
            let row = FlagRow { number, uid, with_uid: self.enabled.tells_uids(), modseq };
            row.write(&mut self.output, selected, Some(flags));
            self.output.release();
        }
        Ok(())
    }

    /// What the client knew and is not there any more. Before any row.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn resume_vanished(&mut self, ticket: &Ticket<ask::Resume>, uids: &UidSet) -> Result<(), Stale> {
        self.told(ticket)?;
        self.vanished_earlier(uids);
        Ok(())
    }

    /// A message that has changed since, with its flags as they are now.
    ///
    /// # Errors
    /// [`Stale`], as for [`answer`](Self::answer).
    pub fn resume_row(
        &mut self,
        ticket: &Ticket<ask::Resume>,
        uid: Uid,
        modseq: ModSeq,
        flags: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Stale> {
        self.told(ticket)?;
        let Some(selected) = &mut self.selected else { return Err(Stale) };
        let Some(number) = selected.numbering.number(uid) else { return Ok(()) };
        let row = FlagRow { number, uid, with_uid: true, modseq: Some(modseq) };
        row.write(&mut self.output, selected, Some(flags));
        self.output.release();
        Ok(())
    }

    /// What the client sees still is no earlier matter: it is told by [`expunge`](Self::expunge), which numbers count.
    fn vanished_earlier(&mut self, uids: &UidSet) {
        let uids = uids.difference(&self.seen_uids());
        if !uids.is_empty() {
            self.output.put(b"* VANISHED (EARLIER) ");
            wire::uid_set(&mut self.output, &uids);
            self.output.put(b"\r\n");
            self.output.release();
        }
    }

    /// Tells the client that messages are not there any more; those that it does not see are left out.
    pub(super) fn expunge(&mut self, uids: &UidSet) {
        let Some(selected) = &mut self.selected else { return };
        let gone = selected.numbering.uids().intersection(uids);
        if gone.is_empty() {
            return;
        }
        // RFC 7162 §3.2.10: but where there are no MODSEQs.
        if self.enabled.qresync && selected.has_modseqs {
            self.output.put(b"* VANISHED ");
            wire::uid_set(&mut self.output, &gone);
            self.output.put(b"\r\n");
        } else {
            let mut earlier = 0;
            for (first, last) in selected.numbering.numbers(&gone) {
                // Each expunge moves those behind it: a run goes by the same number again and again.
                for _ in first..=last {
                    self.output.put(b"* ");
                    wire::number(&mut self.output, (first - earlier).into());
                    self.output.put(b" EXPUNGE\r\n");
                }
                earlier += last - first + 1;
            }
        }
        selected.remove(&gone);
    }
}

/// The flags of a message, as they are told without FETCH.
struct FlagRow {
    number: u32,
    uid: Uid,
    with_uid: bool,
    modseq: Option<ModSeq>,
}

impl FlagRow {
    fn write(
        &self,
        output: &mut Output,
        selected: &mut Selected,
        flags: Option<impl IntoIterator<Item = impl AsRef<str>>>,
    ) {
        let flags: Option<SmallVec<[_; 8]>> = flags.map(|flags| flags.into_iter().collect());
        if let Some(flags) = &flags
            && selected.learn(flags.iter().map(AsRef::as_ref))
        {
            output.put(b"* FLAGS ");
            wire::flags(output, &selected.flags);
            output.put(b"\r\n");
        }
        begin(output, self.number);
        let mut blank: &[u8] = b"";
        if self.with_uid {
            output.put(b"UID ");
            wire::number(output, self.uid.get().into());
            blank = b" ";
        }
        if let Some(flags) = &flags {
            output.put(blank);
            output.put(b"FLAGS ");
            wire::flags(output, flags);
            blank = b" ";
        }
        if let Some(modseq) = self.modseq {
            output.put(blank);
            output.put(b"MODSEQ (");
            wire::number(output, modseq.get());
            output.put(b")");
        }
        output.put(b")\r\n");
    }
}

fn begin(output: &mut Output, number: u32) {
    output.put(b"* ");
    wire::number(output, number.into());
    output.put(b" FETCH (");
}
