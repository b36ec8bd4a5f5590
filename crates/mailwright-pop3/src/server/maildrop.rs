//! The maildrop: what the application hands over at login, and what the session makes of it.

use std::fmt;

use mailwright_core::{Uid, UidValidity};
use thiserror::Error;

/// The messages that a session is about, as they were when the client logged in. They are counted in the order
/// in which they were pushed.
///
/// Cost: 12 octets a message (1.2 MB for 100,000), one bit each once one is deleted, and for
/// [`push_named`](Self::push_named) another 16 and the text.
///
/// ```
/// use mailwright_core::{Uid, UidValidity};
/// use mailwright_pop3::Maildrop;
///
/// let mut maildrop = Maildrop::new(UidValidity::new(1_767_225_600).ok_or("zero")?);
/// maildrop.push(120, Uid::FIRST);
/// maildrop.push_named(200, "QhdPYR:00WBw1Ph7x7")?; // from the server that the message was moved from
/// assert_eq!((maildrop.len(), maildrop.octets()), (2, 320));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Maildrop {
    validity: UidValidity,
    sizes: Vec<u64>,
    /// Of each message its UID, or if it is marked in `named`, where in `names` its unique id is.
    ids: Vec<u32>,
    named: Marks,
    names: Vec<Box<str>>,
    octets: u64,
}

/// A unique id has one to 70 characters, 0x21 to 0x7E (RFC 1939 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a unique id has one to 70 printable ASCII characters")]
pub struct InvalidUniqueId;

/// A message of a maildrop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// How many messages were pushed before it. The client counts from 1.
    pub index: usize,
    /// Its UID, if it was pushed with one.
    pub uid: Option<Uid>,
    /// Its size in octets.
    pub size: u64,
}

impl Maildrop {
    /// Without messages. Their unique ids are `validity.uid`, unique and stable as those of a mailbox are
    /// (RFC 9051 §2.3.1.1).
    pub fn new(validity: UidValidity) -> Self {
        Self {
            validity,
            sizes: Vec::new(),
            ids: Vec::new(),
            named: Marks::default(),
            names: Vec::new(),
            octets: 0,
        }
    }

    /// Makes room for so many messages more.
    pub fn reserve(&mut self, additional: usize) {
        self.sizes.reserve(additional);
        self.ids.reserve(additional);
    }

    /// Appends a message.
    ///
    /// `size` is that of the message with CRLF for each of its line ends and no dots doubled (RFC 1939 §11),
    /// and exact: a message that ends before so many octets is taken for cut off.
    pub fn push(&mut self, size: u64, uid: Uid) {
        self.append(size, uid.get());
    }

    /// Appends a message whose unique id is a text of its own: never used for another message, and the same
    /// in every session.
    ///
    /// # Errors
    /// [`InvalidUniqueId`]; nothing is appended.
    pub fn push_named(&mut self, size: u64, unique_id: impl Into<Box<str>>) -> Result<(), InvalidUniqueId> {
        let unique_id = unique_id.into();
        if !(1..=70).contains(&unique_id.len()) || !unique_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidUniqueId);
        }
        let place = u32::try_from(self.names.len()).map_err(|_| InvalidUniqueId)?;
        self.named.set(self.len());
        self.names.push(unique_id);
        self.append(size, place);
        Ok(())
    }

    fn append(&mut self, size: u64, id: u32) {
        self.sizes.push(size);
        self.ids.push(id);
        self.octets = self.octets.saturating_add(size);
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The sizes of all messages together.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// The message with this index.
    pub fn message(&self, index: usize) -> Option<Message> {
        let size = *self.sizes.get(index)?;
        let uid = if self.named.has(index) { None } else { Uid::new(*self.ids.get(index)?) };
        Some(Message { index, uid, size })
    }

    /// How UIDL calls the message with this index.
    pub fn unique_id(&self, index: usize) -> Option<impl fmt::Display + '_> {
        let id = *self.ids.get(index)?;
        Some(if self.named.has(index) {
            UniqueId::Named(self.names.get(usize::try_from(id).ok()?)?)
        } else {
            UniqueId::Uid(self.validity, id)
        })
    }
}

impl Default for Maildrop {
    /// For messages that have no UIDs: their UID validity is 1.
    fn default() -> Self {
        Self::new(UidValidity(std::num::NonZeroU32::MIN))
    }
}

impl fmt::Debug for Maildrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Maildrop({} messages, {} octets)", self.len(), self.octets)
    }
}

enum UniqueId<'a> {
    Uid(UidValidity, u32),
    Named(&'a str),
}

