//! The refusals of the machine itself: what the peer is told, and why.

use std::borrow::Cow;

use mailwright_core::InvalidAddress;
use mailwright_core::framing::BodyFault;

use super::error::{Error, WrongProtocol};
use crate::grammar::CommandError;
use crate::params::Extension;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// A rejection whose codes are written in this file, where a wrong one would be a local error.
fn fixed(
    code: u16,
    enhanced: (u8, u16, u16),
    reason: Reason,
    text: impl Into<Cow<'static, str>>,
) -> Rejection {
    Rejection::new(code, enhanced, text).unwrap_or_else(|_| Rejection::local_error()).with_reason(reason)
}

/// A command that does not come now.
pub(super) fn sequence(text: &'static str) -> Rejection {
    fixed(503, (5, 5, 1), Reason::BadSequence, text)
}

pub(super) fn not_offered(text: &'static str) -> Rejection {
    fixed(502, (5, 5, 1), Reason::NotOffered, text)
}

pub(super) fn unknown_command() -> Rejection {
    command(CommandError::Unknown)
}

/// RFC 2033 §4.1: an LMTP server says 500 to HELO and EHLO.
pub(super) fn this_is_lmtp() -> Rejection {
    fixed(500, (5, 5, 1), Reason::UnknownCommand, "this is LMTP: say LHLO")
}

pub(super) fn command(error: CommandError<'_>) -> Rejection {
    let (code, enhanced, reason) = match error {
        CommandError::Unknown => (500, (5, 5, 1), Reason::UnknownCommand),
        CommandError::Sender(InvalidAddress::NotUtf8) => (553, (5, 6, 7), Reason::BadSender),
        CommandError::Recipient(InvalidAddress::NotUtf8) => (553, (5, 6, 7), Reason::BadRecipient),
        CommandError::Sender(_) => (501, (5, 1, 7), Reason::BadSender),
        CommandError::Recipient(_) => (501, (5, 1, 3), Reason::BadRecipient),
        CommandError::UnknownParameter(_) => (555, (5, 5, 4), Reason::UnknownParameter),
        CommandError::Parameter(_) | CommandError::RepeatedParameter(_) => {
            (501, (5, 5, 4), Reason::BadParameter)
        }
        CommandError::Syntax(_) | CommandError::ChunkSize => (501, (5, 5, 4), Reason::BadSyntax),
    };
    fixed(code, enhanced, reason, error.to_string())
}

/// RFC 5321 §4.1.1.11.
pub(super) fn extension(extension: Extension, parameter: &str) -> Rejection {
    fixed(
        555,
        (5, 5, 4),
        Reason::UnknownParameter,
        format!("the parameter {parameter} is not taken here: {extension} is not offered"),
    )
}

pub(super) fn hint_not_offered(parameter: &'static str) -> Rejection {
    fixed(
        555,
        (5, 5, 4),
        Reason::UnknownParameter,
        format!("the parameter {parameter} is not taken here: it is not offered"),
    )
}

/// RFC 6531 §3.5.
pub(super) fn utf8_address() -> Rejection {
    fixed(
        553,
        (5, 6, 7),
        Reason::Utf8Address,
        "the address goes beyond ASCII: it needs SMTPUTF8 behind MAIL FROM",
    )
}

/// RFC 4865 §3.
pub(super) fn held_too_long(max: u64) -> Rejection {
    fixed(501, (5, 5, 4), Reason::BadParameter, format!("HOLDFOR may be {max} at most"))
}

pub(super) fn held_beyond_its_time() -> Rejection {
    fixed(501, (5, 5, 4), Reason::BadParameter, "HOLDFOR goes beyond BY")
}

/// RFC 2852 §4.
pub(super) fn too_soon(min: u64) -> Rejection {
    fixed(555, (5, 5, 4), Reason::BadParameter, format!("BY must be {min} at least"))
}

pub(super) fn auth_required() -> Rejection {
    fixed(530, (5, 7, 0), Reason::AuthRequired, "authentication required")
}

pub(super) fn encryption_required() -> Rejection {
    fixed(538, (5, 7, 11), Reason::EncryptionRequired, "encryption required: use TLS first")
}

pub(super) fn unknown_mechanism(offered: &[&str]) -> Rejection {
    let text = format!("that mechanism is not offered; use one of {}", offered.join(" "));
    fixed(504, (5, 5, 4), Reason::NotOffered, text)
}

pub(super) fn not_base64() -> Rejection {
    fixed(501, (5, 5, 2), Reason::BadEncoding, "that is not base64")
}

pub(super) fn cancelled() -> Rejection {
    fixed(501, (5, 7, 0), Reason::Cancelled, "cancelled")
}

pub(super) fn line_too_long() -> Rejection {
    fixed(500, (5, 5, 2), Reason::LineTooLong, "line too long")
}

pub(super) fn response_too_long() -> Rejection {
    fixed(500, (5, 5, 6), Reason::LineTooLong, "the response is too long")
}

pub(super) fn bare_lf() -> Rejection {
    fixed(500, (5, 5, 2), Reason::BadLineEnd, "lines end in CRLF, not in LF alone")
}

pub(super) fn no_recipients(is_lmtp: bool) -> Rejection {
    // RFC 2033 §4.2 has 503 for what is 554 in RFC 5321 §3.3.
    let code = if is_lmtp { 503 } else { 554 };
    fixed(code, (5, 5, 1), Reason::NoRecipients, "no valid recipients")
}

pub(super) fn too_big(limit: u64) -> Rejection {
    Rejection::too_big().with_text(format!("the message is larger than this server takes: {limit} octets"))
}

pub(super) fn content(fault: BodyFault) -> Rejection {
    let text = match fault {
        BodyFault::BareCr => "refused: the message has a CR without LF; lines end in CRLF",
        BodyFault::BareLf => "refused: the message has an LF without CR; lines end in CRLF",
        BodyFault::Nul => "refused: the message has a NUL; lines end in CRLF",
    };
    fixed(550, (5, 5, 2), Reason::BadContent, text)
}

pub(super) fn plaintext_behind_start_tls() -> Rejection {
    fixed(501, (5, 5, 1), Reason::EarlyInput, "nothing may follow STARTTLS before TLS")
}

pub(super) fn early_input() -> Rejection {
    fixed(554, (5, 5, 0), Reason::EarlyInput, "you did not wait for your turn: read the reply first")
}

pub(super) fn wrong_protocol(wrong: WrongProtocol) -> Rejection {
    let text = match wrong {
        WrongProtocol::Tls => "this port begins in plain text: use STARTTLS, or the port for TLS",
        WrongProtocol::Http => "this is SMTP, not HTTP",
    };
    fixed(500, (5, 5, 1), Reason::WrongProtocol, text)
}

pub(super) fn too_many_errors() -> Rejection {
    fixed(421, (4, 7, 0), Reason::TooManyErrors, "too many errors")
}

pub(super) fn too_many_commands() -> Rejection {
    fixed(421, (4, 7, 0), Reason::TooManyCommands, "too many commands without a message")
}

pub(super) fn too_many_messages() -> Rejection {
    fixed(421, (4, 7, 0), Reason::TooManyMessages, "too many messages over one connection, open another")
}

pub(super) fn timeout(hostname: &str, error: &Error) -> Rejection {
    fixed(421, (4, 4, 2), Reason::Timeout, format!("{hostname} {error}"))
}
