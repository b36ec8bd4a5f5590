//! What a server completes in a message that a user submits (RFC 6409 §8), and what it must know of it.
//!
//! The header is gathered as it arrives, in bounded memory; the body is never held. What is missing goes in front, so
//! that nothing the user has written, and perhaps signed, is changed.
//!
//! ```
//! use mailwright_core::Timestamp;
//! use mailwright_message::submission::{Completion, Fed, HeaderLimits, HeaderReader};
//!
//! let message = b"From: Ann <ann@example.org>\r\nSubject: tea\r\n\r\nAt four.\r\n";
//! let Fed::Whole { header, taken } = HeaderReader::new(HeaderLimits::default()).feed(message)? else { panic!() };
//! assert_eq!((header.from()[0].to_string(), &message[taken..]), ("ann@example.org".to_owned(), &b"At four.\r\n"[..]));
//!
//! // 16 random octets in earnest.
//! let (from, hostname) = ("ann@example.org".parse()?, "mx.example.org".parse()?);
//! let completion = Completion { from: &from, hostname: &hostname, now: Timestamp(0), nonce: [42; 16] };
//! assert_eq!(
//!     header.missing(&completion),
//!     "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a@mx.example.org>\r\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod header;
mod reader;

pub use self::header::{Completion, SubmittedHeader};
pub use self::reader::{Fed, HeaderLimits, HeaderReader, InvalidHeader};
