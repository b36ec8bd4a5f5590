//! Whole servers, in this process.

mod aliases;
mod embedding;
mod envelopes;
mod held;
mod listeners;
mod lookups;
mod postmaster;
mod scram;
mod submission;

use std::sync::Arc;

use bytes::Bytes;
use mailwright_auth::{Cost, Verifier};
use mailwright_core::{Address, Domain, Timestamp, Uid, UidSet};
use mailwright_store::{
    AccountKey, AccountOp, Batch, BatchId, BlobHint, BlobWriter as _, Columns, DynStore, MemoryConfig,
    MemoryStore, NewAccount, Store as _,
};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::{Auth, Listener, ResidentError, Running, Server, Service, Settings, StartError, StaticUser};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn user(login: &str, aliases: &[&str]) -> StaticUser {
    let verifier = Verifier::hash(b"secret", [7; 16], Cost::new(8, 1, 1).unwrap()).unwrap();
    let aliases = aliases.iter().map(|alias| address(alias)).collect();
    StaticUser { address: address(login), aliases, verifier }
}

fn settings(users: Vec<StaticUser>) -> Settings {
    let domain: Domain = "a.example".parse().unwrap();
    Settings { users, ..Settings::new([domain]) }
}

async fn start(store: &Arc<dyn DynStore>, settings: Settings) -> Result<Running, StartError> {
    let server = Server::new("mx.a.example").settings(settings).store(Arc::clone(store));
    server.listen(Service::Smtp, ([127, 0, 0, 1], 0)).start().await
}

fn memory(capacity: u64) -> Arc<dyn DynStore> {
    let mut config = MemoryConfig::default();
    config.capacity = capacity;
    Arc::new(MemoryStore::new(config))
}

struct Client<T = TcpStream>(BufReader<T>);

impl Client {
    async fn connect(running: &Running) -> Self {
        Self::connect_to(running, Service::Smtp).await
    }

    async fn connect_to(running: &Running, service: Service) -> Self {
        let stream = TcpStream::connect(running.addr(service).unwrap()).await.unwrap();
        let mut client = Self(BufReader::new(stream));
        assert!(client.reply().await.starts_with("220 "));
        client.ask("EHLO client.example").await;
        client
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    async fn ask(&mut self, command: &str) -> String {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// Says this, and is told that.
    #[track_caller]
    fn expect(&mut self, command: &str, reply: &str) -> impl Future<Output = String> {
        let at = std::panic::Location::caller();
        async move {
            let found = self.ask(command).await;
            assert!(found.starts_with(reply), "{at}: {command}: {found}");
            found
        }
    }

    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).await.unwrap(), 0, "the connection is open");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }
}

/// The messages of a user, in the order of their arrival.
async fn messages(store: &Arc<dyn DynStore>, login: &str) -> Vec<String> {
    let account = store.find_account(&AccountKey::Login(login.to_owned())).await.unwrap();
    let snapshot = store.open(account.inbox).await.unwrap();
    let all = UidSet::range(Uid::new(1).unwrap(), Uid::new(u32::MAX).unwrap());
    let mut messages = Vec::new();
    for blob in store.rows(&snapshot, &all, Columns::BLOB, None, 1000).await.unwrap().blobs {
        let size = store.blob(blob).await.unwrap().size;
        let octets = store.read_blobs(&[(blob, 0..size)]).await.remove(0).unwrap();
        messages.push(String::from_utf8(octets.to_vec()).unwrap());
    }
    messages
}

/// Embedders start and reload from tasks of theirs.
#[tokio::test]
async fn futures_can_be_sent() {
    async fn serve() {
        let running = start(&memory(1 << 20), settings(Vec::new())).await.unwrap();
        running.reload(settings(Vec::new())).await.unwrap();
        running.shutdown().await;
    }
    tokio::spawn(serve()).await.unwrap();
}

/// RFC 5321 §4.2.3: 452 is told before anybody sends what could not be kept.
#[tokio::test]
async fn a_full_store_refuses_at_mail() {
    let store = memory(1 << 20);
    let running = start(&store, settings(vec![user("ann@a.example", &[])])).await.unwrap();
    let mut client = Client::connect(&running).await;
    let mut blob = store.blob_writer(BlobHint { now: Timestamp(0), size: None }).await.unwrap();
    blob.write(Bytes::from(vec![0; 1_000_000])).await.unwrap();
    let refused = client.ask("MAIL FROM:<app@client.example>").await;
    assert!(refused.starts_with("452 4.3.1 "), "{refused}");
    drop(blob);
    assert!(client.ask("MAIL FROM:<app@client.example>").await.starts_with("250 "));
    drop(client);
    assert!(running.shutdown().await);
}

#[tokio::test]
async fn users_of_the_configuration_have_accounts() {
    let store = memory(1 << 20);
    let addresses = async |login: &str| {
        let found = store.find_account(&AccountKey::Login(login.to_owned())).await.ok()?;
        assert!(store.credentials(found.id).await.unwrap().is_empty(), "the password is the configuration's");
        Some((found.id, found.addresses.iter().map(ToString::to_string).collect::<Vec<_>>()))
    };
    let running = start(&store, settings(vec![user("ann@a.example", &["info@a.example"])])).await.unwrap();
    let (ann, of_ann) = addresses("ann@a.example").await.unwrap();
    assert_eq!(of_ann, ["ann@a.example", "info@a.example"]);

    // One gives an address to another; the account stays the same.
    let both = vec![user("bob@a.example", &["info@a.example"]), user("ann@a.example", &["sales@a.example"])];
    running.reload(settings(both)).await.unwrap();
    assert_eq!(
        addresses("ann@a.example").await.unwrap(),
        (ann, vec!["ann@a.example".into(), "sales@a.example".into()])
    );
    assert_eq!(addresses("bob@a.example").await.unwrap().1, ["bob@a.example", "info@a.example"]);

    // Those of a managed account are its own.
    let new = NewAccount {
        login: "carol@a.example".to_owned(),
        addresses: vec![address("carol@a.example")],
        ..NewAccount::default()
    };
    store.commit(Batch::new(BatchId([9; 16]), Timestamp(0)).with(AccountOp::Create(new))).await.unwrap();
    let taken = running.reload(settings(vec![user("ann@a.example", &["Carol@a.example"])])).await;
    assert!(matches!(taken, Err(ResidentError::AddressTaken { owner, .. }) if owner == "carol@a.example"));
    // Nothing has changed.
    assert_eq!(addresses("ann@a.example").await.unwrap().1, ["ann@a.example", "sales@a.example"]);
    let mut client = Client::connect(&running).await;
    client.ask("MAIL FROM:<app@client.example>").await;
    assert!(client.ask("RCPT TO:<info@a.example>").await.starts_with("250 "));
    running.shutdown().await;

    // Who no longer stands there keeps the mail.
    let running = start(&store, settings(Vec::new())).await.unwrap();
    assert_eq!(addresses("ann@a.example").await.unwrap().0, ann);
    running.shutdown().await;
}

/// A session keeps to the limits that it began with.
#[tokio::test]
async fn a_reload_is_for_new_connections() {
    let running = start(&memory(1 << 20), settings(Vec::new())).await.unwrap();
    let mut old = Client::connect(&running).await;
    let mut small = settings(Vec::new());
    small.smtp_limits.message_size = 1 << 16;
    running.reload(small).await.unwrap();
    let too_large = "MAIL FROM:<app@client.example> SIZE=1000000";
    assert!(old.ask(too_large).await.starts_with("250 "));
    assert!(Client::connect(&running).await.ask(too_large).await.starts_with("552 "));
}
