use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mailwright_core::{Clock, Domain, Timestamp};
use mailwright_dns::{
    Answer, Cache, CacheConfig, Families, Identity, LookupError, MailHosts, Malformed, Mx, MxLimits, Name,
    Party, Question, RecordData, RecordType, Resolver, Source, Tlsa, Txt, mail_hosts,
};

/// Names that are asked for, and that answers have. The last three are ours.
const NAMES: [&str; 8] = [
    "a.example",
    "b.example",
    "mx1.a.example",
    "mx2.a.example",
    "x_y.example",
    "own.example",
    "mx.own.example",
    ".",
];
const OWN: [&str; 2] = ["own.example", "mx.own.example"];
/// Domains whose mail goes somewhere.
const DOMAINS: [&str; 8] = [
    "a.example",
    "b.example",
    "own.example",
    "mx1.a.example",
    "[192.0.2.1]",
    "[192.0.2.7]",
    "[IPv6:2001:db8::1]",
    "[x-other:1]",
];
/// Of the addresses 0 to 7, which one is ours.
const OWN_ADDRESS: u8 = 7;

/// Answers of name servers, and what a cache and the MX rules make of them. The input is an octet of configuration, and
/// then steps: an octet that says what is wanted, and what servers say when they are asked for it.
///
/// The cache gives what the last answer was, for its time; something else only while asking fails, and no denial that
/// is older than its time. Mail goes to others only, and is refused for good only if somebody said so.
pub fn dns_reply(data: &[u8]) {
    let Some((&flags, script)) = data.split_first() else { return };
    let script = Script(Mutex::new(script.to_vec().into_iter()));
    let clock = Arc::new(Hands { begun: Instant::now(), seconds: AtomicU64::new(0) });
    let mut config = CacheConfig::default();
    if flags & 1 != 0 {
        (config.entries, config.bytes, config.answer_bytes) = (3, 2_000, 700);
    }
    let dns = Watched {
        cache: Cache::new(
            Server { script, clock: clock.clone(), said: Mutex::default() },
            config.clone(),
            clock.clone(),
        ),
        config,
        clock,
    };
    let families = [Families::Both, Families::V4, Families::V6, Families::Both][usize::from(flags >> 1 & 3)];
    let limits = MxLimits { hosts: usize::from(flags >> 3 & 3), addresses: usize::from(flags >> 5 & 3) };
    while let Some(step) = dns.script().next() {
        let what = step & 7;
        match step >> 3 {
            0..4 => {
                dns.clock.seconds.fetch_add(1 << (step & 31).min(19), Ordering::Relaxed);
            }
            4 => {
                dns.cache.clear();
                dns.server().said.lock().expect("one thread").clear();
            }
            5 => drop(ready(dns.txt(&name(what)))),
            6 => drop(ready(dns.tlsa(&name(what), 25))),
            7 => drop(ready(dns.ptr(address(what, false)))),
            _ => route(&dns, DOMAINS[usize::from(what)], families, &limits, step),
        }
    }
}

/// Asks for the hosts of a domain, and looks at them.
fn route(dns: &Watched, domain: &str, families: Families, limits: &MxLimits, seed: u8) {
    let domain: Domain = domain.parse().expect("a domain");
    let found = ready(mail_hosts(dns, &domain, families, is_own, limits, [seed; 8]));
    let refusal = |party| found.refusal(party).map(|(code, _)| code.get());
    match &found {
        MailHosts::Hosts(hosts) => {
            let (hosts_max, addresses_max) = (limits.hosts.max(1), limits.addresses.max(1));
            assert!((1..=hosts_max).contains(&hosts.hosts.len()) || hosts.source == Source::Literal);
            assert!(hosts.hosts.is_sorted_by_key(|host| host.preference));
            for host in &hosts.hosts {
                assert!((1..=addresses_max).contains(&host.addresses.len()));
                assert!(
                    host.name.as_ref().is_none_or(|name| !name.is_root() && !is_own(Identity::Name(name)))
                );
                // Beyond those to be tried there may be one of ours: then the host is not here.
                assert!(
                    host.addresses.iter().all(|address| !is_own(Identity::Address(address.to_canonical())))
                );
                let twins = hosts.hosts.iter().filter(|other| other.name == host.name).count();
                assert_eq!(twins, 1, "{host:?}");
            }
            assert_eq!([Party::Recipient, Party::Sender].map(refusal), [None, None]);
        }
        MailHosts::Temporary(error) => {
            assert!(error.is_temporary());
            assert_eq!([Party::Recipient, Party::Sender].map(refusal), [Some(451); 2]);
        }
        _ => {
            assert!(refusal(Party::Recipient).is_some_and(|code| (550..600).contains(&code)));
            if let (MailHosts::NoSuchDomain, Ok(name)) = (&found, Name::try_from(&domain)) {
                let said = dns.server().said(&Question::new(name, RecordType::Mx));
                assert!(matches!(said.map(|said| said.last), Some(Err(LookupError::NoSuchDomain { .. }))));
            }
        }
    }
}

