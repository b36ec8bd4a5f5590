#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod accept;
mod diagnostic;
mod envelope;
mod future_release;
mod greylist;
mod loops;
mod recipient;
mod retry;
mod scheduler;
mod settle;
mod wire;
mod xtext;

pub use accept::{AcceptConfig, Outgoing, OutgoingRecipient, entries_behind};
pub use diagnostic::{AttemptStage, Diagnostic};
pub use envelope::{Body, DeliverBy, Envelope, EnvelopeId, Late, Ret, Solicitation};
pub use future_release::{FutureRelease, ReleaseMoment, ReleaseRequest};
pub use greylist::RetryHint;
pub use loops::{Exchanger, LoopDetector, LoopLimits, MailLoop, OwnHosts, before_self, lowest_is_self};
pub use recipient::{Notify, OriginalAddress, RecipientState, ValidSince};
pub use retry::{RetryConfig, ScheduleConfig};
pub use scheduler::{Feedback, Scheduler, SchedulerConfig, Usage, Work};
pub use settle::{Attempt, RecipientOutcome, Report, SettleConfig, Settled, settle};
pub use wire::DecodeError;
