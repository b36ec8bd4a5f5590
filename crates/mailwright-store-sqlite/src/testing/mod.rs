//! The store with everything taken away that is not the same in every run: no threads, no files, no waiting.
//!
//! [`SimStore`] is the real engine and the real log, driven on the caller's thread over a [`FaultDisk`]. Whatever
//! seed it crashes with, [`SimStore::open`] goes on with what is left:
//!
//! ```
//! use mailwright_core::Timestamp;
//! use mailwright_store::conformance::block_on;
//! use mailwright_store::{AccountKey, AccountOp, Batch, BatchId, NewAccount, Store};
//! use mailwright_store_sqlite::testing::{SimConfig, SimDisks, SimStore};
//!
//! let (store, _) = SimStore::open(SimDisks::new(), SimConfig::default())?;
//! let ann = AccountOp::Create(NewAccount { login: "ann".to_owned(), ..NewAccount::default() });
//! block_on(store.commit(Batch::new(BatchId([1; 16]), Timestamp(0)).with(ann)))?;
//!
//! let left = store.crash(7);
//! let (store, report) = SimStore::open(left, SimConfig::default())?;
//! assert!(report.damage.is_empty());
//! block_on(store.find_account(&AccountKey::Login("ann".to_owned())))?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [`FaultDisk`]: mailwright_store::disk::FaultDisk

mod blob;
mod config;
mod crash;
mod disk;
mod power;
mod reads;
mod store;
#[cfg(test)]
mod tests;

pub use blob::{SimBlobReader, SimBlobWriter};
pub use config::{Pause, SimConfig};
pub use crash::SimDisks;
pub use disk::{SimDisk, SimFile};
pub use store::SimStore;
