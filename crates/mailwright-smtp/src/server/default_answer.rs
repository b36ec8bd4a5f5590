//! Answers for those who have no opinion.

use mailwright_core::Stale;

use super::event::Event;
use super::machine::Server;
use crate::rejection::Rejection;

impl Server {
    /// Answers what an application does not care about, so that it need only match the events that it does: yes to
    /// greetings, senders, recipients and content; no to AUTH ([`auth_failed`](Rejection::auth_failed)); and to a
    /// whole message [`local_error`](Rejection::local_error), so that nobody loses one that was not taken. Events
    /// without a ticket are dropped.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Instant;
    ///
    /// use bytes::{Buf, BytesMut};
    /// use mailwright_core::{Machine, Progress};
    /// use mailwright_smtp::{Config, Event, Rejection, Server};
    ///
    /// // All that the client says lies there at once: it does not wait for its turn.
    /// let config = Config { refuse_early_input: false, ..Config::default() };
    /// let mut server = Server::new(Arc::new(config), None);
    /// let mut input = BytesMut::from("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<nobody@x.example>\r\n");
    /// while let Progress::Event(event) = server.poll_event(&mut input, Instant::now())? {
    ///     match event {
    ///         Event::Rcpt { ticket, .. } => server.answer(ticket, Err(Rejection::no_such_user()))?,
    ///         event => server.answer_default(event)?,
    ///     }
    /// }
    /// let output = server.output();
    /// let said = output.copy_to_bytes(output.remaining());
    /// assert!(String::from_utf8_lossy(&said).ends_with("550 5.1.1 there is no such mailbox here\r\n"));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Stale`], as [`answer`](Self::answer).
    pub fn answer_default(&mut self, event: Event) -> Result<(), Stale> {
        match event {
            Event::Connect { ticket } => self.answer(ticket, Ok(())),
            Event::Hello { ticket, .. } => self.answer(ticket, Ok(())),
            Event::Mail { ticket, .. } => self.answer(ticket, Ok(())),
            Event::Rcpt { ticket, .. } => self.answer(ticket, Ok(())),
            Event::Data { ticket } => self.answer(ticket, Ok(())),
            Event::Auth { ticket, .. } | Event::AuthResponse { ticket, .. } => {
                self.answer(ticket, Err(Rejection::auth_failed()))
            }
            Event::XClient { ticket, .. } => self.answer(ticket, Err(Rejection::local_error())),
            Event::Burl { ticket, .. } => self.answer(ticket, Err(Rejection::local_error())),
            Event::BodyEnd { ticket, .. } => self.answer(ticket, Err(Rejection::local_error())),
            Event::LmtpBodyEnd { ticket, .. } => self.answer(ticket, Vec::new()),
            Event::Vrfy { ticket, .. } => self.answer(ticket, Ok(Vec::new())),
            Event::Expn { ticket, .. } => self.answer(ticket, Err(Rejection::local_error())),
            Event::Etrn { ticket, .. } => self.answer(ticket, Err(Rejection::local_error())),
            Event::Body(_) | Event::BodyAborted(_) | Event::Reset | Event::Refused(_) => Ok(()),
        }
    }
}
