//! Who reads.

mod imap;
mod pop3;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use mailwright_server::Service;
use tokio::time::timeout;

use crate::ledger::{Ledger, Read, Seen};
use crate::net::Net;
use crate::node::Node;
use crate::trace::{Trace, note};
use crate::wire::Wire;

/// A client of all users.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) host: IpAddr,
    pub(crate) net: Net,
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
}

/// How long a session may take.
const PATIENCE: Duration = Duration::from_secs(1800);

impl Reader {
    /// Notes what a user is shown before the session ends, in whatever way.
    pub(crate) async fn look(&self, node: &Node, user: &str, service: Service) {
        let (began, mut mail) = (self.trace.now(), Vec::new());
        let done = self.session(node, user, service, &mut mail).await;
        let done = done.map_err(|error| error.kind());
        note!(self.trace, "reader of {user} by {}: {} messages, {done:?}", service.name(), mail.len());
        self.ledger.seen(Seen { user: user.to_owned(), began, is_all: done.is_ok(), mail });
    }

    /// All that a user is shown; nothing if it cannot be had.
    pub(crate) async fn read(&self, node: &Node, user: &str, service: Service) -> Option<Vec<Read>> {
        let mut read = Vec::new();
        self.session(node, user, service, &mut read).await.ok()?;
        Some(read)
    }

    async fn session(
        &self,
        node: &Node,
        user: &str,
        service: Service,
        read: &mut Vec<Read>,
    ) -> io::Result<()> {
        timeout(PATIENCE, async {
            let wire = Wire::new(self.net.connect(self.host, node.at(service)).await?);
            match service {
                Service::Imap => imap::session(wire, user, read).await,
                _ => pop3::session(wire, user, read).await,
            }
        })
        .await?
    }
}

/// What a server says that has no place there.
fn unexpected(line: &str) -> io::Error {
    io::Error::other(line.to_owned())
}
