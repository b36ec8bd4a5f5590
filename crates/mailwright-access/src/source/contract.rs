//! What to implement.

use std::error::Error;
use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

use mailwright_store::{Flags, InternalDate, SpecialUse};

use crate::unsupported::Unsupported;

/// Data of your own as mailboxes: folders of messages, which have numbers that ascend and are never used again.
///
/// The first four methods are enough for a mailbox that can be read and searched, whose changes show within
/// [`SourceServer::poll`](crate::SourceServer::poll). Whatever a method does not do the client is told it cannot do, when
/// it tries: SELECT offers a mailbox that can be written, whichever methods there are.
///
/// Methods run on the threads of the runtime. What blocks for longer than a moment, as a query of SQLite may, belongs
/// into `tokio::task::spawn_blocking`; the guard of a `std::sync::Mutex` must be gone before the next `await`, or the
/// compiler says that the future is not `Send`.
pub trait Source: Send + Sync + 'static {
    /// Who has logged in.
    type User: Clone + Send + Sync + 'static;

    /// Who that is; nobody if the name or the password is wrong. Asked once for each connection that logs in. Compare
    /// passwords by their hashes, in a time that tells nothing (`Verifier` of `mailwright-auth`).
    fn login(&self, user: &str, password: &str) -> impl Future<Output = Option<Self::User>> + Send;

    /// The folders of a user, one of which should be `INBOX`; `/` is between levels.
    ///
    /// # Errors
    /// If they cannot be told now.
    fn folders(&self, user: &Self::User) -> impl Future<Output = SourceResult<Vec<Folder>>> + Send;

    /// The messages in a folder, which is one of those that [`folders`](Self::folders) gave, in any order: all of them,
    /// each time. It is asked for when a client looks into the
    /// folder, and by each such session again at every poll, so keep it cheap: sizes should be known without reading the
    /// messages if these are many.
    ///
    /// # Errors
    /// If they cannot be told now.
    fn entries(
        &self,
        user: &Self::User,
        folder: &str,
    ) -> impl Future<Output = SourceResult<Vec<Entry>>> + Send;

    /// A message, as long as its entry says, with CRLF line ends (RFC 5322). One of another length is not shown, and the
    /// log says so: clients ask for octets by their place, and keep what they have read. What stands for data of others
    /// in a header field must have no line end, or they write fields; what is beyond ASCII there is encoded (RFC 2047),
    /// and in the text declared, `Content-Type: text/plain; charset=utf-8`.
    ///
    /// Nothing of it is kept but the message that was read last: FETCH asks for each message it shows, SEARCH for each
    /// that its other keys do not rule out: once for SUBJECT, FROM and the like, up to twice for BODY and TEXT.
    ///
    /// # Errors
    /// If it cannot be read, or is gone since its entry was given: the client is told that it cannot have it now, `NO
    /// [UNAVAILABLE]`, as it is of a SEARCH that has to look at it. Any error does.
    fn message(
        &self,
        user: &Self::User,
        folder: &str,
        uid: u32,
    ) -> impl Future<Output = SourceResult<Vec<u8>>> + Send;

    /// A message has these flags from now on: all of them, and no others. A client that reads a message sets `\Seen`
    /// by that; it gets the message even if this is an error, and the flag is not set.
    ///
    /// # Errors
    /// If not.
    fn set_flags(
        &self,
        _user: &Self::User,
        _folder: &str,
        _uid: u32,
        _flags: &Flags,
    ) -> impl Future<Output = SourceResult<()>> + Send {
        async { Err(SourceError::unsupported()) }
    }

    /// Puts a message into a folder, and says under which number.
    ///
    /// # Errors
    /// If it cannot.
    fn append(
        &self,
        _user: &Self::User,
        _folder: &str,
        _flags: &Flags,
        _date: InternalDate,
        _message: Vec<u8>,
    ) -> impl Future<Output = SourceResult<u32>> + Send {
        async { Err(SourceError::unsupported()) }
    }

    /// Removes a message.
    ///
    /// # Errors
    /// If it cannot.
    fn remove(
        &self,
        _user: &Self::User,
        _folder: &str,
        _uid: u32,
    ) -> impl Future<Output = SourceResult<()>> + Send {
        async { Err(SourceError::unsupported()) }
    }

    /// Waits until something may have changed, so that clients need not wait for the next poll. May be dropped at any
    /// time.
    fn changed(&self, _user: &Self::User) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// What the methods of a [`Source`] give.
pub type SourceResult<T> = Result<T, SourceError>;

/// Why a source does not do something. Any error becomes one by `?`; what is none, a text say, by
/// `std::io::Error::other`. (For that, it is itself no [`Error`].)
#[derive(Debug, Clone)]
pub struct SourceError(Option<Arc<dyn Error + Send + Sync>>);

impl SourceError {
    /// It never will.
    pub fn unsupported() -> Self {
        Self(None)
    }

    /// What went wrong; nothing if it is not supported.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.as_deref()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for SourceError {
    fn from(error: E) -> Self {
        Self(Some(Arc::new(error)))
    }
}

/// A folder of a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub(super) name: String,
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) special_use: Option<SpecialUse>,
}

impl Folder {
    /// A folder of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), uid_validity: 1, uid_next: 1, special_use: None }
    }

    /// Has to become another, a greater one, if numbers of messages are ever used again. Default 1.
    #[must_use]
    pub fn uid_validity(mut self, uid_validity: u32) -> Self {
        self.uid_validity = uid_validity;
        self
    }

    /// The number that the next message gets. By default one more than the highest that there is, which is right if the
    /// newest message never goes.
    #[must_use]
    pub fn uid_next(mut self, uid_next: u32) -> Self {
        self.uid_next = uid_next;
        self
    }

    /// What it is for.
    #[must_use]
    pub fn special_use(mut self, special_use: SpecialUse) -> Self {
        self.special_use = Some(special_use);
        self
    }
}

/// A message in a folder of a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) uid: u32,
    pub(super) size: u64,
    pub(super) flags: Flags,
    pub(super) date: InternalDate,
}

impl Entry {
    /// The message of this number, not zero, with exactly so many octets as [`Source::message`] gives.
    pub fn new(uid: u32, size: u64) -> Self {
        Self { uid, size, flags: Flags::new(), date: InternalDate::default() }
    }

    /// Its flags, as `SystemFlag::Seen` or [`Flags`], of `mailwright-store`. Default none.
    #[must_use]
    pub fn flags(mut self, flags: impl Into<Flags>) -> Self {
        self.flags = flags.into();
        self
    }

    /// When it arrived: a [`Timestamp`](mailwright_core::Timestamp), which is milliseconds since 1970 and is shown as UTC,
    /// or an [`InternalDate`]. Default 1970.
    #[must_use]
    pub fn date(mut self, date: impl Into<InternalDate>) -> Self {
        self.date = date.into();
        self
    }
}

/// A source that fails.
#[derive(Debug)]
pub(super) struct Failed(pub(super) SourceError);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.cause() {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{Unsupported}"),
        }
    }
}

impl Error for Failed {}

impl From<SourceError> for mailwright_store::Unavailable {
    fn from(error: SourceError) -> Self {
        match error.cause() {
            Some(_) => Self::new(Failed(error)),
            None => Self::new(Unsupported),
        }
    }
}
