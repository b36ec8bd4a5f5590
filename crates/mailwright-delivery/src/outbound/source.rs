//! From which of our addresses mail goes out.

use std::net::IpAddr;

use mailwright_core::Domain;

/// An address of ours, and the name that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The address to connect from, which this machine has; through a [`ProxyDial`](super::ProxyDial), which the proxy
    /// has.
    pub address: IpAddr,
    /// The name for EHLO: the one that the address leads back to (PTR), and that has this address. Receivers compare
    /// (RFC 5321 §4.1.4).
    pub hostname: Domain,
}

/// In the order in which they are to be used for a domain: always the same one, so that it knows us by one address of
/// each family, and greylisting sees the one that it has seen before; and each domain another one. When a source is added
/// or taken away, only those domains change theirs that it wins or had: rendezvous hashing.
pub(super) fn in_order(sources: &[Source], domain: &Domain) -> Vec<Source> {
    let mut sources = sources.to_vec();
    sources.sort_by_cached_key(|source| (weight(domain, source.address), source.address));
    // An address has one name: the first that it was given.
    sources.dedup_by_key(|source| source.address);
    sources
}

/// The same on each machine and in each version.
fn weight(domain: &Domain, address: IpAddr) -> u64 {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    // FNV-1a, and the finalizer of SplitMix64: alone, the last octets would hardly count.
    let octets = domain.as_str().bytes().map(|octet| octet.to_ascii_lowercase()).chain(address.octets());
    let hash = octets.fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(count: u8) -> Vec<Source> {
        let source = |last| Source {
            address: [192, 0, 2, last].into(),
            hostname: format!("out{last}.example.org").parse().unwrap(),
        };
        (1..=count).map(source).collect()
    }

    fn first(sources: &[Source], number: u32) -> Source {
        let domain = format!("d{number}.example").parse().unwrap();
        in_order(sources, &domain).swap_remove(0)
    }

    #[test]
    fn domains_are_spread_and_keep_theirs() {
        const DOMAINS: u32 = 1000;
        let (four, five) = (sources(4), sources(5));
        for source in &five {
            let count = (0..DOMAINS).filter(|number| first(&five, *number) == *source).count();
            assert!((150..=250).contains(&count), "{count} of {DOMAINS} from {}", source.address);
        }
        for number in 0..DOMAINS {
            let (before, after) = (first(&four, number), first(&five, number));
            assert!(before == after || after == five[4], "d{number} has changed between old sources");
        }
        // As it always was: a new version is no reason to be unknown everywhere.
        let last = |number| match first(&five, number).address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        };
        assert_eq!((0..8).map(last).collect::<Vec<u8>>(), [1, 4, 3, 5, 5, 4, 2, 2]);
        let domain: Domain = "Example.ORG".parse().unwrap();
        assert_eq!(in_order(&five, &domain), in_order(&five, &"example.org".parse().unwrap()));
    }
}
