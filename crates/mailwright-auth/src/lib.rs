#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod client;
mod error;
mod lockout;
mod mechanism;
mod password;
mod scram;

pub use error::{AuthError, CostError, Part, ScramError, VerifierError};
pub use lockout::{Locked, Lockout, LockoutLimits};
pub use mechanism::{
    Credentials, Exchange, ExchangeLimits, LookUp, Mechanism, ScramProof, Step, Token, TokenRefusal,
};
pub use password::{Checked, Checking, Cost, CostLimits, Inline, Offload, PasswordCheck, Verifier};
pub use scram::{ScramHash, ScramKeys};
