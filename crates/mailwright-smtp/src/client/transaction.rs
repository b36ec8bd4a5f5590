//! What is to be sent, and whether this server can be asked to take it.

use std::fmt;

use mailwright_core::{EnhancedCode, ForwardPath, ReversePath};
use thiserror::Error;

use super::capabilities::Capabilities;
use crate::params::{Body, EnvelopeId, Notify, OriginalRecipient, Ret, Xtext};

/// The envelope of one message. Its content is asked for when the server wants it.
///
/// What changes the meaning of a message (`body`, `smtp_utf8`, `require_tls`, notifications) is sent or else the
/// transaction is refused before an octet is written, see [`Unsendable`]; what is a hint (`size`, `auth`) is left
/// out where it was not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Where failures are reported to.
    pub from: ReversePath,
    /// Who is to get it, each with an [`Outcome`](super::Outcome) of its own, which names it by its place here. If
    /// there is nobody, nothing is said.
    pub recipients: Vec<Recipient>,
    /// Octets of the content, if they are known: `SIZE` (RFC 1870 §6).
    pub size: Option<u64>,
    /// What octets the content may have: `BODY` (RFC 6152).
    pub body: Option<Body>,
    /// Header or addresses go beyond ASCII: `SMTPUTF8` (RFC 6531 §3.4).
    pub smtp_utf8: bool,
    /// TLS is needed all the way: `REQUIRETLS` (RFC 8689 §4). Whether the peer's name was checked is for whoever
    /// has checked it.
    pub require_tls: bool,
    /// How much a report of failure returns: `RET`.
    pub ret: Option<Ret>,
    /// What the sender calls the transaction: `ENVID`.
    pub envid: Option<EnvelopeId>,
    /// Who has submitted it: `AUTH` (RFC 4954 §5).
    pub auth: Option<ReversePath>,
}

impl Transaction {
    /// Without parameters.
    pub fn new(from: ReversePath, recipients: Vec<Recipient>) -> Self {
        Self {
            from,
            recipients,
            size: None,
            body: None,
            smtp_utf8: false,
            require_tls: false,
            ret: None,
            envid: None,
            auth: None,
        }
    }

    /// Without what asks for notifications, for a server that does not know them. The client then tells the
    /// sender itself that the message was relayed (RFC 3461 §5.2.2).
    #[must_use]
    pub fn without_dsn(mut self) -> Self {
        (self.ret, self.envid) = (None, None);
        for recipient in &mut self.recipients {
            (recipient.notify, recipient.orcpt) = (None, None);
        }
        self
    }

    fn asks_for_dsn(&self) -> bool {
        let of_recipient = |recipient: &Recipient| recipient.notify.is_some() || recipient.orcpt.is_some();
        self.ret.is_some() || self.envid.is_some() || self.recipients.iter().any(of_recipient)
    }

    /// Whether a server that offers this can be asked.
    pub(super) fn check(&self, offered: &Capabilities, has_tls: bool) -> Result<(), Unsendable> {
        let needs_eight_bits = !matches!(self.body, None | Some(Body::SevenBit));
        for (needed, is_offered, extension) in [
            (needs_eight_bits, offered.eight_bit_mime, Extension::EightBitMime),
            (self.smtp_utf8, offered.smtp_utf8, Extension::SmtpUtf8),
            (self.asks_for_dsn(), offered.dsn, Extension::Dsn),
        ] {
            if needed && !is_offered {
                return Err(Unsendable::NotOffered(extension));
            }
        }
        if self.require_tls && !has_tls {
            return Err(Unsendable::NoTls);
        }
        if self.require_tls && !offered.require_tls {
            return Err(Unsendable::NotOffered(Extension::RequireTls));
        }
        match (self.size, offered.size) {
            (Some(size), Some(max)) if size > max => Err(Unsendable::TooBig { max }),
            _ => Ok(()),
        }
    }

    /// The MAIL command, without its end (RFC 5321 §4.1.1.2).
    pub(super) fn mail<'a>(&'a self, offered: &'a Capabilities) -> impl fmt::Display + 'a {
        MailCommand { transaction: self, offered }
    }
}

/// Who is to get a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address.
    pub to: ForwardPath,
    /// When the sender is told: `NOTIFY`.
    pub notify: Option<Notify>,
    /// The recipient as the sender named it: `ORCPT`.
    pub orcpt: Option<OriginalRecipient>,
}

impl Recipient {
    /// Without parameters.
    pub fn new(to: ForwardPath) -> Self {
        Self { to, notify: None, orcpt: None }
    }
}

/// The RCPT command, without its end (RFC 5321 §4.1.1.3).
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RCPT TO:{}", self.to)?;
        if let Some(notify) = self.notify {
            write!(f, " NOTIFY={notify}")?;
        }
        if let Some(orcpt) = &self.orcpt {
            write!(f, " ORCPT={orcpt}")?;
        }
        Ok(())
    }
}

struct MailCommand<'a> {
    transaction: &'a Transaction,
    offered: &'a Capabilities,
}

impl fmt::Display for MailCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transaction, offered } = self;
        write!(f, "MAIL FROM:{}", transaction.from)?;
        if let (Some(size), Some(_)) = (transaction.size, offered.size) {
            write!(f, " SIZE={size}")?;
        }
        match transaction.body {
            Some(Body::SevenBit) if offered.eight_bit_mime => f.write_str(" BODY=7BIT")?,
            Some(Body::EightBitMime) => f.write_str(" BODY=8BITMIME")?,
            _ => {}
        }
        if transaction.smtp_utf8 {
            f.write_str(" SMTPUTF8")?;
        }
        if transaction.require_tls {
            f.write_str(" REQUIRETLS")?;
        }
        if let Some(ret) = transaction.ret {
            write!(f, " RET={ret}")?;
        }
        if let Some(envid) = &transaction.envid {
            write!(f, " ENVID={envid}")?;
        }
        match &transaction.auth {
            Some(auth) if !offered.auth.is_empty() => match auth.address() {
                Some(address) => write!(f, " AUTH={}", Xtext(&address.to_string())),
                None => f.write_str(" AUTH=<>"),
            },
            _ => Ok(()),
        }
    }
}

