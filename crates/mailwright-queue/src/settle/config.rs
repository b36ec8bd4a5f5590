//! How attempts are settled.

use std::time::Duration;

use mailwright_core::{Address, Domain};

use crate::accept::AcceptConfig;
use crate::retry::RetryConfig;

/// How attempts are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettleConfig {
    /// The name of this server, in reports. Default: none, [`new`](Self::new) is given it.
    pub host: Domain,
    /// Who answers for it: From of the reports (RFC 3464 §2). Default: none, [`new`](Self::new) is given it.
    pub from: Address,
    /// When to try again, and when to give up.
    pub retry: RetryConfig,
    /// How reports become entries themselves.
    pub accept: AcceptConfig,
    /// How long after its arrival, or its release (RFC 4865), the sender of a message is told, once, that it is delayed.
    /// Default: 4 hours. `None` tells nobody.
    pub warn_after: Option<Duration>,
    /// Octets of a message up to which all of it is returned with a report of failure although RET does not say so.
    /// Default: 64 KiB. Beyond it the header is.
    pub return_unasked: u64,
    /// Octets of a message up to which it is returned if RET=FULL asks for it. Default: 25 MiB. RFC 3461 §6.2 allows
    /// such a bound.
    pub return_asked: u64,
    /// Who is told when a report itself, or other mail without sender, fails: a double bounce. Default: `None`, nobody;
    /// the trace tells it.
    pub double_bounces_to: Option<Address>,
    /// Octets kept of what a server says, for each recipient. Default: 1,000. A store takes 8 KiB of all that is kept
    /// of one.
    pub text_octets: usize,
}

impl SettleConfig {
    /// With the defaults, for the server `host`, for which `from` answers: `postmaster@` it, most often.
    pub fn new(host: Domain, from: Address) -> Self {
        Self {
            host,
            from,
            retry: RetryConfig::default(),
            accept: AcceptConfig::default(),
            warn_after: Some(Duration::from_secs(4 * 3_600)),
            return_unasked: 64 << 10,
            return_asked: 25 << 20,
            double_bounces_to: None,
            text_octets: 1_000,
        }
    }
}
