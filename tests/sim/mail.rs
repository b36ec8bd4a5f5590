//! What a node has when all is over.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use mailwright_core::testing::FakeClock;
use mailwright_core::{BlobId, Uid, UidSet};
use mailwright_server::Service;
use mailwright_store::{AccountKey, Columns, MailboxName, Store};
use mailwright_store_sqlite::testing::SimStore;

use crate::ledger::{Read, token};
use crate::node::Node;
use crate::reader::Reader;

/// What a node has.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) host: IpAddr,
    pub(crate) mail: Vec<Mail>,
    /// Token and recipient of what waits.
    pub(crate) queued: Vec<(String, String)>,
}

/// A message in a mailbox, as users see it.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Whose.
    pub(crate) user: String,
    pub(crate) at: Duration,
    /// What IMAP and POP3 tell it apart by.
    pub(crate) ids: [String; 2],
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

/// Looks at everything, and notes where users are not shown what there is; not, if the node does not run, or no more.
pub(crate) async fn look(node: &Node, reader: &Reader) -> Option<Rest> {
    let store = node.store()?;
    let look = async {
        let mut rest = Rest { host: node.parts.host, mail: Vec::new(), queued: Vec::new() };
        for user in &node.parts.users {
            let kept = mailbox(&store, user).await;
            let shown = [
                reader.read(node, user, Service::Imap).await?,
                reader.read(node, user, Service::Pop3).await?,
            ];
            if mailbox(&store, user).await != kept {
                return None;
            }
            if !is_shown(&kept, &shown) {
                node.parts.ledger.wrong(format!("{user} is shown {shown:?}, and has {kept:?}"));
            }
            let [imap, pop3] = shown;
            for ((imap, pop3), kept) in imap.into_iter().zip(pop3).zip(kept) {
                let ids = [imap.id, pop3.id];
                rest.mail.push(Mail { user: user.clone(), at: kept.at, ids, content: imap.content });
            }
        }
        for entry in store.queue_page(None, None, usize::MAX).await.unwrap().items {
            let content = blob(&store, entry.blob).await;
            let token = token(&content).unwrap_or_default();
            let recipients = entry.recipients.iter().map(|to| (token.clone(), to.address.to_string()));
            rest.queued.extend(recipients);
        }
        Some(rest)
    };
    tokio::select! {
        biased;
        () = store.power_lost() => None,
        rest = look => rest,
    }
}

/// A message in the store.
#[derive(Debug, PartialEq)]
struct Kept {
    id: String,
    at: Duration,
    content: String,
}

/// Whether IMAP and POP3 show what is kept.
fn is_shown(kept: &[Kept], [imap, pop3]: &[Vec<Read>; 2]) -> bool {
    let distinct: BTreeSet<&str> = pop3.iter().map(|read| read.id.as_str()).collect();
    let is_same = |kept: &Kept, read: &Read| kept.content == read.content;
    let has_id = |kept: &Kept, read: &Read| kept.id == read.id;
    [imap.len(), pop3.len(), distinct.len()] == [kept.len(); 3]
        && kept.iter().zip(imap).all(|(kept, read)| is_same(kept, read) && has_id(kept, read))
        && kept.iter().zip(pop3).all(|(kept, read)| is_same(kept, read))
}

async fn mailbox(store: &SimStore, user: &str) -> Vec<Kept> {
    let account = store.find_account(&AccountKey::Login(user.to_owned())).await.unwrap().id;
    let mailbox = store.mailbox(account, &MailboxName::inbox()).await.unwrap();
    let snapshot = store.open(mailbox.id).await.unwrap();
    let all = UidSet::range(Uid::new(1).unwrap(), Uid::new(u32::MAX).unwrap());
    let (mut kept, mut after) = (Vec::new(), None);
    loop {
        let columns = Columns::BLOB.and(Columns::SAVED);
        let page = store.rows(&snapshot, &all, columns, after, 1000).await.unwrap();
        for ((uid, blob_id), saved) in page.uids.iter().zip(&page.blobs).zip(&page.saved) {
            kept.push(Kept {
                id: format!("{}/{uid}", mailbox.uid_validity),
                at: saved.since(FakeClock::EPOCH),
                content: blob(store, *blob_id).await,
            });
        }
        after = page.next;
        if after.is_none() {
            return kept;
        }
    }
}

async fn blob(store: &SimStore, id: BlobId) -> String {
    let size = store.blob(id).await.unwrap().size;
    let octets = store.read_blobs(&[(id, 0..size)]).await.remove(0).unwrap();
    String::from_utf8(octets.to_vec()).unwrap()
}
