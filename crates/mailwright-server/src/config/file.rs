//! Small files, read within bounds.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A file that could be read.
pub(crate) struct Readable {
    pub(crate) text: String,
    /// Whether whoever is neither its owner nor in its group may read it.
    pub(crate) open_to_others: bool,
}

/// Reads a file of at most `max` octets of UTF-8.
pub(crate) fn read(path: &Path, max: u64) -> io::Result<Readable> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut octets = Vec::new();
    io::copy(&mut file.take(max + 1), &mut octets)?;
    if octets.len() as u64 > max {
        return Err(io::Error::other(format!("larger than {max} octets")));
    }
    let text = String::from_utf8(octets).map_err(|_| io::Error::other("not UTF-8"))?;
    Ok(Readable { text, open_to_others: mode & 0o004 != 0 })
}
