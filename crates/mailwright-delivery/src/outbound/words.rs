//! What is told of a failure: which stage, which code, which words.

use mailwright_core::{EnhancedCode, Timestamp};
use mailwright_queue::{AttemptStage, Diagnostic};
use mailwright_smtp::client::{Error, Reply};

use super::environment::OutOfTime;
use super::watch::attempt_stage;

/// Octets of a text that was not bounded by whoever has written it, as of a TLS library.
const TEXT_MAX: usize = 500;

/// What is told, but for the time and the server.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) stage: AttemptStage,
    pub(super) status: Status,
    pub(super) text: String,
}

/// Who gives the status.
#[derive(Debug, Clone)]
pub(super) enum Status {
    /// The server, in a reply.
    Replied(Reply),
    /// We.
    Seen(EnhancedCode),
}

impl Words {
    /// Something seen here. The numbers are those of RFC 3463 §2.
    pub(super) fn seen(stage: AttemptStage, code: EnhancedCode, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        Self { stage, status: Status::Seen(code), text }
    }

    /// A reply, in the server's own words.
    pub(super) fn reply(stage: AttemptStage, reply: &Reply) -> Self {
        Self { stage, text: reply.text.clone(), status: Status::Replied(reply.clone()) }
    }

    /// Why a session has ended, when it was at `stage`.
    pub(super) fn ended(error: &Error, stage: AttemptStage) -> Self {
        let code = match error {
            // A server that closes says why.
            Error::Closing { reply, .. } | Error::Unwelcome { reply, .. } => {
                return Self::reply(stage, reply);
            }
            Error::Timeout(_) | Error::Disconnected(_) => code::BAD_CONNECTION,
            Error::NoTls(_) => code::TLS_NEEDED,
            Error::PlaintextBehindStartTls => code::SECURITY,
            Error::Content(_) => code::BAD_CONTENT,
            Error::Abandoned | Error::Stalled => code::LOCAL,
            _ => code::PROTOCOL,
        };
        Self::seen(stage, code, error.to_string())
    }

    /// That there is no TLS is no matter of time to a message that demands it (RFC 8689 §4.2.1).
    pub(super) fn of_message_that_needs_tls(mut self) -> Self {
        if let Status::Seen(code @ (code::TLS_NEEDED | code::TLS_FAILED)) = &mut self.status {
            *code = code::TLS_NEEDED_BY_MESSAGE;
        }
        self
    }

    /// Time was over at `stage`.
    pub(super) fn out_of_time(why: OutOfTime, stage: AttemptStage) -> Self {
        let name = stage.as_str();
        match why {
            OutOfTime::Stage => Self::seen(stage, code::NO_ANSWER, format!("timed out: {name}")),
            OutOfTime::Attempt => {
                let text = format!("the attempt has taken too long as a whole, and was given up: {name}");
                Self::seen(stage, code::TOO_LONG, text)
            }
        }
    }

    pub(super) fn diagnostic(self, at: Timestamp, remote: Option<&str>) -> Diagnostic {
        let (code, enhanced) = match self.status {
            Status::Replied(reply) => (Some(reply.code), reply.enhanced),
            Status::Seen(enhanced) => (None, Some(enhanced)),
        };
        Diagnostic {
            at,
            stage: self.stage,
            code,
            enhanced,
            text: self.text,
            remote: remote.map(str::to_owned),
        }
    }
}

/// The stage at which a session has ended.
pub(super) fn stage_of(error: &Error) -> AttemptStage {
    let stage = match error {
        Error::Timeout(stage) | Error::Disconnected(stage) | Error::Unasked(stage) => *stage,
        Error::Unwelcome { stage, .. }
        | Error::Closing { stage, .. }
        | Error::Unexpected { stage, .. }
        | Error::BadReply { stage, .. } => *stage,
        Error::PlaintextBehindStartTls | Error::NoTls(_) => return AttemptStage::Tls,
        _ => return AttemptStage::Body,
    };
    attempt_stage(stage).unwrap_or(AttemptStage::Mail)
}

/// The codes of what is seen here (RFC 3463 §3, RFC 5248). Class 4: nobody has refused.
pub(super) mod code {
    use mailwright_core::EnhancedCode;

    /// Of three numbers that are in their ranges.
    const fn of(class: u8, subject: u16, detail: u16) -> EnhancedCode {
        match EnhancedCode::new(class, subject, detail) {
            Some(code) => code,
            // A number out of its range does not compile.
            #[expect(clippy::panic, reason = "evaluated by the compiler")]
            None => panic!("no such code"),
        }
    }

    /// Something here.
    pub(crate) const LOCAL: EnhancedCode = const { of(4, 3, 0) };
    /// Something is set up wrongly here.
    pub(crate) const MISCONFIGURED: EnhancedCode = const { of(4, 3, 5) };
    /// The host does not answer.
    pub(crate) const NO_ANSWER: EnhancedCode = const { of(4, 4, 1) };
    /// The connection broke, or was too slow.
    pub(crate) const BAD_CONNECTION: EnhancedCode = const { of(4, 4, 2) };
    /// The DNS does not answer.
    pub(crate) const NO_DNS: EnhancedCode = const { of(4, 4, 3) };
    /// There is no way.
    pub(crate) const NO_ROUTE: EnhancedCode = const { of(4, 4, 4) };
    /// The attempt took too long.
    pub(crate) const TOO_LONG: EnhancedCode = const { of(4, 4, 7) };
    /// The server does not keep to the protocol.
    pub(crate) const PROTOCOL: EnhancedCode = const { of(4, 5, 0) };
    /// What looks like an attack.
    pub(crate) const SECURITY: EnhancedCode = const { of(4, 7, 0) };
    /// TLS does not come about.
    pub(crate) const TLS_FAILED: EnhancedCode = const { of(4, 7, 5) };
    /// The server does not believe who we are.
    pub(crate) const NOT_AUTHENTICATED: EnhancedCode = const { of(4, 7, 8) };
    /// There is no TLS.
    pub(crate) const TLS_NEEDED: EnhancedCode = const { of(4, 7, 10) };
    /// A password may not be sent without TLS.
    pub(crate) const TLS_NEEDED_FOR_AUTH: EnhancedCode = const { of(4, 7, 11) };
    /// The content is no message.
    pub(crate) const BAD_CONTENT: EnhancedCode = const { of(5, 6, 0) };
    /// The content would have to be converted.
    pub(crate) const CONVERSION_NEEDED: EnhancedCode = const { of(5, 6, 3) };
    /// The message demands TLS, and there is none that will do (RFC 8689 §4.2.1).
    pub(crate) const TLS_NEEDED_BY_MESSAGE: EnhancedCode = const { of(5, 7, 10) };
    /// The message demands TLS, and the server does not promise it (RFC 8689 §4.2.1).
    pub(crate) const REQUIRETLS_NEEDED: EnhancedCode = const { of(5, 7, 30) };
}
