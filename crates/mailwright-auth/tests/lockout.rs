//! The lockout against a model that counts every second, and against floods.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use mailwright_auth::{Locked, Lockout, LockoutLimits};
use proptest::prelude::*;

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Three failures within 9 seconds; locks of 4, 8, 16, 16 .. seconds, forgotten after 20.
fn small() -> LockoutLimits {
    LockoutLimits {
        failures: 3,
        window: secs(9),
        lock: secs(4),
        lock_max: secs(16),
        forget: secs(20),
        ..LockoutLimits::default()
    }
}

/// Some instant: only differences are ever used.
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn start() -> Instant {
    Instant::now()
}

fn v4(last: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + last).into()
}

fn v6(prefix: u64, host: u64) -> IpAddr {
    Ipv6Addr::from_bits(u128::from(0x2001_0db8_0000_0000 + prefix) << 64 | u128::from(host)).into()
}

#[test]
fn failures_lock_the_address_and_no_other() {
    let (mut table, now) = (Lockout::default(), start());
    for _ in 1..10 {
        assert_eq!(table.failed(v4(1), now), None);
        assert_eq!(table.check(v4(1), now), Ok(()));
    }
    let locked = Locked { until: now + secs(300) };
    assert_eq!(table.failed(v4(1), now), Some(locked));
    assert_eq!(table.check(v4(1), now), Err(locked));
    assert_eq!(table.check(v4(1), now + secs(299)), Err(locked));
    assert_eq!(table.check(v4(1), now + secs(300)), Ok(()));
    assert_eq!(table.check(v4(2), now), Ok(()), "a right password from elsewhere enters");
    assert_eq!(table.locked(now).collect::<Vec<_>>(), [(v4(1), locked)]);
    assert!(table.unlock(v4(1)) && !table.unlock(v4(1)));
    assert_eq!(table.check(v4(1), now), Ok(()));
    assert!(table.is_empty());
}

#[test]
fn slow_failures_never_lock() {
    let (mut table, begin) = (Lockout::default(), start());
    for count in 0..1000 {
        assert_eq!(table.failed(v4(1), begin + secs(360) * count), None, "failure {count}");
    }
}

#[test]
fn locks_double_up_to_the_longest_and_are_forgotten() {
    let (mut table, mut now) = (Lockout::new(small()), start());
    let mut lock = |now| {
        assert_eq!((table.failed(v4(1), now), table.failed(v4(1), now)), (None, None));
        table.failed(v4(1), now).unwrap().until
    };
    for length in [4, 8, 16, 16] {
        let until = lock(now);
        assert_eq!(until - now, secs(length));
        now = until + secs(19);
    }
    now += secs(1);
    assert_eq!(lock(now) - now, secs(8 / 2), "20 seconds after its end");
}

#[test]
fn a_right_password_forgives_once_a_window_and_unlocks_nothing() {
    let (mut table, now) = (Lockout::new(small()), start());
    let fail_twice = |table: &mut Lockout, now| (table.failed(v4(1), now), table.failed(v4(1), now));
    assert_eq!(fail_twice(&mut table, now), (None, None));
    table.succeeded(v4(1), now);
    assert_eq!(fail_twice(&mut table, now), (None, None), "forgiven");
    table.succeeded(v4(1), now + secs(1));
    let lock = table.failed(v4(1), now + secs(1));
    assert!(lock.is_some(), "not again: an own account does not buy guesses");
    table.succeeded(v4(1), now + secs(2));
    assert_eq!(table.check(v4(1), now + secs(2)).err(), lock);

    table.succeeded(v4(2), now);
    assert_eq!(table.len(), 1, "whoever never fails is not remembered");
}

#[test]
fn clients_are_ipv4_addresses_and_ipv6_prefixes() {
    let (mut table, now) = (Lockout::new(LockoutLimits { failures: 1, ..small() }), start());
    table.failed(v6(1, 1), now);
    table.failed(v4(1), now);
    assert!(table.check(v6(1, u64::MAX), now).is_err() && table.check(v6(2, 1), now).is_ok());
    let IpAddr::V4(plain) = v4(1) else { unreachable!() };
    assert!(table.check(plain.to_ipv6_mapped().into(), now).is_err(), "as dual-stack sockets show IPv4");
    assert!(table.check(v4(2), now).is_ok());
    let known: Vec<_> = table.locked(now).map(|locked| locked.0).collect();
    assert_eq!(known, [v4(1), v6(1, 0)]);
    assert!(table.unlock(v6(1, 7)));

    for (prefix, same, other) in [(56, v6(0xff, 1), v6(0x100, 1)), (128, v6(0, 0), v6(0, 1))] {
        let mut table = Lockout::new(LockoutLimits { failures: 1, ipv6_prefix: prefix, ..small() });
        table.failed(v6(0, 0), now);
        assert!(table.check(same, now).is_err() && table.check(other, now).is_ok(), "/{prefix}");
    }
    let mut table = Lockout::new(LockoutLimits { failures: 1, ipv6_prefix: 0, ..small() });
    table.failed(v6(0, 0), now);
    assert!(table.check("::1".parse().unwrap(), now).is_err() && table.check(v4(0), now).is_ok(), "/0");
}

#[test]
fn absurd_limits_are_harmless() {
    let now = start();
    for limit in [Duration::ZERO, Duration::MAX] {
        for failures in [0, 1, u32::MAX] {
            let mut table = Lockout::new(LockoutLimits {
                failures,
                window: limit,
                lock: limit,
                lock_max: limit,
                forget: limit,
                ipv6_prefix: u8::MAX,
                entries_max: 0,
            });
            for count in 0..100 {
                table.failed(v4(count / 50), now);
                table.succeeded(v4(count / 50), now);
                assert!(table.len() <= 1);
            }
        }
    }
}

