//! What to try next, and where to leave off.

mod config;
mod destination;
mod feedback;
mod machine;
mod table;

pub use self::config::SchedulerConfig;
pub use self::feedback::Feedback;
pub use self::machine::{Scheduler, Usage, Work};
