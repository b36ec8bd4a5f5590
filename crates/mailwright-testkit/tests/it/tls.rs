//! TLS.

use std::sync::Arc;

use mailwright_testkit::{Cut, MailServer, Protocol, Stage};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn provider() -> rustls::crypto::CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// A connection that trusts the server's authority, under this name.
fn connect(
    mail: &MailServer,
    tcp: std::net::TcpStream,
    name: &str,
) -> StreamOwned<ClientConnection, std::net::TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(mail.authority_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp)
}

/// Says this, and hears all up to the end of the connection.
fn say(stream: &mut (impl std::io::Read + std::io::Write), text: &str) -> String {
    stream.write_all(text.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut heard = Vec::new();
    // Whoever closes after QUIT need not close TLS first.
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8(heard).unwrap()
}

#[test]
fn tls_from_the_beginning_and_the_transcript_is_readable() {
    let mail = MailServer::builder().with_implicit_tls(provider()).start_blocking();
    assert!(mail.smtp_url().starts_with("smtps://127.0.0.1:"));
    for (protocol, name, quit) in [
        (Protocol::Smtp, "localhost", "QUIT\n"),
        (Protocol::Imap, "127.0.0.1", "a LOGOUT\n"),
        (Protocol::Pop3, "::1", "QUIT\n"),
    ] {
        let tcp = std::net::TcpStream::connect(mail.addr(protocol)).unwrap();
        let heard = say(&mut connect(&mail, tcp, name), quit);
        assert!(heard.ends_with("\r\n"), "{heard}");
        let text = mail.recordings().last().unwrap().to_string();
        assert!(text.contains(&format!("C: {quit}")), "{text}");
        let said: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("S: ")).collect();
        assert_eq!(said, heard.lines().collect::<Vec<_>>());
    }
}

#[test]
fn starttls_is_offered_and_what_is_inside_is_heard() {
    let mail = MailServer::builder().with_tls(provider()).start_blocking();
    let mut tcp = std::net::TcpStream::connect(mail.addr(Protocol::Pop3)).unwrap();
    let hear = |tcp: &mut std::net::TcpStream| {
        let mut octet = [0];
        while octet != *b"\n" {
            std::io::Read::read_exact(tcp, &mut octet).unwrap();
        }
    };
    hear(&mut tcp);
    std::io::Write::write_all(&mut tcp, b"STLS\r\n").unwrap();
    hear(&mut tcp);
    // Octets of the plain text count, before TLS and within it.
    let heard = say(&mut connect(&mail, tcp, "localhost"), "USER ann\nPASS secret\nQUIT\n");
    assert_eq!(heard.matches("+OK").count(), 3, "{heard}");
    let text = mail.recordings()[0].to_string();
    assert!(text.contains("C: STLS\nS: +OK "), "{text}");
    assert!(text.contains("upgraded Tls\nC& USER ann\nC& PASS ***\nC: QUIT\n"), "{text}");
}

#[test]
fn a_greeting_is_refused_within_tls() {
    let mail = MailServer::builder().with_implicit_tls(provider()).start_blocking();
    mail.fail_next(Stage::Connect, "421 4.3.2 not now");
    let tcp = std::net::TcpStream::connect(mail.addr(Protocol::Smtp)).unwrap();
    assert_eq!(say(&mut connect(&mail, tcp, "localhost"), ""), "421 not now\r\n");
}

#[test]
fn a_connection_breaks_within_tls() {
    let mail = MailServer::builder().with_implicit_tls(provider()).start_blocking();
    mail.cut_next(Protocol::Smtp, Cut::Sent(3));
    let tcp = std::net::TcpStream::connect(mail.addr(Protocol::Smtp)).unwrap();
    assert_eq!(say(&mut connect(&mail, tcp, "localhost"), ""), "220");
}
