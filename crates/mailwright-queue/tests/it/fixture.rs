//! What the tests speak of.

use mailwright_core::testing::FakeClock;
use mailwright_core::{
    Address, BlobId, Domain, EnhancedCode, QueueId, ReplyCode, ReversePath, Timestamp, TraceId,
};
use mailwright_queue::{AttemptStage, Diagnostic, Envelope, RecipientState};
use mailwright_store::{Claimed, Fence, Lease, Priority, QueueEntry, QueueRecipient};

pub(crate) const ARRIVED: Timestamp = FakeClock::EPOCH;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn after(millis: i64) -> Timestamp {
    Timestamp(ARRIVED.0 + millis)
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

pub(crate) fn sender() -> ReversePath {
    ReversePath::Address(address("ann@sender.example"))
}

pub(crate) fn enhanced(class: u8, subject: u16, detail: u16) -> EnhancedCode {
    EnhancedCode::new(class, subject, detail).unwrap()
}

/// `550 5.1.1 no such user`, to RCPT.
pub(crate) fn said(reply: &str) -> Diagnostic {
    let mut words = reply.splitn(3, ' ');
    let code = ReplyCode::new(words.next().unwrap().parse().unwrap()).unwrap();
    let numbers: Vec<u16> = words.next().unwrap().split('.').map(|number| number.parse().unwrap()).collect();
    let status = enhanced(numbers[0] as u8, numbers[1], numbers[2]);
    let text = words.next().unwrap_or_default();
    Diagnostic::reply(after(0), AttemptStage::Rcpt, "mx.dest.example", (code, Some(status)), text)
}

pub(crate) fn no_answer() -> Diagnostic {
    Diagnostic::local(after(0), AttemptStage::Connect, enhanced(4, 4, 1), "no answer from mx.dest.example")
}

/// An entry for `recipients`, claimed.
pub(crate) fn claimed(
    sender: ReversePath,
    envelope: &Envelope,
    recipients: Vec<(&str, RecipientState)>,
    attempts: u32,
) -> Claimed {
    let id = QueueId { trace: TraceId::new(ARRIVED, [1, 2, 3, 4]), entry: 0 };
    let recipients = recipients
        .into_iter()
        .map(|(to, state)| QueueRecipient { address: address(to), params: state.encode() });
    let entry = QueueEntry {
        id,
        route: domain("dest.example"),
        priority: Priority::default(),
        due: ARRIVED,
        expires: after(5 * DAY),
        queued: ARRIVED,
        attempts,
        note: String::new(),
        held: false,
        lease: None,
        sender,
        recipients: recipients.collect(),
        envelope: envelope.encode(),
        blob: BlobId([7; 16]),
        size: 10_000,
    };
    let fence = Fence { epoch: 1, counter: 1 };
    Claimed { lease: Lease { entry: id, until: after(5 * MINUTE), fence }, entry }
}