fn lock(table: &mut Lockout, address: IpAddr, now: Instant) {
    while table.failed(address, now).is_none() {}
}

#[test]
fn a_flood_does_not_free_the_locked() {
    let limits = LockoutLimits { entries_max: 100, ..small() };
    let (mut table, now) = (Lockout::new(limits), start());
    for locked in 0..75 {
        lock(&mut table, v4(locked), now);
    }
    for flood in 0..10_000_u64 {
        table.failed(v6(flood, 1), now + secs(1));
        assert!(table.len() <= 100);
    }
    assert_eq!(table.locked(now + secs(1)).count(), 75, "addresses that fail once push out each other");
    // More locks than three quarters push out what was locked first, and never what is counting.
    let (guesser, later) = (v4(1000), now + secs(2));
    table.failed(guesser, later);
    table.failed(guesser, later);
    for locked in 100..175 {
        lock(&mut table, v4(locked), later);
    }
    assert!(table.check(v4(0), later).is_ok() && table.check(v4(174), later).is_err());
    assert!(table.failed(guesser, later).is_some(), "still counted");
}

/// Counts every second, keeps everybody.
#[derive(Default)]
struct Model {
    clients: BTreeMap<IpAddr, Client>,
}

#[derive(Default)]
struct Client {
    /// Seconds until all failures are forgotten: 3 a failure.
    debt: u64,
    /// Seconds until a right password forgives again.
    unforgiving: u64,
    /// Seconds the current lock still lasts.
    locked: u64,
    /// Seconds the last lock is still remembered after its end, and how long it was.
    remembered: Option<(u64, u64)>,
}

impl Model {
    fn second(&mut self) {
        for client in self.clients.values_mut() {
            client.debt = client.debt.saturating_sub(1);
            client.unforgiving = client.unforgiving.saturating_sub(1);
            match (&mut client.locked, &mut client.remembered) {
                (locked @ 1.., _) => *locked -= 1,
                (0, Some((left @ 1.., _))) => *left -= 1,
                _ => {}
            }
            if client.locked == 0 {
                client.remembered = client.remembered.filter(|lock| lock.0 > 0);
            }
        }
    }

    fn failed(&mut self, address: IpAddr) -> Option<u64> {
        let client = self.clients.entry(address).or_default();
        client.debt += 3;
        if client.debt <= 6 {
            return None;
        }
        client.debt = 0;
        let lasts = client.remembered.map_or(4, |(_, length)| (2 * length).min(16));
        client.locked = client.locked.max(lasts);
        client.remembered = Some((20, lasts));
        Some(client.locked)
    }

    fn succeeded(&mut self, address: IpAddr) {
        let client = self.clients.entry(address).or_default();
        if client.debt > 0 && client.unforgiving == 0 {
            client.debt = 0;
            client.unforgiving = 9;
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Wait(u64),
    Fail(u32),
    Succeed(u32),
    Unlock(u32),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..8_u64).prop_map(Act::Wait),
        1 => (8..40_u64).prop_map(Act::Wait),
        8 => (0..3_u32).prop_map(Act::Fail),
        2 => (0..3_u32).prop_map(Act::Succeed),
        1 => (0..3_u32).prop_map(Act::Unlock),
    ];
    prop::collection::vec(act, 0..120)
}

mailwright_core::properties! {
    #[test]
    fn as_if_every_second_were_counted(acts in acts()) {
        let (mut table, mut model) = (Lockout::new(small()), Model::default());
        let mut now = start();
        for act in acts {
            match act {
                Act::Wait(count) => {
                    now += secs(count);
                    (0..count).for_each(|_| model.second());
                }
                Act::Fail(who) => {
                    let left = table.failed(v4(who), now).map(|locked| (locked.until - now).as_secs());
                    prop_assert_eq!(left, model.failed(v4(who)));
                }
                Act::Succeed(who) => {
                    table.succeeded(v4(who), now);
                    model.succeeded(v4(who));
                }
                Act::Unlock(who) => {
                    table.unlock(v4(who));
                    model.clients.remove(&v4(who));
                }
            }
            for who in 0..3 {
                let left = table.check(v4(who), now).err().map(|locked| (locked.until - now).as_secs());
                let expected = model.clients.get(&v4(who)).map(|client| client.locked).filter(|left| *left > 0);
                prop_assert_eq!(left, expected);
            }
        }
    }

    /// However many addresses do whatever, in whatever order of time, the table stays within its bound and
    /// counts whoever it was told of last.
    #[test]
    fn memory_is_bounded(acts in prop::collection::vec((any::<u8>(), 0..60_u64, any::<bool>()), 0..300)) {
        let mut table = Lockout::new(LockoutLimits { entries_max: 8, failures: 2, ..small() });
        let begin = start();
        for (who, at, fails) in acts {
            let (who, now) = (v4(u32::from(who % 32)), begin + secs(at));
            if fails {
                let lock = table.failed(who, now);
                prop_assert!(lock.is_none() || table.check(who, now).err() == lock);
                prop_assert!(table.failed(who, now).or(lock).is_some(), "two in a row lock, full or not");
            } else {
                table.succeeded(who, now);
            }
            prop_assert!(table.len() <= 8);
            prop_assert!(table.locked(now).count() <= 8);
        }
    }
}
