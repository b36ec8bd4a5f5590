//! What is kept of an SMTP envelope in the queue.

use std::ops::Range;
use std::time::Duration;

use mailwright_core::{Address, Timestamp};
use mailwright_message::read_moment;
use mailwright_queue::{
    Body, DeliverBy, Envelope, EnvelopeId, FutureRelease, Late, Notify, OriginalAddress, RecipientState,
    ReleaseMoment, ReleaseRequest, Ret, Solicitation,
};
use mailwright_smtp::{self as smtp, Hold, MailParams, RcptParams};
use mailwright_store::Priority;

/// The envelope of a message that has come with these parameters; `header` is where its own header is, behind what is not
/// for others. MAIL has `begun` it; it is whole `now`. Who is not known cannot go before others (RFC 6710 §4.1).
pub(crate) fn envelope(
    params: &MailParams,
    header: Range<u64>,
    (begun, now): (Timestamp, Timestamp),
    is_known: bool,
) -> Envelope {
    Envelope {
        body: match params.body {
            // What came in binary is kept in lines.
            Some(smtp::Body::EightBitMime | smtp::Body::BinaryMime) => Body::EightBitMime,
            _ => Body::SevenBit,
        },
        smtputf8: params.smtp_utf8,
        require_tls: params.require_tls,
        ret: params.ret.map(|ret| match ret {
            smtp::Ret::Full => Ret::Full,
            smtp::Ret::Headers => Ret::Headers,
        }),
        envid: params.envid.as_ref().and_then(|envid| EnvelopeId::from_xtext(&envid.to_string())),
        priority: params.priority.and_then(|priority| {
            Priority::new(if is_known { priority.get() } else { priority.get().min(0) })
        }),
        by: params.by.map(|by| deliver_by(by, begun)),
        future_release: params.hold.as_ref().and_then(|hold| future_release(hold, begun)),
        solicit: params.solicit.as_ref().and_then(|classes| Solicitation::from_solicit(&classes.to_string())),
        begin: header.start,
        header: header.end,
        ..Envelope::new(now)
    }
}

/// By when a message is to be delivered, of which MAIL came then.
pub(crate) fn deliver_by(by: smtp::DeliverBy, begun: Timestamp) -> DeliverBy {
    DeliverBy {
        at: Timestamp(begun.as_millis().saturating_add(i64::from(by.seconds) * 1000)),
        late: match by.late {
            smtp::Late::Return => Late::Return,
            smtp::Late::Notify => Late::Notify,
        },
        trace: by.trace,
    }
}

/// Until when a message is held, of which MAIL came then; `None` if no calendar has that moment.
pub(crate) fn future_release(hold: &Hold, begun: Timestamp) -> Option<FutureRelease> {
    Some(match hold {
        Hold::For(seconds) => FutureRelease {
            at: begun.saturating_add(Duration::from_secs(u64::from(*seconds))),
            request: ReleaseRequest::For(*seconds),
        },
        Hold::Until(moment) => FutureRelease {
            at: read_moment(moment.as_str())?,
            request: ReleaseRequest::Until(ReleaseMoment::from_parameter(moment.as_str())?),
        },
    })
}

/// A recipient that has come with these parameters.
pub(crate) fn state(params: &RcptParams) -> RecipientState {
    RecipientState {
        notify: params.notify.map(notify),
        orcpt: params.orcpt.as_ref().and_then(|orcpt| OriginalAddress::from_orcpt(&orcpt.to_string())),
        valid_since: params
            .valid_since
            .as_ref()
            .and_then(|since| mailwright_queue::ValidSince::from_rrvs(&since.to_string())),
        ..RecipientState::default()
    }
}

/// Whom an alias leads to. The sender is told at once that the message has gone on, and of no success beyond (RFC 3461
/// §5.2.7.3); what fails there is reported under the name that the sender knows.
pub(crate) fn behind_alias(state: RecipientState, alias: &Address) -> RecipientState {
    let state = under(state, alias);
    RecipientState {
        notify: match state.notify {
            Some(Notify::On { failure, delay, .. }) if failure || delay => {
                Some(Notify::On { success: false, failure, delay })
            }
            Some(_) => Some(Notify::Never),
            None => None,
        },
        orcpt: state.orcpt,
        ..RecipientState::default()
    }
}

/// The only one whom an alias leads to, for whom all that was asked for stays in force (RFC 3461 §5.2.7.2); the sender
/// knows the name of the alias.
pub(crate) fn under(state: RecipientState, alias: &Address) -> RecipientState {
    RecipientState { orcpt: state.orcpt.clone().or_else(|| OriginalAddress::of(alias)), ..state }
}

fn notify(notify: smtp::Notify) -> Notify {
    match (notify.success(), notify.failure(), notify.delay()) {
        (false, false, false) => Notify::Never,
        (success, failure, delay) => Notify::On { success, failure, delay },
    }
}
