//! Sessions, written down as they happen.

mod escape;
mod line;
mod recording;
mod replay;
mod secrets;
mod tap;
mod wildcard;
mod wire;
mod writer;

pub(crate) use self::tap::{Tap, TappedTls};
pub(crate) use self::wire::Wire;

pub use self::recording::{NotATranscript, Recording};
pub use self::replay::{Compare, ReplayConfig, ReplayError};
pub use self::wire::Cut;
