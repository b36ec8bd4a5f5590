//! TLS for clients that have none.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use mailwright_server::client_tls;
use mailwright_tokio::{RustlsClient, Tls};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use super::Background;

/// Takes connections without TLS, and passes them on to a server with TLS from the start, until this goes out of
/// scope.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) addr: SocketAddr,
    _background: Background,
}

impl Tunnel {
    /// To a server on 127.0.0.1 whose certificate is in this file. It is not checked: what `openssl req` makes is that
    /// of an authority, which rustls does not take from a server.
    pub(crate) fn new(to: SocketAddr, certificate: &Path) -> Self {
        let any = client_tls(&fs::read_to_string(certificate).unwrap()).unwrap().opportunistic;
        let tls: Arc<dyn Tls> = Arc::new(RustlsClient::new(any, "127.0.0.1".try_into().unwrap()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let background = Background::start(move || async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                // Who connects to a server that is not there sees the end of the connection.
                tokio::spawn(pass_on(client, to, Arc::clone(&tls)));
            }
        });
        Self { addr, _background: background }
    }
}

async fn pass_on(mut client: TcpStream, to: SocketAddr, tls: Arc<dyn Tls>) -> io::Result<()> {
    let server = TcpStream::connect(to).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut server, _) = tls.accept(Box::new(server)).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
