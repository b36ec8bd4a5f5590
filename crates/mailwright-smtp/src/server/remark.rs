//! What an application wants of a reply, besides yes or no.

use std::time::Instant;

use mailwright_core::{Stale, Ticket};

use super::machine::Server;
use super::question::Question;
use super::state::Remark;

impl Server {
    /// Gives the reply to this question, should it be positive, another text. What is not printable ASCII becomes `?`.
    ///
    /// # Errors
    /// [`Stale`], as [`answer`](Self::answer).
    pub fn set_text<Q: Question>(
        &mut self,
        ticket: &Ticket<Q>,
        text: impl Into<String>,
    ) -> Result<(), Stale> {
        self.remark(ticket)?.text = Some(text.into());
        Ok(())
    }

    /// Adds a line to the reply to this question, be it positive or not.
    ///
    /// # Errors
    /// [`Stale`], as [`answer`](Self::answer).
    pub fn add_line<Q: Question>(
        &mut self,
        ticket: &Ticket<Q>,
        line: impl Into<String>,
    ) -> Result<(), Stale> {
        self.remark(ticket)?.lines.push(line.into());
        Ok(())
    }

    /// Has the reply to this question wait until then, however soon the answer is given: for those who had better not
    /// come back soon ("tarpit"). Until then polling says [`NeedReply`](mailwright_core::Progress::NeedReply).
    ///
    /// # Errors
    /// [`Stale`], as [`answer`](Self::answer).
    pub fn delay<Q: Question>(&mut self, ticket: &Ticket<Q>, until: Instant) -> Result<(), Stale> {
        self.remark(ticket)?.until = Some(until);
        Ok(())
    }

    fn remark<Q: Question>(&mut self, ticket: &Ticket<Q>) -> Result<&mut Remark, Stale> {
        self.desk.check(ticket)?;
        Ok(self.remark.get_or_insert_default())
    }
}
