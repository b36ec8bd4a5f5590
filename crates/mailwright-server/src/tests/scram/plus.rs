//! SCRAM that is bound to the connection (RFC 5802 §6, RFC 9266), over TLS.

use mailwright_core::{TlsExporter, TlsInfo};
use mailwright_tokio::{Io, RustlsClient, Tls as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::*;
use crate::provider::default_provider;

const PLUS: Mechanism = Mechanism::ScramPlus(ScramHash::Sha256);

/// The ports with TLS, too.
async fn serve_with_tls() -> Running {
    serve(|server| {
        let ports = [Service::Submissions, Service::Imaps, Service::Pop3s];
        ports.into_iter().fold(server, |server, service| server.listen(service, ([127, 0, 0, 1], 0)))
    })
    .await
}

/// The port with TLS from the start.
fn secured(manner: &Manner) -> Service {
    match manner.service {
        Service::Submission => Service::Submissions,
        Service::Imap => Service::Imaps,
        _ => Service::Pop3s,
    }
}

/// Connects by a version of TLS. What there is to bind to is our side's.
async fn connect(
    running: &Running,
    manner: &Manner,
    version: &'static SupportedProtocolVersion,
) -> (Box<dyn Io>, TlsInfo) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(running.authority_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = RustlsClient::new(Arc::new(config), ServerName::try_from("a.example").unwrap());
    let stream = TcpStream::connect(running.addr(secured(manner)).unwrap()).await.unwrap();
    tls.accept(Box::new(stream)).await.unwrap()
}

/// What comes of a login as ann, bound to this: the last that the server says.
async fn bound(
    io: Box<dyn Io>,
    manner: &Manner,
    mechanism: Mechanism,
    exporter: Option<TlsExporter>,
) -> String {
    let mut exchange = Exchange::start(mechanism, credentials("ann", "secret"), [3; 18]).unwrap();
    if let Some(exporter) = exporter {
        exchange = exchange.bound_to(exporter);
    }
    converse(io, manner, mechanism, exchange).await.pop().unwrap()
}

/// The mechanisms that are offered, in one line.
async fn offered(io: impl AsyncRead + AsyncWrite + Unpin, manner: &Manner) -> String {
    let mut client = Client(BufReader::new(io));
    client.line().await;
    let (ask, before) = match manner.service {
        Service::Submission => ("EHLO client.example", "AUTH "),
        Service::Imap => ("a CAPABILITY", " AUTH="),
        _ => ("CAPA", "SASL "),
    };
    client.say(ask.to_owned()).await;
    loop {
        let line = client.line().await;
        if let Some((_, names)) = line.split_once(before) {
            return names.trim_end().replace(" AUTH=", " ");
        }
    }
}

/// In TLS 1.3 the login can be bound, before that not.
#[tokio::test]
async fn offered_where_there_is_something_to_bind_to() {
    const BOTH: &str = "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN";
    let running = serve_with_tls().await;
    for manner in &MANNERS {
        let (io, _) = connect(&running, manner, &TLS13).await;
        assert_eq!(offered(io, manner).await, format!("SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS {BOTH}"));
        let (io, _) = connect(&running, manner, &TLS12).await;
        assert_eq!(offered(io, manner).await, BOTH);
        let io = TcpStream::connect(running.addr(manner.service).unwrap()).await.unwrap();
        assert_eq!(offered(io, manner).await, BOTH);
    }
    running.shutdown().await;
}

#[tokio::test]
async fn bound_to_the_connection() {
    let running = serve_with_tls().await;
    for manner in &MANNERS {
        for mechanism in [PLUS, Mechanism::ScramPlus(ScramHash::Sha1)] {
            let (io, tls) = connect(&running, manner, &TLS13).await;
            let said = bound(io, manner, mechanism, tls.exporter).await;
            assert!(said.starts_with(manner.yes), "{mechanism}: {said}");
        }
        // A client that knows of no binding says so, and is let in.
        let (io, _) = connect(&running, manner, &TLS13).await;
        let said = bound(io, manner, SHA_256, None).await;
        assert!(said.starts_with(manner.yes), "{said}");
    }
    running.shutdown().await;
}

/// Who passes a login on from a connection to another has the right proof for the wrong connection; who takes -PLUS out
/// of the offer has a client say that it has not seen it.
#[tokio::test]
async fn somebody_in_between() {
    let running = serve_with_tls().await;
    for (manner, wrong) in MANNERS.iter().zip(["535 5.7.8 ", "a NO [AUTHENTICATIONFAILED] ", "-ERR [AUTH] "])
    {
        let (_other, elsewhere) = connect(&running, manner, &TLS13).await;
        let (io, here) = connect(&running, manner, &TLS13).await;
        assert_ne!(elsewhere.exporter, here.exporter);
        let said = bound(io, manner, PLUS, elsewhere.exporter).await;
        assert!(said.starts_with(wrong), "{said}");
        let (io, here) = connect(&running, manner, &TLS13).await;
        let said = bound(io, manner, SHA_256, here.exporter).await;
        assert!(said.starts_with(wrong), "{said}");
    }
    running.shutdown().await;
}

/// Before TLS 1.3 -PLUS is refused as what is not offered, and a client that could bind, and says that it has seen no
/// offer, tells the truth.
#[tokio::test]
async fn nothing_to_bind_to() {
    let running = serve_with_tls().await;
    let ours = Some(TlsExporter::new([0; 32]));
    for (manner, unknown) in MANNERS.iter().zip(["504 5.5.4 ", "a NO that ", "-ERR that "]) {
        let (io, tls) = connect(&running, manner, &TLS12).await;
        assert_eq!(tls.exporter, None);
        let said = bound(io, manner, PLUS, ours).await;
        assert!(said.starts_with(unknown), "{said}");
        let (io, _) = connect(&running, manner, &TLS12).await;
        let said = bound(io, manner, SHA_256, ours).await;
        assert!(said.starts_with(manner.yes), "{said}");
    }
    running.shutdown().await;
}