fn is_own(identity: Identity<'_>) -> bool {
    match identity {
        Identity::Name(name) => OWN.contains(&name.as_str()),
        Identity::Address(own) => [false, true].iter().any(|v6| address(OWN_ADDRESS, *v6) == own),
    }
}

/// A cache that is looked at from both sides.
struct Watched {
    cache: Cache<Server>,
    config: CacheConfig,
    clock: Arc<Hands>,
}

impl Watched {
    fn server(&self) -> &Server {
        self.cache.resolver()
    }

    fn script(&self) -> &Script {
        &self.server().script
    }

    fn positive(&self, ttl: Duration) -> Duration {
        ttl.max(self.config.ttl_min).min(self.config.ttl_max)
    }

    fn negative(&self, ttl: Duration) -> Duration {
        ttl.max(self.config.ttl_min).min(self.config.negative_ttl_max)
    }

    /// What is answered follows from what was said, and when.
    fn check(&self, answered: &Result<Answer, LookupError>, before: Option<&Said>, said: &Said) {
        let age = self.clock.mono() - said.at;
        let asked = before.map_or(0, |before| before.times) != said.times;
        match (answered, &said.last) {
            (Ok(answer), Ok(last)) => {
                let left = if asked { last.ttl } else { self.positive(last.ttl) - age };
                assert_eq!(*answer, Answer { ttl: left, ..last.clone() });
            }
            (Ok(stale), Err(error)) => {
                let (last, at) = said.known.as_ref().expect("something was known");
                assert!(error.is_temporary() && stale.stale && stale.ttl == self.config.stale_ttl);
                assert!(self.clock.mono() - *at < self.positive(last.ttl) + self.config.stale);
                assert_eq!((&stale.name, &stale.records), (&last.name, &last.records));
            }
            (Err(error), Err(last)) if error.is_temporary() => {
                assert_eq!(error, last);
                // RFC 9520 §3.2
                assert!(age <= Duration::from_secs(300));
            }
            (Err(error), Err(last)) => {
                use LookupError::{NoRecords, NoSuchDomain};
                let left = |ttl: &Option<Duration>| {
                    if asked { *ttl } else { ttl.map(|ttl| self.negative(ttl) - age) }
                };
                let wanted = match last {
                    NoSuchDomain { ttl } => NoSuchDomain { ttl: left(ttl) },
                    NoRecords { ttl } => NoRecords { ttl: left(ttl) },
                    other => panic!("{other} was said, and {error} is answered"),
                };
                assert_eq!(*error, wanted);
                // RFC 2308 §5: what has no time is not kept.
                assert!(asked || !matches!(wanted, NoSuchDomain { ttl: None } | NoRecords { ttl: None }));
            }
            (Err(error), Ok(_)) => panic!("there are records, and {error} is answered"),
        }
        // RFC 9520 §3.2: a failure is believed for a second at least, unless it was forgotten to make room.
        let failed = before.filter(|before| before.last.as_ref().is_err_and(LookupError::is_temporary));
        if let Some(failed) = failed.filter(|_| asked && self.config.entries > 3) {
            assert!(self.clock.mono() - failed.at >= Duration::from_secs(1));
        }
        assert!(self.cache.len() <= self.config.entries && self.cache.bytes() <= self.config.bytes);
    }
}

impl Resolver for Watched {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let before = self.server().said(question);
        let answered = self.cache.lookup(question).await;
        let said = self.server().said(question).expect("nobody knows before anybody was asked");
        self.check(&answered, before.as_ref(), &said);
        answered
    }
}

