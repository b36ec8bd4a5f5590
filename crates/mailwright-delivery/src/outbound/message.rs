//! From an entry of the queue to what the client is to send.

use mailwright_core::{ForwardPath, Timestamp};
use mailwright_queue::{Envelope, Late, Notify, OriginalAddress, RecipientState, Ret};
use mailwright_smtp::client::{Capabilities, Recipient, Transaction};
use mailwright_smtp::{self as smtp, RcptParams};
use mailwright_store::{QueueEntry, QueueRecipient};

use super::form::Form;
use crate::deliver::Parts;

/// The transaction for a server that offers this, at that time, and these of the recipients.
pub(super) fn transaction(
    entry: &QueueEntry,
    parts: &Parts,
    form: &Form,
    (offers, now): (&Capabilities, Timestamp),
    places: &[usize],
) -> Transaction {
    let envelope = &parts.envelope;
    let by = envelope.by.map(|by| deliver_by(by, now));
    // RFC 2852 §4.1.4.2: a server that does not know BY is to tell of delays, if it can.
    let tells_of_delays = offers.deliver_by.is_none() && by.is_some_and(|by| by.late == smtp::Late::Notify);
    let recipients = places.iter().filter_map(|place| {
        let state = parts.recipients.get(*place);
        Some(recipient(entry.recipients.get(*place)?, state, tells_of_delays))
    });
    let mut transaction = Transaction::new(entry.sender.clone(), recipients.collect());
    let params = &mut transaction.params;
    params.size = Some(form.size);
    params.body = form.body;
    params.smtp_utf8 = form.smtp_utf8;
    // RFC 8689 §5: a report goes on without, if it has to.
    params.require_tls = envelope.require_tls && (needs_tls(entry, envelope) || offers.require_tls);
    params.ret = envelope.ret.map(|ret| match ret {
        Ret::Full => smtp::Ret::Full,
        Ret::Headers => smtp::Ret::Headers,
    });
    params.envid = envelope.envid.as_ref().and_then(|id| smtp::EnvelopeId::new(id.decoded()).ok());
    // RFC 6710 §4.2
    params.priority = envelope.priority.and_then(|priority| smtp::Priority::new(priority.get()));
    params.by = by;
    params.auth.clone_from(&envelope.auth);
    params.solicit =
        envelope.solicit.as_ref().and_then(|classes| smtp::Solicitation::new(classes.as_solicit()));
    if offers.dsn { transaction } else { transaction.without_dsn() }
}

/// Whether the message goes by TLS or not at all (RFC 8689 §4.2.1): not so a report, which has no sender.
pub(super) fn needs_tls(entry: &QueueEntry, envelope: &Envelope) -> bool {
    envelope.require_tls && entry.sender.address().is_some()
}

/// RFC 2852 §4.1.4: what is left of the time.
fn deliver_by(by: mailwright_queue::DeliverBy, now: Timestamp) -> smtp::DeliverBy {
    let seconds = by.at.as_millis().saturating_sub(now.as_millis()).div_euclid(1000);
    smtp::DeliverBy {
        seconds: i32::try_from(seconds.clamp(-SECONDS_MAX, SECONDS_MAX)).unwrap_or_default(),
        late: match by.late {
            Late::Return => smtp::Late::Return,
            Late::Notify => smtp::Late::Notify,
        },
        trace: by.trace,
    }
}

/// `by-time = ["-" / "+"] 1*9DIGIT`
const SECONDS_MAX: i64 = 999_999_999;

fn recipient(to: &QueueRecipient, state: Option<&RecipientState>, tells_of_delays: bool) -> Recipient {
    let mut params = RcptParams::default();
    let wanted = state.and_then(|state| state.notify);
    params.notify = match wanted {
        None if tells_of_delays => Some(smtp::Notify::on(false, true, true)),
        wanted => wanted.map(|wanted| notify(wanted, tells_of_delays)),
    };
    params.orcpt = state.and_then(orcpt);
    params.valid_since = state
        .and_then(|state| state.valid_since.as_ref())
        .and_then(|since| smtp::ValidSince::new(since.as_rrvs()));
    Recipient { params, ..Recipient::new(ForwardPath::Address(to.address.clone())) }
}

fn notify(notify: Notify, tells_of_delays: bool) -> smtp::Notify {
    match notify {
        Notify::Never => smtp::Notify::NEVER,
        Notify::On { success, failure, delay } => {
            smtp::Notify::on(success, failure, delay || tells_of_delays)
        }
    }
}

/// RFC 3461 §5.2.1 d: as it came.
fn orcpt(state: &RecipientState) -> Option<smtp::OriginalRecipient> {
    let original = state.orcpt.as_ref().map(|orcpt| OriginalAddress::reported(orcpt, false))?;
    // RFC 6533 §3: the form of an address of the type `utf-8` that any server takes.
    let address = original.address.chars().fold(String::new(), |address, c| match c.is_ascii() {
        true => address + c.encode_utf8(&mut [0; 4]),
        false => address + &format!("\\x{{{:X}}}", u32::from(c)),
    });
    smtp::OriginalRecipient::new(&original.address_type, &address).ok()
}
