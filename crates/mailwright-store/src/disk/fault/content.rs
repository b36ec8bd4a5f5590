//! The bytes of a file: pages that are shared until one is written, so that a history of states costs little.

use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: u64 = 4096;

type Page = [u8; PAGE as usize];

/// A length, and the pages that are not all zeros.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    len: u64,
    pages: BTreeMap<u64, Arc<Page>>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Cuts, or adds zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.pages.split_off(&len.div_ceil(PAGE));
            if let Some(page) = self.pages.get_mut(&(len / PAGE)) {
                Arc::make_mut(page).iter_mut().skip((len % PAGE) as usize).for_each(|byte| *byte = 0);
            }
        }
        self.len = len;
    }

    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let len = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        let mut rest = buf.get_mut(..len).unwrap_or_default();
        let mut at = offset;
        while !rest.is_empty() {
            let skip = (at % PAGE) as usize;
            let part = rest.len().min(PAGE as usize - skip);
            let (here, behind) = rest.split_at_mut(part);
            match self.pages.get(&(at / PAGE)).and_then(|page| page.get(skip..skip + part)) {
                Some(bytes) => here.copy_from_slice(bytes),
                None => here.fill(0),
            }
            at += part as u64;
            rest = behind;
        }
        len
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let skip = (at % PAGE) as usize;
            let (here, behind) = rest.split_at(rest.len().min(PAGE as usize - skip));
            let page = self.pages.entry(at / PAGE).or_insert_with(|| Arc::new([0; PAGE as usize]));
            if let Some(place) = Arc::make_mut(page).get_mut(skip..skip + here.len()) {
                place.copy_from_slice(here);
            }
            at += here.len() as u64;
            rest = behind;
        }
        self.len = self.len.max(at);
    }
}
