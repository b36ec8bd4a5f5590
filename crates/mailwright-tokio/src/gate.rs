//! How many may be connected, in all and from one address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

/// How many may be connected at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateLimits {
    /// Connections in all. Default 10,000. Cost: their memory, at most `input_limit` plus the machine's
    /// output each, as a rule a few KiB.
    pub total: usize,
    /// Connections from one address: an IPv4 address, or an IPv6 /64, since that is what one customer has.
    /// Default 50.
    pub per_address: usize,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self { total: 10_000, per_address: 50 }
    }
}

/// Counts connections. Clones are the same gate, so that listeners share one.
#[derive(Debug, Clone)]
pub struct Gate {
    limits: GateLimits,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    total: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The server is full.
    #[error("too many connections in all")]
    Total,
    /// The address has as many as it may have.
    #[error("too many connections from this address")]
    PerAddress,
    /// The process has no file descriptor left.
    #[error("out of file descriptors")]
    Descriptors,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    inside: Arc<Mutex<Inside>>,
    address: IpAddr,
}

impl Gate {
    /// Nobody is inside.
    pub fn new(limits: GateLimits) -> Self {
        Self { limits, inside: Arc::default() }
    }

    /// Lets one in, if there is room.
    ///
    /// # Errors
    /// [`Refused`] if there is none.
    pub fn enter(&self, address: IpAddr) -> Result<Pass, Refused> {
        let address = neighbourhood(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.total >= self.limits.total {
            return Err(Refused::Total);
        }
        let here = inside.by_address.get(&address).copied().unwrap_or_default();
        if here >= self.limits.per_address {
            return Err(Refused::PerAddress);
        }
        inside.by_address.insert(address, here + 1);
        inside.total += 1;
        Ok(Pass { inside: Arc::clone(&self.inside), address })
    }

    /// How many are inside.
    pub fn total(&self) -> usize {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.total -= 1;
        if let Some(here) = inside.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

/// IPv4 as it is, also when it is mapped into IPv6; of IPv6 the /64.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many() {
        let gate = Gate::new(GateLimits { total: 3, per_address: 2 });
        let enter = |address: &str| gate.enter(address.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let _second = enter("::ffff:192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").unwrap_err(), Refused::PerAddress);
        let _third = enter("2001:db8::1").unwrap();
        assert_eq!(enter("2001:db8::2").unwrap_err(), Refused::Total);
        drop(first);
        let _fourth = enter("2001:db8::ffff").unwrap();
        assert_eq!(gate.total(), 3);
    }

    #[test]
    fn a_whole_64_is_one_address() {
        let gate = Gate::new(GateLimits { total: 9, per_address: 1 });
        let _first = gate.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(gate.enter("2001:db8::2".parse().unwrap()).unwrap_err(), Refused::PerAddress);
        assert!(gate.enter("2001:db8:0:1::2".parse().unwrap()).is_ok());
    }
}
