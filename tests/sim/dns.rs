//! Where mail goes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use mailwright_dns::Zones;

/// There is no such domain, and that is known for sure.
pub(crate) const NOWHERE: &str = "nowhere.example";
/// A domain that takes no mail (RFC 7505).
pub(crate) const NO_MAIL: &str = "nomail.example";

/// Clones are the same.
#[derive(Clone)]
pub(crate) struct Dns {
    zones: Zones,
    /// By domain: its hosts, the preferred one first, and how many want it to fail.
    domains: Arc<Mutex<Domains>>,
}

type Domains = BTreeMap<String, (Vec<IpAddr>, u32)>;

impl Dns {
    pub(crate) fn new(domains: Vec<(String, Vec<IpAddr>)>) -> Self {
        let domains = domains.into_iter().map(|(domain, hosts)| (domain, (hosts, 0))).collect();
        let dns = Self { zones: Zones::default(), domains: Arc::new(Mutex::new(domains)) };
        dns.load();
        dns
    }

    pub(crate) fn zones(&self) -> Zones {
        self.zones.clone()
    }

    /// Nobody can tell about a domain, or can again.
    pub(crate) fn fail(&self, domain: &str, fails: bool) {
        if let Some((_, failing)) = self.domains.lock().unwrap().get_mut(domain) {
            *failing = if fails { *failing + 1 } else { *failing - 1 };
        }
        self.load();
    }

    fn load(&self) {
        let domains = self.domains.lock().unwrap();
        let zone = |(domain, (hosts, failing)): (&String, &(Vec<IpAddr>, u32))| {
            if *failing > 0 {
                return format!("{domain}. SERVFAIL\n");
            }
            let host = |(number, host)| {
                format!("{domain}. MX {number} mx{number}.{domain}.\nmx{number}.{domain}. A {host}\n")
            };
            (1..).zip(hosts).map(host).collect()
        };
        let always = format!("example. SOA ns host 1 2 3 4 60\n{NO_MAIL}. MX 0 .\n");
        self.zones.load(&domains.iter().map(zone).chain([always]).collect::<String>()).unwrap();
    }
}
