//! What may go wrong with a connection.

use super::connection::{Cut, CutManner, Side};
use crate::random::Random;

/// How often connections fail, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    pub(crate) refused: u64,
    pub(crate) silent: u64,
    pub(crate) cut: u64,
}

/// What goes wrong with one.
pub(super) struct Plan {
    pub(super) refused: bool,
    /// Nothing ever comes back.
    pub(super) silent: bool,
    pub(super) cut: Option<Cut>,
}

impl Trouble {
    pub(super) fn plan(self, random: &mut Random) -> Plan {
        let refused = random.chance(self.refused);
        let silent = random.chance(self.silent);
        let cut = random.chance(self.cut);
        let by = if random.chance(50) { Side::Client } else { Side::Server };
        // A session has some hundred octets each way, and the body.
        let octet = if random.chance(70) { random.below(400) } else { random.below(6000) };
        Plan { refused, silent, cut: cut.then_some(Cut { by, octet, manner: CutManner::Late }) }
    }
}
