//! Where mail is kept: an account for each address, made when it is first heard of.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{AccountId, Address, BlobId, Clock, Entropy, InvalidAddress, Timestamp, Uid, UidSet};
use mailwright_message::{Scan, scan};
use mailwright_store::{
    AccountInfo, AccountKey, AccountOp, Append, Batch, BatchId, BlobError, BlobHint, BlobReader, BlobWriter,
    Columns, Flags, InvalidMailboxName, MailboxName, MemoryStore, NewAccount, Op, Opaque, ReadError,
    Rejected, Store, Target,
};
use mailwright_tokio::{SystemClock, SystemEntropy};
use thiserror::Error;

/// Mailboxes listed at once.
const PAGE: usize = 1_000;

/// Accounts and their mail.
pub(crate) struct Mailboxes {
    pub(crate) store: MemoryStore,
    hostname: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A message in a mailbox.
pub(crate) struct Row {
    pub(crate) uid: Uid,
    pub(crate) flags: Flags,
    pub(crate) raw: Bytes,
}

/// Why mail is not to be had.
#[derive(Debug, Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error(transparent)]
    Name(#[from] InvalidMailboxName),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl Mailboxes {
    pub(crate) fn new(hostname: &str) -> Self {
        Self {
            store: MemoryStore::default(),
            hostname: hostname.to_owned(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    /// The account that logs in so, without domain at this host; made if there is none.
    pub(crate) async fn account(&self, login: &str) -> Result<AccountInfo, Failed> {
        let address = if login.contains('@') {
            login.parse()?
        } else {
            format!("{login}@{}", self.hostname).parse()?
        };
        self.account_of(&address).await
    }

    async fn account_of(&self, address: &Address) -> Result<AccountInfo, Failed> {
        let key = AccountKey::Address(address.clone());
        match self.store.find_account(&key).await {
            Err(ReadError::NoSuchAccount) => {}
            found => return Ok(found?),
        }
        let new = NewAccount {
            login: address.to_string(),
            addresses: vec![address.clone()],
            ..NewAccount::default()
        };
        let made = self.store.commit(self.batch().with(AccountOp::Create(new))).await;
        match (self.store.find_account(&key).await, made) {
            // Whoever else has made it meanwhile.
            (Ok(account), _) => Ok(account),
            (Err(_), Err(rejected)) => Err(rejected.into()),
            (Err(error), Ok(_)) => Err(error.into()),
        }
    }

    /// Puts a message into the INBOX of each of them.
    pub(crate) async fn deliver(&self, to: &[Address], raw: &Bytes) -> Result<(), Failed> {
        let mut accounts = BTreeSet::new();
        for address in to {
            accounts.insert(self.account_of(address).await?.id);
        }
        let now = self.now();
        let blob = self.keep(raw, now).await?;
        let scan = scan(raw).fit(self.store.limits().scan_bytes);
        let scan = Opaque { version: Scan::VERSION, bytes: scan.octets().clone() };
        let append =
            |account| Append { scan: scan.clone(), ..Append::new(Target::inbox(account), blob, now) };
        let mut batch = self.batch();
        batch.ops.extend(accounts.into_iter().map(append).map(Op::Append));
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn keep(&self, raw: &Bytes, now: Timestamp) -> Result<BlobId, Failed> {
        let mut writer = self.store.blob_writer(BlobHint { now, size: Some(raw.len() as u64) }).await?;
        writer.write(raw.clone()).await?;
        Ok(writer.finish(now).await?.id())
    }

    /// The names of an account's mailboxes.
    pub(crate) async fn names(&self, account: AccountId) -> Result<Vec<MailboxName>, Failed> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.mailboxes(account, after, PAGE).await?;
            names.extend(page.items.into_iter().map(|mailbox| mailbox.name));
            match page.next {
                Some(_) => after = page.next,
                None => return Ok(names),
            }
        }
    }

    /// What is in a mailbox.
    pub(crate) async fn rows(&self, account: AccountId, name: &str) -> Result<Vec<Row>, Failed> {
        let mailbox = self.store.mailbox(account, &name.parse()?).await?;
        let snapshot = self.store.open(mailbox.id).await?;
        let all = UidSet::range(Uid::FIRST, Uid(std::num::NonZeroU32::MAX));
        let columns = Columns::FLAGS.and(Columns::SIZE).and(Columns::BLOB);
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.rows(&snapshot, &all, columns, after, PAGE).await?;
            let columns = page.uids.into_iter().zip(page.flags).zip(page.sizes).zip(page.blobs);
            for (((uid, flags), size), blob) in columns {
                rows.push(Row { uid, flags, raw: self.read(blob, size).await? });
            }
            match page.next {
                Some(_) => after = page.next,
                None => return Ok(rows),
            }
        }
    }

    async fn read(&self, blob: BlobId, size: u64) -> Result<Bytes, Failed> {
        let mut reader = self.store.read_blob(blob, 0..size).await?;
        let mut all = Vec::new();
        while let Some(chunk) = reader.next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }

    fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    fn batch(&self) -> Batch {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        Batch::new(BatchId(id), self.now())
    }
}
