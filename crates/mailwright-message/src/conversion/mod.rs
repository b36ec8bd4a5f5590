//! Encodes what a server does not take: content with octets beyond ASCII, or binary, made fit for one that has not
//! offered 8BITMIME or BINARYMIME (RFC 6152 §3, RFC 3030 §3). Nothing is lost: each part says how it is encoded.
//!
//! The message is read twice, and never held: first to find what has to be changed, then to change it.
//!
//! ```
//! use mailwright_message::conversion::{Carries, Converter, Survey};
//! use mailwright_message::ScanLimits;
//!
//! let message = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\nthé\r\n".as_bytes();
//! let mut survey = Survey::new(Carries::SevenBit, ScanLimits::default());
//! message.chunks(20).for_each(|piece| survey.feed(piece));
//! let conversion = survey.finish().conversion?;
//!
//! let (mut converter, mut converted) = (Converter::new(&conversion), Vec::new());
//! message.chunks(20).for_each(|piece| converter.feed(piece, &mut converted));
//! assert_eq!(
//!     converted,
//!     b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nth=C3=A9\r\n"
//! );
//! # Ok::<(), mailwright_message::conversion::NotConvertible>(())
//! ```
//!
//! * A part that can be sent as it is stays as it is, whatever it says of itself; only a label that promises more than
//!   the server takes is changed with the others.
//! * Text becomes quoted-printable; all else, and what is said to be binary, base64. A part that is encoded already,
//!   and not well, is encoded anew.
//! * What is signed stays as it is: `multipart/signed` (RFC 1847 §2.1), and all of a message with a DKIM-Signature
//!   (RFC 6376 §5.3). If it had to be changed, it is [not convertible](NotConvertible::Signed).
//! * Headers are not changed, but for these labels: there is no way back from a downgraded one (RFC 6530 §11.1).

mod converter;
mod edit;
mod encoder;
mod header;
mod line;
mod survey;

pub use converter::Converter;
pub use edit::Conversion;
pub use survey::{NotConvertible, Survey, Surveyed};

/// What a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carries {
    /// Lines of ASCII.
    SevenBit,
    /// Lines of any octets but NUL (RFC 6152 §3).
    EightBit,
}

/// Octets of a line without its end (RFC 5322 §2.1.1).
const LINE_MAX: u64 = 998;
