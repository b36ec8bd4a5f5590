//! What a server offers, and what it puts up with.

use std::time::Duration;

use mailwright_core::framing::LineLimits;

/// The configuration of a server, shared by its connections.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's name in greetings and replies; a fully-qualified domain name (RFC 5321 §2.3.5).
    /// Default `localhost`.
    pub hostname: String,
    /// STARTTLS is offered (RFC 3207). Default off, as somebody has to provide the certificate.
    pub start_tls: bool,
    /// SASL mechanisms that are offered (RFC 4954), by their IANA names. Default none.
    pub auth_mechanisms: Vec<String>,
    /// They are offered without TLS too, and passwords may be read on the way. Default off.
    pub auth_without_tls: bool,
    /// MAIL needs AUTH first: for submission (RFC 6409 §4.3). Default off.
    pub auth_required: bool,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            start_tls: false,
            auth_mechanisms: Vec::new(),
            auth_without_tls: false,
            auth_required: false,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How much a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Command lines. Default 4,096 octets, 1 MiB discarded. RFC 5321 §4.5.3.1.4 asks for 512 at least.
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
    /// A body may take this long, and besides as long as its octets take at `body_min_rate`. Default 3 min
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
