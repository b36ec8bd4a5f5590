//! What can go wrong, by whose fault. A wrong password is no error but an answer:
//! [`Checked`](crate::Checked).

use std::fmt;

/// A part of what a client sends in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// A response as a whole.
    Response,
    /// The name whose password it is (authcid).
    User,
    /// The name to act as (authzid).
    Authzid,
    /// The password.
    Password,
    /// The access token.
    Token,
    /// The client's share of the nonce.
    Nonce,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response => "the response",
            Self::User => "the user name",
            Self::Authzid => "the authorization identity",
            Self::Password => "the password",
            Self::Token => "the token",
            Self::Nonce => "the nonce",
        })
    }
}

/// Why an exchange failed before there was a password to check. It depends on nothing but the client's bytes,
/// so telling the client does not tell who exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The peer's bytes: a mechanism that is not spoken here, or was not offered. SMTP 504 5.5.4 (RFC 4954 §4).
    #[error("unknown mechanism")]
    UnknownMechanism,
    /// The peer's bytes: longer than [`ExchangeLimits`](crate::ExchangeLimits) allows. SMTP 500 5.5.6.
    #[error("{part} is longer than {max} octets")]
    TooLong {
        /// What is too long.
        part: Part,
        /// Octets allowed.
        max: usize,
    },
    /// The peer's bytes: not the two NULs that PLAIN has (RFC 4616 §2). SMTP 501 5.5.2.
    #[error("the response does not consist of three parts")]
    Separators,
    /// The peer's bytes: nothing, where one character at least is due (RFC 4616 §2). SMTP 501 5.5.2.
    #[error("{0} is empty")]
    Empty(Part),
    /// The peer's bytes: not UTF-8 (RFC 4616 §2). SMTP 501 5.5.2.
    #[error("{0} is not UTF-8")]
    NotUtf8(Part),
    /// The peer's bytes: a control character in a name (RFC 4013 §2.3), or NUL, CR or LF in a password of
    /// LOGIN. SMTP 501 5.5.2.
    #[error("{0} has a character that is not allowed in it")]
    Forbidden(Part),
    /// The peer's bytes: not what the mechanism's grammar has here (RFC 5802 §7, RFC 7628 §3.1). SMTP 501 5.5.2.
    #[error("the response is not of the mechanism's form")]
    Syntax,
    /// The peer's bytes: an extension that may not be passed over, and is not known here (RFC 5802 §5.1).
    #[error("the client wants an extension that is unknown here")]
    Extension,
    /// The peer's bytes: another nonce than the one that was agreed on, so an answer to another challenge.
    #[error("another nonce than that of this exchange")]
    Nonce,
    /// The peer's bytes: not bound to this connection, or by what is not known here. Either the client is at fault, or
    /// somebody sits between (RFC 5802 §6).
    #[error("the login is not bound to this connection")]
    Binding,
    /// The peer's bytes: the client believes that no binding was offered, and it was. Somebody who sits between has
    /// changed the offer (RFC 5802 §6).
    #[error("the client has not seen that SCRAM with -PLUS is offered")]
    Downgrade,
    /// The peer's: it has heard why its token was refused, and there is nothing more to say (RFC 7628 §3.2.3).
    #[error("the token was refused")]
    TokenRefused,
    /// Our caller's: no keys of the mechanism's hash, not even a [decoy](crate::ScramKeys::decoy).
    #[error("there are no keys for this user")]
    NoKeys,
    /// Our caller's: a step of another kind than the exchange waits for.
    #[error("not what the exchange waits for")]
    NotDue,
    /// Our caller's: a step without a response after a challenge.
    #[error("a challenge takes a response")]
    NoResponse,
    /// Our caller's: a step after the exchange has ended.
    #[error("the exchange has ended")]
    Ended,
}

/// Why a [`Cost`](crate::Cost) is refused: a fault of the configuration, or of the stored hash that asks for
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CostError {
    /// Fewer than 8 KiB a lane, no pass or no lane: not Argon2 (RFC 9106 §3.1).
    #[error("Argon2 takes at least one pass, one lane, and 8 KiB of memory a lane")]
    TooSmall,
    /// More memory than [`CostLimits`](crate::CostLimits) allows.
    #[error("more than {0} KiB of memory")]
    Memory(u32),
    /// More passes than allowed.
    #[error("more than {0} passes")]
    Passes(u32),
    /// More lanes than allowed.
    #[error("more than {0} lanes")]
    Lanes(u32),
    /// More work, memory times passes, than allowed.
    #[error("more than {0} KiB of memory times passes")]
    Work(u32),
}

/// Why there are no [`ScramKeys`](crate::ScramKeys). The text at fault is not shown, nor the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ScramError {
    /// The stored text's: not of the form of RFC 5803, or too long for it.
    #[error("not keys of SCRAM: hash, iterations, salt, StoredKey and ServerKey")]
    Syntax,
    /// The stored text's: another scheme than SCRAM-SHA-256 and SCRAM-SHA-1.
    #[error("neither SCRAM-SHA-256 nor SCRAM-SHA-1")]
    Scheme,
    /// The stored text's, or our caller's: too few, or so many that no client goes through them.
    #[error("iterations are to be between {min} and {max}")]
    Iterations {
        /// The fewest.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Our caller's: a password that SASLprep refuses (RFC 4013 §2.3), or that is not UTF-8. It can be used with PLAIN.
    #[error("the password has characters that SCRAM cannot carry")]
    Password,
}

/// Why there is no [`Verifier`](crate::Verifier). The text at fault is not shown: it is as good as a password
/// to whoever has the time to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// The stored text's: not a PHC string that is whole, or too long for one.
    #[error("not a PHC string of algorithm, version, parameters, salt and hash")]
    Syntax,
    /// The stored text's: another algorithm than argon2id, or none named.
    #[error("not argon2id")]
    Algorithm,
    /// The stored text's: another version than 19 (0x13, RFC 9106).
    #[error("not version 19 of Argon2")]
    Version,
    /// The stored text's: other parameters than m, t and p, in this order.
    #[error("not the parameters m, t and p")]
    Parameters,
    /// The stored text's: fewer than 16 octets, too few to tell passwords apart.
    #[error("the hash has fewer than {0} octets")]
    ShortHash(usize),
    /// The stored text's: a cost out of bounds.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// The stored text's: what stands behind the PHC string.
    #[error(transparent)]
    Scram(#[from] ScramError),
    /// The environment's: no memory for Argon2. Try again later.
    #[error("not enough memory for Argon2")]
    OutOfMemory,
}
