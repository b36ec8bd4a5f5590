//! How an input is cut.

/// The same octets in one piece, cut by `seed`, and one by one.
pub(crate) fn splits(octets: &[u8], seed: u8) -> [Vec<&[u8]>; 3] {
    [vec![octets], cut(octets, seed), octets.chunks(1).collect()]
}

/// Pieces of one to eight octets, now and then of many.
pub(crate) fn cut(mut octets: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed).wrapping_mul(0x9E37_79B9) | 1;
    let mut pieces = Vec::new();
    while !octets.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = match state >> 24 {
            0..32 => 300,
            number => number as usize % 8 + 1,
        };
        let (piece, rest) = octets.split_at(size.min(octets.len()));
        pieces.push(piece);
        octets = rest;
    }
    pieces
}
