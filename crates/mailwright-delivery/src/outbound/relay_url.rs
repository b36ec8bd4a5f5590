//! Relays as URLs: `smtps://app@relay.example.org?secret_file=/run/secrets/relay`.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

use mailwright_auth::Credentials;
use mailwright_core::{Domain, Secret};
use thiserror::Error;

use super::route::{Pattern, Relay, RelayHost, Route, TlsPolicy, Way};

/// RFC 8314 §7.3
const SUBMISSIONS: u16 = 465;
/// RFC 6409 §3.1
const SUBMISSION: u16 = 587;

/// Octets of a secret.
const SECRET_MAX: u64 = 4096;

/// Why a text is no URL of a relay. It shows nothing of the text but paths and names of variables, since a password may
/// have been written there.
#[derive(Debug, Error)]
#[error("{fault} (octet {at} of the URL)")]
pub struct InvalidRelayUrl {
    /// Where, counted in octets from zero.
    pub at: usize,
    /// What is wrong.
    #[source]
    pub fault: RelayUrlFault,
}

/// What is wrong with the URL of a relay.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RelayUrlFault {
    /// Neither `smtp://` nor `smtps://`.
    #[error("the URL of a relay begins with smtps:// or smtp://")]
    Scheme,
    /// The user is empty, has a control character, or an escape of it is none.
    #[error("the user is one or more characters, of which @ : / ? # and % stand as %40 %3A %2F %3F %23 %25")]
    User,
    /// There is a password in the URL.
    #[error("a password does not stand in a URL: write secret_file=PATH or secret_env=VARIABLE")]
    Password,
    /// No name of a host, no IPv4 address, and no IPv6 address in brackets.
    #[error("the host is a name, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// No port.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// There is a path or a fragment.
    #[error("behind the host stand only parameters")]
    Path,
    /// No such parameter, or no value, or it stands there twice.
    #[error("the parameters are tls, secret_file and secret_env, each NAME=VALUE, and each once")]
    Parameter,
    /// No such rule.
    #[error("tls is never, opportunistic or required; with smtps:// it is implicit, and not said")]
    Tls,
    /// A user without a secret.
    #[error("a user needs a secret: secret_file=PATH or secret_env=VARIABLE")]
    NoSecret,
    /// A secret without a user.
    #[error("a secret needs a user: smtps://USER@HOST")]
    NoUser,
    /// It may be read on the way.
    #[error("a secret is sent by TLS only: leave tls out, or write tls=required")]
    SecretInTheClear,
    /// The file cannot be read.
    #[error("{}: {cause}", path.display())]
    SecretFile {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The variable is not set.
    #[error("there is no variable {name}")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// It is empty, has several lines or a NUL, or is over 4,096 octets long.
    #[error("there stands no secret: one line is wanted, of at most {SECRET_MAX} octets")]
    Secret,
}

impl Route {
    /// All mail by one server, named by a [URL](Relay::from_url). Before other routes, or for some domains only:
    /// `Route { pattern: ".partner.example".parse()?, ..Route::smarthost(url)? }`.
    ///
    /// # Errors
    /// If the URL is none, or the secret cannot be read.
    pub fn smarthost(url: &str) -> Result<Self, InvalidRelayUrl> {
        Ok(Self::new(Pattern::Any, Way::Relay(Relay::from_url(url)?)))
    }

    /// All mail by MX: what is done without any route.
    pub fn mx() -> Self {
        Self::new(Pattern::Any, Way::Mx)
    }
}

impl Relay {
    /// A server named by a URL:
    ///
    /// ```text
    /// smtps://USER@HOST:PORT?secret_file=PATH     TLS from the beginning; port 465 (RFC 8314)
    /// smtp://USER@HOST:PORT?secret_env=VARIABLE   TLS by STARTTLS, or nothing is sent; port 587 (RFC 6409)
    /// smtp://HOST:25?tls=opportunistic            tls is never, opportunistic or required, as in a route
    /// ```
    ///
    /// Either is with a user and where the secret stands, or without both. USER and PATH may have percent escapes
    /// (RFC 3986 §2.1). The secret is one line, and read once: here, so this blocks while a file is read.
    ///
    /// ```
    /// use mailwright_delivery::outbound::Relay;
    ///
    /// let relay = Relay::from_url("smtp://relay.example.org:25?tls=opportunistic")?;
    /// assert_eq!(relay.hosts[0].port, 25);
    /// assert!(Relay::from_url("smtps://app:secret@relay.example.org").is_err());
    /// # Ok::<_, mailwright_delivery::outbound::InvalidRelayUrl>(())
    /// ```
    ///
    /// # Errors
    /// If the text is no such URL, or the secret cannot be read.
    pub fn from_url(url: &str) -> Result<Self, InvalidRelayUrl> {
        Url(url).relay()
    }
}

/// What a URL is read from: all parts are slices of it.
struct Url<'a>(&'a str);

