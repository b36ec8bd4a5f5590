#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod blob;
mod changes;
mod config;
#[cfg(test)]
mod crash_tests;
mod disk;
mod engine;
mod hot;
mod index;
mod inner;
mod jobs;
mod lag;
mod lock;
pub mod log;
mod open;
mod place;
mod pool;
mod reserve;
mod shared;
mod space;
mod staged;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod verify;

pub use blob::{SqliteBlobReader, SqliteBlobWriter};
pub use config::SqliteConfig;
pub use disk::{DiskError, StdDisk, StdFile};
pub use lock::{DirLock, LockError};
pub use open::{OpenError, OpenReport};
pub use store::SqliteStore;
pub use verify::{VerifyReport, verify};
