//! The stages of a delivery, each with a timer of its own.

use std::fmt;
use std::time::Duration;

/// A stage of the conversation with another server, in their usual order. Those before
/// [`Greeting`](Self::Greeting) are the driver's, and are here so that all timers have one list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The name is looked up.
    Resolve,
    /// The connection is opened.
    Connect,
    /// TLS is negotiated, at once or behind STARTTLS.
    Tls,
    /// The peer's first word.
    Greeting,
    /// EHLO, HELO, LHLO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH, each step of it.
    Auth,
    /// Nothing is under way: the application has not said what is to be done.
    Idle,
    /// MAIL.
    Mail,
    /// RCPT, each of them.
    Rcpt,
    /// DATA, up to the 354.
    Data,
    /// The content.
    Body,
    /// From the end of the content to the answer to it.
    BodyEnd,
    /// RSET.
    Reset,
    /// QUIT.
    Quit,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: &'static [Self] = &[
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Greeting,
        Self::Hello,
        Self::StartTls,
        Self::Auth,
        Self::Idle,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::BodyEnd,
        Self::Reset,
        Self::Quit,
    ];

    /// As it stands in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Hello => "hello",
            Self::StartTls => "starttls",
            Self::Auth => "auth",
            Self::Idle => "idle",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::BodyEnd => "body-end",
            Self::Reset => "reset",
            Self::Quit => "quit",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How long each [`Stage`] may take, and the application.
///
/// The time for a reply begins when the command has been written, and ends when the whole reply has come,
/// however slowly it comes: a peer that sends an octet a second gains nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// [`Stage::Resolve`]; the driver's. Default 30 s.
    pub resolve: Duration,
    /// [`Stage::Connect`], each address; the driver's. Default 30 s.
    pub connect: Duration,
    /// [`Stage::Tls`]; the driver's. Default 1 min.
    pub tls: Duration,
    /// [`Stage::Greeting`]. Default 5 min (RFC 5321 §4.5.3.2.1).
    pub greeting: Duration,
    /// [`Stage::Hello`]. Default 5 min: the RFC names none, and servers look up our name meanwhile.
    pub hello: Duration,
    /// [`Stage::StartTls`]. Default 2 min.
    pub start_tls: Duration,
    /// [`Stage::Auth`], each step. Default 2 min.
    pub auth: Duration,
    /// [`Stage::Mail`]. Default 5 min (RFC 5321 §4.5.3.2.2).
    pub mail: Duration,
    /// [`Stage::Rcpt`], each recipient. Default 5 min (RFC 5321 §4.5.3.2.3).
    pub rcpt: Duration,
    /// [`Stage::Data`]. Default 2 min (RFC 5321 §4.5.3.2.4).
    pub data: Duration,
    /// [`Stage::Body`]: the longest that the peer reads nothing of the content, or less than
    /// [`Limits::progress`](super::Limits::progress), or does not answer a chunk.
    /// Default 3 min (RFC 5321 §4.5.3.2.5).
    pub body: Duration,
    /// [`Stage::BodyEnd`], each answer. Default 10 min (RFC 5321 §4.5.3.2.6): to give up here is to send the
    /// message twice, as a rule.
    pub body_end: Duration,
    /// [`Stage::Reset`]. Default 30 s.
    pub reset: Duration,
    /// [`Stage::Quit`]. Default 5 s: nothing depends on the answer.
    pub quit: Duration,
    /// [`Stage::Idle`]: how long a connection is kept for an application that has nothing to do; then QUIT is
    /// said. Default 2 min, less than the 5 that a server waits (RFC 5321 §4.5.3.2.7).
    pub idle: Duration,
    /// From a question to the application's answer, or to the next piece of the content; then AUTH is
    /// cancelled, the message is given up. Default 2 min.
    pub answer: Duration,
}

impl Timeouts {
    /// That of a stage.
    pub fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Resolve => self.resolve,
            Stage::Connect => self.connect,
            Stage::Tls => self.tls,
            Stage::Greeting => self.greeting,
            Stage::Hello => self.hello,
            Stage::StartTls => self.start_tls,
            Stage::Auth => self.auth,
            Stage::Idle => self.idle,
            Stage::Mail => self.mail,
            Stage::Rcpt => self.rcpt,
            Stage::Data => self.data,
            Stage::Body => self.body,
            Stage::BodyEnd => self.body_end,
            Stage::Reset => self.reset,
            Stage::Quit => self.quit,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            resolve: Duration::from_secs(30),
            connect: Duration::from_secs(30),
            tls: minutes(1),
            greeting: minutes(5),
            hello: minutes(5),
            start_tls: minutes(2),
            auth: minutes(2),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            body: minutes(3),
            body_end: minutes(10),
            reset: Duration::from_secs(30),
            quit: Duration::from_secs(5),
            idle: minutes(2),
            answer: minutes(2),
        }
    }
}
