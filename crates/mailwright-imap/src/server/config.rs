//! What a server offers, and what it puts up with.

use std::time::Duration;

/// The configuration of a server, shared by its connections.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's name in the greeting; a fully-qualified domain name. Default `localhost`.
    pub hostname: String,
    /// STARTTLS is offered (RFC 9051 §6.2.1). Default off, as somebody has to provide the certificate.
    pub start_tls: bool,
    /// LOGIN is offered; without, LOGINDISABLED is told. Default on.
    pub login: bool,
    /// SASL mechanisms that are offered, by their IANA names; one that ends in `-PLUS` only where there is TLS to bind it
    /// to, see [`mechanisms_on`](mailwright_core::mechanisms_on). Default none.
    pub auth_mechanisms: Vec<String>,
    /// LOGIN and AUTHENTICATE are offered without TLS too, and passwords may be read on the way. Default off
    /// (RFC 9051 §11.1).
    pub login_without_tls: bool,
    /// What clients may send without waiting. Default [`Literals::Plus`].
    pub literals: Literals,
    /// What is told of this server by ID (RFC 2971): names and values. Default `name`, `mailwright`.
    pub id: Vec<(String, String)>,
    /// CREATE takes a special use (RFC 6154 §3). Default on.
    pub create_special_use: bool,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

/// Which literals a client may send without waiting for a continuation (RFC 7888).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literals {
    /// All: `LITERAL+`.
    Plus,
    /// Those of up to 4,096 octets: `LITERAL-`.
    Minus,
    /// None.
    Synchronizing,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            start_tls: false,
            login: true,
            auth_mechanisms: Vec::new(),
            login_without_tls: false,
            literals: Literals::Plus,
            id: vec![("name".to_owned(), "mailwright".to_owned())],
            create_special_use: true,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How much a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a command before the login, literals included. Default 40 KiB: an ID may be that long (RFC 2971
    /// §3.3). Cost: what a connection of whom nothing is known may buffer.
    pub command_before_login: usize,
    /// Octets of a command, literals but messages included. Default 64 KiB: sets of UIDs become long.
    pub command: usize,
    /// Octets of a response to a challenge. Default 12,288.
    pub auth_line: usize,
    /// Octets of a message in APPEND, told to the client as APPENDLIMIT (RFC 7889). Default 50 MiB.
    pub message: u64,
    /// Messages in an APPEND (RFC 3502). Default 100.
    pub messages_per_append: u32,
    /// Octets of refused literals that are thrown away, on one connection, before it is given up. Default 64 MiB.
    /// Cost: none, they are not kept.
    pub swallow: u64,
    /// The failed login after which the connection is given up. Default 5, the fifth.
    pub failed_logins: u32,
    /// Commands before the login that were refused, after which the connection is given up. Default 10.
    pub errors_before_login: u32,
    /// Commands that were refused (BAD), after which the connection is given up. Default 100.
    pub errors: u32,
    /// Octets of replies that wait to be written, above which no further command is taken, and a producer of
    /// messages should wait. Default 64 KiB. Cost: that much memory, and a piece of a message, for a client that
    /// does not read.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_before_login: 40 << 10,
            command: 64 << 10,
            auth_line: 12_288,
            message: 50 << 20,
            messages_per_append: 100,
            swallow: 64 << 20,
            failed_logins: 5,
            errors_before_login: 10,
            errors: 100,
            output: 64 << 10,
        }
    }
}

/// How long a client, and the application, may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// From a reply to the end of the next command before the login. Default 2 min.
    pub before_login: Duration,
    /// From a reply to the end of the next command. Default 30 min, the least that RFC 9051 §5.4 allows.
    pub command: Duration,
    /// From a challenge to the end of the response. Default 2 min.
    pub auth: Duration,
    /// From one piece of a message, or of a command, to the next. Default 5 min.
    pub literal: Duration,
    /// How long an IDLE may last: the client is to begin anew before that (RFC 2177 §3). Default 35 min.
    pub idle: Duration,
    /// How often the application is asked for changes in IDLE though it did not say that there are any, as hints
    /// may be lost. Default 60 s.
    pub idle_sync: Duration,
    /// From a question to the application's answer, and from one piece of it to the next; then the client is told
    /// that it failed, or cut off in the middle of a message. Time that the client takes to read is not counted:
    /// that is the driver's deadline. Default 2 min.
    pub answer: Duration,
    /// The same for questions that change what is stored, where a late answer means that the client takes for
    /// undone what is done. Default 8 min: longer than a store may take.
    pub commit_answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            before_login: Duration::from_secs(2 * 60),
            command: Duration::from_secs(30 * 60),
            auth: Duration::from_secs(2 * 60),
            literal: Duration::from_secs(5 * 60),
            idle: Duration::from_secs(35 * 60),
            idle_sync: Duration::from_secs(60),
            answer: Duration::from_secs(2 * 60),
            commit_answer: Duration::from_secs(8 * 60),
        }
    }
}
