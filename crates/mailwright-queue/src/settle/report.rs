//! The report that a settlement asks for.

use mailwright_core::{Address, BlobId, ReversePath, Timestamp, TraceId};
use mailwright_message::report::{DeliveryReport, Returned, ReturnedPart, WrittenReport};
use mailwright_store::QueueEntry;

use super::config::SettleConfig;
use crate::accept::{Outgoing, OutgoingRecipient};
use crate::envelope::{Body, Envelope, Ret};
use crate::recipient::{Notify, RecipientState};

/// A report to be sent. The caller writes it ([`DeliveryReport::write`]), stores it as a blob, copying what it returns
/// from the entry's own, and commits it with the settlement: as an `Append` if it is for a mailbox here, or else as
/// the entries of [`outgoing`](Self::outgoing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it says, and to whom.
    pub message: DeliveryReport,
    /// Whether it may only travel encrypted, as the message may (RFC 8689 §5).
    pub require_tls: bool,
}

impl Report {
    /// For whom it is.
    pub fn to(&self) -> &Address {
        &self.message.to
    }

    /// As a message that goes elsewhere: from nobody, and never to be reported on (RFC 3461 §6.1).
    ///
    /// `header` are the octets of its own header, with the empty line, if the caller has counted them; else zero.
    pub fn outgoing(
        &self,
        trace: TraceId,
        now: Timestamp,
        blob: BlobId,
        written: &WrittenReport,
        header: u64,
    ) -> Outgoing {
        let envelope = Envelope {
            body: if written.eight_bit { Body::EightBitMime } else { Body::SevenBit },
            smtputf8: written.utf8,
            require_tls: self.require_tls,
            header,
            ..Envelope::new(now)
        };
        let state = RecipientState { notify: Some(Notify::Never), ..RecipientState::default() };
        // Never an error: the domain of an address is one.
        let recipient = OutgoingRecipient::new(self.message.to.clone(), state);
        Outgoing {
            trace,
            sender: ReversePath::Null,
            envelope,
            blob,
            recipients: recipient.into_iter().collect(),
        }
    }
}

/// What of the message is returned (RFC 3461 §4.3, §6.2).
pub(super) fn returned(
    entry: &QueueEntry,
    envelope: &Envelope,
    has_failure: bool,
    config: &SettleConfig,
) -> Option<Returned> {
    let is_small = match envelope.ret {
        Some(Ret::Full) => entry.size <= config.return_asked,
        None => entry.size <= config.return_unasked,
        Some(Ret::Headers) => false,
    };
    // RFC 8689 §5: a report on what may only travel encrypted has no more than the header. Binary would not survive.
    let full = has_failure && is_small && !envelope.require_tls && envelope.body != Body::BinaryMime;
    let (part, end) = match full {
        true => (ReturnedPart::Full, entry.size),
        false => (ReturnedPart::Header, envelope.header.min(entry.size)),
    };
    let eight_bit = envelope.body != Body::SevenBit || envelope.smtputf8;
    (end > envelope.begin).then_some(Returned { part, range: envelope.begin..end, eight_bit })
}
