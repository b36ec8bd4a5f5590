//! A client that says a few lines, in the clear or inside TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Either kind of connection.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A connection to a server on this machine.
pub struct Client(BufReader<Box<dyn Stream>>);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// Trusts who has signed for the server.
///
/// # Panics
/// If `authority` is no certificate in PEM.
pub fn trust(authority: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        roots.add(certificate.expect("PEM")).expect("a certificate");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions");
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Connects, inside TLS if there is somebody to trust. Who reads waits for `patience` at most.
///
/// # Panics
/// If it cannot.
pub fn connect(addr: SocketAddr, tls: Option<&Arc<ClientConfig>>, patience: Duration) -> Box<dyn Stream> {
    assert!(addr.ip().is_loopback(), "only this machine is measured");
    let stream = TcpStream::connect(addr).expect("a server that listens");
    stream.set_nodelay(true).expect("TCP");
    stream.set_read_timeout(Some(patience)).expect("TCP");
    match tls {
        None => Box::new(stream),
        Some(config) => {
            let name = ServerName::try_from("localhost").expect("a name");
            let tls = ClientConnection::new(Arc::clone(config), name).expect("a configuration");
            Box::new(StreamOwned::new(tls, stream))
        }
    }
}

impl Client {
    /// Connects, inside TLS if there is somebody to trust.
    ///
    /// # Panics
    /// If it cannot.
    pub fn connect(addr: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> Self {
        // The lines are short, and there are many of us.
        Self(BufReader::with_capacity(512, connect(addr, tls, Duration::from_secs(20))))
    }

    /// Sends octets as they are.
    ///
    /// # Panics
    /// If it cannot.
    pub fn send(&mut self, octets: &[u8]) {
        self.0.get_mut().write_all(octets).expect("a server that reads");
    }

    /// Sends a line, and gives the last line of the reply.
    ///
    /// # Panics
    /// If there is none.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// The last line of a reply of SMTP or POP3.
    ///
    /// # Panics
    /// If there is none.
    pub fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a server that answers");
            assert!(!line.is_empty(), "the server has closed");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }
}
