//! What the peer is told. Replies to MAIL, RCPT, RSET and chunks are held until something else is said, or we wait; all
//! others go out at once (RFC 2920 §3.2).

use mailwright_core::{EnhancedCode, Progress};

use super::error::Error;
use super::event::{Aborted, Event};
use super::machine::Server;
use super::refusal;
use super::state::State;
use crate::rejection::Rejection;
use crate::reply::{self, Fixed, Reply};

/// An enhanced status code as it is written in this crate.
pub(super) type Enhanced = (u8, u16, u16);

impl Server {
    /// Says something, held.
    pub(super) fn hold(&mut self, fixed: Fixed) {
        if self.remark.is_none() && self.config.extensions.enhanced_status_codes {
            self.output.put(fixed.line.as_bytes());
        } else {
            self.hold_text(fixed.code, fixed.enhanced, fixed.text);
        }
    }

    pub(super) fn say(&mut self, fixed: Fixed) {
        self.hold(fixed);
        self.output.release();
    }

    /// The application has said yes; held. It may have wanted another text.
    pub(super) fn grant(&mut self, fixed: Fixed) {
        match self.wanted() {
            Some(wanted) => self.hold_text(fixed.code, fixed.enhanced, &wanted),
            None => self.hold(fixed),
        }
    }

    /// The text that the application wants.
    pub(super) fn wanted(&mut self) -> Option<String> {
        self.remark.as_mut()?.text.take()
    }

    pub(super) fn grant_now(&mut self, fixed: Fixed) {
        self.grant(fixed);
        self.output.release();
    }

    /// Says what was not known beforehand, held.
    pub(super) fn hold_text(&mut self, code: u16, enhanced: Option<Enhanced>, text: &str) {
        let enhanced =
            enhanced.and_then(|(class, subject, detail)| EnhancedCode::new(class, subject, detail));
        self.write(code, enhanced, text);
    }

    /// Says who we are, and this behind it.
    pub(super) fn say_name(&mut self, code: u16, enhanced: Option<Enhanced>, behind: [&str; 2]) {
        let [first, second] = behind;
        let text = [&self.config.hostname, first, second].concat();
        self.hold_text(code, enhanced, &text);
        self.output.release();
    }

    fn write(&mut self, code: u16, enhanced: Option<EnhancedCode>, text: &str) {
        let enhanced = enhanced.filter(|_| self.config.extensions.enhanced_status_codes);
        match &self.remark {
            None => reply::write(&mut self.output, code, enhanced, text),
            Some(_) => {
                let mut reply = Reply::new(code, enhanced);
                reply.lines(text);
                self.put(reply);
            }
        }
    }

    /// Says this, and the lines that the application has added, held.
    pub(super) fn put(&mut self, mut reply: Reply) {
        let lines = self.remark.take().map(|remark| remark.lines).unwrap_or_default();
        lines.iter().for_each(|line| reply.lines(line));
        reply.put(&mut self.output);
    }

    pub(super) fn tell(&mut self, rejection: &Rejection) {
        self.write_rejection(rejection);
        self.output.release();
    }

    pub(super) fn write_rejection(&mut self, rejection: &Rejection) {
        self.write(rejection.code().get(), Some(rejection.enhanced()), rejection.text());
    }

    /// The machine refuses a command. What may be tried again, as recipients that are too many, is no error.
    pub(super) fn refuse(&mut self, rejection: Rejection) -> Option<Event> {
        self.tell(&rejection);
        if rejection.code().is_permanent() {
            self.count_error();
        }
        Some(Event::Refused(rejection))
    }

    /// The application has refused something; held.
    pub(super) fn reject(&mut self, rejection: &Rejection) {
        self.write_rejection(rejection);
        self.weigh(rejection);
    }

    /// What the application has refused counts: 421 closes, and so do too many refusals for good.
    pub(super) fn weigh(&mut self, rejection: &Rejection) {
        if rejection.code().get() == 421 {
            self.output.release();
            self.state = State::Failed(Error::TurnedAway(rejection.code()));
        } else if rejection.code().is_permanent() {
            self.count_error();
        }
    }

    pub(super) fn reject_now(&mut self, rejection: &Rejection) {
        self.reject(rejection);
        self.output.release();
    }

    /// A command that gets the client nowhere.
    pub(super) fn idle(&mut self) {
        self.session.idle_commands += 1;
        if self.session.idle_commands > self.config.limits.idle_commands {
            self.pending = self.fail(Error::TooManyIdleCommands, &refusal::too_many_commands());
        }
    }

    pub(super) fn count_error(&mut self) {
        self.session.errors += 1;
        if self.session.errors > self.config.limits.errors {
            self.pending =
                self.fail(Error::TooManyErrors, &refusal::too_many_errors()).or(self.pending.take());
        }
    }

    /// The session ends badly. An open content is aborted.
    pub(super) fn fail(&mut self, error: Error, rejection: &Rejection) -> Option<Event> {
        self.tell(rejection);
        self.timers.clear_all();
        let aborted = self.abandon(Aborted::Disconnected);
        self.state = State::Failed(error);
        aborted.filter(|event| matches!(event, Event::BodyAborted(_)))
    }

    pub(super) fn close_with(&mut self, rejection: &Rejection) -> Progress<Event> {
        self.tell(rejection);
        let aborted = self.abandon(Aborted::Disconnected);
        self.state = State::Closing;
        match aborted {
            Some(event @ Event::BodyAborted(_)) => Progress::Event(event),
            _ => Progress::Closed,
        }
    }
}
