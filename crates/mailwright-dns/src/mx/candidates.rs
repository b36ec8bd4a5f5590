//! From MX records to the hosts to be looked up: what their order is, and which of them count at all.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::name::Name;
use crate::record::Mx;

/// How many hosts and addresses a domain may make us try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MxLimits {
    /// Hosts that are looked up and tried; those of lowest preference are left out (RFC 5321 §5.1 asks for two or
    /// more addresses). Default 10. Cost: two lookups each, and as many attempts.
    pub hosts: usize,
    /// Addresses of a host that are tried, taken in turn from both families. Default 8. Cost: an attempt each.
    pub addresses: usize,
}

impl Default for MxLimits {
    fn default() -> Self {
        Self { hosts: 10, addresses: 8 }
    }
}

/// A name or an address by which a host might be known to be ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity<'a> {
    /// A name.
    Name(&'a Name),
    /// An address.
    Address(IpAddr),
}

/// A host that may take the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: Name,
    /// Lower is preferred.
    pub preference: u16,
}

/// What a domain's MX records come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidates {
    /// These, in the order in which to try them.
    Hosts {
        /// At least one, at most [`MxLimits::hosts`].
        hosts: Vec<Candidate>,
        /// How many more there would have been.
        left_out: usize,
    },
    /// The domain takes no mail (RFC 7505).
    NullMx,
    /// Nobody is closer to the domain than we are.
    Loop,
}

/// Orders the hosts of MX records (RFC 5321 §5.1): those of lower preference first, those of the same preference
/// in an order drawn from `seed`.
///
/// A host that stands there twice counts once, with its lower preference. If `is_own` knows one of the names, all
/// records of its preference and higher ones do not count. The host `.` means that the domain takes no mail
/// (RFC 7505 §3), unless it stands with others, which it must not, and then it is passed over.
///
/// `records` has at least one record: a domain without has one of itself, with preference 0.
pub fn candidates(
    records: &[Mx],
    is_own: impl Fn(Identity<'_>) -> bool,
    limits: &MxLimits,
    seed: [u8; 8],
) -> Candidates {
    let mut lowest: BTreeMap<&Name, u16> = BTreeMap::new();
    for mx in records.iter().filter(|mx| !mx.exchange.is_root()) {
        let preference = lowest.entry(&mx.exchange).or_insert(mx.preference);
        *preference = mx.preference.min(*preference);
    }
    if lowest.is_empty() {
        return Candidates::NullMx;
    }
    let own = lowest.iter().filter(|(name, _)| is_own(Identity::Name(name))).map(|(_, own)| *own).min();
    let closer = lowest.into_iter().filter(|(_, preference)| own.is_none_or(|own| *preference < own));
    let mut hosts: Vec<Candidate> =
        closer.map(|(name, preference)| Candidate { name: name.clone(), preference }).collect();
    if hosts.is_empty() {
        return Candidates::Loop;
    }
    shuffle(&mut hosts, seed);
    // Stable: hosts of one preference stay as they were shuffled.
    hosts.sort_by_key(|host| host.preference);
    let left_out = hosts.len().saturating_sub(limits.hosts.max(1));
    hosts.truncate(limits.hosts.max(1));
    Candidates::Hosts { hosts, left_out }
}

/// Fisher and Yates, with the numbers of SplitMix64: the load is to be spread, nothing is to be kept secret.
fn shuffle<T>(items: &mut [T], seed: [u8; 8]) {
    let mut state = u64::from_le_bytes(seed);
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let range = last as u64 + 1;
        let other = usize::try_from((z ^ (z >> 31)) % range).unwrap_or_default();
        items.swap(last, other);
    }
}
