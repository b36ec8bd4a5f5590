#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod charset;
pub mod conversion;
mod delimiter;
mod encoded_word;
mod envelope;
mod error;
mod header;
mod limits;
mod outline;
mod part;
pub mod report;
mod scan;
mod scanner;
mod search;
mod section;
pub mod submission;
mod syntax;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;
mod wire;
mod words;

pub use encoded_word::decode_header;
pub use error::ScanError;
pub use limits::ScanLimits;
pub use scan::Scan;
pub use scanner::{Scanner, scan};
pub use search::envelope::EnvelopeField;
pub use search::needle::Needle;
pub use search::text::{SearchScope, TextSearch};
pub use section::{PartPlace, SectionText, filter_header};
pub use syntax::date::SentDate;
pub use syntax::date_time::date_time;
pub use syntax::moment::{moment, read_moment};
pub use transfer::{TransferDecoder, TransferEncoding};
