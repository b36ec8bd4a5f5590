//! The queue, for administrators.

use mailwright_core::{QueueId, ReversePath, Timestamp};
use mailwright_delivery::{AdminError, Queue};
use mailwright_queue::{Diagnostic, Envelope, RecipientState};
use mailwright_store::{Batch, Cause, Op, QueueEntry, QueueOp, Store};

use super::protocol::{QueueChange, QueueRow, RecipientRow, Reply, TraceRow};
use super::refusal::{parse_domain, refused, unavailable};
use crate::exit::{Exit, Failure};

/// Entries in a page.
const PAGE: usize = 100;

pub(super) async fn list(
    store: &impl Store,
    route: Option<String>,
    after: Option<String>,
) -> Result<Reply, Failure> {
    let route = route.map(|route| parse_domain(&route)).transpose()?;
    let after = after.map(|after| parse(&after)).transpose()?;
    let page = store.queue_page(route, after, PAGE).await.map_err(unavailable)?;
    let rows = page.items.iter().map(row).collect();
    Ok(Reply::Queue { rows, next: page.next.map(|next| next.to_string()) })
}

pub(super) async fn show(store: &impl Store, entry: &str) -> Result<Reply, Failure> {
    let entry = find(store, entry).await?;
    let trace = store.trace(entry.id.trace).await.map_err(unavailable)?;
    let events = trace.events.iter().map(|event| TraceRow {
        time: event.at.to_string(),
        stage: format!("{:?}", event.stage).to_lowercase(),
        verdict: format!("{:?}", event.verdict).to_lowercase(),
        text: event.text.clone(),
        evidence: event.evidence.iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
    });
    Ok(Reply::QueueEntry { row: row(&entry), trace: events.collect() })
}

/// Without a queue at work.
pub(super) async fn change(
    store: &impl Store,
    entry: &str,
    change: QueueChange,
    batch: Batch,
) -> Result<Reply, Failure> {
    let entry = parse(entry)?;
    let op = match change {
        QueueChange::Retry => QueueOp::Retry { due: batch.now },
        QueueChange::Hold => QueueOp::Hold,
        QueueChange::Release => QueueOp::Release,
        QueueChange::Delete => QueueOp::Remove,
        QueueChange::Bounce => {
            return Err(Failure::new(Exit::Unavailable, "nobody is there who would tell the sender")
                .with_remedy(
                    "start the server, with [outbound] in its configuration; or delete the message",
                ));
        }
    };
    let done = store.commit(batch.with(Op::Queue { entry, op })).await;
    done.map(|_| Reply::Done).map_err(|rejected| match rejected.cause {
        Cause::NoSuchEntry(_) => no_such(&entry.to_string()),
        Cause::EntryLeased(_) => Failure::new(Exit::TempFail, AdminError::UnderWay.to_string()),
        cause => refused(cause),
    })
}

/// With one.
pub(super) async fn change_at_work<S: Store>(
    store: &S,
    queue: &Queue<S>,
    entry: &str,
    change: QueueChange,
) -> Result<Reply, Failure> {
    let found = find(store, entry).await?;
    let done = match change {
        QueueChange::Retry => queue.retry(&found).await,
        QueueChange::Hold => queue.hold(found.id).await,
        QueueChange::Release => queue.release(found.id).await,
        QueueChange::Delete => queue.delete(found.id).await,
        QueueChange::Bounce => queue.bounce(found).await,
    };
    done.map(|()| Reply::Done).map_err(|error| match error {
        AdminError::NoSuchEntry => no_such(entry),
        AdminError::Store(cause) => refused(cause),
        error => Failure::new(Exit::TempFail, error.to_string()),
    })
}

async fn find(store: &impl Store, entry: &str) -> Result<QueueEntry, Failure> {
    let found = store.queue_entry(parse(entry)?).await.map_err(unavailable)?;
    found.ok_or_else(|| no_such(entry))
}

fn parse(entry: &str) -> Result<QueueId, Failure> {
    entry.parse().map_err(|error| Failure::new(Exit::Data, format!("{entry:?}: {error}")))
}

fn no_such(entry: &str) -> Failure {
    Failure::new(Exit::Data, format!("there is no {entry} in the queue"))
        .with_remedy("it has been delivered, or was returned: mailwright queue list shows what waits")
}

fn row(entry: &QueueEntry) -> QueueRow {
    let seconds = |time: Timestamp| time.as_millis().div_euclid(1000);
    let recipients = entry.recipients.iter().map(|recipient| RecipientRow {
        address: recipient.address.to_string(),
        delay_reason: RecipientState::decode(&recipient.params)
            .ok()
            .and_then(|state| state.last.as_ref().map(Diagnostic::summary)),
    });
    let release = Envelope::decode(&entry.envelope).ok().and_then(|envelope| envelope.future_release);
    let queue_name = match (entry.held, entry.lease) {
        (true, _) => "hold",
        (false, Some(_)) => "active",
        (false, None) => "deferred",
    };
    QueueRow {
        queue_name: queue_name.to_owned(),
        queue_id: entry.id.to_string(),
        arrival_time: seconds(entry.queued),
        message_size: entry.size,
        forced_expire: false,
        sender: match &entry.sender {
            ReversePath::Null => String::new(),
            ReversePath::Address(address) => address.to_string(),
        },
        recipients: recipients.collect(),
        route: entry.route.to_string(),
        attempts: entry.attempts,
        next_attempt: seconds(entry.due),
        expires: seconds(entry.expires),
        release_time: release.map(|release| seconds(release.at)),
    }
}
