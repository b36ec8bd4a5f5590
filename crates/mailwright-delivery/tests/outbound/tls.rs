//! TLS: taken where it is offered, or demanded.

use std::sync::Arc;

use mailwright_core::TraceEvent;
use mailwright_delivery::Delivery;
use mailwright_delivery::outbound::{ClientTls, Relay, RelayHost, Route, TlsPolicy, Way};
use mailwright_queue::Feedback;
use mailwright_store::Op;
use mailwright_tokio::{Rustls, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme};

use crate::net::Site;
use crate::peer::{Does, Peer};
use crate::world::{Mail, World, outcomes};

/// Whom the tests trust.
pub(crate) struct Authority {
    key: CertifiedKey<rcgen::KeyPair>,
    provider: Arc<CryptoProvider>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = generate_simple_self_signed(["mx1.example.net".to_owned()]).unwrap();
        Self { key, provider: Arc::new(default_provider()) }
    }

    /// A server's side, with the certificate of `mx1.example.net`, or for another name one of its own making.
    pub(crate) fn server(&self, name: &str) -> Arc<dyn Tls> {
        let other = generate_simple_self_signed([name.to_owned()]).unwrap();
        let CertifiedKey { cert, signing_key } = if name == "mx1.example.net" { &self.key } else { &other };
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())
            .unwrap();
        Arc::new(Rustls::new(Arc::new(config)))
    }

    /// A client's side.
    pub(crate) fn client(&self) -> ClientTls {
        let builder = || {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
            builder.with_safe_default_protocol_versions().unwrap()
        };
        let mut roots = RootCertStore::empty();
        roots.add(self.key.cert.der().clone()).unwrap();
        let anybody = Arc::new(Anybody(Arc::clone(&self.provider)));
        ClientTls {
            verified: Arc::new(builder().with_root_certificates(roots).with_no_client_auth()),
            // RFC 7435 §3: any certificate.
            opportunistic: Arc::new(
                builder().dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth(),
            ),
        }
    }
}

/// Takes any certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

const BOB: &str = "bob@example.net";
const TAKEN: &str = "relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken";

fn demanding(tls: TlsPolicy) -> Vec<Route> {
    let relay = Relay::new(RelayHost::named("mx1.example.net".parse().unwrap(), 25));
    vec![Route::new("*".parse().unwrap(), Way::Relay(Relay { tls, ..relay }))]
}

