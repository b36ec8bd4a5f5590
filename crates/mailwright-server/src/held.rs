//! What users submit for later (RFC 4865): for how long it is held, how much of it there is, and where it waits.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::{AccountId, Clock, Domain};
use mailwright_message::moment;
use mailwright_queue::{AcceptConfig, FutureRelease, Outgoing, OutgoingRecipient, SettleConfig};
use mailwright_smtp::{DateTime, MailParams, Rejection};
use mailwright_store::{Directory, Op, Store, Unavailable};
use mailwright_tokio::SmtpServer;
use mailwright_tokio::smtp::{Ctx, SmtpHandler, Verdict};

use crate::arrival::{Arrived, Recipients};
use crate::queued;
use crate::shared::Shared;

/// RFC 6761 §6.4: no host has such a name.
const HELD: &str = ".held.invalid";

/// Destinations that are looked at together.
const PAGE: usize = 100;

/// Whether messages wait there that are held.
pub(crate) fn is_held(route: &Domain) -> bool {
    route.as_str().ends_with(HELD)
}

/// Where the messages of an account wait: each has a destination of its own, which knows how many there are.
fn route(account: AccountId) -> Verdict<Domain> {
    Ok(format!("{account}{HELD}").parse()?)
}

/// Offers it, if the configuration has it, with a last moment that moves on with the clock.
pub(crate) fn offering<H: SmtpHandler>(
    server: SmtpServer<H>,
    clock: Arc<dyn Clock>,
    most: Duration,
) -> SmtpServer<H> {
    let last = move || DateTime::new(&moment(clock.wall().saturating_add(most)));
    match last() {
        Some(first) => server.hold_until(move || last().unwrap_or_else(|| first.clone())),
        None => server,
    }
}

impl<S: Store, D: Directory> Shared<S, D> {
    /// Where what this user wants to be held waits.
    pub(crate) async fn held_route(&self, user: &str) -> Verdict<Domain> {
        let known = self.directory.credentials(user).await?.ok_or_else(Rejection::auth_unavailable)?;
        route(known.account)
    }

    /// Whether a message may be held as its sender wants it, if so. The machine has looked at `HOLDFOR` as far as it can.
    pub(crate) async fn check_hold(&self, cx: &Ctx, params: &MailParams) -> Verdict {
        let Some(hold) = &params.hold else { return Ok(()) };
        // RFC 4865 §3: for submission.
        let Some(user) = cx.user() else {
            return Err(Rejection::new(530, (5, 7, 0), "log in first: mail is held for users only")?);
        };
        let begun = cx.trace_id().time();
        let Some(FutureRelease { at, .. }) = queued::future_release(hold, begun) else {
            return invalid("HOLDUNTIL is a day or time that no calendar has");
        };
        if at > begun.saturating_add(self.hold_max) {
            return invalid(format!("mail is held for {} seconds at most", self.hold_max.as_secs()));
        }
        // RFC 4865 §5.2.2
        if params.by.is_some_and(|by| at > queued::deliver_by(by, begun).at) {
            return invalid("it would be released when the time of BY is over");
        }
        // RFC 4865 §6, where these codes are: the registry has another meaning for the second one by now.
        if self.held(&self.held_route(user).await?).await? >= self.hold_messages {
            let text = format!("{} of your messages are held already, which is the most", self.hold_messages);
            return Err(Rejection::new(552, (5, 7, 16), text)?);
        }
        Ok(())
    }

    /// How many messages wait there.
    async fn held(&self, route: &Domain) -> Result<u64, Unavailable> {
        // The name before it, in the order of names.
        let mut after = route.as_str().get(..route.as_str().len() - 1).and_then(|before| before.parse().ok());
        loop {
            let page = self.store.destinations(after, PAGE).await?;
            if let Some(found) = page.items.iter().find(|destination| destination.route >= *route) {
                return Ok(if found.route == *route { found.entries } else { 0 });
            }
            if page.next.is_none() {
                return Ok(0);
            }
            after = page.next;
        }
    }

    /// A message that is held, with all of its recipients as they are: whom they lead to is looked up when it is released.
    pub(crate) fn hold(
        &self,
        arrived: &Arrived,
        to: &Recipients<'_>,
        route: &Domain,
        settle: &SettleConfig,
    ) -> Vec<Op> {
        let recipients = to.to.iter().map(|(address, params)| OutgoingRecipient {
            route: route.clone(),
            address: address.clone(),
            state: queued::state(params),
        });
        let message = Outgoing {
            trace: arrived.trace,
            sender: to.sender.clone(),
            envelope: arrived.envelope(to),
            blob: arrived.blob,
            recipients: recipients.collect(),
        };
        // One entry, if the store lets it be: those who are in it are looked up together.
        let mut accept = AcceptConfig::default();
        accept.recipients_per_entry = self.store.limits().recipients_per_entry;
        message.entries(&accept, &settle.retry).into_iter().map(Op::from).collect()
    }
}

/// RFC 4865 §4.2.10, §4.2.11
fn invalid(text: impl Into<Cow<'static, str>>) -> Verdict {
    Err(Rejection::new(501, (5, 5, 4), text)?)
}
