//! The configuration of the system's own resolver, resolv.conf(5).

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::config::HickoryConfig;

const PATH: &str = "/etc/resolv.conf";
/// The rest of a longer file is not read.
const BYTES_MAX: u64 = 64 << 10;
/// Name servers that the system's resolver uses.
const SERVERS_MAX: usize = 3;
const PORT: u16 = 53;

impl HickoryConfig {
    /// What the system's own resolver is told in `/etc/resolv.conf`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn system() -> io::Result<Self> {
        let mut text = Vec::new();
        io::copy(&mut File::open(PATH)?.take(BYTES_MAX), &mut text)?;
        Ok(Self::from_resolv_conf(&String::from_utf8_lossy(&text)))
    }

    /// Reads `nameserver` lines, the first three, and `timeout`, `attempts` and `trust-ad` in `options` lines;
    /// without a name server it is the one on this machine. Search lists and all else do not count: names are
    /// absolute.
    pub fn from_resolv_conf(text: &str) -> Self {
        let mut config = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    config.servers.extend(address.map(|address| SocketAddr::new(address, PORT)));
                }
                Some("options") => words.for_each(|option| config.apply(option)),
                _ => {}
            }
        }
        config.servers.truncate(SERVERS_MAX);
        if config.servers.is_empty() {
            config.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
        }
        config
    }

    fn apply(&mut self, option: &str) {
        match option.split_once(':').map(|(name, value)| (name, value.parse::<u32>())) {
            Some(("timeout", Ok(seconds))) => self.timeout = Duration::from_secs(seconds.clamp(1, 30).into()),
            Some(("attempts", Ok(attempts))) => self.attempts = attempts.clamp(1, 5),
            None if option == "trust-ad" => self.trust_authentic = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_systems_configuration_is_read() {
        let config = HickoryConfig::from_resolv_conf(
            "# nameserver 192.0.2.9\n\
             search example.org\n\
             nameserver 192.0.2.1\n\
             nameserver nonsense\n\
             nameserver 2001:db8::1\n\
             options rotate timeout:1 attempts:99 trust-ad\n\
             nameserver 192.0.2.2\n\
             nameserver 192.0.2.3\n",
        );
        let servers: Vec<_> = config.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]);
        assert_eq!((config.timeout, config.attempts), (Duration::from_secs(1), 5));
        assert!(config.trust_authentic);
    }

    #[test]
    fn without_a_server_it_is_this_machine() {
        let config = HickoryConfig::from_resolv_conf("options timeout:x trust-ad:1");
        assert_eq!(config, HickoryConfig::new(["127.0.0.1:53".parse().unwrap()]));
    }

    mailwright_core::properties! {
        #[test]
        fn any_text_is_taken(text in "(nameserver|options|timeout|[a-z0-9:. \t\n]){0,40}") {
            prop_assert!((1..=SERVERS_MAX).contains(&HickoryConfig::from_resolv_conf(&text).servers.len()));
        }
    }
}
