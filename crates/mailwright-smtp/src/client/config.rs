//! How a client speaks, and what it puts up with.

use mailwright_core::Domain;

use super::stage::Timeouts;
use crate::protocol::Protocol;

/// The configuration of a client, shared by its connections.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name that the client gives in EHLO: one that leads back to its address (RFC 5321 §2.3.5, §4.1.4).
    /// Default: none, see [`new`](Self::new).
    pub name: Domain,
    /// The protocol. Default SMTP.
    pub protocol: Protocol,
    /// Whether TLS is begun by STARTTLS, if it is not on already. Default opportunistic.
    pub start_tls: StartTls,
    /// Passwords are sent without TLS too, and may be read on the way: for a peer on the same machine. Default
    /// off.
    pub auth_without_tls: bool,
    /// Commands are sent in groups where the peer offers PIPELINING (RFC 2920). Default on.
    pub pipelining: bool,
    /// The content goes by BDAT where the peer offers CHUNKING (RFC 3030). Default on.
    pub chunking: bool,
    /// How much of everything.
    pub limits: Limits,
    /// How long for everything.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults, and this name.
    pub fn new(name: Domain) -> Self {
        Self {
            name,
            protocol: Protocol::default(),
            start_tls: StartTls::default(),
            auth_without_tls: false,
            pipelining: true,
            chunking: true,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Whether TLS is begun by STARTTLS (RFC 3207).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum StartTls {
    /// Not even if it is offered.
    Never,
    /// If it is offered. If it is refused, the session goes on without. Whoever is on the way can see to either.
    #[default]
    Opportunistic,
    /// Or nothing is sent.
    Required,
}

/// How much a server may say, and how much is sent ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a line of a reply, CRLF included. Default 4,096; RFC 5321 §4.5.3.1.5 has 512, SASL challenges
    /// may be longer (RFC 4954 §4). Cost: what one connection may buffer.
    pub reply_line: usize,
    /// Lines of a reply. Default 128: an EHLO reply has a line for each extension.
    pub reply_lines: usize,
    /// Octets of all lines of a reply. Default 16 KiB. Cost: that much memory until the reply is whole.
    pub reply: usize,
    /// Octets of the text that is kept of a reply in an outcome or an error; the rest is cut off. Default
    /// 1,024. Cost: that much memory a recipient, for as long as the application keeps the outcomes.
    pub reply_text: usize,
    /// Octets that wait to be written, above which no more is taken of the content, and no further command is
    /// put into a group. Default 64 KiB. Cost: that much memory for a peer that does not read.
    pub output: usize,
    /// Octets of our output that the peer has to read in the time of a stage, unless it reads all: one that reads an
    /// octet a second is as good as one that reads nothing. Default 1,024. Zero is taken for one.
    pub progress: usize,
    /// Octets of a BDAT chunk (RFC 3030 §2), at least 2. Default 64 KiB. Cost: as much memory while a message
    /// is sent, since a chunk's size is said before it.
    pub chunk: usize,
    /// Chunks that are sent ahead of their answers, if the peer offers PIPELINING; otherwise one. Default 8.
    /// Cost: traffic, if the first is refused.
    pub chunks_ahead: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply_line: 4096,
            reply_lines: 128,
            reply: 16 << 10,
            reply_text: 1024,
            output: 64 << 10,
            progress: 1024,
            chunk: 64 << 10,
            chunks_ahead: 8,
        }
    }
}