impl fmt::Display for UniqueId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(validity, uid) => write!(f, "{validity}.{uid}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A bit for each message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Marks(Vec<u64>);

impl Marks {
    fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn set(&mut self, index: usize) {
        if self.0.len() <= index / 64 {
            self.0.resize(index / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }
}

/// A maildrop with what the client wants deleted.
#[derive(Debug)]
pub(super) struct Open {
    maildrop: Maildrop,
    deleted: Marks,
    /// Messages that are not marked, and their octets.
    kept: usize,
    octets: u64,
}

/// Why there is no such message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum NoMessage {
    #[error("no such message, only {0} in the maildrop")]
    Beyond(usize),
    #[error("message {0} is deleted")]
    Deleted(u64),
}

impl Open {
    pub(super) fn new(mut maildrop: Maildrop) -> Self {
        maildrop.sizes.shrink_to_fit();
        maildrop.ids.shrink_to_fit();
        Self { kept: maildrop.len(), octets: maildrop.octets, deleted: Marks::default(), maildrop }
    }

    /// The message that the client means by `number`.
    pub(super) fn message(&self, number: u64) -> Result<Message, NoMessage> {
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| self.maildrop.message(index)) {
            None => Err(NoMessage::Beyond(self.maildrop.len())),
            Some(message) if self.deleted.has(message.index) => Err(NoMessage::Deleted(number)),
            Some(message) => Ok(message),
        }
    }

    pub(super) fn delete(&mut self, message: Message) {
        if !self.deleted.has(message.index) {
            self.deleted.set(message.index);
            self.kept = self.kept.saturating_sub(1);
            self.octets = self.octets.saturating_sub(message.size);
        }
    }

    pub(super) fn reset(&mut self) {
        self.deleted = Marks::default();
        (self.kept, self.octets) = (self.maildrop.len(), self.maildrop.octets);
    }

    /// Messages that are not marked, and their octets.
    pub(super) fn count(&self) -> (usize, u64) {
        (self.kept, self.octets)
    }

    /// The first message at or behind `index` that is not marked.
    pub(super) fn next(&self, index: usize) -> Option<Message> {
        let found = (index..self.maildrop.len()).find(|&index| !self.deleted.has(index))?;
        self.maildrop.message(found)
    }

    pub(super) fn maildrop(&self) -> &Maildrop {
        &self.maildrop
    }

    /// What is to be deleted, if anything is.
    pub(super) fn into_deleted(self) -> Deleted {
        let count = self.maildrop.len() - self.kept;
        Deleted { maildrop: self.maildrop, marks: self.deleted, count }
    }
}

/// The messages that the client has deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    maildrop: Maildrop,
    marks: Marks,
    count: usize,
}

impl Deleted {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each of them, in the maildrop's order.
    pub fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        let marked = (0..self.maildrop.len()).filter(|&index| self.marks.has(index));
        marked.filter_map(|index| self.maildrop.message(index))
    }

    /// The maildrop that they are in.
    pub fn maildrop(&self) -> &Maildrop {
        &self.maildrop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(sizes: &[u64]) -> Open {
        let mut maildrop = Maildrop::default();
        for (uid, &size) in (1..).zip(sizes) {
            maildrop.push(size, Uid::new(uid).unwrap());
        }
        Open::new(maildrop)
    }

    #[test]
    fn numbers_are_counted_from_one_and_never_wrap() {
        let mut drop = open(&[120, 200]);
        assert_eq!(drop.message(2), Ok(Message { index: 1, uid: Uid::new(2), size: 200 }));
        for none in [0, 3, 1 << 32, (1 << 32) + 1, u64::MAX] {
            assert_eq!(drop.message(none), Err(NoMessage::Beyond(2)), "{none}");
        }
        drop.delete(drop.message(1).unwrap());
        assert_eq!((drop.message(1), drop.count()), (Err(NoMessage::Deleted(1)), (1, 200)));
        drop.reset();
        assert_eq!((drop.message(1).is_ok(), drop.count()), (true, (2, 320)));
    }

    #[test]
    fn sizes_beyond_all_measure_do_not_wrap() {
        let mut drop = open(&[u64::MAX, u64::MAX]);
        assert_eq!(drop.count(), (2, u64::MAX));
        drop.delete(drop.message(1).unwrap());
        drop.delete(drop.message(2).unwrap());
        assert_eq!(drop.count(), (0, 0));
    }

    #[test]
    fn what_is_deleted_is_told_in_order() {
        let mut drop = open(&[1; 200]);
        for number in [200, 1, 64, 65, 1] {
            if let Ok(message) = drop.message(number) {
                drop.delete(message);
            }
        }
        assert_eq!(drop.next(0).map(|message| message.index), Some(1));
        assert_eq!(drop.next(63).map(|message| message.index), Some(65));
        assert_eq!(drop.next(199), None);
        let deleted = drop.into_deleted();
        assert_eq!(deleted.len(), 4);
        assert_eq!(deleted.messages().map(|m| m.index).collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert!(open(&[1]).into_deleted().is_empty());
    }

    #[test]
    fn unique_ids_are_those_of_rfc_1939() {
        let mut maildrop = Maildrop::new(UidValidity::new(17).unwrap());
        maildrop.push(1, Uid::new(u32::MAX).unwrap());
        assert_eq!(maildrop.push_named(1, "~".repeat(70)), Ok(()));
        assert_eq!(maildrop.push_named(1, "[!"), Ok(()));
        for bad in ["", "a b", "ü", "a\r\nb", &"x".repeat(71)] {
            assert_eq!(maildrop.push_named(1, bad), Err(InvalidUniqueId), "{bad:?}");
        }
        let ids: Vec<_> = (0..3).map(|index| maildrop.unique_id(index).unwrap().to_string()).collect();
        assert_eq!(ids, ["17.4294967295".to_owned(), "~".repeat(70), "[!".to_owned()]);
        assert!(maildrop.unique_id(3).is_none());
        assert_eq!(maildrop.message(2).map(|message| message.uid), Some(None));
    }

    #[test]
    fn a_message_costs_twelve_octets() {
        let drop = open(&[1; 1000]);
        assert_eq!(drop.maildrop.sizes.capacity() * 8 + drop.maildrop.ids.capacity() * 4, 12_000);
        assert!(drop.deleted.0.is_empty() && drop.maildrop.named.0.is_empty());
    }
}
