//! What is served at a socket.

use mailwright_smtp::Solicitation;
use mailwright_tokio::Network;

use crate::service::{Auth, Service};

/// What is served at a socket, and by which rules of its own. A [`Service`] is one that has none.
///
/// ```
/// use mailwright_server::{Auth, Listener, Server, Service};
///
/// let mut large = Listener::new(Service::Submissions);
/// large.message_size = Some(100 << 20);
/// let server = Server::new("mx.example.org")
///     .listen(Service::Smtp, ([127, 0, 0, 1], 2525))
///     .listen(large, ([127, 0, 0, 1], 2465))
///     .listen(Listener::new(Service::Smtp).auth(Auth::Offered), ([127, 0, 0, 1], 2526));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listener {
    /// What it speaks.
    pub service: Service,
    /// Whether users log in to send. Default: as the service has it, [`Service::auth`]. Where mail is read it says
    /// nothing.
    pub auth: Auth,
    /// Octets of a message that is taken here (RFC 1870). Default `None`: as many as anywhere, by
    /// [`Settings::smtp_limits`](crate::Settings::smtp_limits).
    pub message_size: Option<u64>,
    /// Recipients of a message that is taken here, at least 100 (RFC 5321 §4.5.3.1.8). Default `None`: as many as
    /// anywhere.
    pub recipients: Option<usize>,
    /// Proxies in front of it: what comes from these addresses begins with a PROXY header, which says who the client is,
    /// and comes from nobody without one. Default none.
    pub proxies: Vec<Network>,
    /// Programs at these addresses may tell who their client is by XCLIENT, and that it has logged in. **Whoever is there
    /// can pretend to be anybody.** Default none. Where mail is read it says nothing.
    pub xclient: Vec<Network>,
    /// Whether users who have logged in are told whose an address is (VRFY), and whom an alias leads to (EXPN). Default
    /// no: VRFY then says neither yes nor no to anybody (RFC 5321 §3.5.3, §7.3), and there is no EXPN.
    pub lookups: bool,
    /// Servers at these addresses may ask by ETRN that what waits for a domain is sent (RFC 1985); it goes the way that
    /// mail for the domain always goes. Default none.
    pub etrn: Vec<Network>,
    /// Classes of solicitations that are not taken here (RFC 3865). Default none.
    pub no_soliciting: Option<Solicitation>,
}

impl Listener {
    /// Without rules of its own.
    pub fn new(service: Service) -> Self {
        Self {
            service,
            auth: service.auth(),
            message_size: None,
            recipients: None,
            proxies: Vec::new(),
            xclient: Vec::new(),
            lookups: false,
            etrn: Vec::new(),
            no_soliciting: None,
        }
    }

    /// Where users log in otherwise than the service has it.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }
}

impl From<Service> for Listener {
    fn from(service: Service) -> Self {
        Self::new(service)
    }
}
