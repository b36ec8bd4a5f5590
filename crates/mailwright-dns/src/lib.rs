#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod addresses;
mod answer;
mod cache;
mod dyn_resolver;
mod error;
mod hickory;
mod join;
mod mx;
mod name;
mod record;
mod resolver;
#[cfg(feature = "testing")]
pub mod testing;
mod zones;

pub use addresses::Families;
pub use answer::Answer;
pub use cache::{Cache, CacheConfig};
pub use dyn_resolver::{BoxFuture, DynResolver};
pub use error::{LookupError, Malformed};
pub use hickory::{Hickory, HickoryConfig};
pub use mx::{
    Candidate, Candidates, Host, Hosts, Identity, MailHosts, MxLimits, Party, Source, Unusable, candidates,
    collect, mail_hosts,
};
pub use name::{InvalidName, Name};
pub use record::{Mx, Question, RecordData, RecordType, Tlsa, Txt};
pub use resolver::Resolver;
pub use zones::{InvalidZone, ZoneFault, Zones};
