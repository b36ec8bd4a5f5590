//! What is dropped when its time is over, and traces, which are.

use std::borrow::Cow;
use std::time::Duration;

use mailwright_core::{BlobId, Timestamp, TraceEvent, TraceId};

use super::state::{Counter, State, TraceHead};
use super::table::Base;
use super::txn::Txn;
use crate::blob::Reclaimed;
use crate::limits::Limits;

impl<B: Base> Txn<'_, B> {
    pub(super) fn add_events(&mut self, id: TraceId, events: Vec<TraceEvent>) {
        let mut head = self.state.traces.get(&id).map(Cow::into_owned).unwrap_or_default();
        for event in events {
            if head.kept < self.limits.events_per_trace as u64 {
                self.state.events.put_new((id, head.kept), event);
                head = TraceHead { kept: head.kept + 1, ..head };
            } else {
                head.dropped += 1;
            }
        }
        self.state.traces.put(id, head);
    }
}

impl<B: Base> State<B> {
    /// As [`Store::reclaim`](crate::Store::reclaim). Also gives the blobs whose contents nobody wants any more.
    pub fn reclaim(&mut self, now: Timestamp, limit: usize, limits: &Limits) -> (Reclaimed, Vec<BlobId>) {
        let mut reclaimed = Reclaimed::default();
        let mut dropped = Vec::new();
        let over = |since: Timestamp, kept: Duration| since.saturating_add(kept) <= now;
        for _ in 0..limit {
            let Some(((since, id), _)) = self.idle.first() else { break };
            if !over(since, limits.blob_grace) {
                break;
            }
            self.idle.take(&(since, id));
            let size = self.blobs.take(&id).map_or(0, |blob| blob.size);
            dropped.push(id);
            reclaimed.blobs += 1;
            reclaimed.bytes += size;
        }
        // Nothing is written if nothing is dropped: it is asked again and again.
        if reclaimed.bytes > 0 {
            let bytes = self.counter(Counter::BlobBytes).saturating_sub(reclaimed.bytes);
            self.counters.put(Counter::BlobBytes, bytes);
        }
        for _ in 0..limit {
            let Some(((at, id), _)) = self.outcome_times.first() else { break };
            if !over(at, limits.outcome_kept) {
                break;
            }
            self.outcome_times.take(&(at, id));
            self.outcomes.take(&id);
            reclaimed.outcomes += 1;
        }
        for _ in 0..limit {
            let Some((id, _)) = self.traces.first() else { break };
            if !over(id.time(), limits.trace_kept) {
                break;
            }
            self.traces.take(&id);
            self.events.take_range((id, 0)..=(id, u64::MAX));
            reclaimed.traces += 1;
        }
        self.keep();
        reclaimed.more = self.idle.first().is_some_and(|((since, _), _)| over(since, limits.blob_grace))
            || self.outcome_times.first().is_some_and(|((at, _), _)| over(at, limits.outcome_kept))
            || self.traces.first().is_some_and(|(id, _)| over(id.time(), limits.trace_kept));
        (reclaimed, dropped)
    }
}
