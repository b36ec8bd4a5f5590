//! Kinds of values, each read from one text or number, and what is said if it cannot be.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mailwright_auth::ScramHash;
use mailwright_core::{Address, Domain};
use mailwright_delivery::outbound::{EightBit, Pattern, Protocol, RelayHost, TlsPolicy};
use mailwright_server::{AliasAddress, Auth, Service};
use mailwright_smtp::Solicitation;
use mailwright_tokio::Network;
use tracing_subscriber::EnvFilter;

use super::report::Problem;
use super::section::{Change, Reading, Setting, Shape, When, nearest};
use super::span::Span;
use super::tree::{Kind, Node};

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) at: Span,
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Setting> Setting for At<T> {
    const SHAPE: Shape = T::SHAPE;

    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        let at = node.at.clone();
        T::read(node, cx).map(|value| Self { value, at })
    }

    fn changes(&self, new: &Self, key: &str, when: When, changes: &mut Vec<Change>) {
        self.value.changes(&new.value, key, when, changes);
    }

    fn keep(&mut self, old: &Self, when: When) {
        self.value.keep(&old.value, when);
    }
}

impl<T: Setting> Setting for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        T::read(node, cx).map(Some)
    }

    fn off() -> Option<Self> {
        Some(None)
    }

    fn changes(&self, new: &Self, key: &str, when: When, changes: &mut Vec<Change>) {
        match (self, new) {
            (Some(old), Some(new)) => old.changes(new, key, when, changes),
            (None, None) => {}
            _ => changes.push(Change { key: key.to_owned(), when }),
        }
    }

    fn keep(&mut self, old: &Self, when: When) {
        match (self, old) {
            (Some(new), Some(old)) => new.keep(old, when),
            (new, old) if when == When::Restart => new.clone_from(old),
            _ => {}
        }
    }
}

/// What can be read of a list is read; what cannot be is told.
impl<T: Setting> Setting for Vec<T> {
    const SHAPE: Shape = match T::SHAPE {
        Shape::Section(keys) => Shape::Sections(keys),
        other => other,
    };

    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        match node.kind {
            Kind::List(items) => Some(items.into_iter().filter_map(|item| T::read(item, cx)).collect()),
            other => {
                let help = match T::SHAPE {
                    Shape::Value => "write [..., ...]",
                    _ => "write its name in double brackets, [[...]], once for each",
                };
                wrong(&node.at, "a list", &other, cx, help);
                None
            }
        }
    }

    fn off() -> Option<Self> {
        Some(Self::new())
    }
}

impl Setting for bool {
    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        match node.kind {
            Kind::Boolean(value) => Some(value),
            other => {
                wrong(&node.at, "true or false", &other, cx, "write one of these words, without quotes");
                None
            }
        }
    }
}

fn wrong(at: &Span, wanted: &str, found: &Kind, cx: &mut Reading, help: &str) {
    let label = format!("this is {}", found.name());
    cx.problems.push(Problem::error(at, format!("{wanted} is wanted here"), label).with_help(help));
}

/// Why a text is not what it should be.
pub(crate) struct Wrong {
    label: String,
    help: String,
}

impl Wrong {
    pub(super) fn new(label: impl Into<String>, help: impl Into<String>) -> Self {
        Self { label: label.into(), help: help.into() }
    }

    /// With other help.
    pub(super) fn with_help(self, help: &str) -> Self {
        Self { help: help.to_owned(), ..self }
    }
}

/// What is written as text.
pub(crate) trait FromText: Sized + PartialEq + Clone {
    /// As people call it.
    const WHAT: &'static str;

    fn from_text(text: &str) -> Result<Self, Wrong>;

    /// The same from a number, for what has a natural unit.
    fn from_number(_: i64) -> Option<Result<Self, Wrong>> {
        None
    }
}

impl<T: FromText> Setting for T {
    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        let read = match &node.kind {
            Kind::Text(text) => Some(T::from_text(text)),
            Kind::Integer(Some(number)) => T::from_number(*number),
            _ => None,
        };
        match read {
            Some(Ok(value)) => Some(value),
            Some(Err(Wrong { label, help })) => {
                let message = format!("this is not {}", T::WHAT);
                cx.problems.push(Problem::error(&node.at, message, label).with_help(help));
                None
            }
            None => {
                wrong(&node.at, T::WHAT, &node.kind, cx, "put it into quotes");
                None
            }
        }
    }
}

impl FromText for Domain {
    const WHAT: &'static str = "a domain";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "a domain is like example.org: letters, digits, hyphens and dots";
        let domain: Self = text.parse().map_err(|_| Wrong::new("no name of a host", help))?;
        if domain.is_literal() { Err(Wrong::new("an address literal", help)) } else { Ok(domain) }
    }
}

impl FromText for Address {
    const WHAT: &'static str = "a mail address";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|error| Wrong::new(format!("{error}"), "an address is like ann@example.org"))
    }
}

