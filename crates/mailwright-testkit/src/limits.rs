//! How much a server takes and keeps.

/// How much a server takes and keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once. Default 1,000. More are turned away. Cost: a file descriptor and some KiB each.
    pub connections: usize,
    /// Messages that are kept. Default 10,000. More are refused with 452. Cost: their content, twice.
    pub messages: usize,
    /// Sessions of which there is a transcript. Default 1,000: the oldest go first. Cost: their transcripts.
    pub sessions: usize,
    /// Octets of a session that its transcript has. Default 256 KiB. What is beyond is only counted.
    pub transcript: usize,
    /// Octets of a report of failure, the latest sessions first. Default 64 KiB.
    pub report: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            messages: 10_000,
            sessions: 1_000,
            transcript: 256 << 10,
            report: 64 << 10,
        }
    }
}
