//! What a scan may cost, whatever arrives.

/// The bounds of a scan. What lies beyond is left out and told by [`Scan::is_limited`](crate::Scan::is_limited);
/// the message itself is never refused for it. Together they bound the memory of a
/// [`Scanner`](crate::Scanner): about `header_octets + 2 * kept_octets + 150 * parts`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanLimits {
    /// Parts within parts, messages within messages counted too (RFC 2046 §5.1, §5.2.1). A container deeper than
    /// this is not opened, and shown as `application/octet-stream`. Above 250 it is taken for 250, because who
    /// reads a structure recurses. Default: 100.
    pub depth: usize,
    /// Parts of a message, at all depths. What follows the last is only part of its container's body. Each costs
    /// about 150 octets. Default: 10,000.
    pub parts: usize,
    /// Parameters of a Content-Type or Content-Disposition, each continuation counted (RFC 2231 §3).
    /// Default: 1,000.
    pub parameters: usize,
    /// Addresses of a message: those of all its fields, and of the messages inside; the begin and the end of
    /// a group count too. Default: 10,000.
    pub addresses: usize,
    /// Fields of a header that are looked at, of those that matter. Default: 10,000.
    pub fields: usize,
    /// Octets kept of a header while it arrives: of all fields that matter, together. Default: 512 KiB.
    pub header_octets: usize,
    /// Octets kept of a boundary; of a longer one the beginning decides (RFC 2046 §5.1.1 allows 70). Default: 1,000.
    pub boundary_octets: usize,
    /// Octets kept of all headers, until the scan is finished. Default: 2 MiB.
    pub kept_octets: usize,
}

/// Who reads a structure recurses, so that it may not be of any depth.
pub(crate) const DEEPEST: usize = 250;

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            depth: 100,
            parts: 10_000,
            parameters: 1_000,
            addresses: 10_000,
            fields: 10_000,
            header_octets: 512 * 1024,
            boundary_octets: 1_000,
            kept_octets: 2 * 1024 * 1024,
        }
    }
}
