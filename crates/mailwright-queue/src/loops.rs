//! Mail that comes back: too many hops, our own among them, and an MX that points to ourselves.

use std::collections::BTreeSet;
use std::net::IpAddr;

use mailwright_core::{Address, Domain};
use thiserror::Error;

/// How often is too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoopLimits {
    /// Received fields of a message. Default: 100, the least that RFC 5321 §6.3 finds normal.
    pub received: usize,
    /// Received fields of a message that this server has written. Default: 10: forwarding within one server takes
    /// some, a loop finds the rest soon.
    pub own: usize,
    /// Delivered-To fields that are remembered. Default: 100.
    pub delivered_to: usize,
    /// Octets of a field that are looked at. Default: 1,000.
    pub field_octets: usize,
}

impl Default for LoopLimits {
    fn default() -> Self {
        Self { received: 100, own: 10, delivered_to: 100, field_octets: 1_000 }
    }
}

/// The message goes round in a circle: 5.4.6 (RFC 3463 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MailLoop {
    /// It has had too many hops.
    #[error("too many hops: {0} Received fields")]
    Hops(usize),
    /// It was here too often.
    #[error("this message was here {0} times before")]
    Here(usize),
}

/// Reads a message's header as it passes, in pieces of any size, for traces of a loop.
#[derive(Debug, Clone)]
pub struct LoopDetector {
    limits: LoopLimits,
    /// ` by ` and our name, in lower case.
    by: String,
    received: usize,
    own: usize,
    delivered_to: BTreeSet<Address>,
    /// The field that is being read, its beginning only, folds undone.
    field: Vec<u8>,
    state: State,
}

/// Where in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the begin of a line.
    LineStart,
    /// In a line.
    Line,
    /// Behind the header.
    Body,
}

impl LoopDetector {
    /// For a server that calls itself `host` in Received fields.
    pub fn new(host: &Domain, limits: LoopLimits) -> Self {
        Self {
            limits,
            by: format!(" by {host}"),
            received: 0,
            own: 0,
            delivered_to: BTreeSet::new(),
            field: Vec::new(),
            state: State::LineStart,
        }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// As soon as it is a loop, and from then on.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<(), MailLoop> {
        while self.state != State::Body
            && let Some((&octet, rest)) = piece.split_first()
        {
            if self.state == State::LineStart {
                match octet {
                    b' ' | b'\t' => {}
                    _ => self.end_field(),
                }
                if matches!(octet, b'\r' | b'\n') {
                    self.state = State::Body;
                    break;
                }
                self.state = State::Line;
                self.keep(&[octet]);
                piece = rest;
                continue;
            }
            match memchr::memchr(b'\n', piece) {
                Some(end) => {
                    let (line, rest) = piece.split_at_checked(end).unwrap_or((piece, &[]));
                    self.keep(line);
                    self.state = State::LineStart;
                    piece = rest.get(1..).unwrap_or_default();
                }
                None => {
                    self.keep(piece);
                    break;
                }
            }
        }
        self.judge()
    }

    /// Whether the message was delivered to that mailbox before. To be asked when the header has been read.
    pub fn was_delivered_to(&self, address: &Address) -> bool {
        self.delivered_to.contains(address)
    }

    fn judge(&self) -> Result<(), MailLoop> {
        if self.received > self.limits.received {
            return Err(MailLoop::Hops(self.received));
        }
        if self.own > self.limits.own {
            return Err(MailLoop::Here(self.own));
        }
        Ok(())
    }

    fn keep(&mut self, octets: &[u8]) {
        let room = self.limits.field_octets.saturating_sub(self.field.len());
        self.field.extend(octets.iter().take(room));
    }

    fn end_field(&mut self) {
        let field = String::from_utf8_lossy(&self.field);
        if let Some((name, value)) = field.split_once(':') {
            let name = name.trim_end();
            if name.eq_ignore_ascii_case("received") {
                self.received += 1;
                self.own += usize::from(is_by(value, &self.by));
            } else if name.eq_ignore_ascii_case("delivered-to")
                && self.delivered_to.len() < self.limits.delivered_to
            {
                let address = value.trim().trim_start_matches('<').trim_end_matches('>');
                self.delivered_to.extend(address.parse::<Address>());
            }
        }
        self.field.clear();
    }
}

/// Whether a Received field is of the server that `by` names (RFC 5321 §4.4).
fn is_by(value: &str, by: &str) -> bool {
    let words =
        value.split(|c: char| c.is_ascii_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.fold(String::new(), |line, word| line + " " + word).to_ascii_lowercase();
    let mut found = line.match_indices(by);
    found.any(|(at, _)| {
        line.get(at + by.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
    })
}

/// A mail exchanger of a domain (RFC 5321 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanger {
    /// Lower is tried first.
    pub preference: u16,
    /// Its name.
    pub host: Domain,
    /// Its addresses, as far as they are known.
    pub addresses: Vec<IpAddr>,
}

/// What this server is called, and where it listens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnHosts {
    /// Its names.
    pub names: BTreeSet<Domain>,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
}

impl OwnHosts {
    fn is(&self, exchanger: &Exchanger) -> bool {
        self.names.contains(&exchanger.host)
            || exchanger.addresses.iter().any(|address| self.addresses.contains(&address.to_canonical()))
    }
}

/// Those to try, the preferred first: if this server is one, only those that are preferred to it (RFC 5321 §5.1). In
/// what order those of the same preference come is for the caller to draw: it stays as given.
pub fn before_self(mut exchangers: Vec<Exchanger>, own: &OwnHosts) -> Vec<Exchanger> {
    let ours =
        exchangers.iter().filter(|exchanger| own.is(exchanger)).map(|exchanger| exchanger.preference).min();
    exchangers.retain(|exchanger| ours.is_none_or(|ours| exchanger.preference < ours));
    exchangers.sort_by_key(|exchanger| exchanger.preference);
    exchangers
}

/// Whether the way to a domain ends here though the domain is not ours: a mistake in its DNS or in our settings, to
/// be reported as 5.4.6 and not to be tried (RFC 5321 §5.1).
pub fn lowest_is_self(exchangers: &[Exchanger], own: &OwnHosts) -> bool {
    let lowest = exchangers.iter().map(|exchanger| exchanger.preference).min();
    exchangers.iter().any(|exchanger| Some(exchanger.preference) == lowest && own.is(exchanger))
}
