//! What happened to a message, and under which id it can be asked for.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::code::{EnhancedCode, ReplyCode};
use crate::time::Timestamp;

/// Crockford's alphabet: no I, L, O, U, so that an id can be read over the telephone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The id of a message's trace: 80 bits, written as 16 characters of Crockford's base32, ordered by time.
///
/// It stands in the SMTP reply, in Received, in the log, and is what `explain` asks for.
///
/// ```
/// use mailwright_core::{Timestamp, TraceId};
///
/// let id = TraceId::new(Timestamp(1_763_821_801_000), [1, 2, 3, 4]);
/// assert_eq!(id.to_string().len(), 16);
/// assert_eq!(id.to_string().parse(), Ok(id));
/// assert!(id < TraceId::new(Timestamp(1_763_821_801_001), [0; 4]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 10]);

impl TraceId {
    /// 48 bits of milliseconds, then 32 random bits.
    pub fn new(now: Timestamp, random: [u8; 4]) -> Self {
        let [_, _, t0, t1, t2, t3, t4, t5] = now.as_millis().to_be_bytes();
        let [r0, r1, r2, r3] = random;
        Self([t0, t1, t2, t3, t4, t5, r0, r1, r2, r3])
    }

    /// The bytes, most significant first.
    pub fn to_bytes(self) -> [u8; 10] {
        self.0
    }

    /// From what [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// When it was made, to the millisecond.
    pub fn time(self) -> Timestamp {
        let [t0, t1, t2, t3, t4, t5, ..] = self.0;
        Timestamp(i64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.iter().fold(0u128, |n, &byte| n << 8 | u128::from(byte));
        for place in (0..16).rev() {
            let digit = usize::try_from(number >> (5 * place) & 31).unwrap_or(0);
            write!(f, "{}", char::from(*ALPHABET.get(digit).unwrap_or(&b'0')))?;
        }
        Ok(())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

/// The text is not 16 characters of Crockford's base32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace id has 16 characters of 0-9 and A-Z without I, L, O and U")]
pub struct InvalidTraceId;

impl FromStr for TraceId {
    type Err = InvalidTraceId;

    fn from_str(text: &str) -> Result<Self, InvalidTraceId> {
        if text.len() != 16 {
            return Err(InvalidTraceId);
        }
        let mut number = 0u128;
        for byte in text.bytes() {
            // As Crockford says: what looks alike is alike.
            let byte = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let digit = ALPHABET.iter().position(|&c| c == byte).ok_or(InvalidTraceId)?;
            number = number << 5 | digit as u128;
        }
        let [_, _, _, _, _, _, bytes @ ..] = number.to_be_bytes();
        Ok(Self(bytes))
    }
}

/// The id of a queue entry: its message's trace id plus a counter, since one message may need several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// The message's trace.
    pub trace: TraceId,
    /// Which entry of it.
    pub entry: u32,
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trace, self.entry)
    }
}

/// The text is no trace id, a hyphen and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a queue id is a trace id of 16 characters, a hyphen and a number")]
pub struct InvalidQueueId;

impl FromStr for QueueId {
    type Err = InvalidQueueId;

    fn from_str(text: &str) -> Result<Self, InvalidQueueId> {
        let (trace, entry) = text.split_once('-').ok_or(InvalidQueueId)?;
        let trace = trace.parse().map_err(|_| InvalidQueueId)?;
        Ok(Self { trace, entry: entry.parse().map_err(|_| InvalidQueueId)? })
    }
}

/// One thing that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Timestamp,
    /// Where in its way.
    pub stage: Stage,
    /// What came of it.
    pub verdict: Verdict,
    /// What the peer was told, or told us.
    pub reply: Option<(ReplyCode, Option<EnhancedCode>)>,
    /// In words, for people; never a secret.
    pub text: String,
    /// What it was decided on: short names and values, never a secret.
    pub evidence: Vec<(Cow<'static, str>, String)>,
}

impl TraceEvent {
    /// An event without reply and evidence.
    pub fn new(at: Timestamp, stage: Stage, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { at, stage, verdict, reply: None, text: text.into(), evidence: Vec::new() }
    }

    /// With what the peer was told, or told us.
    #[must_use]
    pub fn with_reply(mut self, code: ReplyCode, enhanced: Option<EnhancedCode>) -> Self {
        self.reply = Some((code, enhanced));
        self
    }

    /// With one more thing that it was decided on.
    #[must_use]
    pub fn with_evidence(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.evidence.push((name.into(), value.into()));
        self
    }
}

/// Where a message is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The connection was accepted, or opened.
    Connect,
    /// TLS was negotiated.
    Tls,
    /// HELO, EHLO, LHLO.
    Hello,
    /// Who the client is.
    Auth,
    /// The reverse-path.
    Mail,
    /// A recipient.
    Rcpt,
    /// The content.
    Data,
    /// It was made durable.
    Commit,
    /// An attempt to deliver it elsewhere.
    Attempt,
    /// A delivery status notification was written.
    Dsn,
}

/// What came of a [`Stage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It went on.
    Pass,
    /// It may go on later.
    Defer,
    /// It ended here.
    Reject,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    crate::properties! {
        #[test]
        fn text_and_bytes_say_the_same(bytes in any::<[u8; 10]>()) {
            let id = TraceId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_lowercase().parse(), Ok(id));
        }

        #[test]
        fn text_sorts_as_time(a in 0..1i64 << 47, b in 0..1i64 << 47, random in any::<[u8; 4]>()) {
            let id = |ms| TraceId::new(Timestamp(ms), random);
            prop_assert_eq!(id(a).to_string().cmp(&id(b).to_string()), a.cmp(&b));
            prop_assert_eq!(id(a).time(), Timestamp(a));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,20}") {
            let _ = text.parse::<TraceId>();
        }
    }
}
