//! Locking out addresses that guess passwords.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// When an address is locked, for how long, and how many are remembered.
///
/// No duration counts for more than a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutLimits {
    /// Failures at once that lock an address. Default 10. Each costs one check; more lets a guesser try more,
    /// fewer locks whole offices behind one address for a device with an old password.
    pub failures: u32,
    /// The time in which that many failures are forgotten, evenly: an address that fails more slowly than
    /// `failures` in this time is never locked. Default 1 hour.
    pub window: Duration,
    /// The first lock. Each further one lasts twice as long as the one before. Default 5 minutes.
    pub lock: Duration,
    /// The longest lock. Default 1 hour: a guesser that keeps to `failures` a `window` gets no fewer tries.
    pub lock_max: Duration,
    /// After a lock has ended, the time until it is forgotten and the next is a first one. Default 24 hours.
    pub forget: Duration,
    /// Leading bits of an IPv6 address that make one client. Default 64, what one household gets at least; a
    /// guesser with a /56 counts as 256 clients.
    pub ipv6_prefix: u8,
    /// Addresses remembered. Default 65,536; a full table takes 13 MiB.
    pub entries_max: usize,
}

impl Default for LockoutLimits {
    fn default() -> Self {
        Self {
            failures: 10,
            window: Duration::from_secs(3600),
            lock: Duration::from_secs(300),
            lock_max: Duration::from_secs(3600),
            forget: Duration::from_secs(24 * 3600),
            ipv6_prefix: 64,
            entries_max: 1 << 16,
        }
    }
}

/// The address is locked: nothing that it sends is checked. Answer as for a wrong password, or close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed logins from this address")]
pub struct Locked {
    /// When the lock ends.
    pub until: Instant,
}

/// The failed logins of each client address, and the locks that come of them.
///
/// - **By address, never by account**: else anyone could lock anyone out by failing in his name. A right
///   password from another address enters while this one is locked. What is guessed from many addresses at
///   once is bounded by what the [`Offload`](crate::Offload) takes on, not here.
/// - **A right password does not undo a lock**, and makes failures forgotten once a window only: else a
///   guesser with an account of his own would log in to it after every few guesses.
/// - **Bounded memory.** Each entry ends at the instant from which it makes no difference. When the table is
///   full, the one that ends first is forgotten: of those that only count failures, if they are a quarter of
///   the table, else of those that are or were locked. So a flood of addresses that fail once or twice pushes
///   out its like, and to push out a lock takes three quarters of `entries_max` addresses with locks that end
///   later, at the price of `failures` checks of a password each. Nor can locks crowd out counting: a quarter
///   is not theirs.
///
/// It has no clock and no lock: `now` is an argument, and who shares it among threads wraps it in a mutex.
/// Leave out addresses that many users share by design, such as your own webmail's.
#[derive(Debug)]
pub struct Lockout {
    limits: LockoutLimits,
    /// How long one failure weighs.
    weight: Duration,
    entries: BTreeMap<Client, Entry>,
    /// All entries that were never locked, by when they end.
    counting: BTreeSet<(Instant, Client)>,
    /// The others, by when they end.
    locked: BTreeSet<(Instant, Client)>,
}

/// An IPv4 address, or the prefix of an IPv6 one.
type Client = IpAddr;

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When the last of its failures is forgotten: `weight` for each, less what has passed.
    clear: Instant,
    /// When a right password last made failures forgotten.
    forgiven: Option<Instant>,
    /// The last lock.
    lock: Option<Lock>,
}

#[derive(Debug, Clone, Copy)]
struct Lock {
    until: Instant,
    lasted: Duration,
}

impl Lockout {
    /// Nobody is locked.
    pub fn new(limits: LockoutLimits) -> Self {
        let weight = limits.window.min(YEAR) / limits.failures.max(1);
        Self { limits, weight, entries: BTreeMap::new(), counting: BTreeSet::new(), locked: BTreeSet::new() }
    }

    /// Whether a login from `address` may be tried. To be asked before the password is checked.
    ///
    /// # Errors
    /// [`Locked`].
    pub fn check(&self, address: IpAddr, now: Instant) -> Result<(), Locked> {
        let lock = self.entries.get(&self.client(address)).and_then(|entry| entry.lock);
        match lock {
            Some(Lock { until, .. }) if now < until => Err(Locked { until }),
            _ => Ok(()),
        }
    }