/// An extension that a message needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// 8BITMIME: the content has octets beyond ASCII. It may be encoded anew (RFC 6152 §3).
    EightBitMime,
    /// SMTPUTF8.
    SmtpUtf8,
    /// DSN: see [`Transaction::without_dsn`].
    Dsn,
    /// REQUIRETLS.
    RequireTls,
}

impl Extension {
    /// The keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::EightBitMime => "8BITMIME",
            Self::SmtpUtf8 => "SMTPUTF8",
            Self::Dsn => "DSN",
            Self::RequireTls => "REQUIRETLS",
        }
    }
}

/// Why this server cannot be asked to take a message. It was not asked; the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Unsendable {
    /// It does not offer what the message needs.
    #[error("the server does not offer {}", .0.keyword())]
    NotOffered(Extension),
    /// The message is larger than it takes (RFC 1870 §6).
    #[error("the message is larger than the {max} octets that the server takes")]
    TooBig {
        /// Octets that it takes.
        max: u64,
    },
    /// The message needs TLS, and there is none (RFC 8689 §4.2.1).
    #[error("the message needs TLS")]
    NoTls,
}

impl Unsendable {
    /// The code for a report about it.
    pub fn enhanced(self) -> Option<EnhancedCode> {
        let (subject, detail) = match self {
            // RFC 3463 §3.7: conversion is required but not supported.
            Self::NotOffered(Extension::EightBitMime) => (6, 3),
            // RFC 6531 §3.5: a UTF-8 header, and a server that has no use for it.
            Self::NotOffered(Extension::SmtpUtf8) => (6, 9),
            Self::NotOffered(Extension::Dsn) => (3, 3),
            // RFC 8689 §4.2.1.
            Self::NotOffered(Extension::RequireTls) => (7, 30),
            Self::NoTls => (7, 10),
            Self::TooBig { .. } => (3, 4),
        };
        EnhancedCode::new(5, subject, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Transaction {
        let to = ForwardPath::Address("\"c d\"@e.example".parse().unwrap());
        let recipient = Recipient {
            to,
            notify: Some(Notify::on(true, true, false)),
            orcpt: Some(OriginalRecipient::new("rfc822", "x@y").unwrap()),
        };
        Transaction {
            size: Some(10),
            body: Some(Body::EightBitMime),
            smtp_utf8: true,
            require_tls: true,
            ret: Some(Ret::Headers),
            envid: Some(EnvelopeId::new("QQ 314159").unwrap()),
            auth: Some(ReversePath::Address("a=b@c.example".parse().unwrap())),
            ..Transaction::new(ReversePath::Null, vec![recipient])
        }
    }

    fn all() -> Capabilities {
        Capabilities {
            size: Some(10),
            eight_bit_mime: true,
            smtp_utf8: true,
            dsn: true,
            require_tls: true,
            auth: vec!["PLAIN".to_owned()],
            ..Capabilities::default()
        }
    }

    #[test]
    fn what_is_offered_is_written() {
        let transaction = full();
        assert_eq!(
            transaction.mail(&all()).to_string(),
            "MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=QQ+20314159 AUTH=a+3Db@c.example"
        );
        assert_eq!(
            transaction.recipients.first().unwrap().to_string(),
            "RCPT TO:<\"c d\"@e.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y"
        );
        let hints = Transaction {
            size: Some(10),
            body: Some(Body::SevenBit),
            auth: Some(ReversePath::Null),
            ..Transaction::new(ReversePath::Null, vec![])
        };
        assert_eq!(hints.mail(&Capabilities::default()).to_string(), "MAIL FROM:<>");
        assert_eq!(hints.mail(&all()).to_string(), "MAIL FROM:<> SIZE=10 BODY=7BIT AUTH=<>");
    }

    #[test]
    fn what_is_not_offered_is_not_sent() {
        use Unsendable::{NoTls, NotOffered, TooBig};
        let lacking = |lack: fn(&mut Capabilities)| {
            let mut offered = all();
            lack(&mut offered);
            full().check(&offered, true)
        };
        assert_eq!(full().check(&all(), true), Ok(()));
        assert_eq!(full().check(&all(), false), Err(NoTls));
        assert_eq!(lacking(|o| o.eight_bit_mime = false), Err(NotOffered(Extension::EightBitMime)));
        assert_eq!(lacking(|o| o.smtp_utf8 = false), Err(NotOffered(Extension::SmtpUtf8)));
        assert_eq!(lacking(|o| o.dsn = false), Err(NotOffered(Extension::Dsn)));
        assert_eq!(lacking(|o| o.require_tls = false), Err(NotOffered(Extension::RequireTls)));
        assert_eq!(lacking(|o| o.size = Some(9)), Err(TooBig { max: 9 }));
        assert_eq!(lacking(|o| o.size = None), Ok(()));
        let offered = Capabilities { dsn: false, ..all() };
        assert_eq!(full().without_dsn().check(&offered, true), Ok(()));
        assert_eq!(TooBig { max: 9 }.enhanced().unwrap().to_string(), "5.3.4");
    }
}
