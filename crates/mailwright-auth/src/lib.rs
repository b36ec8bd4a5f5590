#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod client;
mod error;
mod lockout;
mod mechanism;
mod password;

pub use error::{AuthError, CostError, Part, VerifierError};
pub use lockout::{Locked, Lockout, LockoutLimits};
pub use mechanism::{Credentials, Exchange, ExchangeLimits, Mechanism, Step};
pub use password::{Checked, Checking, Cost, CostLimits, Inline, Offload, PasswordCheck, Verifier};
