//! What a report says.

use std::ops::Range;

use mailwright_core::{Address, Domain, EnhancedCode, ReplyCode, Timestamp, TraceId};

/// A delivery status notification: what became of one message, for one recipient or several.
///
/// It goes to `to` with the null reverse-path, always (RFC 3461 §6.1, RFC 5321 §4.5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Who reports: the name of this server (RFC 3464 §2.2.2).
    pub reporting_mta: Domain,
    /// Who answers for this server: the address in From (RFC 3464 §2).
    pub from: Address,
    /// The reverse-path of the message (RFC 3464 §2).
    pub to: Address,
    /// ENVID, decoded (RFC 3464 §2.2.1, RFC 3461 §4.4).
    pub envelope_id: Option<String>,
    /// When the message arrived here (RFC 3464 §2.2.5).
    pub arrived: Option<Timestamp>,
    /// Until when its sender wanted it held, if so: `for;60`, `until;2026-11-23T08:00:00Z` (RFC 4865 §5.1.2).
    pub future_release: Option<String>,
    /// The message's trace, which those who run this server can look up.
    pub trace: Option<TraceId>,
    /// Whether the message was sent with SMTPUTF8. Its report then needs SMTPUTF8 too (RFC 6533 §4.5).
    pub utf8: bool,
    /// What of the message is returned.
    pub returned: Option<Returned>,
    first: ReportRecipient,
    others: Vec<ReportRecipient>,
}

impl DeliveryReport {
    /// About one recipient; there is no report about none. All that is optional is left out.
    pub fn new(reporting_mta: Domain, from: Address, to: Address, recipient: ReportRecipient) -> Self {
        Self {
            reporting_mta,
            from,
            to,
            envelope_id: None,
            arrived: None,
            future_release: None,
            trace: None,
            utf8: false,
            returned: None,
            first: recipient,
            others: Vec::new(),
        }
    }

    /// And about one more.
    pub fn push(&mut self, recipient: ReportRecipient) {
        self.others.push(recipient);
    }

    /// Those that it is about.
    pub fn recipients(&self) -> impl Iterator<Item = &ReportRecipient> + Clone {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether it tells of a failure. Only then is a whole message returned (RFC 3461 §4.3).
    pub fn has_failure(&self) -> bool {
        self.recipients().any(|recipient| matches!(recipient.action, Action::Failed | Action::Expired))
    }
}

/// What became of a message for one recipient (RFC 3464 §2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRecipient {
    /// Who, as the envelope says it (RFC 3464 §2.3.2).
    pub address: Address,
    /// Who it was for the sender: from ORCPT, and only from there (RFC 3461 §6.3 d).
    pub original: Option<OriginalRecipient>,
    /// What was done (RFC 3464 §2.3.3).
    pub action: Action,
    /// Why (RFC 3464 §2.3.4).
    pub status: EnhancedCode,
    /// The server that said so; `None` if none was reached (RFC 3464 §2.3.5).
    pub remote_mta: Option<String>,
    /// In its words, or in ours (RFC 3464 §2.3.6).
    pub diagnostic: Option<Diagnostic>,
    /// When it was last tried (RFC 3464 §2.3.7).
    pub last_attempt: Option<Timestamp>,
}

impl ReportRecipient {
    /// Without what is optional.
    pub fn new(address: Address, action: Action, status: EnhancedCode) -> Self {
        let (original, remote_mta, diagnostic, last_attempt) = (None, None, None, None);
        Self { address, original, action, status, remote_mta, diagnostic, last_attempt }
    }
}

/// A recipient as its sender wrote it (RFC 3464 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient {
    /// The type of the address: `rfc822`, `utf-8`, ...
    pub address_type: String,
    /// The address, decoded.
    pub address: String,
}

/// What was done (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was refused for good.
    Failed,
    /// It was tried for as long as it is tried. For programs, as [`Failed`](Self::Failed).
    Expired,
    /// It will be tried again.
    Delayed {
        /// Until when (RFC 3464 §2.3.9).
        until: Timestamp,
    },
    /// It is in the mailbox.
    Delivered,
    /// Another server has taken it that does not report (RFC 3461 §5.2.2 b).
    Relayed,
    /// It has gone on to several others (RFC 3461 §5.2.7.3).
    Expanded,
}

impl Action {
    /// The value of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed | Self::Expired => "failed",
            Self::Delayed { .. } => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// In whose words it is told (RFC 3464 §2.3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnostic {
    /// A reply (RFC 3461 §9.2).
    Smtp {
        /// Its code.
        code: ReplyCode,
        /// Its enhanced code.
        enhanced: Option<EnhancedCode>,
        /// Its text without the codes; lines are told apart by line feeds.
        text: String,
    },
    /// What was seen here.
    Local(String),
}

/// What of the message is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Which part.
    pub part: ReturnedPart,
    /// Where that is in the message, in octets.
    pub range: Range<u64>,
    /// Whether there may be octets beyond ASCII in it: then its report needs 8BITMIME too. Binary cannot be returned.
    pub eight_bit: bool,
}

/// A part of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnedPart {
    /// All of it: RET=FULL.
    Full,
    /// Its header: RET=HDRS.
    Header,
}
