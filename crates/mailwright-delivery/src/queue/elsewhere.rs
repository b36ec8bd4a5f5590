//! Who is here, for a queue without mailboxes: nobody.

use mailwright_core::{AccountId, ForwardPath, ReversePath};
use mailwright_store::{AccountCredentials, Directory, Resolution, Unavailable};

/// How senders are told of mail that does not arrive, or is late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reports {
    /// By a report to the sender's address (RFC 3464), which goes through the queue as all mail does.
    #[default]
    Mail,
    /// Not at all: the application looks at the [events](crate::QueueEvent). The servers that have taken a message and
    /// then fail send reports all the same.
    EventsOnly,
}

/// Everybody is elsewhere. Asked by the queue for whom it reports to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elsewhere(pub(super) Reports);

impl Directory for Elsewhere {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        let domain = path.address().and_then(|address| address.domain().parse().ok());
        Ok(match (self.0, domain) {
            (Reports::Mail, Some(domain)) => Resolution::Remote(domain),
            // A report to nobody is not sent.
            _ => Resolution::Unknown,
        })
    }

    async fn credentials(&self, _: &str) -> Result<Option<AccountCredentials>, Unavailable> {
        Ok(None)
    }

    async fn may_send(&self, _: AccountId, _: &ReversePath) -> Result<bool, Unavailable> {
        Ok(false)
    }
}
