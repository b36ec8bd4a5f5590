//! Who has tried before.

use std::collections::BTreeSet;

use mailwright_core::Address;

/// Who has tried before: senders and recipients.
#[derive(Debug, Default)]
pub(crate) struct Greylist(BTreeSet<(String, String)>);

impl Greylist {
    /// Pairs that are remembered; then it begins anew.
    const PAIRS: usize = 10_000;

    /// Whether this sender has not tried this recipient yet (RFC 6647 §2.4). There is but one client.
    pub(crate) fn is_new(&mut self, from: String, to: &Address) -> bool {
        if self.0.len() >= Self::PAIRS {
            self.0.clear();
        }
        self.0.insert((from, to.to_string()))
    }
}
