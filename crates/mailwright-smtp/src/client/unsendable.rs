//! Why a server is not asked.

use mailwright_core::EnhancedCode;
use thiserror::Error;

use crate::params::Extension;

/// Why this server cannot be asked to take a message. It was not asked; the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Unsendable {
    /// It does not offer what the message needs. Content of 8 bits, or binary, may be encoded anew (RFC 6152 §3).
    #[error("the server does not offer {0}")]
    NotOffered(Extension),
    /// An address goes beyond ASCII, and SMTPUTF8 was not said, or not offered (RFC 6531 §3.4).
    #[error("an address goes beyond ASCII, and the message goes without SMTPUTF8")]
    NonAsciiAddress,
    /// The message is larger than it takes (RFC 1870 §6).
    #[error("the message is larger than the {max} octets that the server takes")]
    TooBig {
        /// Octets that it takes.
        max: u64,
    },
    /// The message is to be there sooner than it promises (RFC 2852 §4.1.4.1).
    #[error("the message is to be delivered sooner than in the {min} s that the server needs")]
    TooSoon {
        /// Seconds that it needs.
        min: u32,
    },
    /// The message is to be held longer than it promises (RFC 4865 §4.1).
    #[error("the message is to be held longer than the {max} s that the server allows")]
    HeldTooLong {
        /// Seconds that it allows.
        max: u32,
    },
    /// The message needs TLS, and there is none (RFC 8689 §4.2.1).
    #[error("the message needs TLS")]
    NoTls,
    /// There are more recipients, or domains of them, than it takes of a message (RFC 9422 §4): this one has to come
    /// with another transaction.
    #[error("the server takes no more recipients of a message")]
    AnotherTransaction,
    /// It takes no more messages on this connection (RFC 9422 §4).
    #[error("the server takes no more messages on this connection")]
    AnotherConnection,
}

impl Unsendable {
    /// The code for a report about it.
    pub fn enhanced(self) -> Option<EnhancedCode> {
        let (class, subject, detail) = match self {
            // RFC 3463 §3.7: conversion is required but not supported.
            Self::NotOffered(Extension::EightBitMime | Extension::BinaryMime) => (5, 6, 3),
            // RFC 6531 §3.5: a UTF-8 header, and a server that has no use for it.
            Self::NotOffered(Extension::SmtpUtf8) => (5, 6, 9),
            // RFC 6531 §3.5
            Self::NonAsciiAddress => (5, 6, 7),
            // RFC 2852 §4.1.2: the time is over, or as good as that.
            Self::NotOffered(Extension::DeliverBy) | Self::TooSoon { .. } => (5, 4, 7),
            // RFC 4865 §4.2: so the server would say it.
            Self::HeldTooLong { .. } => (5, 5, 4),
            // RFC 7293 §15.3: it cannot be looked at.
            Self::NotOffered(Extension::Rrvs) => (5, 7, 19),
            // RFC 8689 §4.2.1.
            Self::NotOffered(Extension::RequireTls) => (5, 7, 30),
            Self::NotOffered(_) => (5, 3, 3),
            Self::NoTls => (5, 7, 10),
            Self::TooBig { .. } => (5, 3, 4),
            // RFC 3463 §3.6: too many recipients; it is a matter of the next transaction.
            Self::AnotherTransaction => (4, 5, 3),
            Self::AnotherConnection => (4, 5, 0),
        };
        EnhancedCode::new(class, subject, detail)
    }
}
