//! Which of the changes that no sync has covered reached the disk before the power was cut.

/// Which pieces of what was not synced are on the disk after a power cut. A piece is a sector of a write, or one
/// creation, removal or change of a length; they are counted in the order of the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Survivors {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// The first so many.
    First(usize),
    /// All but this one.
    AllBut(usize),
    /// Those that are `true`; what is missing at the end counts as `false`.
    These(Vec<bool>),
    /// A choice that is the same for the same seed: of each write or other change all, nothing, or some pieces.
    Seed(u64),
}

impl Survivors {
    /// For changes of so many pieces: whether each piece is kept.
    pub(super) fn choose(&self, changes: &[usize]) -> Vec<bool> {
        let pieces: usize = changes.iter().sum();
        let each = |keep: &dyn Fn(usize) -> bool| (0..pieces).map(keep).collect();
        match self {
            Self::Nothing => each(&|_| false),
            Self::Everything => each(&|_| true),
            Self::First(count) => each(&|piece| piece < *count),
            Self::AllBut(lost) => each(&|piece| piece != *lost),
            Self::These(kept) => each(&|piece| kept.get(piece).copied().unwrap_or(false)),
            Self::Seed(seed) => random(*seed, changes),
        }
    }
}

fn random(seed: u64, changes: &[usize]) -> Vec<bool> {
    let mut state = seed;
    let mut next = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    };
    let mut kept = Vec::new();
    for pieces in changes {
        match next() % 4 {
            0 => kept.extend((0..*pieces).map(|_| false)),
            1 => kept.extend((0..*pieces).map(|_| true)),
            _ => kept.extend((0..*pieces).map(|_| next() % 2 == 0)),
        }
    }
    kept
}
