//! TLS from the beginning, and after STARTTLS.

use std::sync::Arc;
use std::time::Duration;

use mailwright_smtp::Config;
use mailwright_smtp::server::Error;
use mailwright_tokio::{DriverConfig, DriverError, Rustls, RustlsClient, Shutdown, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, connect, seconds};
use crate::driver::{Notes, driver_with, say_yes};
use crate::inbox::{Inbox, Log};

const NAME: &str = "mx.example.org";

/// A server's TLS, and who trusts it.
pub(crate) fn tls() -> (Arc<dyn Tls>, TlsConnector) {
    let (server, client) = configs();
    (server, TlsConnector::from(client))
}

fn configs() -> (Arc<dyn Tls>, Arc<ClientConfig>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let provider = Arc::new(default_provider());
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(Rustls::new(Arc::new(server))), Arc::new(client))
}

pub(crate) async fn shake(
    connector: &TlsConnector,
    client: Client<DuplexStream>,
) -> Client<TlsStream<DuplexStream>> {
    let name = ServerName::try_from(NAME).unwrap();
    Client::new(connector.connect(name, client.io).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn tls_forgets_what_was_said_before() {
    let (tls, connector) = tls();
    let inbox = Inbox::new();
    let (mut client, session) = connect(inbox.server().start_tls(tls));
    client.envelope("bob").await;
    client.expect("STARTTLS", "220").await;
    let mut client = shake(&connector, client).await;
    client.expect("MAIL FROM:<a@b>", "503").await;
    client.expect("EHLO after.example", "250").await;
    client.expect("STARTTLS", "503").await;
    client.expect("RCPT TO:<bob@mx.example.org>", "503").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    client.expect("RCPT TO:<eve@mx.example.org>", "250").await;
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "250").await;
    client.expect("QUIT", "221").await;
    // Ends with close_notify, or this would be an error.
    client.ended().await;
    drop(client);
    session.await.unwrap();
    let notes = inbox.notes();
    assert!(notes.contains(&"hello client.example before=None tls=false".to_owned()), "{notes:?}");
    assert!(notes.contains(&"hello after.example before=None tls=true".to_owned()), "{notes:?}");
    let mails = inbox.mails.lock().unwrap();
    assert_eq!(mails[0].0.to.len(), 1);
    assert_eq!(mails[0].0.to[0].local(), "eve");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_injected_behind_starttls() {
    let (log, _guard) = Log::keep();
    let inbox = Inbox::new();
    let (mut client, session) = connect(inbox.server().start_tls(tls().0));
    client.reply().await;
    client.expect("EHLO c", "250").await;
    client.send("STARTTLS\r\nEHLO evil.example\r\n").await;
    assert!(client.reply().await.starts_with("501 5.5.1"));
    client.ended().await;
    assert_eq!(inbox.notes(), ["hello c before=None tls=false"]);
    drop(client);
    session.await.unwrap();
    assert!(log.has(&["plain text behind STARTTLS"]), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn nor_in_the_segment_after_it() {
    let inbox = Inbox::new();
    let (mut client, session) = connect(inbox.server().start_tls(tls().0));
    client.reply().await;
    client.expect("STARTTLS", "220").await;
    client.send("EHLO evil.example\r\n").await;
    session.await.unwrap();
    assert!(inbox.notes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tls_from_the_beginning() {
    let (tls, connector) = tls();
    let inbox = Inbox::new();
    let (client, session) = connect(inbox.server().implicit_tls(tls));
    let mut client = shake(&connector, client).await;
    client.data("bob").await;
    client.send("0123456789 abcdef\r\n".repeat(10_000)).await;
    client.expect(".", "250").await;
    client.expect("QUIT", "221").await;
    client.ended().await;
    drop(client);
    session.await.unwrap();
    assert_eq!(inbox.contents()[0].len(), 190_000);
}

/// Many clients do, and TCP says it, too.
#[tokio::test(start_paused = true)]
async fn who_leaves_tls_without_a_word_has_left() {
    let (log, _guard) = Log::keep();
    let (tls, connector) = tls();
    let inbox = Inbox::new();
    let (client, session) = connect(inbox.server().implicit_tls(tls));
    let mut client = shake(&connector, client).await;
    client.data("held").await;
    client.send("Hi\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 11 LAST\r\nAll of it\r\n").await;
    // The end of TCP, not of TLS.
    let (mut io, _) = client.io.into_inner();
    io.shutdown().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    inbox.release.notify_one();
    session.await.unwrap();
    assert_eq!(inbox.contents(), ["Hi\r\n", "All of it\r\n"]);
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() > 100, "it was answered, though nobody can read it here");
    assert!(!log.has(&["connection"]), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_deadline() {
    let (mut client, session) = connect(Inbox::new().server().implicit_tls(tls().0));
    assert_eq!(seconds(client.ended()).await.0, 30);
    session.await.unwrap();

    let (mut client, session) = connect(Inbox::new().server().start_tls(tls().0));
    client.reply().await;
    client.expect("STARTTLS", "220").await;
    client.send([0x16, 0x03]).await;
    assert_eq!(seconds(client.ended()).await.0, 30);
    session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn plain_text_where_tls_begins_is_a_line_in_the_log() {
    let (log, _guard) = Log::keep();
    let (mut client, session) = connect(Inbox::new().server().implicit_tls(tls().0));
    client.send("EHLO c\r\n").await;
    session.await.unwrap();
    drop(client);
    assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
    assert!(log.has(&["INFO", "192.0.2.1", "TLS handshake failed"]), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_does_not_hold_up_the_shutdown() {
    for implicit in [true, false] {
        let shutdown = Shutdown::new();
        let server = Inbox::new().server().shutdown(shutdown.clone());
        let server = if implicit { server.implicit_tls(tls().0) } else { server.start_tls(tls().0) };
        let (mut client, session) = connect(server);
        if !implicit {
            client.reply().await;
            client.expect("STARTTLS", "220").await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.token().cancel();
        assert_eq!(seconds(client.ended()).await.0, 0);
        session.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn starttls_without_a_certificate_is_not_offered() {
    let config = Config { start_tls: true, ..Config::default() };
    let (mut client, _session) = connect(Inbox::new().server_with(config));
    client.reply().await;
    client.expect("STARTTLS", "502").await;
}

#[tokio::test(start_paused = true)]
async fn a_driver_without_the_layer_says_so() {
    let (near, far) = duplex(1 << 10);
    let config = Config { start_tls: true, ..Config::default() };
    let mut driver = driver_with(config, Default::default(), far);
    let mut client = Client::new(near);
    client.send("STARTTLS\r\n").await;
    assert!(matches!(driver.next().await, Err(DriverError::NoLayer(_))));
}

#[tokio::test(start_paused = true)]
async fn next_may_be_dropped_during_the_handshake() {
    let (tls, connector) = tls();
    let (near, far) = duplex(100);
    let config = Config { start_tls: true, ..Config::default() };
    let mut driver = driver_with(config, DriverConfig::default(), far).with_tls(Some(tls));
    let client = tokio::spawn(async move {
        let mut client = Client::new(near);
        client.reply().await;
        client.expect("STARTTLS", "220").await;
        let mut client = shake(&connector, client).await;
        client.expect("EHLO c", "250").await;
        client.expect("QUIT", "221").await;
        client.ended().await;
    });
    let mut notes = Notes::default();
    let ended: Result<(), DriverError<Error>> = async {
        for _ in 0..10_000 {
            match timeout(Duration::ZERO, driver.next()).await {
                Err(_) => tokio::task::yield_now().await,
                Ok(next) => match next? {
                    Some(event) => say_yes(&mut driver, event, &mut notes),
                    None => return Ok(()),
                },
            }
        }
        panic!("it does not get on");
    }
    .await;
    ended.unwrap();
    client.await.unwrap();
    assert!(driver.machine.tls().is_some_and(|tls| tls.version == "TLS1.3"));
    assert_eq!(driver.machine.tls().unwrap().server_name.as_deref(), Some(NAME));
    assert_eq!(notes.events, ["hello c"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_knows_what_was_negotiated_and_with_whom() {
    let (server, config) = configs();
    for (name, shaken) in [(NAME, true), ("other.example.org", false), ("192.0.2.1", false)] {
        let (near, far) = duplex(1 << 16);
        let client = RustlsClient::new(Arc::clone(&config), ServerName::try_from(name).unwrap());
        let (client, server) = tokio::join!(client.accept(Box::new(near)), server.accept(Box::new(far)));
        assert_eq!((client.is_ok(), server.is_ok()), (shaken, shaken), "{name}");
        if let (Ok((mut near, client)), Ok((mut far, server))) = (client, server) {
            assert_eq!(client, server);
            assert_eq!((client.version, client.server_name.as_deref()), ("TLS1.3", Some(NAME)));
            near.write_all(b"hello").await.unwrap();
            near.flush().await.unwrap();
            let mut heard = [0; 5];
            far.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"hello");
        }
    }
}
