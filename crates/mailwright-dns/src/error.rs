//! Why there is no answer.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why there is no answer.
///
/// Two of the kinds are answers themselves, and final: what is asked for does not exist. All others say that nobody
/// could tell, and mail must wait ([`is_temporary`](Self::is_temporary)).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// There is no such name, with records of whatever type (NXDOMAIN).
    #[error("there is no such domain")]
    NoSuchDomain {
        /// How long this may be remembered (RFC 2308 §5); `None` if the server did not say, and then not at all.
        ttl: Option<Duration>,
    },
    /// The name exists, and has no records of this type (NODATA, RFC 2308 §2.2).
    #[error("the domain has no such records")]
    NoRecords {
        /// How long this may be remembered (RFC 2308 §5); `None` if the server did not say, and then not at all.
        ttl: Option<Duration>,
    },
    /// The server could not find out (SERVFAIL).
    #[error("the name server failed to find out{}", explained(*.info))]
    ServerFailure {
        /// Why, in the numbers of RFC 8914 §4, if the server said so: 6 is "DNSSEC bogus", 22 "no reachable
        /// authority".
        info: Option<u16>,
    },
    /// The server does not want to tell us (REFUSED).
    #[error("the name server refused to answer{}", explained(*.info))]
    Refused {
        /// Why, in the numbers of RFC 8914 §4, if the server said so.
        info: Option<u16>,
    },
    /// The server answered with another error (RFC 1035 §4.1.1): 1 is FORMERR, 4 is NOTIMP.
    #[error("the name server answered with error {0}")]
    OtherCode(u16),
    /// No server answered in time.
    #[error("no name server answered in time")]
    Timeout,
    /// No server could be reached.
    #[error("no name server could be reached: {0}")]
    Unreachable(io::ErrorKind),
    /// What the server sent is not an answer to what it was asked.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is nobody to ask.
    #[error("no name server is configured")]
    NoServers,
}

impl LookupError {
    /// Whether the same question may have an answer later. No mail may be refused for good because of one of these
    /// (RFC 5321 §5.1).
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::NoSuchDomain { .. } | Self::NoRecords { .. })
    }

    /// How long it may be remembered, if it is an answer.
    pub(crate) fn ttl(&self) -> Option<Duration> {
        match self {
            Self::NoSuchDomain { ttl } | Self::NoRecords { ttl } => *ttl,
            _ => None,
        }
    }

    /// The same, to be remembered for another time if it is an answer.
    pub(crate) fn with_ttl(self, ttl: Duration) -> Self {
        match self {
            Self::NoSuchDomain { .. } => Self::NoSuchDomain { ttl: Some(ttl) },
            Self::NoRecords { .. } => Self::NoRecords { ttl: Some(ttl) },
            other => other,
        }
    }
}

/// What is wrong with what a server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It is no message of the DNS.
    #[error("the name server sent no DNS message")]
    Undecodable,
    /// It answers another question.
    #[error("the name server answered another question")]
    OtherQuestion,
    /// It refers us to other servers: it is no recursive server.
    #[error("the name server only refers to others")]
    Referral,
    /// It is cut off, although it came over TCP.
    #[error("the name server sent half an answer")]
    Truncated,
    /// The name leads from alias to alias, in a circle or for longer than
    /// [`HickoryConfig::aliases`](crate::HickoryConfig::aliases).
    #[error("the name leads from alias to alias")]
    TooManyAliases,
    /// It has more records than [`HickoryConfig::records`](crate::HickoryConfig::records).
    #[error("the answer has too many records")]
    TooManyRecords,
    /// Its records name no hosts: they have names that are no [`Name`](crate::Name).
    #[error("the records have names that cannot be used")]
    UnusableName,
}

fn explained(info: Option<u16>) -> String {
    info.map(|info| format!(" (extended error {info})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    /// RFC 5321 §5.1
    fn only_what_does_not_exist_is_final() {
        use LookupError::*;
        for last in [NoSuchDomain { ttl: None }, NoRecords { ttl: None }] {
            assert!(!last.is_temporary(), "{last}");
        }
        for first in [
            ServerFailure { info: None },
            Refused { info: None },
            OtherCode(4),
            Timeout,
            Unreachable(io::ErrorKind::ConnectionRefused),
            Malformed(super::Malformed::Undecodable),
            NoServers,
        ] {
            assert!(first.is_temporary(), "{first}");
        }
    }

    #[test]
    fn the_reason_of_a_failure_is_shown() {
        let shown = LookupError::ServerFailure { info: Some(6) }.to_string();
        assert_eq!(shown, "the name server failed to find out (extended error 6)");
    }
}
