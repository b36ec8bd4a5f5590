//! For tests of machines: a bench to run one on, a pair that talk to each other, a check that no split of the
//! input changes anything, transcripts, a clock that only moves when told, and time budgets for random tests.
//!
//! The application's side of a test is an [`App`]; everything here drives the machine by the contract of
//! [`Machine`](crate::Machine) and by nothing else.

mod bench;
mod budget;
mod clock;
mod pair;
mod split;
mod transcript;

pub use bench::{App, Bench, Note, Seen};
pub use budget::Budget;
pub use clock::{FakeClock, SeededEntropy};
pub use pair::Pair;
pub use split::{Observation, assert_any_split, observe};
pub use transcript::{Settings, run_transcripts};
