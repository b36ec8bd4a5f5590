//! Where a session stands: what is known, what is asked, and what is coming.

use std::time::Instant;

use mailwright_core::TlsInfo;
use mailwright_core::framing::{DotReader, OctetReader};

use super::error::Error;
use super::event::{Aborted, Hello};
use crate::lines::Lines;
use crate::rejection::Rejection;

/// What is known of the client. TLS makes us forget it (RFC 3207 §4.2).
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) tls: Option<TlsInfo>,
    pub(super) hello: Option<Hello>,
    pub(super) authenticated: bool,
    /// It was told 554 in the place of a greeting.
    pub(super) is_unwelcome: bool,
    pub(super) transaction: Option<Transaction>,
    /// A line has come; before that, a peer that speaks another protocol is told so.
    pub(super) has_spoken: bool,
    pub(super) errors: u32,
    pub(super) idle_commands: u32,
    pub(super) transactions: u32,
}

/// Between MAIL and the end of the content.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) recipients: usize,
    pub(super) smtp_utf8: bool,
    /// BODY=BINARYMIME: the content may have any octets.
    pub(super) is_binary: bool,
    /// What has come of the content by BDAT and BURL, once it has begun.
    pub(super) content: Option<Content>,
}

#[derive(Debug)]
pub(super) enum State {
    /// A command is to come.
    Command,
    /// The response to a challenge is to come.
    AuthLine,
    /// The application has been asked; its ticket is open, or its answer is delayed.
    Asked(Asked),
    /// The content is coming, behind DATA.
    Body(Body),
    /// A chunk of it is coming, behind BDAT.
    Chunk(Chunk),
    /// 220 is said; TLS is to come.
    Upgrading,
    /// The last word is said.
    Closing,
    /// The last word is said, and it was a bad one.
    Failed(Error),
}

/// What the application was asked, with what its answer decides on.
#[derive(Debug)]
pub(super) enum Asked {
    Connect,
    Hello(Hello),
    Auth,
    XClient { is_logged_in: bool },
    Mail { smtp_utf8: bool, is_binary: bool },
    Rcpt,
    Data(Part),
    Burl { last: bool },
    Message,
    Deliveries { recipients: usize },
    Vrfy,
    Expn,
    Etrn,
}

/// What of the content is to follow.
#[derive(Debug)]
pub(super) enum Part {
    /// All of it, behind DATA.
    All,
    /// So many octets, behind BDAT.
    Chunk { size: u64, last: bool },
    /// What is to be had there.
    Url { url: String, last: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// What the peer is to do.
    Peer,
    /// What the application is to do.
    Application,
    /// A reply that waits.
    Delay,
}

/// A content that ends in a dot.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) reader: DotReader,
    pub(super) size: u64,
    /// When the content was asked for; `None` until the next poll tells the time.
    pub(super) since: Option<Instant>,
    /// The application has been told that it is worthless; the rest is thrown away.
    pub(super) aborted: Option<Aborted>,
}

/// A content of chunks, as far as it has come.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) size: u64,
    /// Not of BINARYMIME, which need not be made of lines.
    pub(super) lines: Option<Lines>,
}

/// A chunk that is coming. So many octets are taken off the input whatever is thought of them: what is refused is not to
/// be read as commands.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) octets: OctetReader,
    pub(super) size: u64,
    pub(super) last: bool,
    pub(super) since: Option<Instant>,
    /// What is said behind it, if it is worthless.
    pub(super) refused: Option<Refused>,
}

#[derive(Debug)]
pub(super) struct Refused {
    pub(super) rejection: Rejection,
    /// As many as the client waits for: in LMTP, behind the end of the content, one for each recipient (RFC 2033 §4.2).
    pub(super) replies: usize,
}

impl Body {
    pub(super) fn new() -> Self {
        Self { reader: DotReader::new(), size: 0, since: None, aborted: None }
    }
}

impl Content {
    pub(super) fn new(is_binary: bool) -> Self {
        Self { size: 0, lines: (!is_binary).then(Lines::default) }
    }
}

impl Chunk {
    pub(super) fn new(size: u64, last: bool, refused: Option<Refused>) -> Self {
        Self { octets: OctetReader::new(size), size, last, since: None, refused }
    }
}

/// What the application wants of a reply, besides its answer.
#[derive(Debug, Default)]
pub(super) struct Remark {
    /// In the place of the machine's own text.
    pub(super) text: Option<String>,
    pub(super) lines: Vec<String>,
    /// When it is said.
    pub(super) until: Option<Instant>,
}