/// What was said to a question.
#[derive(Clone)]
struct Said {
    last: Result<Answer, LookupError>,
    at: Instant,
    /// The latest records, if it has not been said since that there are none.
    known: Option<(Answer, Instant)>,
    times: u32,
}

/// Says what stands in the script.
struct Server {
    script: Script,
    clock: Arc<Hands>,
    said: Mutex<BTreeMap<Question, Said>>,
}

impl Server {
    fn said(&self, question: &Question) -> Option<Said> {
        self.said.lock().expect("one thread").get(question).cloned()
    }
}

impl Resolver for Server {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let outcome = self.script.outcome(question);
        let at = self.clock.mono();
        let before = self.said(question);
        let times = before.as_ref().map_or(0, |before| before.times) + 1;
        let known = match &outcome {
            Ok(answer) => Some((answer.clone(), at)),
            Err(error) if error.is_temporary() => before.and_then(|before| before.known),
            Err(_) => None,
        };
        let said = Said { last: outcome.clone(), at, known, times };
        self.said.lock().expect("one thread").insert(question.clone(), said);
        outcome
    }
}

/// What is left of the input.
struct Script(Mutex<std::vec::IntoIter<u8>>);

impl Script {
    fn next(&self) -> Option<u8> {
        self.0.lock().expect("one thread").next()
    }

    fn octet(&self) -> u8 {
        self.next().unwrap_or_default()
    }

    /// From nothing to thousands of years.
    fn ttl(&self) -> Duration {
        Duration::from_secs((1_u64 << (self.octet() & 47)) - 1)
    }

    fn outcome(&self, question: &Question) -> Result<Answer, LookupError> {
        let how = self.octet();
        let ttl = (how & 8 != 0).then(|| self.ttl());
        Err(match how & 7 {
            0..=3 => {
                let owner = if how & 16 != 0 { name(self.octet()) } else { question.name.clone() };
                let count = if how & 32 != 0 { 40 } else { how & 3 };
                let records = (0..=count).map(|_| self.record(question.record_type)).collect();
                let answer = Answer::new(owner, records, ttl.unwrap_or(Duration::from_secs(60)));
                return Ok(Answer { authentic: how & 64 != 0, ..answer });
            }
            4 => LookupError::NoSuchDomain { ttl },
            5 => LookupError::NoRecords { ttl },
            6 => LookupError::ServerFailure { info: Some(how.into()) },
            _ => [LookupError::Timeout, Malformed::Truncated.into()][usize::from(how >> 7)].clone(),
        })
    }

    fn record(&self, of: RecordType) -> RecordData {
        let octet = self.octet();
        match of {
            RecordType::A => match address(octet, false) {
                IpAddr::V4(address) => RecordData::A(address),
                IpAddr::V6(address) => RecordData::Aaaa(address),
            },
            RecordType::Aaaa if octet & 8 != 0 => {
                RecordData::Aaaa(Ipv4Addr::new(192, 0, 2, octet & 7).to_ipv6_mapped())
            }
            RecordType::Aaaa => {
                RecordData::Aaaa(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, (octet & 7).into()))
            }
            RecordType::Mx => {
                RecordData::Mx(Mx { preference: (octet >> 3 & 3).into(), exchange: name(octet) })
            }
            RecordType::Ptr => RecordData::Ptr(name(octet)),
            RecordType::Tlsa => {
                RecordData::Tlsa(Tlsa { usage: 3, selector: 1, matching: 1, data: vec![octet; 32].into() })
            }
            _ => RecordData::Txt(Txt { strings: vec![vec![b'x'; octet.into()].into()] }),
        }
    }
}

fn name(number: u8) -> Name {
    NAMES[usize::from(number & 7)].parse().expect("a name")
}

fn address(number: u8, v6: bool) -> IpAddr {
    let number = number & 7;
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()).into()
    } else {
        Ipv4Addr::new(192, 0, 2, number).into()
    }
}

/// A clock that is set.
struct Hands {
    begun: Instant,
    seconds: AtomicU64,
}

impl Clock for Hands {
    fn mono(&self) -> Instant {
        self.begun + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn wall(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// Of a future that never waits, as nobody here does.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nobody is waited for"),
    }
}
