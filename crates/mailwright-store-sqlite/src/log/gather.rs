//! Few writes for many parts.

use std::io;

use mailwright_store::disk::DiskFile;

use super::place::BLOCK;

/// So much is gathered before it is written.
const WRITE_BYTES: usize = 256 << 10;
/// What has this length or more is not gathered but written as it is.
const DIRECT_BYTES: usize = 64 << 10;

/// Parts that stand one behind the other in a file: small ones are gathered, large ones not copied.
pub(super) struct Gather<'a, F> {
    file: &'a F,
    /// Where what is gathered begins.
    at: u64,
    gathered: Vec<u8>,
}

impl<'a, F: DiskFile> Gather<'a, F> {
    pub(super) fn new(file: &'a F, at: u64) -> Self {
        Self { file, at, gathered: Vec::new() }
    }

    pub(super) fn put(&mut self, part: &[u8]) -> io::Result<()> {
        if self.gathered.len() + part.len() > WRITE_BYTES || part.len() >= DIRECT_BYTES {
            self.flush()?;
        }
        if part.len() >= DIRECT_BYTES {
            self.file.write_at(part, self.at)?;
            self.at += part.len() as u64;
        } else {
            self.gathered.extend_from_slice(part);
        }
        Ok(())
    }

    /// Zeros up to the next block, because a page that is not filled may have to be read first; then the rest is
    /// written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let end = self.at + self.gathered.len() as u64;
        let zeros = end.next_multiple_of(BLOCK) - end;
        self.gathered.resize(self.gathered.len() + zeros as usize, 0);
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.gathered.is_empty() {
            self.file.write_at(&self.gathered, self.at)?;
            self.at += self.gathered.len() as u64;
            self.gathered.clear();
        }
        Ok(())
    }
}
