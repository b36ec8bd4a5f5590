//! A smarthost by TLS, with a password.

use std::sync::Arc;

use mailwright_delivery::outbound::{ClientTls, Route, TrustError};
use mailwright_delivery::{Envelope, OpenQueue, Queue, QueueEvent};
use mailwright_dns::Zones;
use mailwright_smtp::Config;
use mailwright_store::MemoryStore;
use mailwright_tokio::{Rustls, SmtpServer, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;

use crate::dir::Dir;
use crate::sink::{Inbox, PASSWORD, Sink};
use crate::world::{Events, MAIL, soon};

/// A submission server called `localhost`, and whom to trust for that.
async fn serve(implicit: bool) -> (u16, String, Inbox) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let tls: Arc<dyn Tls> = Arc::new(Rustls::new(Arc::new(config)));
    let (sink, mail) = Sink::new();
    let auth_mechanisms = vec!["PLAIN".to_owned()];
    let config = Config { auth_mechanisms, auth_required: true, ..Config::default() };
    let server = SmtpServer::with_config(config, sink);
    let server = if implicit { server.implicit_tls(tls) } else { server.start_tls(tls) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(server.serve(listener));
    (port, cert.pem(), mail)
}

fn open(url: &str, authorities: &str) -> OpenQueue<MemoryStore> {
    let zones: Zones = "localhost. A 127.0.0.1".parse().unwrap();
    let tls = ClientTls::from_pem(default_provider(), authorities.as_bytes()).unwrap();
    Queue::on(Arc::default()).route(Route::smarthost(url).unwrap()).tls(tls).dns(zones)
}

fn envelope() -> Envelope {
    Envelope::new("app@us.example", ["ann@example.net"]).unwrap()
}

#[tokio::test]
async fn a_smarthost_is_logged_in_to_within_tls() {
    let dir = Dir::new();
    let secret = dir.file("secret", format!("{PASSWORD}\n").as_bytes());
    for scheme in ["smtps", "smtp"] {
        let (port, authorities, mut mail) = serve(scheme == "smtps").await;
        let url = format!("{scheme}://app%40us.example@localhost:{port}?secret_file={}", secret.display());
        let queue = open(&url, &authorities).start().unwrap();
        queue.submit(envelope(), MAIL).await.unwrap();
        let kept = soon(mail.next()).await;
        assert_eq!((kept.user.as_deref(), kept.tls), (Some("app@us.example"), true), "{scheme}");
        assert_eq!(kept.name, "[127.0.0.1]", "who needs no name has none");
        queue.shutdown().await;
    }
}

#[tokio::test]
async fn who_is_not_let_in_waits_and_says_no_secret() {
    let dir = Dir::new();
    let secret = dir.file("secret", b"hunter2");
    let (port, authorities, _mail) = serve(true).await;
    let url = format!("smtps://app@localhost:{port}?secret_file={}", secret.display());
    let queue = open(&url, &authorities);
    let mut shown = format!("{queue:?}");
    let queue = queue.start().unwrap();
    let mut events = Events::of(&queue);
    queue.submit(envelope(), MAIL).await.unwrap();
    let event = soon(events.next()).await;
    assert!(matches!(event, QueueEvent::Deferred { .. }), "the setting may be mended: {event:?}");
    shown += &format!("{event:?} {queue:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    queue.shutdown().await;
}

#[tokio::test]
async fn who_is_not_trusted_is_sent_nothing() {
    let dir = Dir::new();
    let secret = dir.file("secret", PASSWORD.as_bytes());
    let (port, _, mail) = serve(true).await;
    let (_, others, _) = serve(true).await;
    let url = format!("smtps://app@localhost:{port}?secret_file={}", secret.display());
    let queue = open(&url, &others).start().unwrap();
    let mut events = Events::of(&queue);
    queue.submit(envelope(), MAIL).await.unwrap();
    let event = soon(events.next()).await;
    let QueueEvent::Deferred { reply: Some(reply), .. } = event else { panic!("{event:?}") };
    assert!(reply.text.starts_with("TLS handshake failed: "), "{}", reply.text);
    assert!(mail.is_empty());
    queue.shutdown().await;
}

#[test]
fn trust_needs_an_authority() {
    for pem in ["", "rubbish", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let error = ClientTls::from_pem(default_provider(), pem.as_bytes()).unwrap_err();
        assert!(matches!(error, TrustError::NoAuthority), "{pem:?}: {error}");
    }
}

#[test]
fn the_authorities_of_the_system_are_trusted() {
    let trusted = ClientTls::system(default_provider());
    match std::fs::exists("/etc/ssl/certs/ca-certificates.crt").unwrap() {
        true => assert!(trusted.is_ok(), "{trusted:?}"),
        false => assert!(matches!(trusted, Ok(_) | Err(TrustError::NoFile)), "{trusted:?}"),
    }
}
