#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
mod causes;
mod code;
pub mod framing;
mod id;
mod machine;
mod octet_set;
mod output;
mod secret;
mod structure;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;
mod time;
mod timers;
mod trace;
mod uid_set;

pub use address::{Address, Domain, ForwardPath, InvalidAddress, ReversePath};
pub use causes::Causes;
pub use code::{EnhancedCode, ReplyCode};
pub use id::{AccountId, BlobId, MailboxId, ModSeq, ThreadId, Uid, UidValidity};
pub use machine::{Machine, Progress, TlsExporter, TlsInfo, Upgrade, Upgraded, mechanisms_on};
pub use octet_set::OctetSet;
pub use output::Output;
pub use secret::Secret;
pub use structure::{
    BodyKind, BodyStructure, Content, Disposition, Envelope, EnvelopeAddress, Parameters, SinglePart,
};
pub use ticket::{Desk, Stale, Ticket};
pub use time::{Clock, Entropy, Timestamp};
pub use timers::Timers;
pub use trace::{InvalidQueueId, InvalidTraceId, QueueId, Stage, TraceEvent, TraceId, Verdict};
pub use uid_set::UidSet;