impl FromText for AliasAddress {
    const WHAT: &'static str = "an address of an alias";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text.strip_prefix('@') {
            Some(domain) => Domain::from_text(domain).map(Self::CatchAll),
            None => Address::from_text(text).map(Self::One).map_err(|Wrong { label, .. }| {
                Wrong::new(label, "write sales@example.org, or @example.org for all that nobody has")
            }),
        }
    }
}

impl FromText for SocketAddr {
    const WHAT: &'static str = "an IP address and a port";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "write 0.0.0.0:25 for IPv4, [::]:25 for IPv6, 127.0.0.1:25 for this machine only";
        text.parse().map_err(|_| {
            let port = text.rsplit_once(':').map(|(_, port)| port);
            let label = match port {
                Some(port) if port.parse::<u16>().is_err() => "a port is a number from 0 to 65535",
                Some(_) => "the address is none; names are not looked up",
                None => "the port is missing",
            };
            Wrong::new(label, help)
        })
    }
}

impl FromText for PathBuf {
    const WHAT: &'static str = "a path";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text {
            "" => Err(Wrong::new("it is empty", "write a path; a relative one begins at this file's folder")),
            text => Ok(text.into()),
        }
    }
}

impl FromText for Service {
    const WHAT: &'static str = "a service";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, Self::ALL.iter().map(|service| (service.name(), *service)))
    }
}

impl FromText for Auth {
    const WHAT: &'static str = "a rule for logins";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let all = [("off", Self::Off), ("offered", Self::Offered), ("required", Self::Required)];
        one_of(text, all.into_iter())
    }
}

impl FromText for ScramHash {
    const WHAT: &'static str = "a hash of SCRAM";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, [("sha-256", Self::Sha256), ("sha-1", Self::Sha1)].into_iter())
    }
}

/// What parts a tag from a local part; `None` for no tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TagSeparator(pub(crate) Option<char>);

impl FromText for TagSeparator {
    const WHAT: &'static str = "a separator of tags";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (first, None) if first.is_none_or(|first| "+-=_.~#!/|".contains(first)) => Ok(Self(first)),
            _ => Err(Wrong::new("no such separator", "one of + - = _ . ~ # ! / |, or \"\" for no tags")),
        }
    }
}

impl FromText for Pattern {
    const WHAT: &'static str = "a pattern of domains";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "example.org is that domain, .example.org all below it, * all";
        text.parse().map_err(|_| Wrong::new("no domain", help))
    }
}

impl FromText for RelayHost {
    const WHAT: &'static str = "a server and a port";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "write relay.example.net:587, 192.0.2.1:25 or [2001:db8::1]:25";
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::at(address.ip(), address.port()));
        }
        let (name, port) = text.rsplit_once(':').ok_or_else(|| Wrong::new("the port is missing", help))?;
        let port = port.parse().map_err(|_| Wrong::new("a port is a number from 0 to 65535", help))?;
        let name = name.parse().map_err(|_| Wrong::new("no name of a host", help))?;
        Ok(Self::named(name, port))
    }
}

impl FromText for Protocol {
    const WHAT: &'static str = "a protocol";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, [("smtp", Self::Smtp), ("lmtp", Self::Lmtp)].into_iter())
    }
}

impl FromText for TlsPolicy {
    const WHAT: &'static str = "a rule for TLS";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let all = [
            ("never", Self::Never),
            ("opportunistic", Self::Opportunistic),
            ("required", Self::Required),
            ("implicit", Self::Implicit),
        ];
        one_of(text, all.into_iter())
    }
}

impl FromText for EightBit {
    const WHAT: &'static str = "a rule for content beyond ASCII";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, [("convert", Self::Reencode), ("return", Self::Return)].into_iter())
    }
}

impl FromText for Solicitation {
    const WHAT: &'static str = "classes of solicitations";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        // RFC 3865 §4.1
        Self::new(text)
            .ok_or_else(|| Wrong::new("not such classes", "write \"org.example:ADV,net.example:ADV\""))
    }
}

impl FromText for Network {
    const WHAT: &'static str = "a network of addresses";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let network: Self = text.parse().map_err(|error| {
            Wrong::new(format!("{error}"), "write 192.0.2.0/24, 2001:db8::/32, or an address alone")
        })?;
        // Each key with networks says whom to believe.
        if network.is_everywhere() {
            return Err(Wrong::new(
                "these are all addresses there are",
                "name those that are to be believed",
            ));
        }
        Ok(network)
    }
}

/// Who one is to another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserName(pub(crate) String);

impl FromText for UserName {
    const WHAT: &'static str = "the name of a user";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text {
            "" => Err(Wrong::new("it is empty", "write the name, or leave the key out")),
            text => Ok(Self(text.to_owned())),
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Auto,
    Text,
    Json,
}

impl FromText for Format {
    const WHAT: &'static str = "a format";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        one_of(text, [("auto", Self::Auto), ("text", Self::Text), ("json", Self::Json)].into_iter())
    }
}

