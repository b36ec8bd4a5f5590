//! What a node has when all is over.

use std::net::IpAddr;
use std::time::Duration;

use mailwright_core::testing::FakeClock;
use mailwright_core::{BlobId, MailboxId, Uid, UidSet};
use mailwright_store::{AccountKey, Columns, MailboxName, Store};
use mailwright_store_sqlite::testing::SimStore;

use crate::ledger::token;
use crate::node::Node;

/// What a node has.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) host: IpAddr,
    pub(crate) mail: Vec<Mail>,
    /// Token and recipient of what waits.
    pub(crate) queued: Vec<(String, String)>,
}

/// A message in a mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Whose.
    pub(crate) user: String,
    pub(crate) at: Duration,
    pub(crate) content: String,
}

/// Whether a node runs and has nothing to send.
pub(crate) async fn is_quiet(node: &Node) -> bool {
    let Some(store) = node.store() else { return false };
    tokio::select! {
        biased;
        () = store.power_lost() => false,
        due = store.next_due() => due.is_ok_and(|due| due.is_none()),
    }
}

/// Looks at everything; not, if the node does not run, or no more.
pub(crate) async fn look(node: &Node) -> Option<Rest> {
    let store = node.store()?;
    let look = async {
        let mut rest = Rest { host: node.parts.host, mail: Vec::new(), queued: Vec::new() };
        for user in &node.parts.users {
            let account = store.find_account(&AccountKey::Login(user.clone())).await.unwrap().id;
            let inbox = store.mailbox(account, &MailboxName::inbox()).await.unwrap().id;
            rest.mail.extend(mailbox(&store, user, inbox).await);
        }
        for entry in store.queue_page(None, None, usize::MAX).await.unwrap().items {
            let content = blob(&store, entry.blob).await;
            let token = token(&content).unwrap_or_default();
            let recipients = entry.recipients.iter().map(|to| (token.clone(), to.address.to_string()));
            rest.queued.extend(recipients);
        }
        rest
    };
    tokio::select! {
        biased;
        () = store.power_lost() => None,
        rest = look => Some(rest),
    }
}

async fn mailbox(store: &SimStore, user: &str, mailbox: MailboxId) -> Vec<Mail> {
    let snapshot = store.open(mailbox).await.unwrap();
    let all = UidSet::range(Uid::new(1).unwrap(), Uid::new(u32::MAX).unwrap());
    let (mut mail, mut after) = (Vec::new(), None);
    loop {
        let columns = Columns::BLOB.and(Columns::SAVED);
        let page = store.rows(&snapshot, &all, columns, after, 1000).await.unwrap();
        for (id, saved) in page.blobs.iter().zip(&page.saved) {
            let (at, content) = (saved.since(FakeClock::EPOCH), blob(store, *id).await);
            mail.push(Mail { user: user.to_owned(), at, content });
        }
        after = page.next;
        if after.is_none() {
            return mail;
        }
    }
}

async fn blob(store: &SimStore, id: BlobId) -> String {
    let size = store.blob(id).await.unwrap().size;
    let octets = store.read_blobs(&[(id, 0..size)]).await.remove(0).unwrap();
    String::from_utf8(octets.to_vec()).unwrap()
}