fn world(authority: &Authority, site: Site) -> World {
    let mut world = World::with(site);
    world.config.tls = Some(authority.client());
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_offered_is_taken_whatever_the_certificate() {
    let authority = Authority::new();
    for name in ["mx1.example.net", "localhost"] {
        let mut world = world(&authority, Peer::default().start_tls(authority.server(name)).site());
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!((outcomes(&delivery), delivery.tls), (vec![TAKEN.to_owned()], Some("TLS1.3")), "{name}");
        assert_eq!(world.net.heard("EHLO"), 2, "once more within TLS");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_offer_mail_goes_all_the_same() {
    let authority = Authority::new();
    let refuses =
        Peer::default().start_tls(authority.server("localhost")).says("STARTTLS", "454 4.7.0 not now");
    for peer in [Peer::default(), refuses] {
        let mut world = world(&authority, peer.site());
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!((outcomes(&delivery), delivery.tls), (vec![TAKEN.to_owned()], None));
        assert_eq!(world.net.dialed(), [1]);
    }
    // Nothing to speak TLS with.
    let mut world = World::with(Peer::default().start_tls(authority.server("localhost")).site());
    assert_eq!(outcomes(&world.deliver(&[BOB]).await), [TAKEN]);
    assert_eq!(world.net.heard("STARTTLS"), 0);
}

/// A server that cannot do what it offers.
fn broken() -> Peer {
    Peer::offering(&["STARTTLS"]).on("STARTTLS", Does::Leaves("220 go"))
}

#[tokio::test(start_paused = true)]
async fn where_tls_fails_mail_goes_without() {
    let authority = Authority::new();
    let mut world = world(&authority, broken().site());
    let delivery = world.deliver(&[BOB]).await;
    assert_eq!((outcomes(&delivery), delivery.tls), (vec![TAKEN.to_owned()], None));
    assert_eq!((world.net.dialed(), world.net.heard("STARTTLS")), (vec![1, 1], 1));

    world.config.plain_after_failed_tls = false;
    let delivery = world.deliver(&[BOB]).await;
    let outcome = &outcomes(&delivery)[0];
    assert!(
        outcome.starts_with("deferred at tls: mx1.example.net [192.0.2.1]: 4.7.5 TLS handshake failed: "),
        "{outcome}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_handshake_is_remembered_for_a_while() {
    let authority = Authority::new();
    for (time, pauses, begun) in [(3600, [10, 10, 3600], 2), (0, [10, 10, 10], 4), (5, [10, 2, 1], 2)] {
        let mut world = world(&authority, broken().site());
        world.config.pool.keep = std::time::Duration::ZERO;
        world.config.remember_broken_tls = std::time::Duration::from_secs(time);
        let outbound = world.outbound();
        for pause in pauses.into_iter().map(Some).chain([None]) {
            let delivery = world.send(&outbound, &Mail::to(&[BOB])).await;
            assert_eq!((outcomes(&delivery), delivery.tls), (vec![TAKEN.to_owned()], None));
            assert_eq!(told(&delivery).len(), 1);
            tokio::time::sleep(std::time::Duration::from_secs(pause.unwrap_or(0))).await;
        }
        let dialed = world.net.dialed().len();
        assert_eq!((world.net.heard("STARTTLS"), dialed), (begun, 4 + begun), "{time} s");
    }
}

/// What the message's trace is told.
fn told(delivery: &Delivery) -> Vec<String> {
    let shown = |event: &TraceEvent| {
        let evidence = event.evidence.iter().map(|(name, value)| format!("{name}={value}"));
        format!("{} ({})", event.text, evidence.collect::<Vec<_>>().join(", "))
    };
    let events = delivery.writes.iter().flat_map(|write| match &write.op {
        Op::Trace { events, .. } => events,
        other => panic!("{other:?}"),
    });
    events.map(shown).collect()
}

#[tokio::test(start_paused = true)]
async fn the_trace_tells_of_what_went_without() {
    let authority = Authority::new();
    let mut world = world(&authority, broken().site());
    world.config.pool.keep = std::time::Duration::ZERO;
    let outbound = world.outbound();
    let first = told(&world.send(&outbound, &Mail::to(&[BOB])).await).remove(0);
    let evidence = " (remote=mx1.example.net [192.0.2.1], tls=none)";
    assert!(
        first.starts_with("asked without TLS: TLS handshake failed: ") && first.ends_with(evidence),
        "{first}"
    );
    let second = told(&world.send(&outbound, &Mail::to(&[BOB])).await);
    let because = "asked without TLS: its handshake has failed not long ago";
    assert_eq!(second, [format!("{because}{evidence}")]);
    // Of what is as it should be it tells nothing.
    world.net.put("192.0.2.1", [Peer::default().start_tls(authority.server("mx1.example.net")).site()]);
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    let delivery = world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!((told(&delivery), delivery.tls), (vec![], Some("TLS1.3")));
}

/// A server whose TLS was broken for a moment, and that takes nothing without: each connection to the next of these.
fn world_of(authority: &Authority, sites: impl IntoIterator<Item = Peer>) -> World {
    let world = world(authority, Site::Refuses);
    let healthy = Peer::default().start_tls(authority.server("mx1.example.net"));
    let sites = sites.into_iter().chain([healthy]).map(Peer::site);
    world.net.put("192.0.2.1", sites.collect::<Vec<_>>());
    world
}

/// RFC 3207 §4
#[tokio::test(start_paused = true)]
async fn who_demands_tls_is_asked_with_tls_again() {
    let authority = Authority::new();
    for (word, says) in [
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first"),
        ("MAIL", "530 no"),
        ("MAIL", "523 no"),
        ("RCPT", "550 5.7.10 no"),
        ("RCPT", "550 5.7.1 Encryption is needed here"),
        ("end", "554 use tls"),
    ] {
        let demands = broken().says(word, says);
        let mut world = world_of(&authority, [demands.clone(), demands]);
        let outbound = world.outbound();
        let delivery = world.send(&outbound, &Mail::to(&[BOB])).await;
        let told = format!(
            "deferred at {}: mx1.example.net [192.0.2.1]: 4.7.10 asked without TLS, since that failed, the server \
             says: {says}",
            word.to_ascii_lowercase()
        );
        assert_eq!((outcomes(&delivery), delivery.feedback), (vec![told], Feedback::Served));
        let delivery = world.send(&outbound, &Mail::to(&[BOB])).await;
        assert_eq!((outcomes(&delivery), delivery.tls), (vec![TAKEN.to_owned()], Some("TLS1.3")), "{says}");
        assert_eq!((world.net.heard("STARTTLS"), world.net.dialed()), (2, vec![1, 1, 1]));
    }
    // Where TLS is not the question it is the server's answer; and says nothing of how mail can go.
    let no_user = broken().says("RCPT", "550 5.1.1 nobody");
    let mut world = world_of(&authority, [no_user.clone(), no_user]);
    let outbound = world.outbound();
    let delivery = world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!(outcomes(&delivery), ["failed at rcpt: mx1.example.net [192.0.2.1]: 550 5.1.1 nobody"]);
    assert_eq!(world.send(&outbound, &Mail::to(&[BOB])).await.tls, Some("TLS1.3"));
    // One who never offered it gives its own answer, too.
    let mut world = self::world(&authority, Peer::default().says("MAIL", "530 5.7.0 STARTTLS first").site());
    assert!(outcomes(&world.deliver(&[BOB]).await)[0].starts_with("failed at mail: "));
}

/// What was so an hour long need not be so any more.
#[tokio::test(start_paused = true)]
async fn a_broken_handshake_is_forgotten_when_tls_is_demanded() {
    let authority = Authority::new();
    let demands = broken().says("MAIL", "530 5.7.0 Must issue a STARTTLS command first");
    let mut world = world_of(&authority, [broken(), broken(), demands]);
    world.config.pool.keep = std::time::Duration::ZERO;
    let outbound = world.outbound();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(outcomes(&world.send(&outbound, &Mail::to(&[BOB])).await).remove(0));
    }
    assert!(all[0] == TAKEN && all[1].starts_with("deferred at mail: ") && all[2] == TAKEN, "{all:?}");
    assert_eq!((world.net.heard("STARTTLS"), world.net.dialed().len()), (2, 4));

    // Nor is it relied on where there is no conversation any more.
    let busy = Peer::default().says("greeting", "554 5.3.2 not now");
    let mut world = world_of(&authority, [broken(), broken(), busy]);
    world.config.pool.keep = std::time::Duration::ZERO;
    let outbound = world.outbound();
    let mut tls = Vec::new();
    for _ in 0..3 {
        tls.push(world.send(&outbound, &Mail::to(&[BOB])).await.tls);
    }
    assert_eq!(tls, [None, None, Some("TLS1.3")]);

    // Nor if one is taken and another one is not.
    let picky = broken().says("RCPT TO:<eve@", "550 5.7.1 no TLS");
    let mut world = world_of(&authority, [picky.clone(), picky]);
    let outbound = world.outbound();
    let delivery = world.send(&outbound, &Mail::to(&[BOB, "eve@example.net"])).await;
    assert_eq!(outcomes(&delivery)[0], TAKEN);
    assert!(outcomes(&delivery)[1].starts_with("deferred at rcpt: "), "{:?}", outcomes(&delivery));
    assert_eq!(world.send(&outbound, &Mail::to(&["eve@example.net"])).await.tls, Some("TLS1.3"));
}

#[tokio::test(start_paused = true)]
async fn each_message_on_a_kept_connection_is_told_of() {
    let authority = Authority::new();
    let mut world = world(&authority, broken().site());
    let outbound = world.outbound();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(told(&world.send(&outbound, &Mail::to(&[BOB])).await));
    }
    assert!(all[0][0].starts_with("asked without TLS: TLS handshake failed: "), "{all:?}");
    assert!(all[0].len() == 1 && all[1] == all[0] && all[2] == all[0], "{all:?}");
    assert_eq!(world.net.dialed(), [1, 1]);

    // Who was not there any more was not asked.
    world.net.put("192.0.2.1", [broken().site(), Site::Refuses]);
    assert_eq!(told(&world.deliver(&[BOB]).await), [""; 0]);
}

/// Neither where mail did not go without, nor where that is not allowed.
#[tokio::test(start_paused = true)]
async fn what_is_demanded_remembers_nothing() {
    let authority = Authority::new();
    let mut world = world(&authority, broken().site());
    world.config.pool.keep = std::time::Duration::ZERO;
    let opportunistic = demanding(TlsPolicy::Opportunistic).remove(0);
    let required = demanding(TlsPolicy::Required).remove(0);
    world.config.routes = vec![Route { pattern: "example.net".parse().unwrap(), ..opportunistic }, required];
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!(world.net.heard("MAIL"), 1);
    // To the same server, by the route for all others.
    for _ in 0..2 {
        let delivery = world.send(&outbound, &Mail::to(&["bob@example.org"])).await;
        assert!(outcomes(&delivery)[0].starts_with("deferred at tls: "), "{:?}", outcomes(&delivery));
    }
    // A message that demands it, by the first.
    let mut mail = Mail::to(&[BOB]);
    mail.envelope.require_tls = true;
    let delivery = world.send(&outbound, &mail).await;
    assert!(outcomes(&delivery)[0].starts_with("failed at tls: "), "{:?}", outcomes(&delivery));
    assert_eq!((world.net.heard("MAIL"), world.net.heard("STARTTLS")), (1, 4));

    // What fails both with TLS and without is not a broken handshake.
    let closes = Peer::offering(&["STARTTLS"]).on("STARTTLS", Does::Leaves("220 go")).site();
    let mut world = self::world(&authority, closes.clone());
    world.net.put("192.0.2.1", [closes.clone(), Site::Refuses, closes, Peer::default().site()]);
    let outbound = world.outbound();
    world.send(&outbound, &Mail::to(&[BOB])).await;
    world.send(&outbound, &Mail::to(&[BOB])).await;
    assert_eq!(world.net.heard("STARTTLS"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_demanded_is_not_done_without() {
    let authority = Authority::new();
    let stripped = Peer::default();
    let refused =
        Peer::default().start_tls(authority.server("mx1.example.net")).says("STARTTLS", "454 not now");
    let other_name = Peer::default().start_tls(authority.server("mx9.example.net"));
    let plain = Peer::default();
    for (policy, peer, told) in [
        (TlsPolicy::Required, stripped, "4.7.10 no TLS: STARTTLS is not offered"),
        (TlsPolicy::Required, refused, "4.7.10 no TLS: 454 not now"),
        (TlsPolicy::Required, broken(), "4.7.5 TLS handshake failed: "),
        (TlsPolicy::Required, other_name.clone(), "4.7.5 TLS handshake failed: invalid peer certificate"),
        (TlsPolicy::Implicit, plain, "4.7.5 TLS handshake failed: "),
    ] {
        let mut world = world(&authority, peer.site());
        world.config.routes = demanding(policy);
        let delivery = world.deliver(&[BOB]).await;
        let outcome = &outcomes(&delivery)[0];
        let told = format!("deferred at tls: mx1.example.net [192.0.2.1]: {told}");
        assert!(outcome.starts_with(&told), "{outcome}, not {told}");
        assert_eq!((world.net.heard("MAIL"), world.net.dialed()), (0, vec![1]));
    }
    // Nothing to speak TLS with.
    let mut world = World::with(other_name.site());
    world.config.routes = demanding(TlsPolicy::Required);
    let told = "deferred at route: 4.3.5 TLS is demanded, and none is set up here";
    assert_eq!(outcomes(&world.deliver(&[BOB]).await), [told]);
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_not_done() {
    let authority = Authority::new();
    let mut world = world(&authority, Peer::default().start_tls(authority.server("mx1.example.net")).site());
    world.config.routes = demanding(TlsPolicy::Never);
    assert_eq!(outcomes(&world.deliver(&[BOB]).await), [TAKEN]);
    assert_eq!(world.net.heard("STARTTLS"), 0);
}

/// CVE-2011-0411, the other way round: what stands behind the 220 was not said within TLS.
#[tokio::test(start_paused = true)]
async fn nothing_is_injected_behind_starttls() {
    let authority = Authority::new();
    let peer = Peer::offering(&["STARTTLS"]).on("STARTTLS", Does::Leaves("220 go\r\n250 evil"));
    let mut world = world(&authority, peer.site());
    world.net.put("192.0.2.2", [Peer::default().site()]);
    let delivery = world.deliver(&[BOB]).await;
    assert_eq!(outcomes(&delivery), ["relayed at end: mx2.example.net [192.0.2.2]: 250 2.0.0 taken"]);
}
