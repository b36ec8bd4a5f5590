//! Where the octets of a blob stand.

use mailwright_core::BlobId;
use mailwright_store::model::Field;

use crate::log::Place;

/// Where the octets of a blob stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobPlace {
    /// In the log, with the batch that first referred to it.
    Log(Place),
    /// In a file of its own.
    Bulk,
}

impl BlobPlace {
    /// The name of a blob's own file.
    pub(crate) fn file_name(id: BlobId) -> String {
        format!("{:032x}.blob", u128::from_be_bytes(id.0))
    }

    /// Whose file it is.
    pub(crate) fn blob_of(file_name: &str) -> Option<BlobId> {
        let number = u128::from_str_radix(file_name.strip_suffix(".blob")?, 16).ok()?;
        Some(BlobId(number.to_be_bytes()))
    }
}

impl Field for BlobPlace {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Log(Place { segment, offset, len, crc }) => {
                out.push(0);
                (*segment, *offset, *len, *crc).put(out);
            }
            Self::Bulk => out.push(1),
        }
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        match u8::take(input)? {
            0 => {
                let (segment, offset, len, crc) = Field::take(input)?;
                Some(Self::Log(Place { segment, offset, len, crc }))
            }
            1 => Some(Self::Bulk),
            _ => None,
        }
    }
}
