//! A network in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use mailwright_delivery::outbound::{Dial, DialError, Dialed};
use mailwright_tokio::Io;
use tokio::io::duplex;

use crate::peer::Peer;

/// What answers at an address.
#[derive(Clone)]
pub(crate) enum Site {
    /// Nothing: connections are refused.
    Refuses,
    /// Nothing, ever.
    Silent,
    /// No network that there is a way to.
    NoWay,
    /// A server; each connection to another copy of it.
    Peer(Peer),
    /// What takes the other end of a connection.
    Custom(Arc<dyn Fn(Box<dyn Io>) + Send + Sync>),
}

/// Who is where, and what has been said.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    /// What answers the next connections to an address; the last one answers all further ones.
    sites: BTreeMap<(IpAddr, u16), VecDeque<Site>>,
    log: Vec<String>,
    contents: Vec<String>,
    dialed: Vec<IpAddr>,
    /// From where, as far as it was said.
    from: Vec<Option<IpAddr>>,
    /// Addresses that are none of ours.
    others: BTreeSet<IpAddr>,
}

impl Net {
    pub(crate) fn put(&self, address: &str, sites: impl IntoIterator<Item = Site>) {
        self.put_at(address, 25, sites);
    }

    pub(crate) fn put_at(&self, address: &str, port: u16, sites: impl IntoIterator<Item = Site>) {
        let sites = sites.into_iter().collect();
        self.0.lock().unwrap().sites.insert((address.parse().unwrap(), port), sites);
    }

    /// From now on that is no address of ours.
    pub(crate) fn take_away(&self, address: &str) {
        self.0.lock().unwrap().others.insert(address.parse().unwrap());
    }

    /// It is one again.
    pub(crate) fn give_back(&self, address: &str) {
        self.0.lock().unwrap().others.remove(&address.parse().unwrap());
    }

    /// From where each connection was to be made that came about or not, and `?` if that was not said.
    pub(crate) fn from(&self) -> Vec<String> {
        let from = self.0.lock().unwrap().from.clone();
        from.iter().map(|from| from.map_or("?".to_owned(), |from| from.to_string())).collect()
    }

    pub(crate) fn note(&self, line: String) {
        self.0.lock().unwrap().log.push(line);
    }

    pub(crate) fn keep(&self, content: Vec<u8>) {
        self.0.lock().unwrap().contents.push(String::from_utf8(content).unwrap());
    }

    /// The contents that were sent to their ends.
    pub(crate) fn contents(&self) -> Vec<String> {
        self.0.lock().unwrap().contents.clone()
    }

    /// What clients have said, each line with the address it was said to.
    pub(crate) fn log(&self) -> Vec<String> {
        self.0.lock().unwrap().log.clone()
    }

    /// How many of the lines begin like this.
    pub(crate) fn heard(&self, start: &str) -> usize {
        self.log().iter().filter(|line| line.split_once(' ').unwrap().1.starts_with(start)).count()
    }

    /// The last octets of the addresses that were connected to.
    pub(crate) fn dialed(&self) -> Vec<u8> {
        let last = |address: &IpAddr| match address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[15],
        };
        self.0.lock().unwrap().dialed.iter().map(last).collect()
    }
}

impl Dial for Net {
    fn dial(&self, to: SocketAddr, from: Option<IpAddr>) -> Dialed {
        let (mut inside, address) = (self.0.lock().unwrap(), to.ip());
        inside.from.push(from);
        if let Some(address) = from.filter(|from| inside.others.contains(from)) {
            let cause = io::ErrorKind::AddrNotAvailable.into();
            return Box::pin(async move { Err(DialError::Source { address, cause }) });
        }
        inside.dialed.push(address);
        let site = match inside.sites.get_mut(&(address, to.port())) {
            None => Site::Refuses,
            Some(sites) if sites.len() > 1 => sites.pop_front().unwrap(),
            Some(sites) => sites[0].clone(),
        };
        let net = self.clone();
        Box::pin(async move {
            let (near, far) = duplex(1 << 16);
            match site {
                Site::Refuses => return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()),
                Site::NoWay => return Err(DialError::NoWay(io::ErrorKind::NetworkUnreachable.into())),
                Site::Silent => std::future::pending().await,
                Site::Peer(peer) => {
                    tokio::spawn(peer.run(Box::new(far), net, address));
                }
                Site::Custom(take) => take(Box::new(far)),
            }
            Ok(Box::new(near) as Box<dyn Io>)
        })
    }
}