impl<'a> Url<'a> {
    fn relay(&self) -> Result<Relay, InvalidRelayUrl> {
        let wrong = |part, fault| Err(self.wrong(part, fault));
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return wrong(self.0, RelayUrlFault::Scheme);
        };
        let (usual, port) = match scheme.to_ascii_lowercase().as_str() {
            "smtps" => (TlsPolicy::Implicit, SUBMISSIONS),
            "smtp" => (TlsPolicy::Required, SUBMISSION),
            _ => return wrong(scheme, RelayUrlFault::Scheme),
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let query = match rest.split_at_checked(1) {
            Some(("?", query)) => Some(query),
            Some(_) => return wrong(rest, RelayUrlFault::Path),
            None => None,
        };
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(self.user(user)?), host),
            None => (None, authority),
        };
        let host = self.host(host, port)?;
        let Parameters { tls, secret } = self.parameters(query)?;
        let tls = match (tls, usual) {
            (None, usual) => usual,
            (Some((_, tls)), TlsPolicy::Required) => tls,
            (Some((part, _)), _) => return wrong(part, RelayUrlFault::Tls),
        };
        let credentials = match (user, secret) {
            (None, None) => None,
            (Some(_), None) => return wrong(authority, RelayUrlFault::NoSecret),
            (None, Some((part, _))) => return wrong(part, RelayUrlFault::NoUser),
            (Some(_), Some((part, _))) if matches!(tls, TlsPolicy::Never | TlsPolicy::Opportunistic) => {
                return wrong(part, RelayUrlFault::SecretInTheClear);
            }
            (Some(user), Some((part, place))) => {
                let password = place.read().map_err(|fault| self.wrong(part, fault))?;
                Some(Credentials { user, authzid: None, password })
            }
        };
        Ok(Relay { tls, credentials, ..Relay::new(host) })
    }

    fn wrong(&self, part: &str, fault: RelayUrlFault) -> InvalidRelayUrl {
        let at = part.as_ptr().addr().saturating_sub(self.0.as_ptr().addr());
        InvalidRelayUrl { at, fault }
    }

    fn user(&self, user: &str) -> Result<String, InvalidRelayUrl> {
        if let Some(colon) = user.find(':') {
            return Err(self.wrong(user.split_at(colon).1, RelayUrlFault::Password));
        }
        let decoded = decode(user).filter(|user| !user.is_empty() && !user.contains(char::is_control));
        decoded.ok_or_else(|| self.wrong(user, RelayUrlFault::User))
    }

    /// `host [ ":" port ]` (RFC 3986 §3.2)
    fn host(&self, text: &'a str, usual: u16) -> Result<RelayHost, InvalidRelayUrl> {
        let no_host = || self.wrong(text, RelayUrlFault::Host);
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            Some(port) => {
                // `u16` would take a sign.
                let digits = Some(port).filter(|port| port.bytes().all(|digit| digit.is_ascii_digit()));
                let number = digits.and_then(|digits| digits.parse().ok()).filter(|&number| number > 0);
                number.ok_or_else(|| self.wrong(port, RelayUrlFault::Port))?
            }
            None => usual,
        };
        if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            let address: Ipv6Addr = address.parse().map_err(|_| no_host())?;
            return Ok(RelayHost::at(address.into(), port));
        }
        if host.contains(':') {
            return Err(no_host());
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(RelayHost::at(address, port));
        }
        // Stricter than names of the DNS are: a host's.
        let host: Domain = host.parse().map_err(|_| no_host())?;
        Ok(RelayHost::named((&host).try_into().map_err(|_| no_host())?, port))
    }

    fn parameters(&self, query: Option<&'a str>) -> Result<Parameters<'a>, InvalidRelayUrl> {
        let mut found = Parameters { tls: None, secret: None };
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            let wrong = |fault| self.wrong(part, fault);
            let unknown = || wrong(RelayUrlFault::Parameter);
            let (name, value) = part.split_once('=').ok_or_else(unknown)?;
            let value = decode(value).filter(|value| !value.is_empty()).ok_or_else(unknown)?;
            match name {
                "tls" if found.tls.is_none() => {
                    let tls = match value.as_str() {
                        "never" => TlsPolicy::Never,
                        "opportunistic" => TlsPolicy::Opportunistic,
                        "required" => TlsPolicy::Required,
                        _ => return Err(wrong(RelayUrlFault::Tls)),
                    };
                    found.tls = Some((part, tls));
                }
                "secret_file" if found.secret.is_none() => {
                    found.secret = Some((part, Place::File(value.into())));
                }
                "secret_env" if found.secret.is_none() => {
                    found.secret = Some((part, Place::Variable(value)));
                }
                _ => return Err(unknown()),
            }
        }
        Ok(found)
    }
}

/// Each with where it stands.
struct Parameters<'a> {
    tls: Option<(&'a str, TlsPolicy)>,
    secret: Option<(&'a str, Place)>,
}

/// Where a secret stands.
enum Place {
    File(PathBuf),
    Variable(String),
}

impl Place {
    fn read(self) -> Result<Secret, RelayUrlFault> {
        match self {
            Self::File(path) => {
                let mut octets = Vec::new();
                let read = |file: File| io::copy(&mut file.take(SECRET_MAX + 1), &mut octets);
                if let Err(cause) = File::open(&path).and_then(read) {
                    return Err(RelayUrlFault::SecretFile { path, cause });
                }
                line(octets)
            }
            Self::Variable(name) => match env::var_os(&name) {
                Some(text) => line(text.into_encoded_bytes()),
                None => Err(RelayUrlFault::NoVariable { name }),
            },
        }
    }
}

/// A line, without its end.
fn line(octets: Vec<u8>) -> Result<Secret, RelayUrlFault> {
    // Wiped when it is dropped.
    let text = Secret::new(octets);
    let octets = text.expose();
    let end = octets.iter().rposition(|octet| !b"\r\n".contains(octet)).map_or(0, |last| last + 1);
    let line = octets.get(..end).unwrap_or_default();
    let is_line = !line.is_empty() && !line.iter().any(|octet| b"\r\n\0".contains(octet));
    if !is_line || line.len() as u64 > SECRET_MAX {
        return Err(RelayUrlFault::Secret);
    }
    Ok(Secret::from(line))
}

/// Percent escapes (RFC 3986 §2.1). `None` if one is none, or they are no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut octets = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        octets.push(u8::from_str_radix(digits, 16).ok()?);
        octets.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(octets).ok()
}