pub(super) fn one_of<T>(
    text: &str,
    all: impl Iterator<Item = (&'static str, T)> + Clone,
) -> Result<T, Wrong> {
    if let Some((_, value)) = all.clone().find(|(name, _)| *name == text) {
        return Ok(value);
    }
    let names = all.map(|(name, _)| name);
    let label = match nearest(text, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "no such thing".to_owned(),
    };
    Err(Wrong::new(label, format!("one of: {}", names.collect::<Vec<_>>().join(", "))))
}

/// What is logged. Known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(pub(crate) String);

impl FromText for Filter {
    const WHAT: &'static str = "a filter";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = "write a level, error, warn, info, debug or trace, or target=level,...";
        match EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(Wrong::new(error.to_string(), help)),
        }
    }
}

/// A number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> FromText for Count<MIN, MAX> {
    const WHAT: &'static str = "a number in bounds";

    fn from_text(_: &str) -> Result<Self, Wrong> {
        Err(Wrong::new("this is text", format!("a number from {MIN} to {MAX}, without quotes")))
    }

    fn from_number(number: i64) -> Option<Result<Self, Wrong>> {
        let count = u64::try_from(number).unwrap_or(0);
        Some(if (MIN..=MAX).contains(&count) && number >= 0 {
            Ok(Self(count))
        } else {
            Err(Wrong::new("out of bounds", format!("from {MIN} to {MAX}")))
        })
    }
}

/// Octets, within bounds: `"25 MiB"`, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    fn bounded(size: Option<u64>) -> Result<Self, Wrong> {
        let help =
            || format!("from {MIN} to {MAX} octets, as 4096, \"64 KiB\", \"25 MiB\", \"1 GiB\" or \"10 MB\"");
        match size {
            Some(size) if (MIN..=MAX).contains(&size) => Ok(Self(size)),
            Some(_) => Err(Wrong::new("out of bounds", help())),
            None => Err(Wrong::new("a number and a unit are wanted", help())),
        }
    }
}

impl<const MIN: u64, const MAX: u64> FromText for Size<MIN, MAX> {
    const WHAT: &'static str = "a size";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        Self::bounded(quantity(text).and_then(|(number, unit)| {
            let unit = match unit {
                "" | "B" => 1,
                "KiB" => 1 << 10,
                "MiB" => 1 << 20,
                "GiB" => 1 << 30,
                "kB" | "KB" => 1_000,
                "MB" => 1_000_000,
                "GB" => 1_000_000_000,
                _ => return None,
            };
            number.checked_mul(unit)
        }))
    }

    fn from_number(number: i64) -> Option<Result<Self, Wrong>> {
        Some(Self::bounded(u64::try_from(number).ok()))
    }
}

/// A time in seconds, within bounds: `"5m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time<const MIN: u64, const MAX: u64>(pub(crate) Duration);

impl<const MIN: u64, const MAX: u64> FromText for Time<MIN, MAX> {
    const WHAT: &'static str = "a time";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let help = || format!("from {MIN} to {MAX} seconds, as \"30s\", \"5m\", \"2h\" or \"1d\"");
        let seconds = quantity(text).and_then(|(number, unit)| {
            let unit = match unit {
                "s" => 1,
                "m" | "min" => 60,
                "h" => 3600,
                "d" => 86_400,
                _ => return None,
            };
            number.checked_mul(unit)
        });
        match seconds {
            Some(seconds) if (MIN..=MAX).contains(&seconds) => Ok(Self(Duration::from_secs(seconds))),
            Some(_) => Err(Wrong::new("out of bounds", help())),
            None => Err(Wrong::new("a number and a unit are wanted", help())),
        }
    }

    fn from_number(number: i64) -> Option<Result<Self, Wrong>> {
        Some(Err(Wrong::new("the unit is missing", format!("did you mean \"{number}s\"?"))))
    }
}

/// A number and what follows it.
fn quantity(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let size = |text| Size::<1, { 1 << 40 }>::from_text(text).ok().map(|size| size.0);
        assert_eq!(size("4096"), Some(4096));
        assert_eq!(
            (size("25 MiB"), size("25MiB"), size("10 MB")),
            (Some(25 << 20), Some(25 << 20), Some(10_000_000))
        );
        for wrong in ["", "MiB", "-1", "1.5 MiB", "1 mib", "99999999999999 GiB", "0", "2048 GiB"] {
            assert_eq!(size(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn times_have_units() {
        let time = |text| Time::<1, 86_400>::from_text(text).ok().map(|time| time.0.as_secs());
        assert_eq!(
            (time("90s"), time("5m"), time("1 h"), time("1d")),
            (Some(90), Some(300), Some(3600), Some(86_400))
        );
        for wrong in ["", "5", "5 minutes", "0s", "2d", "99999999999999999999s"] {
            assert_eq!(time(wrong), None, "{wrong:?}");
        }
    }
}
