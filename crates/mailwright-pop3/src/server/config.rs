//! What a server offers, and what it puts up with.

use std::time::Duration;

use mailwright_core::framing::LineLimits;

/// The configuration of a server, shared by its connections.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's name in greetings and replies; a fully-qualified domain name. Default `localhost`.
    pub hostname: String,
    /// STLS is offered (RFC 2595). Default off, as somebody has to provide the certificate.
    pub start_tls: bool,
    /// USER and PASS are offered (RFC 1939 §7). Default on.
    pub user_pass: bool,
    /// SASL mechanisms that are offered (RFC 5034), by their IANA names; one that ends in `-PLUS` only where there is TLS
    /// to bind it to, see [`mechanisms_on`](mailwright_core::mechanisms_on). Default none.
    pub auth_mechanisms: Vec<String>,
    /// USER, PASS and AUTH are offered without TLS too, and passwords may be read on the way. Default off
    /// (RFC 5034 §4).
    pub login_without_tls: bool,
    /// For how long messages stay, told to the client as EXPIRE (RFC 2449 §6.7). Default `None`, not told.
    /// The machine deletes nothing by itself.
    pub expire: Option<Expire>,
    /// How long a user has to wait between two logins, told to the client as LOGIN-DELAY in seconds (RFC 2449
    /// §6.5). Default `None`, not told. It is the application that refuses a login.
    pub login_delay: Option<Duration>,
    /// What runs here, told to the client as IMPLEMENTATION (RFC 2449 §6.9). Default `mailwright`; nothing is
    /// told if it is empty.
    pub implementation: String,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

/// For how long messages stay (RFC 2449 §6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expire {
    /// Until the client deletes them.
    Never,
    /// For this many days at least.
    Days(u32),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            start_tls: false,
            user_pass: true,
            auth_mechanisms: Vec::new(),
            login_without_tls: false,
            expire: None,
            login_delay: None,
            implementation: "mailwright".to_owned(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How much a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Command lines. Default 255 octets (RFC 2449 §4), 64 KiB discarded.
    pub line: LineLimits,
    /// Lines with a name, a password or a SASL response: USER, PASS, AUTH, and what follows a challenge.
    /// Default 12,288 octets, 1 MiB discarded; RFC 5034 §4 asks for what the mechanisms need. Cost: what a
    /// connection without a login may buffer.
    pub auth_line: LineLimits,
    /// The failed login after which the connection is given up. Default 5, the fifth.
    pub failed_logins: u32,
    /// Commands that were refused before the connection is given up. Default 20.
    pub errors: u32,
    /// Commands that get a client nowhere (NOOP, RSET, CAPA, STAT, USER) without others between them, before
    /// the connection, and with it the lock on the maildrop, is given up. Default 100.
    pub idle_commands: u32,
    /// Octets of replies that wait to be written, above which no further command is taken, no further line
    /// of a listing written, and a producer of messages should wait. Default 64 KiB. Cost: that much memory,
    /// and a piece of a message, for a client that does not read.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: LineLimits { max: 255, discard: 64 << 10 },
            auth_line: LineLimits { max: 12_288, ..LineLimits::default() },
            failed_logins: 5,
            errors: 20,
            idle_commands: 100,
            output: 64 << 10,
        }
    }
}

/// How long a client, and the application, may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// From a reply to the end of the next command, however slowly it comes: the autologout timer. Default 10
    /// min, the least that RFC 1939 §3 allows.
    pub command: Duration,
    /// From a challenge to the end of the response. Default 2 min.
    pub auth: Duration,
    /// From a question to the application's answer, and from one piece of a message to the next; then the
    /// client is told to try again, or cut off in the middle of a message. Time that the client takes to read
    /// is not counted: that is the driver's deadline. Default 2 min.
    pub answer: Duration,
    /// The same for the question whether messages are removed, where a late answer means that the client
    /// takes for kept what is gone. Default 8 min: longer than a store may take.
    pub commit_answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            command: Duration::from_secs(10 * 60),
            auth: Duration::from_secs(2 * 60),
            answer: Duration::from_secs(2 * 60),
            commit_answer: Duration::from_secs(8 * 60),
        }
    }
}
