//! What a selection of UIDs finds.

use std::borrow::Cow;
use std::iter::Peekable;

use mailwright_core::{MailboxId, Uid, UidSet};

use super::block::{Block, Marks};
use super::field::Field;
use super::mark::Mark;
use super::state::State;
use super::table::{Base, Table};
use crate::flags::SystemFlag;

/// Runs that are less than this apart are read as one: a few rows too many cost less than to look again.
const NEAR: u32 = 4;

/// Ascending runs, and those that are less than `near` apart as one.
fn joined(runs: impl Iterator<Item = (u32, u32)>, near: u32) -> Vec<(u32, u32)> {
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for (first, last) in runs {
        match joined.last_mut() {
            Some(before) if first.saturating_sub(before.1) <= near => before.1 = last,
            _ => joined.push((first, last)),
        }
    }
    joined
}

fn runs(uids: &UidSet) -> impl Iterator<Item = (u32, u32)> + '_ {
    uids.ranges().map(|run| (*run.start(), *run.end()))
}

/// Rows by mailbox and UID: those of `uids`, ascending. About so many will be looked at.
pub(super) fn rows_of<'a, V: Clone + Field, B: Base>(
    table: &'a Table<(MailboxId, Uid), V, B>,
    mailbox: MailboxId,
    uids: &'a UidSet,
    expected: usize,
) -> impl Iterator<Item = (Uid, Cow<'a, V>)> + 'a {
    joined(runs(uids), NEAR)
        .into_iter()
        .filter_map(|(first, last)| Some((Uid::new(first)?, Uid::new(last)?)))
        .flat_map(move |(first, last)| {
            // With one more than there can be, the first look finds the end.
            let most = (last.get() - first.get()) as usize + 2;
            table.range_of((mailbox, first)..=(mailbox, last), most.min(expected))
        })
        .map(|((_, uid), value)| (uid, value))
        .filter(|(uid, _)| uids.contains(*uid))
}

/// Rows by mailbox and block: those of blocks that may have some of `uids`, ascending.
fn blocks_of<'a, V: Clone + Field, B: Base>(
    table: &'a Table<(MailboxId, Block), V, B>,
    mailbox: MailboxId,
    uids: &UidSet,
    expected: usize,
) -> impl Iterator<Item = (Block, Cow<'a, V>)> + 'a {
    let block = |uid| Uid::new(uid).map_or(Block::FIRST, Block::of).0;
    joined(runs(uids).map(|(first, last)| (block(first), block(last))), 1)
        .into_iter()
        .flat_map(move |(first, last)| {
            let most = (last - first) as usize + 2;
            table.range_of((mailbox, Block(first))..=(mailbox, Block(last)), most.min(expected))
        })
        .map(|((_, block), value)| (block, value))
}

impl<B: Base> State<B> {
    /// The blocks that may have some of `uids`, ascending.
    pub(super) fn blocks(
        &self,
        mailbox: MailboxId,
        uids: &UidSet,
    ) -> impl Iterator<Item = (Block, Cow<'_, Marks>)> {
        blocks_of(&self.marks, mailbox, uids, usize::MAX)
    }

    /// The marks of those of `uids` that exist, ascending. About so many will be looked at.
    pub(super) fn marks_of<'a>(
        &'a self,
        mailbox: MailboxId,
        uids: &'a UidSet,
        expected: usize,
    ) -> impl Iterator<Item = Mark> + 'a {
        blocks_of(&self.marks, mailbox, uids, Block::filled_by(expected) + 1)
            .flat_map(|(_, marks)| marks.to_vec())
            .filter(|mark| uids.contains(mark.uid))
    }

    /// The marks of a block.
    pub(super) fn block(&self, mailbox: MailboxId, block: Block) -> Vec<Mark> {
        self.marks.get(&(mailbox, block)).map(|marks| marks.to_vec()).unwrap_or_default()
    }

    /// Those of `uids` that have `\Deleted`, ascending.
    pub(super) fn deleted_of<'a>(
        &'a self,
        mailbox: MailboxId,
        uids: &'a UidSet,
    ) -> impl Iterator<Item = Uid> + 'a {
        blocks_of(&self.deleted, mailbox, uids, usize::MAX)
            .flat_map(move |(block, _)| self.block(mailbox, block))
            .filter(|mark| mark.flags.has(SystemFlag::Deleted) && uids.contains(mark.uid))
            .map(|mark| mark.uid)
    }
}

/// Rows that are walked beside others, in the same order: to look each up would cost more than all else together.
pub(super) struct Beside<I: Iterator>(Peekable<I>);

impl<'a, V: Clone + 'a, I: Iterator<Item = (Uid, Cow<'a, V>)>> Beside<I> {
    pub(super) fn new(rows: I) -> Self {
        Self(rows.peekable())
    }

    /// The row of a UID, if it has one. No UID is asked for behind a higher one.
    pub(super) fn of(&mut self, uid: Uid) -> Option<Cow<'a, V>> {
        while self.0.next_if(|(of, _)| *of < uid).is_some() {}
        self.0.next_if(|(of, _)| *of == uid).map(|(_, value)| value)
    }
}
