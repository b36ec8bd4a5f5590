//! What a server offers, and what it puts up with.

use std::time::Duration;

use mailwright_core::framing::LineLimits;

use crate::protocol::Protocol;

/// The configuration of a server, shared by its connections.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's name in greetings and replies; a fully-qualified domain name (RFC 5321 §2.3.5).
    /// Default `localhost`.
    pub hostname: String,
    /// Default SMTP.
    pub protocol: Protocol,
    /// STARTTLS is offered (RFC 3207). Default off, as somebody has to provide the certificate.
    pub start_tls: bool,
    /// SASL mechanisms that are offered (RFC 4954), by their IANA names; one that ends in `-PLUS` only where there is TLS
    /// to bind it to, see [`mechanisms_on`](mailwright_core::mechanisms_on). Default none.
    pub auth_mechanisms: Vec<String>,
    /// They are offered without TLS too, and passwords may be read on the way. Default off.
    pub auth_without_tls: bool,
    /// MAIL needs AUTH first: for submission (RFC 6409 §4.3). Default off.
    pub auth_required: bool,
    /// A client that speaks before the greeting, or goes on before the answer to a command that must be the last of its
    /// group (RFC 2920 §3.1), is let go: what it goes on with may be somebody else's, and was sent without knowing the
    /// answer. Default on. Off, what comes early is taken as if it had come in time.
    pub refuse_early_input: bool,
    /// Which extensions are offered. Default: those that need nothing of an application, see [`Extensions`].
    pub extensions: Extensions,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            protocol: Protocol::Smtp,
            start_tls: false,
            auth_mechanisms: Vec::new(),
            auth_without_tls: false,
            auth_required: false,
            refuse_early_input: true,
            extensions: Extensions::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Which extensions are offered. What is not offered is refused: a parameter of it by 555, a command of it by 502.
///
/// On by default are those that an application need not know of. The others promise something that only an application
/// can keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extensions {
    /// PIPELINING (RFC 2920). Default on. Off, commands in groups are taken all the same.
    pub pipelining: bool,
    /// SIZE (RFC 1870). Default on. Off, the limit holds all the same, and clients do not know it.
    pub size: bool,
    /// 8BITMIME (RFC 6152). Default on.
    pub eight_bit_mime: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034). Default on. Off, replies have none.
    pub enhanced_status_codes: bool,
    /// CHUNKING (RFC 3030). Default on.
    pub chunking: bool,
    /// BINARYMIME (RFC 3030 §3), only with CHUNKING. Default off: the content then may have any octets, NUL and bare CR
    /// among them.
    pub binary_mime: bool,
    /// SMTPUTF8 (RFC 6531), only with 8BITMIME. Default off: addresses then may go beyond ASCII.
    pub smtp_utf8: bool,
    /// DSN (RFC 3461). Default off: reports then are owed.
    pub dsn: bool,
    /// REQUIRETLS (RFC 8689), only with TLS. Default off: such messages then must not go on without TLS.
    pub require_tls: bool,
    /// LIMITS (RFC 9422): how many recipients and transactions [`Limits`] allow. Default on.
    pub limits: bool,
    /// FUTURERELEASE (RFC 4865): for submission, and only in sessions that are told [until
    /// when](super::Server::holding_until). Default none.
    pub future_release: Option<FutureRelease>,
    /// DELIVERBY (RFC 2852), with the least time that a message may have to be delivered or returned; zero for no such
    /// limit. Default none.
    pub deliver_by: Option<Duration>,
    /// MT-PRIORITY (RFC 6710), with the name of the profile; empty for none. Default none.
    pub mt_priority: Option<String>,
    /// RRVS (RFC 7293). Default off.
    pub rrvs: bool,
    /// NO-SOLICITING (RFC 3865), with the classes that are not wanted; empty for none in particular. Default none.
    pub no_soliciting: Option<String>,
    /// BURL (RFC 4468), only with 8BITMIME, with what is said of the URLs that are taken, `imap` say. Default none.
    pub burl: Option<String>,
    /// ETRN (RFC 1985). Default off.
    pub etrn: bool,
    /// VRFY is put to the application. Default off: the answer is 252, which says neither yes nor no.
    pub vrfy: bool,
    /// EXPN is put to the application. Default off.
    pub expn: bool,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            pipelining: true,
            size: true,
            eight_bit_mime: true,
            enhanced_status_codes: true,
            chunking: true,
            binary_mime: false,
            smtp_utf8: false,
            dsn: false,
            require_tls: false,
            limits: true,
            future_release: None,
            deliver_by: None,
            mt_priority: None,
            rrvs: false,
            no_soliciting: None,
            burl: None,
            etrn: false,
            vrfy: false,
            expn: false,
        }
    }
}

