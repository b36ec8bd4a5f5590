//! Mailboxes: what they are, how they are changed, who may use them, and what is noted on them.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use mailwright_core::{AccountId, MailboxId, ModSeq, Uid, UidValidity};
use thiserror::Error;

use crate::name::MailboxName;

/// A mailbox as LIST shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Its id, which a rename keeps.
    pub id: MailboxId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether its owner is subscribed to its name.
    pub subscribed: bool,
    /// Of its UIDs.
    pub uid_validity: UidValidity,
}

/// A mailbox as STATUS shows it (RFC 9051 §6.3.11). Kept up to date by every batch, never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxStatus {
    /// Of its UIDs.
    pub uid_validity: UidValidity,
    /// The UID that the next message gets, unless it is the last one, which is never given.
    pub uid_next: Uid,
    /// Of the latest change to it.
    pub highest_modseq: ModSeq,
    /// Messages.
    pub messages: u32,
    /// Those without `\Seen`.
    pub unseen: u32,
    /// Those with `\Deleted`.
    pub deleted: u32,
    /// Bytes of all messages.
    pub size: u64,
    /// Bytes of those with `\Deleted` (RFC 9208 §4.3).
    pub deleted_size: u64,
}

/// What a mailbox is for (RFC 6154, RFC 8457).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Important`
    Important,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// As IMAP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Important => "\\Important",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

/// A change to mailboxes themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxOp {
    /// CREATE. Levels above it are not created: LIST shows them as `\NonExistent`.
    Create {
        /// For whom.
        account: AccountId,
        /// Its name.
        name: MailboxName,
        /// What for (RFC 6154 §3).
        special_use: Option<SpecialUse>,
    },
    /// RENAME (RFC 9051 §6.3.6), with all that lies below. INBOX instead loses its messages to a new mailbox of
    /// that name, and what lies below it stays. Subscriptions, which are to names, stay as they are.
    Rename {
        /// Which.
        mailbox: MailboxId,
        /// To what.
        to: MailboxName,
    },
    /// DELETE, with its messages. What lies below stays; INBOX cannot be deleted.
    Delete {
        /// Which.
        mailbox: MailboxId,
    },
    /// SUBSCRIBE. The mailbox need not exist (RFC 9051 §6.3.7).
    Subscribe {
        /// Who.
        account: AccountId,
        /// To which name.
        name: MailboxName,
    },
    /// UNSUBSCRIBE.
    Unsubscribe {
        /// Who.
        account: AccountId,
        /// From which name.
        name: MailboxName,
    },
    /// SETACL, DELETEACL (RFC 4314). An entry without rights goes away. The owner's rights are not in the list.
    Acl {
        /// Of which mailbox.
        mailbox: MailboxId,
        /// Whose rights.
        grantee: Grantee,
        /// What becomes of them.
        change: RightsChange,
    },
    /// SETMETADATA (RFC 5464).
    Metadata {
        /// On what.
        target: MetadataTarget,
        /// Seen by whom.
        visibility: Visibility,
        /// Under which name.
        entry: EntryName,
        /// `None` removes it.
        value: Option<Bytes>,
    },
}

/// Who has rights in another one's mailbox. An id and not a name: a later account of the same name gets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grantee {
    /// Every account.
    Anyone,
    /// This one.
    Account(AccountId),
}

/// Rights in a mailbox (RFC 4314 §2.1).
///
/// ```
/// use mailwright_store::Rights;
///
/// let rights: Rights = "lrs".parse()?;
/// assert!(rights.contains(Rights::READ) && !rights.contains(Rights::INSERT));
/// assert_eq!(rights.union(Rights::INSERT).to_string(), "lrsi");
/// # Ok::<_, mailwright_store::InvalidRights>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u16);

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// `l`: see it in LIST.
    pub const LOOKUP: Self = Self(1 << 0);
    /// `r`: SELECT it, read messages.
    pub const READ: Self = Self(1 << 1);
    /// `s`: keep `\Seen`.
    pub const SEEN: Self = Self(1 << 2);
    /// `w`: other flags and keywords.
    pub const WRITE: Self = Self(1 << 3);
    /// `i`: APPEND, COPY into it.
    pub const INSERT: Self = Self(1 << 4);
    /// `p`: mail to its address.
    pub const POST: Self = Self(1 << 5);
    /// `k`: CREATE below it.
    pub const CREATE: Self = Self(1 << 6);
    /// `x`: DELETE, RENAME it.
    pub const DELETE_MAILBOX: Self = Self(1 << 7);
    /// `t`: `\Deleted`.
    pub const DELETE_MESSAGE: Self = Self(1 << 8);
    /// `e`: EXPUNGE.
    pub const EXPUNGE: Self = Self(1 << 9);
    /// `a`: SETACL.
    pub const ADMIN: Self = Self(1 << 10);
    /// All of them.
    pub const ALL: Self = Self((1 << 11) - 1);

    const LETTERS: &str = "lrswipkxtea";

    /// Whether it has all of `other`.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// The text has a letter that is no right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a letter is no right of RFC 4314")]