    /// A wrong password came from `address`. Gives the lock that this one brought on, if it did.
    ///
    /// Failures count during a lock too: those of checks that were under way when it began.
    pub fn failed(&mut self, address: IpAddr, now: Instant) -> Option<Locked> {
        let client = self.client(address);
        let mut entry = match self.take(client, now) {
            Some(entry) => entry,
            None => {
                self.make_room(now);
                Entry { clear: now, forgiven: None, lock: None }
            }
        };
        let free = later(now, self.weight * (self.limits.failures.max(1) - 1));
        entry.clear = later(entry.clear.max(now), self.weight);
        let brought = (entry.clear > free).then(|| {
            let lasts = match entry.lock {
                Some(before) => before.lasted.saturating_mul(2).min(self.limits.lock_max),
                None => self.limits.lock.min(self.limits.lock_max),
            };
            let until = later(now, lasts).max(entry.lock.map_or(now, |before| before.until));
            entry.lock = Some(Lock { until, lasted: lasts });
            entry.clear = now;
            Locked { until }
        });
        self.put(client, entry);
        brought
    }

    /// A right password came from `address`: its failures are forgotten, if that has not happened within the
    /// window. Its lock is not.
    pub fn succeeded(&mut self, address: IpAddr, now: Instant) {
        let client = self.client(address);
        let Some(mut entry) = self.take(client, now) else { return };
        let before = entry.forgiven.map(|at| later(at, self.limits.window));
        if entry.clear > now && before.is_none_or(|again| again <= now) {
            entry.clear = now;
            entry.forgiven = Some(now);
        }
        self.put(client, entry);
    }

    /// Forgets all about `address`, by order of an administrator. False if nothing was known.
    pub fn unlock(&mut self, address: IpAddr) -> bool {
        let client = self.client(address);
        let known = self.entries.remove(&client);
        if let Some(entry) = known {
            let ends = self.ends(&entry);
            self.rank(&entry).remove(&(ends, client));
        }
        known.is_some()
    }

    /// All that are locked now: IPv4 addresses, and the first addresses of IPv6 prefixes.
    pub fn locked(&self, now: Instant) -> impl Iterator<Item = (IpAddr, Locked)> {
        self.locked.iter().filter_map(move |(_, client)| {
            let until = self.entries.get(client)?.lock?.until;
            (now < until).then_some((*client, Locked { until }))
        })
    }

    /// How many addresses are remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn client(&self, address: IpAddr) -> Client {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let host_bits = 128 - u32::from(self.limits.ipv6_prefix.min(128));
                let prefix = u128::MAX.checked_shl(host_bits).unwrap_or(0) & address.to_bits();
                IpAddr::V6(Ipv6Addr::from_bits(prefix))
            }
            v4 => v4,
        }
    }

    /// The instant from which the entry says no more than none would.
    fn ends(&self, entry: &Entry) -> Instant {
        let forgiven = entry.forgiven.map(|at| later(at, self.limits.window));
        let lock = entry.lock.map(|lock| later(lock.until, self.limits.forget));
        entry.clear.max(forgiven.unwrap_or(entry.clear)).max(lock.unwrap_or(entry.clear))
    }

    fn rank(&mut self, entry: &Entry) -> &mut BTreeSet<(Instant, Client)> {
        if entry.lock.is_some() { &mut self.locked } else { &mut self.counting }
    }

    /// Takes the entry out to be changed, without what no longer counts.
    fn take(&mut self, client: Client, now: Instant) -> Option<Entry> {
        let mut entry = self.entries.remove(&client)?;
        let ends = self.ends(&entry);
        self.rank(&entry).remove(&(ends, client));
        entry.lock = entry.lock.filter(|lock| now < later(lock.until, self.limits.forget));
        Some(entry)
    }

    fn put(&mut self, client: Client, entry: Entry) {
        let ends = self.ends(&entry);
        self.rank(&entry).insert((ends, client));
        self.entries.insert(client, entry);
    }

    /// Makes room for one more.
    fn make_room(&mut self, now: Instant) {
        for rank in [&mut self.counting, &mut self.locked] {
            while let Some(&(ends, client)) = rank.first().filter(|first| first.0 <= now) {
                rank.remove(&(ends, client));
                self.entries.remove(&client);
            }
        }
        while self.entries.len() >= self.limits.entries_max.max(1) {
            let quarter = (self.limits.entries_max / 4).max(1);
            let rank = if self.counting.len() >= quarter { &mut self.counting } else { &mut self.locked };
            let Some((_, client)) = rank.pop_first() else { return };
            self.entries.remove(&client);
        }
    }
}

impl Default for Lockout {
    fn default() -> Self {
        Self::new(LockoutLimits::default())
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A year at most, so that no configuration reaches the end of what an `Instant` can be.
fn later(at: Instant, duration: Duration) -> Instant {
    at.checked_add(duration.min(YEAR)).unwrap_or(at)
}
