//! Passwords: what is stored of them, and the work of checking one.

mod check;
mod cost;
mod offload;
mod verifier;

pub use check::{Checked, PasswordCheck};
pub use cost::{Cost, CostLimits};
pub use offload::{Checking, Inline, Offload};
pub use verifier::Verifier;
