//! The octets of everything that stands in a table. What is written here is the format on disk.

use std::num::NonZeroU32;

use mailwright_auth::Verifier;
use mailwright_core::{
    AccountId, Address, BlobId, Domain, EnhancedCode, MailboxId, ModSeq, QueueId, ReplyCode, ReversePath,
    Stage, ThreadId, Timestamp, TraceEvent, TraceId, Uid, UidSet, UidValidity, Verdict,
};

use super::block::Block;
use super::field::{Field, as_text, record, variants};
use super::mark::{Mark, MarkReader, MarkWriter};
use super::state::{Account, Blob, Counter, KeywordUse, Mailbox, Message, Root, Totals, TraceHead, Vanished};
use super::varint;
use crate::batch::BatchId;
use crate::flags::Keyword;
use crate::listing::InternalDate;
use crate::mailbox::{EntryName, Grantee, MailboxStatus, MetadataTarget, Rights, SpecialUse, Visibility};
use crate::name::MailboxName;
use crate::outcome::{Appended, Expunged, OpOutcome, Outcome, Stored, StoredRow, Transferred};
use crate::page::Opaque;
use crate::queue::{Fence, LeaseHolder, Priority, QueueEntry, QueueRecipient, WorkerId};
use crate::quota::{Quota, QuotaLimits, QuotaRootId, Usage};

/// [`Field`] for what wraps one value that may be anything.
macro_rules! wrappers {
    ($($of:ident),*) => {$(
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                Field::take(input).map(Self)
            }
        }
    )*};
}

wrappers!(AccountId, MailboxId, ThreadId, BlobId, QuotaRootId, BatchId, Timestamp, WorkerId, Block);

/// [`Field`] for what has numbers, but not all of them.
macro_rules! numbers {
    ($($of:ident of $number:ty),*) => {$(
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                self.get().put(out);
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                <$number>::take(input).and_then(Self::new)
            }
        }
    )*};
}

numbers!(Uid of u32, UidValidity of u32, ModSeq of u64, Priority of i8, ReplyCode of u16);
as_text!(Address, Domain, MailboxName, EntryName, Keyword);

impl Field for TraceId {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_bytes().put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Field::take(input).map(Self::from_bytes)
    }
}

impl Field for Verifier {
    fn put(&self, out: &mut Vec<u8>) {
        super::field::put_text(self.as_text(), out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::parse(&String::take(input)?).ok()
    }
}

impl Field for EnhancedCode {
    fn put(&self, out: &mut Vec<u8>) {
        self.class().put(out);
        self.subject().put(out);
        self.detail().put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::new(u8::take(input)?, u16::take(input)?, u16::take(input)?)
    }
}

impl Field for Rights {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_string().put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        String::take(input)?.parse().ok()
    }
}

/// Rows as marks, each with how its previous MODSEQ differs from that of the row before: many rows are alike, and there
/// may be very many.
impl Field for Stored {
    fn put(&self, out: &mut Vec<u8>) {
        self.modified.put(out);
        self.before.put(out);
        self.rows.len().put(out);
        let (mut writer, mut before) = (MarkWriter::new(), ModSeq::ZERO);
        for StoredRow { uid, flags, modseq, previous } in &self.rows {
            writer.put(*uid, flags, *modseq, out);
            varint::put_signed(previous.get().cast_signed() - before.get().cast_signed(), out);
            before = *previous;
        }
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let (modified, highest_before) = (Field::take(input)?, Field::take(input)?);
        let count = usize::take(input)?;
        let (mut reader, mut before) = (MarkReader::new(), 0_i64);
        // Whatever the count says: what follows is what there is.
        let rows = (0..count).map(|_| {
            let Mark { uid, flags, modseq } = reader.take(input)?;
            before = before.checked_add(varint::take_signed(input)?)?;
            let previous = ModSeq::new(u64::try_from(before).ok()?)?;
            Some(StoredRow { uid, flags, modseq, previous })
        });
        Some(Self { rows: rows.collect::<Option<_>>()?, modified, before: highest_before })
    }
}

/// As its runs.
impl Field for UidSet {
    fn put(&self, out: &mut Vec<u8>) {
        let runs: Vec<(u32, u32)> = self.ranges().map(|run| (*run.start(), *run.end())).collect();
        runs.put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let runs = Vec::<(NonZeroU32, NonZeroU32)>::take(input)?;
        let sets = runs.into_iter().map(|(first, last)| Self::range(Uid(first), Uid(last)));
        Some(sets.fold(Self::new(), |all, run| all.union(&run)))
    }
}

record!(QueueId { trace, entry });
record!(TraceEvent { at, stage, verdict, reply, text, evidence });
variants!(ReversePath { 0 => Null, 1 => Address(address) });