/// How long a message may be held (RFC 4865 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FutureRelease {
    /// For how long; whole seconds, 1 to 999,999,999. `HOLDFOR` beyond it is refused; whether `HOLDUNTIL` is within it
    /// is for the application, which has a calendar.
    pub max_interval: Duration,
}

/// How much a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Command lines. Default 4,096 octets, 1 MiB discarded. RFC 5321 §4.5.3.1.4 asks for 512 at least, extensions for
    /// more.
    pub line: LineLimits,
    /// Lines within AUTH. Default 12,288 octets, 1 MiB discarded (RFC 4954 §4).
    pub auth_line: LineLimits,
    /// Octets of a message's content; told to the client as SIZE (RFC 1870). Default 25 MiB. Cost: none in
    /// the machine, which keeps no body.
    pub message_size: u64,
    /// Octets of a message that are read beyond `message_size`, to tell the client why at the end, before
    /// the connection is given up. Default 64 MiB. Cost: traffic.
    pub message_discard: u64,
    /// Recipients of a message, at least 100 (RFC 5321 §4.5.3.1.8). Default 1,000.
    pub recipients: usize,
    /// Messages over one connection. Default 10,000. Cost: none; those with many connections have more.
    pub transactions: u32,
    /// Commands that were refused for good (5yz) before the connection is given up. Default 20.
    pub errors: u32,
    /// Commands that get a client nowhere (NOOP, RSET, VRFY, HELP...) between two messages, before the
    /// connection is given up. Default 100.
    pub idle_commands: u32,
    /// Octets of replies that wait to be written, above which no further command is taken. Default 16 KiB.
    /// Cost: that much memory for a client that does not read.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: LineLimits::default(),
            auth_line: LineLimits { max: 12_288, ..LineLimits::default() },
            message_size: 25 << 20,
            message_discard: 64 << 20,
            recipients: 1000,
            transactions: 10_000,
            errors: 20,
            idle_commands: 100,
            output: 16 << 10,
        }
    }
}

/// How long a client, and the application, may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// From a reply to the end of the next command, however slowly it comes. Default 5 min (RFC 5321
    /// §4.5.3.2.7).
    pub command: Duration,
    /// From a challenge to the end of the response. Default 2 min.
    pub auth: Duration,
    /// A body, or a chunk, may take this long, and besides as long as its octets take at `body_min_rate`. Default 3 min
    /// (RFC 5321 §4.5.3.2.5).
    pub body_grace: Duration,
    /// Octets per second that a body must come at on average. Default 500. Cost of a low one: that few
    /// clients, sending slowly, hold many connections.
    pub body_min_rate: u32,
    /// From a question to the application's answer; then the client is told to try again. Default 2 min.
    pub answer: Duration,
    /// The same for the question whether a message is accepted, where a late answer may mean that the
    /// message is delivered twice. Default 8 min: longer than a store may take, shorter than the 10 min
    /// that a client waits (RFC 5321 §4.5.3.2.6).
    pub body_answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            command: Duration::from_secs(5 * 60),
            auth: Duration::from_secs(2 * 60),
            body_grace: Duration::from_secs(3 * 60),
            body_min_rate: 500,
            answer: Duration::from_secs(2 * 60),
            body_answer: Duration::from_secs(8 * 60),
        }
    }
}
