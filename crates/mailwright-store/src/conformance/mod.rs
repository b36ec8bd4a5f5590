//! What every backend has to do, one function a property.
//!
//! Each takes an empty store and panics if the property does not hold. [`run`] runs them all:
//!
//! ```
//! use mailwright_store::{MemoryStore, conformance};
//!
//! conformance::block_on(conformance::run(async || MemoryStore::default()));
//! ```
//!
//! [`history`] then does random things for as long as one likes, the same for the same seed.

mod accounts;
mod batches;
mod blobs;
mod history;
mod kit;
mod listing;
mod mailboxes;
mod messages;
mod queue;
mod quota;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use self::history::history;
use crate::store::Store;

macro_rules! properties {
    ($($module:ident: $($name:ident)*;)*) => {
        $(pub use self::$module::{$($name),*};)*

        /// Runs every property, each with a store of its own.
        ///
        /// # Panics
        /// If one does not hold.
        pub async fn run<S: Store>(make: impl AsyncFn() -> S) {
            $($(
                $name(make().await).await;
            )*)*
        }
    };
}

properties! {
    batches:
        a_batch_happens_as_a_whole
        a_replay_gives_the_first_outcome
        later_operations_see_earlier_ones
        too_many_operations_are_refused
        modseqs_ascend_in_an_account
        hints_follow_commits
        traces_are_kept_in_order;
    blobs:
        blobs_are_read_by_range
        blobs_are_checksummed_and_ordered_by_time
        unused_blobs_are_reclaimed
        a_reader_outlives_its_blob
        too_large_blobs_are_refused;
    messages:
        appends_share_a_blob
        uids_are_never_reused
        appends_find_or_create_mailboxes_by_name
        flags_are_stored
        flags_are_stored_unless_changed_since
        keywords_are_listed_while_in_use
        copies_are_like_their_originals
        moves_are_out_and_in
        expunges_take_what_they_should;
    mailboxes:
        mailboxes_are_created_renamed_and_deleted
        renaming_takes_along_what_lies_below
        renaming_inbox_moves_its_messages
        uidvalidities_never_repeat
        subscriptions_are_to_names
        rights_are_kept_by_account
        metadata_is_shared_or_private;
    listing:
        snapshots_stay_as_they_were
        pages_join_without_a_seam
        changes_lead_from_then_to_now
        forgotten_history_is_too_old
        status_is_kept;
    quota:
        quotas_are_charged_and_given_back
        over_quota_is_refused_or_queued
        quotas_can_be_shared_and_changed;
    queue:
        claims_go_by_priority_and_time
        leases_exclude_each_other
        attempts_end_in_batches
        rooms_bound_claims
        administrators_change_entries
        the_queue_is_listed;
    accounts:
        accounts_are_found
        credentials_are_kept
        removed_accounts_leave_nothing;
}

/// Runs a future that never waits for anything else: enough for backends that answer at once.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
