//! The client's side of a session: SMTP to the next server, LMTP to a store, submission to a relay.
//!
//! Three questions are asked: what is to be done, what the response to a challenge is, and whether that was all of
//! the content. A driver over blocking I/O; one for an async runtime has the same arms:
//!
//! ```
//! use std::io::{Read, Write};
//! use std::time::Instant;
//!
//! use bytes::{Buf, Bytes, BytesMut};
//! use mailwright_core::{Machine, Progress};
//! use mailwright_smtp::client::{Client, Event, Outcome, Transaction, Work};
//!
//! fn deliver(
//!     client: &mut Client,
//!     io: &mut (impl Read + Write),
//!     message: (Transaction, Bytes),
//! ) -> Result<Vec<Outcome>, Box<dyn std::error::Error>> {
//!     let (mut input, mut buffer, mut outcomes) = (BytesMut::new(), [0; 4096], Vec::new());
//!     let (mut transaction, mut content, mut body) = (Some(message.0), message.1, None);
//!     loop {
//!         let progress = match client.poll_event(&mut input, Instant::now()) {
//!             Err(error) if outcomes.is_empty() => return Err(error.into()),
//!             Err(_) => return Ok(outcomes), // each recipient has had its outcome before
//!             Ok(progress) => progress,
//!         };
//!         let output = client.output();
//!         while output.has_remaining() {
//!             let count = io.write(output.chunk())?;
//!             output.advance(count);
//!         }
//!         match progress {
//!             Progress::Event(Event::Ready { ticket }) => {
//!                 client.answer(ticket, transaction.take().map_or(Work::Quit, Work::Send))?;
//!             }
//!             Progress::Event(Event::Body { ticket }) => body = Some(ticket),
//!             Progress::Event(Event::Outcome(outcome)) => outcomes.push(outcome),
//!             Progress::NeedReply => match body.take() {
//!                 Some(ticket) if content.is_empty() => client.answer(ticket, Ok(()))?,
//!                 Some(ticket) => {
//!                     client.body(&ticket, &mut content)?; // takes what there is room for
//!                     body = Some(ticket);
//!                 }
//!                 None => return Err("no answer to a question".into()),
//!             },
//!             Progress::NeedInput => match io.read(&mut buffer)? {
//!                 0 => client.handle_eof(),
//!                 count => input.extend_from_slice(&buffer[..count]),
//!             },
//!             Progress::Closed => return Ok(outcomes),
//!             _ => {} // NeedDrain; with TLS to be had, also Upgrade
//!         }
//!     }
//! }
//! # use std::sync::Arc;
//! # use mailwright_core::{ForwardPath, ReversePath};
//! # use mailwright_smtp::client::{Config, Recipient};
//! # struct Script(std::collections::VecDeque<&'static str>, Vec<u8>);
//! # impl Read for Script {
//! #     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
//! #         let reply = self.0.pop_front().unwrap_or_default().as_bytes();
//! #         buffer[..reply.len()].copy_from_slice(reply);
//! #         Ok(reply.len())
//! #     }
//! # }
//! # impl Write for Script {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.1.write(bytes) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # let replies = ["220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 2.0.0 taken\r\n"];
//! # let mut client = Client::new(Arc::new(Config::new("me.example.net".parse()?)), None);
//! # let to = Recipient::new(ForwardPath::Address("ann@example.org".parse()?));
//! # let mut io = Script(replies.into(), vec![]);
//! # let message = (Transaction::new(ReversePath::Null, vec![to]), "Subject: hi\r\n\r\n.hidden\r\n".into());
//! # let outcomes = deliver(&mut client, &mut io, message)?;
//! # assert_eq!(outcomes[0].result.as_ref().unwrap().text, "taken");
//! # assert!(io.1.ends_with(b"DATA\r\nSubject: hi\r\n\r\n..hidden\r\n.\r\nQUIT\r\n"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A driver that is told of a broken connection calls `handle_eof` and polls on until the error: then each recipient
//! of an open transaction has its outcome. One that wants to keep the connection keeps the ticket of
//! [`Event::Ready`], and goes on polling and reading meanwhile, so as to see the server leave; when
//! [`Timeouts::idle`] is over the machine says QUIT. When a TLS handshake fails behind STARTTLS there is no way back:
//! connect again, with [`StartTls::Never`] if that is the policy.
//!
//! What holds:
//!
//! * **Each recipient has exactly one [`Outcome`], and it is true.** What has been taken is `Ok`; what was
//!   [not sent](Failure::NotSent) is surely not taken, since its end was not written and never will be; in doubt it
//!   is said that the [answer is lost](Failure::AnswerLost) (RFC 1047).
//! * **Content goes out as it is or not at all.** Lines end in CRLF; a bare CR, a bare LF or a NUL ends the session
//!   before the message has an end. Only dots are doubled, and a last line without its end gets one. What is
//!   [binary](crate::Body::BinaryMime) goes by BDAT, octet for octet, to servers that offer that. To leave a content
//!   unfinished means to close the connection, in chunks too.
//! * **What a message needs is offered, or it is not sent**: see [`Transaction`].
//! * **Nothing can be injected**: all that stands in a command is of a type that cannot hold a line end.
//! * **Replies count.** What the server says before it was asked ends the session, as each reply behind it would be
//!   taken for that to another command. There is no limit to set on it: none is put up with.
//! * **EHLO, then HELO** if the refusal is one of the command (500 to 504), not of us.

mod capabilities;
mod config;
mod content;
mod error;
mod event;
mod hearing;
mod machine;
mod outcome;
mod question;
mod reply;
mod speaking;
mod stage;
mod state;
mod transaction;
mod unsendable;

pub use capabilities::{Capabilities, FutureRelease};
pub use config::{Config, Limits, StartTls};
pub use error::Error;
pub use event::{AuthFailure, Event, GivenUp, Work, ask};
pub use machine::Client;
pub use outcome::{Failure, Outcome};
pub use question::Question;
pub use reply::{Reply, ReplyFault};
pub use stage::{Stage, Timeouts};
pub use transaction::{Recipient, Transaction};
pub use unsendable::Unsendable;

pub use crate::protocol::Protocol;
