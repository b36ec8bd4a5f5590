//! The trait that backends implement.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::{
    AccountId, BlobId, Domain, MailboxId, ModSeq, QueueId, Timestamp, TraceEvent, TraceId, Uid, UidSet,
};

use crate::account::{AccountInfo, AccountKey, Credential};
use crate::batch::Batch;
use crate::blob::{BlobHint, BlobInfo, BlobReader, BlobWriter, Reclaimed};
use crate::change::{ChangeHints, Topic};
use crate::error::{BlobError, Health, ReadError, Unavailable};
use crate::limits::Limits;
use crate::listing::{ChangeCursor, Changes, Columns, RowPage, Snapshot};
use crate::mailbox::{
    EntryName, Grantee, MailboxInfo, MailboxStatus, MetadataTarget, Rights, SharedMailbox, Visibility,
};
use crate::name::MailboxName;
use crate::outcome::{Outcome, Rejected};
use crate::page::Page;
use crate::queue::{Claim, Claimed, Destination, Lease, QueueEntry};
use crate::quota::{Quota, QuotaRootId};

/// A message's trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// What happened, in the order of commits.
    pub events: Vec<TraceEvent>,
    /// How much more happened than is kept, see [`Limits::events_per_trace`].
    pub dropped: u64,
}

/// A mail store.
///
/// [`commit`](Self::commit) is the only write: what stands in one batch happens together or not at all, and is
/// durable when its future is ready. Everything else reads, or moves what no one was promised: staged blobs,
/// leases, what is due for [`reclaim`](Self::reclaim).
///
/// - **Visibility.** What a batch did is seen by every read that begins after its commit returned, and by none as
///   a part. MODSEQs of an account become visible in ascending order: who has seen one will never afterwards find
///   a change with a lower one that it had not seen.
/// - **Numbers.** UIDs ascend and are never reused in a mailbox, MODSEQs in an account, UIDVALIDITYs in the store,
///   not even after a restore.
/// - **Time** comes from the caller, here as everywhere; it may stand still or go back, and only what is about to
///   end (a lease, a grace period) then ends later.
/// - **Cancelling.** Dropping the future of a `commit` leaves open whether the batch happens. Committing its id
///   again tells.
/// - **Pages** have at most `limit` items, and at most what [`Limits`] says; the next one begins after `next`.
///
/// Backends take native futures; [`DynStore`](crate::DynStore) is the boxed form. A backend proves itself with the
/// kit in the module `conformance` (a feature).
pub trait Store: Send + Sync + 'static {
    /// A blob on its way in.
    type BlobWriter: BlobWriter;
    /// A blob on its way out.
    type BlobReader: BlobReader;

    /// The bounds of this store.
    fn limits(&self) -> &Limits;

    /// How the store is: a look at what is known, without a wait.
    fn health(&self) -> Health;

    /// Listens to hints about `topics`. From here on: read first what is there already.
    fn changes(&self, topics: &[Topic]) -> ChangeHints;

    /// Does all of `batch`.
    ///
    /// # Errors
    /// If one operation cannot be done, none is.
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<Outcome, Rejected>> + Send;

    /// Drops what nothing refers to and whose time is over, at most `limit` of each kind: blobs, outcomes, traces.
    /// To be called now and then.
    ///
    /// # Errors
    /// If the store cannot.
    fn reclaim(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Reclaimed, Unavailable>> + Send;

    // Blobs.

    /// Begins a blob.
    ///
    /// # Errors
    /// If it will be too large or there is no room.
    fn blob_writer(&self, hint: BlobHint)
    -> impl Future<Output = Result<Self::BlobWriter, BlobError>> + Send;

    /// What a blob is.
    ///
    /// # Errors
    /// If it is gone.
    fn blob(&self, id: BlobId) -> impl Future<Output = Result<BlobInfo, BlobError>> + Send;

    /// Reads a range of a blob. What was begun can be read to its end, whatever is reclaimed meanwhile.
    ///
    /// # Errors
    /// If the blob is gone or the range does not lie within it.
    fn read_blob(
        &self,
        id: BlobId,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Self::BlobReader, BlobError>> + Send;

    /// Reads ranges of many blobs, as for the headers of a page of messages. One answer each, in order.
    fn read_blobs(
        &self,
        wanted: &[(BlobId, Range<u64>)],
    ) -> impl Future<Output = Vec<Result<Bytes, BlobError>>> + Send;

    // Messages.

    /// Takes a snapshot of a mailbox.
    ///
    /// # Errors
    /// If there is no such mailbox.
    fn open(&self, mailbox: MailboxId) -> impl Future<Output = Result<Snapshot, ReadError>> + Send;

    /// Those messages of `selection` that belong to `snapshot`, ascending, after `after`. What was expunged since
    /// comes as [`Gone`](crate::Gone), and counts for `limit` too.
    ///
    /// # Errors
    /// If the mailbox is gone, or the snapshot too old to tell.
    fn rows(
        &self,
        snapshot: &Snapshot,
        selection: &UidSet,
        columns: Columns,
        after: Option<Uid>,
        limit: usize,
    ) -> impl Future<Output = Result<RowPage, ReadError>> + Send;

    /// What has changed in a mailbox since `since`.
    ///
    /// # Errors
    /// If there is no such mailbox.
    fn changed_since(
        &self,
        mailbox: MailboxId,
        since: ModSeq,
        columns: Columns,
        after: Option<ChangeCursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Changes, ReadError>> + Send;

    // Mailboxes.

    /// The status of many mailboxes, in order; `None` for one that does not exist.
    ///
    /// # Errors
    /// If the store cannot.
    fn status(
        &self,
        mailboxes: &[MailboxId],
    ) -> impl Future<Output = Result<Vec<Option<MailboxStatus>>, Unavailable>> + Send;

    /// An account's mailboxes, by name.
    ///
    /// # Errors
    /// If there is no such account.
    fn mailboxes(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<MailboxInfo, MailboxName>, ReadError>> + Send;

    /// The mailbox of that name.
    ///
    /// # Errors
    /// If there is no such account or mailbox.
    fn mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
    ) -> impl Future<Output = Result<MailboxInfo, ReadError>> + Send;

    /// The names that an account is subscribed to, also of mailboxes that do not exist.
    ///
    /// # Errors
    /// If there is no such account.
    fn subscriptions(
        &self,
        account: AccountId,
        after: Option<MailboxName>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<MailboxName, MailboxName>, ReadError>> + Send;

    /// The mailboxes of others in which an account has rights, by id.
    ///
    /// # Errors
    /// If there is no such account.
    fn shared_with(
        &self,
        account: AccountId,
        after: Option<MailboxId>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<SharedMailbox, MailboxId>, ReadError>> + Send;

    /// Who has which rights in a mailbox, besides its owner.
    ///
    /// # Errors
    /// If there is no such mailbox.
    fn acl(
        &self,
        mailbox: MailboxId,
    ) -> impl Future<Output = Result<Vec<(Grantee, Rights)>, ReadError>> + Send;

    /// The metadata on `target` that has this visibility, by name.
    ///
    /// # Errors
    /// If there is no such mailbox.
    fn metadata(
        &self,
        target: MetadataTarget,
        visibility: Visibility,
    ) -> impl Future<Output = Result<Vec<(EntryName, Bytes)>, ReadError>> + Send;

    // Accounts and quotas.

    /// An account.
    ///
    /// # Errors
    /// If there is no such account.
    fn account(&self, id: AccountId) -> impl Future<Output = Result<AccountInfo, ReadError>> + Send;

    /// The account with that login or address.
    ///
    /// # Errors
    /// If there is no such account.
    fn find_account(&self, key: &AccountKey) -> impl Future<Output = Result<AccountInfo, ReadError>> + Send;

    /// All accounts, by id.
    ///
    /// # Errors
    /// If the store cannot.
    fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<AccountInfo, AccountId>, Unavailable>> + Send;

    /// An account's credentials, by name.
    ///
    /// # Errors
    /// If there is no such account.
    fn credentials(
        &self,
        account: AccountId,
    ) -> impl Future<Output = Result<Vec<Credential>, ReadError>> + Send;

    /// The domains of [`DomainOp::Add`](crate::DomainOp::Add), by name.
    ///
    /// # Errors
    /// If the store cannot.
    fn domains(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<Domain, Domain>, Unavailable>> + Send;

    /// Whether a domain is one of them.
    ///
    /// # Errors
    /// If the store cannot.
    fn has_domain(&self, domain: &Domain) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// A quota root; `None` if there is no such root.
    ///
    /// # Errors
    /// If the store cannot.
    fn quota(&self, root: QuotaRootId) -> impl Future<Output = Result<Option<Quota>, Unavailable>> + Send;

    // The queue.

    /// Leases entries that are due: of each destination the most urgent ones first, and of these those due first.
    ///
    /// # Errors
    /// If the store cannot.
    fn claim(&self, claim: &Claim) -> impl Future<Output = Result<Vec<Claimed>, Unavailable>> + Send;

    /// Makes leases last until `now` plus `duration`. One answer each, in order; `None` if it is lost.
    ///
    /// # Errors
    /// If the store cannot.
    fn renew(
        &self,
        leases: &[Lease],
        now: Timestamp,
        duration: Duration,
    ) -> impl Future<Output = Result<Vec<Option<Lease>>, Unavailable>> + Send;

    /// When the next entry is due, or a lease runs out.
    ///
    /// # Errors
    /// If the store cannot.
    fn next_due(&self) -> impl Future<Output = Result<Option<Timestamp>, Unavailable>> + Send;

    /// The destinations that have entries, by name.
    ///
    /// # Errors
    /// If the store cannot.
    fn destinations(
        &self,
        after: Option<Domain>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<Destination, Domain>, Unavailable>> + Send;

    /// The entries of the queue, or of one destination, by id, that is by the time of arrival.
    ///
    /// # Errors
    /// If the store cannot.
    fn queue_page(
        &self,
        route: Option<Domain>,
        after: Option<QueueId>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<QueueEntry, QueueId>, Unavailable>> + Send;

    /// An entry of the queue; `None` if there is no such entry.
    ///
    /// # Errors
    /// If the store cannot.
    fn queue_entry(
        &self,
        id: QueueId,
    ) -> impl Future<Output = Result<Option<QueueEntry>, Unavailable>> + Send;

    // Traces.

    /// A message's trace; empty if there is none.
    ///
    /// # Errors
    /// If the store cannot.
    fn trace(&self, id: TraceId) -> impl Future<Output = Result<Trace, Unavailable>> + Send;

    /// The ids of all traces, that is by time.
    ///
    /// # Errors
    /// If the store cannot.
    fn traces(
        &self,
        after: Option<TraceId>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<TraceId, TraceId>, Unavailable>> + Send;
}
