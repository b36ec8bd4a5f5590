//! The bounds of a log.

/// The bounds of a [`Log`](super::Log). They bind who writes; what was written under others stays readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// Bytes of a segment, which are set aside when it is begun; rounded up to 4 KiB, at least 8 KiB. More means
    /// fewer files and fewer of the syncs that a new segment costs, but more to copy when space is reclaimed, and
    /// more room that an open log holds. Default: 64 MiB.
    pub segment_bytes: u64,
    /// Bytes of a segment that is begun when the disk has no room for a whole one, so that what frees space can still
    /// be written, and a full disk be opened; longer only if a group needs it. Little, since what is left is for the
    /// index as well; more means fewer of the syncs that a new segment costs. Default: 64 KiB.
    pub short_segment_bytes: u64,
    /// Bytes of the largest group, which gets a segment of its own if it must. Default: 256 MiB.
    pub group_bytes: u64,
    /// Bodies in one group: 96 bytes each, in memory while the group is written or read. Default: 65 536.
    pub bodies_per_group: u32,
    /// Segments that readers keep open, a file descriptor each. Default: 64.
    pub open_segments: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            short_segment_bytes: 64 << 10,
            group_bytes: 256 << 20,
            bodies_per_group: 65_536,
            open_segments: 64,
        }
    }
}
