//! A smarthost that is logged in to by SCRAM: by the best that both sides have, and bound to the connection.

use std::sync::{Arc, Mutex};

use mailwright_auth::{Credentials, LookUp, ScramHash, ScramKeys, ScramProof};
use mailwright_delivery::outbound::{ClientTls, Route};
use mailwright_delivery::{Envelope, Queue, QueueEvent};
use mailwright_dns::Zones;
use mailwright_smtp::{Config, Rejection};
use mailwright_store::MemoryStore;
use mailwright_tokio::smtp::{Body, Ctx, Envelope as Taken, SmtpHandler, Verdict};
use mailwright_tokio::{Rustls, SmtpServer, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;

use crate::dir::Dir;
use crate::sink::{PASSWORD, USER};
use crate::world::{Events, MAIL, soon};

/// Says what it was asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn says(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl SmtpHandler for Asked {
    async fn auth(&self, _: &Ctx, credentials: Credentials) -> Verdict<String> {
        self.says("the password itself".to_owned());
        Ok(credentials.user)
    }

    async fn scram(&self, _: &Ctx, wanted: &LookUp) -> Verdict<Vec<ScramKeys>> {
        self.says(format!("keys of {} for {}", wanted.user, wanted.hash.scheme()));
        let all = ScramHash::ALL.iter();
        Ok(all.map(|&hash| ScramKeys::derive(hash, PASSWORD.as_bytes(), [7; 16], 4096).unwrap()).collect())
    }

    async fn proof(&self, _: &Ctx, proof: ScramProof) -> Verdict<String> {
        self.says(format!("{}: {}", proof.user, proof.right.is_some()));
        if proof.right.is_some() { Ok(proof.user) } else { Err(Rejection::auth_failed()) }
    }

    async fn message(&self, cx: &Ctx, _: &Taken, body: Body) -> Verdict<String> {
        body.bytes().await?;
        self.says(format!("mail of {}", cx.user().unwrap_or("nobody")));
        Ok("taken".to_owned())
    }
}

/// What a server is asked by a queue that sends one message with this password.
async fn asked(
    offered: &[&str],
    version: &'static SupportedProtocolVersion,
    password: &str,
) -> (Vec<String>, QueueEvent) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let tls: Arc<dyn Tls> = Arc::new(Rustls::new(Arc::new(config)));
    let auth_mechanisms = offered.iter().map(|&name| name.to_owned()).collect();
    let config = Config { auth_mechanisms, auth_required: true, ..Config::default() };
    let asked = Asked::default();
    let server = SmtpServer::with_config(config, asked.clone()).start_tls(tls);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(server.serve(listener));

    let dir = Dir::new();
    let secret = dir.file("secret", password.as_bytes());
    let user = USER.replace('@', "%40");
    let url = format!("smtp://{user}@localhost:{port}?secret_file={}", secret.display());
    let zones: Zones = "localhost. A 127.0.0.1".parse().unwrap();
    let tls = ClientTls::from_pem(default_provider(), cert.pem().as_bytes()).unwrap();
    let queue =
        Queue::on(Arc::<MemoryStore>::default()).route(Route::smarthost(&url).unwrap()).tls(tls).dns(zones);
    let queue = queue.start().unwrap();
    let mut events = Events::of(&queue);
    queue.submit(Envelope::new(USER, ["ann@example.net"]).unwrap(), MAIL).await.unwrap();
    let event = soon(events.next()).await;
    queue.shutdown().await;
    let asked = asked.0.lock().unwrap().clone();
    (asked, event)
}

#[tokio::test]
async fn the_best_that_both_have_is_used() {
    const PLUS: [&str; 2] = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"];
    for (offered, version, keys) in [
        (&["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"][..], &TLS13, "SCRAM-SHA-256"),
        (&["LOGIN", "CRAM-MD5", "SCRAM-SHA-1"], &TLS12, "SCRAM-SHA-1"),
        // Bound: without it the client would say that it has not seen the offer.
        (&[PLUS[0], "SCRAM-SHA-256", "PLAIN"], &TLS13, "SCRAM-SHA-256"),
        (&PLUS[..1], &TLS13, "SCRAM-SHA-256"),
        (&PLUS[1..], &TLS13, "SCRAM-SHA-1"),
        // Nothing to bind it to, and none is demanded.
        (&[PLUS[0], "SCRAM-SHA-256", "PLAIN"], &TLS12, "SCRAM-SHA-256"),
    ] {
        let (asked, event) = asked(offered, version, PASSWORD).await;
        let wanted =
            [format!("keys of {USER} for {keys}"), format!("{USER}: true"), format!("mail of {USER}")];
        assert_eq!(asked, wanted, "{offered:?}");
        assert!(matches!(event, QueueEvent::Delivered { .. }), "{event:?}");
    }
}

/// A wrong password is seen by the server's refusal; nothing more is tried, and above all not to say it.
#[tokio::test]
async fn a_password_that_is_wrong_is_not_said() {
    let (asked, event) = asked(&["SCRAM-SHA-256", "PLAIN"], &TLS13, "hunter2").await;
    assert_eq!(asked, [format!("keys of {USER} for SCRAM-SHA-256"), format!("{USER}: false")]);
    let QueueEvent::Deferred { reply: Some(reply), .. } = event else { panic!("{event:?}") };
    assert!(reply.text.contains("535"), "{}", reply.text);
}

/// What SCRAM cannot carry goes by PLAIN, within TLS (RFC 4013 §2.3).
#[tokio::test]
async fn what_scram_cannot_carry_goes_by_plain() {
    let (asked, _) = asked(&["SCRAM-SHA-256", "PLAIN"], &TLS13, "\u{1F511}").await;
    assert_eq!(asked, ["the password itself".to_owned(), format!("mail of {USER}")]);
}
