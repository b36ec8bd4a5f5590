//! A name server on this machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::wire::reply;
use crate::zones::Zones;

/// Bytes that are ever sent over UDP, whatever a client offers.
const UDP_BYTES: usize = 1_232;
/// Connections at once; more wait.
const CONNECTIONS: usize = 64;
/// How often another port is tried, if the one that TCP got is taken for UDP.
const PORTS: usize = 16;

/// A recursive name server on 127.0.0.1, over UDP and TCP, that answers from [`Zones`]; gone when dropped.
///
/// A question that is to time out gets no reply.
#[derive(Debug)]
pub struct ZoneServer {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl ZoneServer {
    /// Starts it within a tokio runtime, at a port that is free.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start(zones: Zones) -> io::Result<Self> {
        let (udp, tcp) = bind().await?;
        let address = tcp.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(datagrams(udp, zones.clone()));
        tasks.spawn(connections(tcp, zones));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The same port for both.
async fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        tries += 1;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) if tries == PORTS => return Err(error),
            Err(_) => {}
        }
    }
}

async fn datagrams(socket: UdpSocket, zones: Zones) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let message = buffer.get(..length).unwrap_or_default();
        if let Some(reply) = reply(&zones, message, Some(UDP_BYTES)) {
            // A client that has left wants no reply.
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

async fn connections(listener: TcpListener, zones: Zones) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut sessions = JoinSet::new();
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else { return };
        while sessions.try_join_next().is_some() {}
        let zones = zones.clone();
        sessions.spawn(async move {
            // It ends when the client leaves.
            let _ = session(stream, zones).await;
            drop(place);
        });
    }
}

/// RFC 7766 §8: each message after its length.
async fn session(mut stream: TcpStream, zones: Zones) -> io::Result<()> {
    loop {
        let mut message = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut message).await?;
        let Some(reply) = reply(&zones, &message, None) else { continue };
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(reply);
        stream.write_all(&framed).await?;
    }
}
