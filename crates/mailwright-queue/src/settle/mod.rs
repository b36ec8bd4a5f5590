//! How an attempt ends: what to commit, and whom to tell.

mod attempt;
mod config;
mod decide;
mod judge;
mod report;

pub use self::attempt::{Attempt, RecipientOutcome};
pub use self::config::SettleConfig;
pub use self::decide::{Settled, settle};
pub use self::report::Report;
