//! Messages that are held until a time.

use std::fmt;

use mailwright_core::Timestamp;

use crate::wire::{DecodeError, Reader, put_number, put_text, put_time};

/// Until when a message is held (RFC 4865 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FutureRelease {
    /// The moment: of `HOLDFOR`, so many seconds after the command came.
    pub at: Timestamp,
    /// How it was asked for.
    pub request: ReleaseRequest,
}

/// How it was asked for, as it stood in the command. Shown as reports tell it, `for;60` (RFC 4865 §5.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseRequest {
    /// `HOLDFOR`: after so many seconds.
    For(u32),
    /// `HOLDUNTIL`: at that moment.
    Until(ReleaseMoment),
}

/// The moment of `HOLDUNTIL`, as it stood in the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseMoment(String);

impl ReleaseMoment {
    /// One with nanoseconds and an offset has 35.
    pub const OCTETS_MAX: usize = 40;

    /// From the parameter's value, which whoever has read the command has checked. `None` if it could not stand in a
    /// command, or is more than [`OCTETS_MAX`](Self::OCTETS_MAX) long.
    pub fn from_parameter(value: &str) -> Option<Self> {
        let fits = (1..=Self::OCTETS_MAX).contains(&value.len());
        (fits && value.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'='))
            .then(|| Self(value.to_owned()))
    }
}

impl fmt::Display for ReleaseRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(seconds) => write!(f, "for;{seconds}"),
            Self::Until(ReleaseMoment(moment)) => write!(f, "until;{moment}"),
        }
    }
}

impl FutureRelease {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_time(out, self.at);
        match &self.request {
            ReleaseRequest::For(seconds) => {
                out.push(0);
                put_number(out, u64::from(*seconds));
            }
            ReleaseRequest::Until(ReleaseMoment(moment)) => {
                out.push(1);
                put_text(out, moment);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.time()?;
        let request = match reader.octet()? {
            0 => ReleaseRequest::For(reader.number()?.try_into().map_err(|_| DecodeError::Damaged)?),
            1 => ReleaseRequest::Until(
                ReleaseMoment::from_parameter(reader.text()?).ok_or(DecodeError::Damaged)?,
            ),
            _ => return Err(DecodeError::Damaged),
        };
        Ok(Self { at, request })
    }
}