/// Of core, and not to be matched on exhaustively from here.
macro_rules! names {
    ($of:ident { $($tag:literal => $name:ident),* $(,)? }) => {
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                let tag: u8 = match self {
                    $(Self::$name => $tag,)*
                    // A newer one than this format knows.
                    _ => u8::MAX,
                };
                tag.put(out);
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                match u8::take(input)? {
                    $($tag => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

names!(Stage {
    0 => Connect, 1 => Tls, 2 => Hello, 3 => Auth, 4 => Mail, 5 => Rcpt, 6 => Data, 7 => Commit, 8 => Attempt, 9 => Dsn,
});
names!(Verdict { 0 => Pass, 1 => Defer, 2 => Reject });

variants!(Counter {
    0 => Account, 1 => Mailbox, 2 => Thread, 3 => QuotaRoot, 4 => UidValidity, 5 => Blob, 7 => BlobBytes, 8 => Epoch,
});
variants!(SpecialUse {
    0 => All, 1 => Archive, 2 => Drafts, 3 => Flagged, 4 => Important, 5 => Junk, 6 => Sent, 7 => Trash,
});
variants!(Grantee { 0 => Anyone, 1 => Account(account) });
variants!(MetadataTarget { 0 => Server, 1 => Mailbox(mailbox) });
variants!(Visibility { 0 => Shared, 1 => Private(account) });

record!(Opaque { version, bytes });
record!(InternalDate { at, offset });
record!(Usage { storage, messages, mailboxes });
record!(QuotaLimits { storage, messages, mailboxes });
record!(Quota { limits, usage });
record!(MailboxStatus {
    uid_validity,
    uid_next,
    highest_modseq,
    messages,
    unseen,
    deleted,
    size,
    deleted_size,
});
record!(Fence { epoch, counter });
record!(LeaseHolder { worker, until, fence });
record!(QueueRecipient { address, params });
record!(QueueEntry {
    id,
    route,
    priority,
    due,
    expires,
    queued,
    attempts,
    note,
    held,
    lease,
    sender,
    recipients,
    envelope,
    blob,
    size,
});

record!(Account { login, enabled, root, inbox, share, subscriptions, addresses, credentials });
record!(Root { quota, accounts });
record!(Mailbox { account, name, special_use, status, keywords, vanished, floor });
record!(Message { blob, size, date, saved, thread });
record!(KeywordUse { keyword, messages });
record!(Vanished { modseq, blob });
record!(Blob { size, checksum, references, idle_since });
record!(Totals { entries, held, recipients, size, wake });
record!(TraceHead { kept, dropped });

record!(Outcome { ops });
record!(Appended { mailbox, uid_validity, uid, modseq, before, thread });
record!(Transferred { uid_validity, uids, modseq });
record!(Expunged { uids, modseq });
variants!(OpOutcome {
    0 => Done,
    1 => Appended(appended),
    2 => Queued(entry),
    4 => Copied(copied),
    5 => Moved(moved),
    6 => Expunged(expunged),
    7 => MailboxCreated { mailbox, uid_validity },
    8 => Renamed { mailbox },
    9 => AccountCreated { account, inbox, quota_root },
    // 3 was one in which each row said everything.
    10 => Stored(stored),
});

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;
    use crate::flags::{Flags, SystemFlag};

    fn text() -> impl Strategy<Value = String> {
        "[a-c\\x00\\xff/]{0,4}"
    }

    /// The octets of keys sort as the keys do, with anything behind them, and are read back.
    fn sorts<K: Field + Ord + Debug>(a: &K, b: &K) -> Result<(), TestCaseError> {
        prop_assert_eq!(a.to_octets().cmp(&b.to_octets()), a.cmp(b), "{:?} {:?}", a, b);
        let again = K::from_octets(&a.to_octets());
        prop_assert_eq!(again.as_ref(), Some(a));
        Ok(())
    }

    fn grantee(number: u64) -> Grantee {
        number.checked_sub(1).map_or(Grantee::Anyone, |id| Grantee::Account(AccountId(id)))
    }

    fn target(number: u64) -> MetadataTarget {
        number.checked_sub(1).map_or(MetadataTarget::Server, |id| MetadataTarget::Mailbox(MailboxId(id)))
    }

    fn visibility(number: u64) -> Visibility {
        number.checked_sub(1).map_or(Visibility::Shared, |id| Visibility::Private(AccountId(id)))
    }

    mailwright_core::properties! {
        #[test]
        fn keys_sort_as_their_octets(
            text in (text(), text()),
            number in (any::<u64>(), any::<u64>()),
            small in (0u64..3, 0u64..3),
            signed in (any::<i64>(), any::<i64>()),
            priority in (-9i8..=9, -9i8..=9),
            uid in (1u32.., 1u32..),
        ) {
            let id = |n| AccountId(n);
            sorts(&(id(small.0), text.0.clone()), &(id(small.1), text.1.clone()))?;
            sorts(&(text.0.clone(), number.0), &(text.1.clone(), number.1))?;
            let uid = (Uid::new(uid.0).unwrap(), Uid::new(uid.1).unwrap());
            sorts(&(MailboxId(small.0), uid.0), &(MailboxId(small.1), uid.1))?;
            let block = (Block::of(uid.0), Block::of(uid.1));
            sorts(&(MailboxId(small.0), block.0), &(MailboxId(small.1), block.1))?;
            sorts(&(grantee(small.0), MailboxId(number.0)), &(grantee(small.1), MailboxId(number.1)))?;
            sorts(&(target(small.0), visibility(small.1)), &(target(small.1), visibility(small.0)))?;
            let urgent = |n| Reverse(Priority::new(n).unwrap());
            sorts(
                &(urgent(priority.0), Timestamp(signed.0), text.0.clone()),
                &(urgent(priority.1), Timestamp(signed.1), text.1),
            )?;
            sorts(&(Timestamp(signed.0), BlobId([1; 16])), &(Timestamp(signed.1), BlobId([1; 16])))?;
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80), table in 0u8..60) {
            let (key, value) = octets.split_at(octets.len() / 3);
            let _ = super::super::State::<super::super::Nothing>::is_sound(table, key, value);
            let _ = Outcome::from_octets(&octets);
        }
    }

    fn returns<T: Field + PartialEq + Debug>(value: &T) {
        assert_eq!(T::from_octets(&value.to_octets()).as_ref(), Some(value));
    }

    #[test]
    fn what_is_written_is_read() {
        let keyword: Keyword = "$Junk".parse().unwrap();
        let flags = Flags::from(SystemFlag::Draft).with(SystemFlag::Seen).with_keyword(keyword);
        let uid = |n| Uid::new(n).unwrap();
        let uids = UidSet::range(uid(3), uid(9)).union(&UidSet::range(uid(11), uid(u32::MAX)));
        let (validity, modseq) = (UidValidity::new(7).unwrap(), ModSeq::new(8));
        let row = |n, modseq, previous| StoredRow { uid: uid(n), flags: flags.clone(), modseq, previous };
        let rows = vec![
            row(1, ModSeq::MAX, ModSeq::ZERO),
            row(9, ModSeq::MAX, ModSeq::MAX),
            row(8, ModSeq::ZERO, ModSeq::new(7).unwrap()),
        ];
        let moved = Transferred { uid_validity: validity, uids: vec![(uid(1), uid(2))], modseq };
        let (mailbox, account, inbox) = (MailboxId(1), AccountId(2), MailboxId(3));
        let queued = QueueId { trace: TraceId::new(Timestamp(5), [9; 4]), entry: 6 };
        let appended = Appended {
            mailbox,
            uid_validity: validity,
            uid: uid(5),
            modseq: ModSeq::MAX,
            before: ModSeq::ZERO,
            thread: ThreadId(4),
        };
        returns(&Outcome {
            ops: vec![
                OpOutcome::Done,
                OpOutcome::Appended(appended),
                OpOutcome::Queued(queued),
                OpOutcome::Stored(Stored { rows, modified: uids.clone(), before: modseq.unwrap() }),
                OpOutcome::Copied(moved.clone()),
                OpOutcome::Moved(Transferred { modseq: None, ..moved }),
                OpOutcome::Expunged(Expunged { uids, modseq }),
                OpOutcome::MailboxCreated { mailbox, uid_validity: validity },
                OpOutcome::Renamed { mailbox },
                OpOutcome::AccountCreated { account, inbox, quota_root: QuotaRootId(6) },
            ],
        });
        let enhanced = EnhancedCode::new(5, 7, 26);
        let event = TraceEvent::new(Timestamp(-1), Stage::Dsn, Verdict::Defer, "why\0not")
            .with_reply(ReplyCode::new(550).unwrap(), enhanced)
            .with_evidence("spf", "pass");
        returns(&event);
        let address: Address = "\"a b\"@example.org".parse().unwrap();
        let recipients = vec![QueueRecipient { address: address.clone(), params: Opaque::default() }];
        let fence = Fence { epoch: 1, counter: 2 };
        returns(&QueueEntry {
            id: queued,
            route: "[192.0.2.1]".parse().unwrap(),
            priority: Priority::MIN,
            due: Timestamp(1),
            expires: Timestamp(i64::MAX),
            queued: Timestamp(i64::MIN),
            attempts: 3,
            note: "451 later".to_owned(),
            held: true,
            lease: Some(LeaseHolder { worker: WorkerId(1), until: Timestamp(2), fence }),
            sender: ReversePath::Address(address),
            recipients,
            envelope: Opaque { version: 1, bytes: vec![0, 1, 0xFF].into() },
            blob: BlobId([7; 16]),
            size: 8,
        });
        returns(&Rights::ALL);
    }
}
