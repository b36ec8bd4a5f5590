//! APPEND (RFC 9051 §6.3.12, RFC 3502 §6.3.11): each message decided on before it is sent, all or nothing.

use bytes::BytesMut;
use mailwright_core::Progress;
use mailwright_core::framing::{CommandFrame, Literal, OctetReader};

use super::config::Literals;
use super::error::Error;
use super::event::Event;
use super::machine::{Server, Timer, reply_to};
use super::state::{Append, Asked, Reply, State};
use crate::command::{AppendHead, CommandError, append_end, append_next};
use crate::rejection::{Rejection, ResponseCode};

impl Server {
    /// A message is announced. It is refused here if that needs nobody to be asked.
    pub(super) fn announced(
        &mut self,
        append: Append,
        literal: Literal,
        head: AppendHead,
    ) -> Option<Progress<Event>> {
        let limits = &self.config.limits;
        let refusal = if literal.non_sync && !self.may_be_sent_unasked(literal.size) {
            Some(Reply::Bad("[TOOBIG] wait for the continuation before a literal that long".to_owned()))
        } else if literal.size == 0 {
            Some(Reply::No(Rejection::new(ResponseCode::Cannot, "a message has at least one octet")))
        } else if literal.size > limits.message {
            Some(Reply::No(Rejection::too_big()))
        } else if append.messages >= limits.messages_per_append {
            Some(Reply::No(Rejection::limit().with_text("too many messages in one APPEND")))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let aborted = append.told.then_some(Progress::Event(Event::AppendAborted));
            let refused = self.refuse_literal(Some(append.tag), refusal, literal);
            return match (aborted, refused) {
                (Some(aborted), Some(Progress::Event(event))) => {
                    self.pending = Some(Box::new(event));
                    Some(aborted)
                }
                (aborted, refused) => refused.or(aborted),
            };
        }
        let mailbox = head.mailbox.clone();
        self.state = State::AppendAnnounced(append, literal, head);
        mailbox.map(|mailbox| Progress::Event(Event::AppendBegin { mailbox }))
    }

    /// RFC 7888 §5
    fn may_be_sent_unasked(&self, size: u64) -> bool {
        match self.config.literals {
            Literals::Plus => true,
            Literals::Minus => size <= 4096,
            Literals::Synchronizing => false,
        }
    }

    pub(super) fn poll_announced(
        &mut self,
        append: Append,
        literal: Literal,
        head: AppendHead,
    ) -> Progress<Event> {
        let append = Append { told: true, utf8: head.utf8, messages: append.messages + 1, ..append };
        let (flags, date) = (head.flags, head.date);
        let ticket = self.ask(Asked::AppendMessage(append, literal));
        let (size, binary) = (literal.size, literal.binary);
        Progress::Event(Event::AppendMessage { size, flags, date, binary, ticket })
    }

    pub(super) fn poll_body(
        &mut self,
        append: Append,
        mut octets: OctetReader,
        input: &mut BytesMut,
    ) -> Option<Progress<Event>> {
        if let Some(piece) = octets.next(input) {
            self.timers.clear(Timer::Peer);
            self.state = State::AppendBody(append, octets);
            return Some(Progress::Event(Event::Body(piece)));
        }
        if octets.left() > 0 {
            return self.wait_for_rest(State::AppendBody(append, octets));
        }
        self.state = State::AppendNext(append);
        Some(Progress::Event(Event::MessageEnd))
    }

    pub(super) fn poll_next_message(
        &mut self,
        append: Append,
        input: &mut BytesMut,
    ) -> Option<Progress<Event>> {
        let bad = |error: CommandError| (reply_to(error), None);
        let (reply, literal) = match self.framer.frame(input, self.command_max()) {
            CommandFrame::NeedMore => return self.wait_for_rest(State::AppendNext(append)),
            CommandFrame::TooLong => {
                let rejection = Rejection::new(ResponseCode::TooBig, "the command is too long");
                self.pending = Some(Box::new(self.fail(Error::CommandTooLong, rejection)));
                return Some(Progress::Event(Event::AppendAborted));
            }
            CommandFrame::Malformed { len } => {
                self.take_off(input, len);
                bad(CommandError::Syntax("the end of APPEND, or another message"))
            }
            CommandFrame::Complete { len } => {
                let end = append_end(input.get(..len).unwrap_or_default(), append.utf8);
                self.take_off(input, len);
                match end {
                    Ok(()) => {
                        let ticket = self.ask(Asked::AppendCommit { tag: append.tag });
                        return Some(Progress::Event(Event::AppendCommit { ticket }));
                    }
                    Err(error) => bad(error),
                }
            }
            CommandFrame::Prefix { len, literal } => {
                let prefix = input.get(..len).unwrap_or_default();
                let head = append_next(prefix, append.utf8, &self.grammar());
                self.take_off(input, len);
                match head {
                    Ok(head) => return self.announced(append, literal, head),
                    Err(error) => (reply_to(error), Some(literal)),
                }
            }
        };
        let refused = match literal {
            Some(literal) => self.refuse_literal(Some(append.tag), reply, literal),
            None => self.refuse(Some(append.tag), reply),
        };
        if let Some(Progress::Event(event)) = refused {
            self.pending = Some(Box::new(event));
        }
        Some(Progress::Event(Event::AppendAborted))
    }
}
