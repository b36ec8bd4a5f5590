//! What all clones of a store share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use mailwright_core::BlobId;

use super::rope::Rope;
use crate::change::ChangeHub;
use crate::error::Unavailable;
use crate::limits::Limits;
use crate::model::{Nothing, State};
use crate::queue::Fence;

pub(super) type Contents = BTreeMap<BlobId, Rope>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) capacity: u64,
    pub(super) hub: ChangeHub,
    pub(super) inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) state: State<Nothing>,
    /// Drawn last.
    pub(super) fence: Fence,
    /// Of all blobs that `state` knows.
    pub(super) contents: Contents,
    /// Bytes of blobs on their way in.
    pub(super) uploading: u64,
}

impl Shared {
    /// A panic under the lock may have left half a batch: from then on the store is [`Health::Poisoned`].
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, Inner>, Unavailable> {
        self.inner.lock().map_err(|_| Unavailable::default())
    }
}