pub struct InvalidRights;

impl FromStr for Rights {
    type Err = InvalidRights;

    fn from_str(text: &str) -> Result<Self, InvalidRights> {
        text.chars().try_fold(Self::NONE, |rights, letter| {
            // RFC 4314 §2.1.1: the letters of RFC 2086 stand for several.
            let right = match letter {
                'c' => Self::CREATE,
                'd' => Self::DELETE_MAILBOX.union(Self::DELETE_MESSAGE).union(Self::EXPUNGE),
                _ => Self(1 << Self::LETTERS.find(letter).ok_or(InvalidRights)?),
            };
            Ok(rights.union(right))
        })
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = Self::LETTERS.char_indices().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        letters.map(|(_, letter)| letter).collect::<String>().fmt(f)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// What becomes of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightsChange {
    /// They become these.
    Set(Rights),
    /// These too.
    Add(Rights),
    /// Without these.
    Remove(Rights),
}

impl RightsChange {
    /// What becomes of `rights`.
    pub fn apply(self, rights: Rights) -> Rights {
        match self {
            Self::Set(new) => new,
            Self::Add(more) => rights.union(more),
            Self::Remove(less) => rights.difference(less),
        }
    }
}

/// A mailbox of someone else, and what one may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMailbox {
    /// Which.
    pub mailbox: MailboxInfo,
    /// Those of the account and of [`Grantee::Anyone`] together.
    pub rights: Rights,
}

/// What a metadata entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetadataTarget {
    /// The server as a whole.
    Server,
    /// A mailbox.
    Mailbox(MailboxId),
}

/// Who sees a metadata entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visibility {
    /// All who see the target: `/shared/...`.
    Shared,
    /// This account: `/private/...`.
    Private(AccountId),
}

/// A metadata entry's name without its `/shared` or `/private`: `/comment`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryName(Box<str>);

impl EntryName {
    /// Octets of the longest name.
    pub const MAX: usize = 255;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stands before all names. Is none itself.
    pub(crate) fn first() -> Self {
        Self("".into())
    }
}

/// The text is no entry name (RFC 5464 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text is no metadata entry name")]
pub struct InvalidEntryName;

impl FromStr for EntryName {
    type Err = InvalidEntryName;

    fn from_str(text: &str) -> Result<Self, InvalidEntryName> {
        let fits = text.len() <= Self::MAX
            && text.is_ascii()
            && !text.contains(|c: char| c.is_control() || c == '*' || c == '%');
        match text.strip_prefix('/') {
            Some(parts) if fits && parts.split('/').all(|part| !part.is_empty()) => {
                Ok(Self(text.to_ascii_lowercase().into()))
            }
            _ => Err(InvalidEntryName),
        }
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_letters() {
        assert_eq!(Rights::ALL.to_string(), "lrswipkxtea");
        assert_eq!("lrswipkxtea".parse(), Ok(Rights::ALL));
        assert_eq!("cd".parse::<Rights>().unwrap().to_string(), "kxte", "the letters of RFC 2086");
        assert_eq!("lz".parse::<Rights>(), Err(InvalidRights));
    }

    #[test]
    fn entry_names_are_checked() {
        assert_eq!("/Vendor/Comment".parse::<EntryName>().unwrap().as_str(), "/vendor/comment");
        for bad in ["", "/", "comment", "/a//b", "/a/", "/a*", "/a%", "/ü", "/a\0"] {
            assert_eq!(bad.parse::<EntryName>(), Err(InvalidEntryName), "{bad}");
        }
    }
}
