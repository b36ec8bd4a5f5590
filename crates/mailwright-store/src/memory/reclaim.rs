//! What is dropped when its time is over, and traces, which are.

use std::time::Duration;

use mailwright_core::{Timestamp, TraceEvent, TraceId};

use super::state::{Counter, State, TraceHead};
use super::txn::Txn;
use crate::blob::Reclaimed;
use crate::limits::Limits;

impl Txn<'_> {
    pub(super) fn add_events(&mut self, id: TraceId, events: Vec<TraceEvent>) {
        let mut head = self.state.traces.get(&id).copied().unwrap_or_default();
        for event in events {
            if head.kept < self.limits.events_per_trace as u64 {
                self.state.events.put((id, head.kept), event);
                head = TraceHead { kept: head.kept + 1, ..head };
            } else {
                head.dropped += 1;
            }
        }
        self.state.traces.put(id, head);
    }
}

impl State {
    pub(super) fn reclaim(&mut self, now: Timestamp, limit: usize, limits: &Limits) -> Reclaimed {
        let mut reclaimed = Reclaimed::default();
        let over = |since: Timestamp, kept: Duration| since.saturating_add(kept) <= now;
        for _ in 0..limit {
            let Some((&(since, id), ())) = self.idle.first() else { break };
            if !over(since, limits.blob_grace) {
                break;
            }
            self.idle.take(&(since, id));
            let size = self.blobs.take(&id).map_or(0, |blob| blob.size);
            reclaimed.blobs += 1;
            reclaimed.bytes += size;
        }
        let bytes = self.counter(Counter::BlobBytes).saturating_sub(reclaimed.bytes);
        self.counters.put(Counter::BlobBytes, bytes);
        for _ in 0..limit {
            let Some((&(at, id), ())) = self.outcome_times.first() else { break };
            if !over(at, limits.outcome_kept) {
                break;
            }
            self.outcome_times.take(&(at, id));
            self.outcomes.take(&id);
            reclaimed.outcomes += 1;
        }
        for _ in 0..limit {
            let Some((&id, _)) = self.traces.first() else { break };
            if !over(id.time(), limits.trace_kept) {
                break;
            }
            self.traces.take(&id);
            self.events.take_range((id, 0)..=(id, u64::MAX));
            reclaimed.traces += 1;
        }
        self.keep();
        reclaimed.more = self.idle.first().is_some_and(|((since, _), ())| over(*since, limits.blob_grace))
            || self.outcome_times.first().is_some_and(|((at, _), ())| over(*at, limits.outcome_kept))
            || self.traces.first().is_some_and(|(id, _)| over(id.time(), limits.trace_kept));
        reclaimed
    }
}
