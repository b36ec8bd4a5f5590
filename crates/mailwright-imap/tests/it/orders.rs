//! What a transcript can tell the application: `A< ...`.
//!
//! For the next question: `refuse [CODE] text`, `refuse-and-close [CODE] text`, `fail`; `hold` keeps its ticket until
//! `late`, or `too late` if the answer is to be stale. `later` is what it says when it is next asked for changes. For
//! the next FETCH (or MOVE): `pieces` gives sections (messages) piece by piece, `short N` gives only so many octets, `long` more than
//! announced, `stop N` so many and then keeps the ticket, `drop-row` drops the row.
//!
//! What others do meanwhile: `append MAILBOX (flags)`, `expunge MAILBOX uids`, `flags MAILBOX uids (flags)`,
//! `delete MAILBOX`, and `forget MAILBOX`, after which it is not known what vanished before. The machine is told that
//! something has changed, unless `quietly` stands in front. `changed` tells it for no reason.

use std::io;

use bytes::Bytes;
use mailwright_core::{ModSeq, UidSet};
use mailwright_imap::types::Flag;
use mailwright_imap::{Rejection, ResponseCode, Server, StoreAction};

use crate::app::TestApp;
use crate::mailboxes::{Message, uid};
use crate::message;

pub(crate) enum Order {
    Refuse(Rejection),
    Hold,
    Give(Giving),
}

/// How messages are given.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Giving {
    AtOnce,
    Pieces,
    Short(usize),
    Long,
    Stop(usize),
    DropRow,
}

impl TestApp {
    pub(crate) fn take_order(&mut self, server: &mut Server, line: &str) -> Result<(), String> {
        let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
        let count = || rest.parse::<usize>().map_err(|error| format!("{line}: {error}"));
        let order = match order {
            "refuse" => Order::Refuse(rejection(rest)),
            "refuse-and-close" => Order::Refuse(rejection(rest).closing()),
            "fail" => Order::Refuse(io::Error::other("the disk is on fire").into()),
            "hold" => Order::Hold,
            "later" => {
                self.later += 1;
                return Ok(());
            }
            "pieces" => Order::Give(Giving::Pieces),
            "short" => Order::Give(Giving::Short(count()?)),
            "long" => Order::Give(Giving::Long),
            "stop" => Order::Give(Giving::Stop(count()?)),
            "drop-row" => Order::Give(Giving::DropRow),
            "late" | "too" => {
                let held = self.held.take().ok_or("nothing is held")?;
                return match (held(self, server), order) {
                    (Ok(()), "too") => Err("the answer was taken".to_owned()),
                    (Err(stale), "late") => Err(stale.to_string()),
                    _ => Ok(()),
                };
            }
            "changed" => {
                server.changed();
                return Ok(());
            }
            "quietly" => return self.meanwhile(rest).map(drop),
            _ => {
                let mailbox = self.meanwhile(line)?;
                self.hint(server, &mailbox);
                return Ok(());
            }
        };
        self.orders.push_back(order);
        Ok(())
    }

    /// Something happens elsewhere; in which mailbox.
    fn meanwhile(&mut self, line: &str) -> Result<String, String> {
        let (what, flags) = line.split_once(" (").unwrap_or((line, ")"));
        let flags: Vec<Flag> =
            flags.trim_end_matches(')').split_whitespace().map(|flag| flag.parse().unwrap()).collect();
        let words: Vec<&str> = what.split(' ').collect();
        let mailbox = words.get(1).copied().unwrap_or_default().to_owned();
        let uids = || words.get(2).map(|text| uid_set(text)).ok_or_else(|| format!("no UIDs: {line}"));
        match words.first().copied() {
            Some("append") => {
                let octets =
                    Bytes::from_static(b"From: Ann <ann@example.org>\r\nSubject: new\r\n\r\nHello\r\n");
                let new = Message { octets, flags, date: message::DATE, modseq: ModSeq::ZERO };
                self.mailboxes.append(&mailbox, vec![new]).ok_or("no such mailbox")?;
            }
            Some("expunge") => self.mailboxes.expunge(&mailbox, &uids()?),
            Some("flags") => {
                self.mailboxes.store(&mailbox, &uids()?, StoreAction::Replace, &flags, None);
            }
            Some("delete") => drop(self.mailboxes.all.remove(&mailbox)),
            Some("forget") => self.mailboxes.all.get_mut(&mailbox).ok_or("no such mailbox")?.forget(),
            _ => return Err(format!("unknown order: {line}")),
        }
        Ok(mailbox)
    }
}

fn uid_set(text: &str) -> UidSet {
    let mut uids = UidSet::new();
    for run in text.split(',') {
        let (first, last) = run.split_once(':').unwrap_or((run, run));
        uids.insert_range(uid(first.parse().unwrap())..=uid(last.parse().unwrap()));
    }
    uids
}

fn rejection(text: &str) -> Rejection {
    use ResponseCode::{Expired, InUse, NoPerm, OverQuota, TryCreate, Unavailable};
    let codes = [Expired, InUse, NoPerm, OverQuota, TryCreate, Unavailable];
    let found = codes.into_iter().find_map(|code| Some((code, text.strip_prefix(&format!("[{code}] "))?)));
    match found {
        Some((code, text)) => Rejection::new(code, text.to_owned()),
        None => Rejection::new(None, text.to_owned()),
    }
}
