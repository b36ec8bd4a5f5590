//! From an entry of the queue to what the client is to send.

use std::ops::Range;

use mailwright_core::ForwardPath;
use mailwright_queue::{Body, Envelope, Notify, OriginalAddress, RecipientState, Ret};
use mailwright_smtp::client::{self, Capabilities, Recipient, Transaction};
use mailwright_store::QueueEntry;

use crate::deliver::Parts;

/// The transaction for a server that offers this.
pub(super) fn transaction(entry: &QueueEntry, parts: &Parts, offers: &Capabilities) -> Transaction {
    let envelope = &parts.envelope;
    let states = parts.recipients.iter().map(Some).chain(std::iter::repeat(None));
    let recipients = entry.recipients.iter().zip(states);
    let recipients = recipients.map(|(recipient, state)| Recipient {
        to: ForwardPath::Address(recipient.address.clone()),
        notify: state.and_then(|state| state.notify).map(notify),
        orcpt: state.and_then(orcpt),
    });
    let mut transaction = Transaction::new(entry.sender.clone(), recipients.collect());
    let content = content(entry, envelope);
    transaction.size = Some(content.end.saturating_sub(content.start));
    transaction.body = match envelope.body {
        // Nobody has looked whether it is.
        Body::SevenBit => None,
        Body::EightBitMime | Body::BinaryMime => Some(mailwright_smtp::Body::EightBitMime),
    };
    transaction.smtp_utf8 = envelope.smtputf8;
    // RFC 8689 §5: a report goes on without, if it has to.
    transaction.require_tls = envelope.require_tls && (needs_tls(entry, envelope) || offers.require_tls);
    transaction.ret = envelope.ret.map(|ret| match ret {
        Ret::Full => client::Ret::Full,
        Ret::Headers => client::Ret::Headers,
    });
    transaction.envid = envelope.envid.as_ref().and_then(|id| client::EnvelopeId::new(id.decoded()).ok());
    if offers.dsn { transaction } else { transaction.without_dsn() }
}

/// Which octets of the blob are sent: all, but for what stays here.
pub(super) fn content(entry: &QueueEntry, envelope: &Envelope) -> Range<u64> {
    envelope.begin.min(entry.size)..entry.size
}

/// Whether the message goes by TLS or not at all (RFC 8689 §4.2.1): not so a report, which has no sender.
pub(super) fn needs_tls(entry: &QueueEntry, envelope: &Envelope) -> bool {
    envelope.require_tls && entry.sender.address().is_some()
}

fn notify(notify: Notify) -> client::Notify {
    match notify {
        Notify::Never => client::Notify::NEVER,
        Notify::On { success, failure, delay } => client::Notify::on(success, failure, delay),
    }
}

/// RFC 3461 §5.2.1 d: as it came.
fn orcpt(state: &RecipientState) -> Option<client::OriginalRecipient> {
    let original = state.orcpt.as_ref().map(|orcpt| OriginalAddress::reported(orcpt, false))?;
    // RFC 6533 §3: the form of an address of the type `utf-8` that any server takes.
    let address = original.address.chars().fold(String::new(), |address, c| match c.is_ascii() {
        true => address + c.encode_utf8(&mut [0; 4]),
        false => address + &format!("\\x{{{:X}}}", u32::from(c)),
    });
    client::OriginalRecipient::new(original.address_type, address).ok()
}
