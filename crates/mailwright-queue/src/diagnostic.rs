//! What was said, or seen, when a recipient was last tried.

use mailwright_core::{EnhancedCode, ReplyCode, Timestamp};

use crate::wire::{DecodeError, Reader, put_number, put_option, put_text, put_time};

/// How far an attempt had come. Each of these has a timeout of its own (RFC 5321 §4.5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AttemptStage {
    /// Finding the way: routes, DNS, policies.
    Route,
    /// Opening the connection.
    Connect,
    /// The server's greeting.
    Greeting,
    /// EHLO, HELO, LHLO.
    Hello,
    /// STARTTLS, or TLS from the beginning.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, until the server asks for the content.
    Data,
    /// The content on its way.
    Body,
    /// The answer to all of it.
    End,
}

impl AttemptStage {
    const ALL: [Self; 11] = [
        Self::Route,
        Self::Connect,
        Self::Greeting,
        Self::Hello,
        Self::Tls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::End,
    ];

    /// As a word for logs and traces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Hello => "hello",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::End => "end",
        }
    }

    /// Whether the server had not yet been asked about any message.
    pub fn is_before_mail(self) -> bool {
        self < Self::Mail
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    fn number(self) -> u8 {
        Self::ALL.iter().position(|stage| *stage == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }
}

/// What was said, or seen, when a recipient was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// When.
    pub at: Timestamp,
    /// How far the attempt had come.
    pub stage: AttemptStage,
    /// The reply's code; `None` if there was no reply, as when a connection breaks off.
    pub code: Option<ReplyCode>,
    /// The enhanced code: the server's, or the one that fits what was seen here.
    pub enhanced: Option<EnhancedCode>,
    /// The reply's text without codes, lines told apart by line feeds; or what was seen, in words. What is kept of
    /// it is bounded by [`SettleConfig::text_octets`](crate::SettleConfig::text_octets).
    pub text: String,
    /// The name of the server; `None` if none was reached.
    pub remote: Option<String>,
}

impl Diagnostic {
    /// Something seen here, without a server's reply.
    pub fn local(
        at: Timestamp,
        stage: AttemptStage,
        enhanced: EnhancedCode,
        text: impl Into<String>,
    ) -> Self {
        Self { at, stage, code: None, enhanced: Some(enhanced), text: text.into(), remote: None }
    }

    /// A server's reply.
    pub fn reply(
        at: Timestamp,
        stage: AttemptStage,
        remote: impl Into<String>,
        (code, enhanced): (ReplyCode, Option<EnhancedCode>),
        text: impl Into<String>,
    ) -> Self {
        Self { at, stage, code: Some(code), enhanced, text: text.into(), remote: Some(remote.into()) }
    }

    /// In a line, for people: who said what.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.remote.as_ref().map(|remote| format!("{remote}:")));
        parts.extend(self.code.map(|code| code.to_string()));
        parts.extend(self.enhanced.map(|enhanced| enhanced.to_string()));
        parts.extend(self.text.split(|c: char| c.is_control() || c == ' ').map(str::to_owned));
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }

    /// With no more than `octets` of each text.
    pub(crate) fn bounded(mut self, octets: usize) -> Self {
        self.text = cut(&self.text, octets).to_owned();
        self.remote = self.remote.map(|remote| cut(&remote, octets).to_owned());
        self
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_time(out, self.at);
        out.push(self.stage.number());
        put_option(out, self.code, |out, code| put_number(out, code.get().into()));
        put_option(out, self.enhanced, |out, enhanced| {
            out.push(enhanced.class());
            put_number(out, enhanced.subject().into());
            put_number(out, enhanced.detail().into());
        });
        put_text(out, &self.text);
        put_option(out, self.remote.as_deref(), put_text);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            at: reader.time()?,
            stage: AttemptStage::from_number(reader.octet()?).ok_or(DecodeError::Damaged)?,
            code: reader.option(|reader| ReplyCode::new(small(reader)?).ok_or(DecodeError::Damaged))?,
            enhanced: reader.option(|reader| {
                EnhancedCode::new(reader.octet()?, small(reader)?, small(reader)?).ok_or(DecodeError::Damaged)
            })?,
            text: reader.text()?.to_owned(),
            remote: reader.option(|reader| reader.text().map(str::to_owned))?,
        })
    }
}

fn small(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    u16::try_from(reader.number()?).map_err(|_| DecodeError::Damaged)
}

/// As much of `text` as fits into `octets`.
pub(crate) fn cut(text: &str, octets: usize) -> &str {
    text.get(..text.floor_char_boundary(octets)).unwrap_or_default()
}
