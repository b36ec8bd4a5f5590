//! The content of a message as it comes: behind DATA, and in chunks.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mailwright_core::Progress;
use mailwright_core::framing::DotStep;

use super::config::Timeouts;
use super::error::Error;
use super::event::{Aborted, Event};
use super::machine::Server;
use super::refusal;
use super::state::{Asked, Body, Chunk, Content, Part, Refused, State, Timer};
use crate::lines::Lines;
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::reply::fixed;

impl Server {
    /// Whether a content may begin, or go on.
    pub(super) fn may_begin_content(&self, by_data: bool) -> Result<(), Rejection> {
        let Some(transaction) = &self.session.transaction else {
            return Err(refusal::sequence("MAIL first"));
        };
        if transaction.recipients == 0 {
            return Err(refusal::no_recipients(self.config.protocol == Protocol::Lmtp));
        }
        if by_data && transaction.content.is_some() {
            // RFC 3030 §2.
            return Err(refusal::sequence("the message has begun in chunks"));
        }
        if by_data && transaction.is_binary {
            // RFC 3030 §3.
            return Err(refusal::sequence("BODY=BINARYMIME needs BDAT"));
        }
        Ok(())
    }

    pub(super) fn bdat(&mut self, size: u64, last: bool) -> Option<Event> {
        let limit = self.config.limits.message_size;
        let begun = self.session.transaction.as_ref().and_then(|transaction| transaction.content.as_ref());
        let total = begun.map_or(0, |content| content.size).saturating_add(size);
        let is_begun = begun.is_some();
        let may = match self.may_begin_content(false) {
            _ if !self.config.extensions.chunking => Err(refusal::not_offered("BDAT is not offered")),
            Ok(()) if total > limit => Err(refusal::too_big(limit)),
            may => may,
        };
        match may {
            Ok(()) if is_begun => {
                self.state = State::Chunk(Chunk::new(size, last, None));
                None
            }
            Ok(()) => Some(Event::Data { ticket: self.ask(Asked::Data(Part::Chunk { size, last })) }),
            Err(rejection) => {
                let why = if total > limit { Aborted::TooBig } else { Aborted::GivenUp };
                let replies = self.replies_due(last);
                let ended = self.abandon(why);
                self.swallow(size, Refused { rejection, replies });
                ended
            }
        }
    }

    /// How many replies the client waits for behind the content, or behind a chunk of it.
    pub(super) fn replies_due(&self, last: bool) -> usize {
        match (self.config.protocol, &self.session.transaction) {
            (Protocol::Lmtp, Some(transaction)) if last => transaction.recipients.max(1),
            _ => 1,
        }
    }

    /// Takes a chunk off the input, and says then why it was refused.
    pub(super) fn swallow(&mut self, size: u64, refused: Refused) {
        let limits = &self.config.limits;
        if size > limits.message_size.saturating_add(limits.message_discard) {
            self.fail(Error::EndlessBody, &refused.rejection);
        } else {
            self.state = State::Chunk(Chunk::new(size, false, Some(refused)));
        }
    }

    fn refuse_content(&mut self, Refused { rejection, replies }: Refused) -> Event {
        for _ in 1..replies {
            self.write_rejection(&rejection);
        }
        self.tell(&rejection);
        if rejection.code().is_permanent() {
            self.count_error();
        }
        Event::Refused(rejection)
    }

    pub(super) fn begin_chunk(&mut self, size: u64, last: bool) {
        self.begin_content();
        self.state = State::Chunk(Chunk::new(size, last, None));
    }

    pub(super) fn begin_content(&mut self) {
        if let Some(transaction) = &mut self.session.transaction {
            transaction.content = Some(Content::new(transaction.is_binary));
        }
    }

    pub(super) fn burl(&mut self, url: &str, last: bool) -> Option<Event> {
        let may = match self.may_begin_content(false) {
            _ if !self.offers_burl() => Err(refusal::not_offered("BURL is not offered")),
            // RFC 4468 §3: it is for submission.
            _ if !self.session.authenticated => Err(refusal::auth_required()),
            may => may,
        };
        if let Err(refusal) = may {
            return self.refuse(refusal);
        }
        let is_begun = self.session.transaction.as_ref().is_some_and(|it| it.content.is_some());
        let url = url.to_owned();
        if is_begun {
            // What is elsewhere does not begin in the middle of a line end.
            if let Some(aborted) = self.refuse_open_end(last) {
                return Some(aborted);
            }
            return Some(Event::Burl { url, ticket: self.ask(Asked::Burl { last }) });
        }
        Some(Event::Data { ticket: self.ask(Asked::Data(Part::Url { url, last })) })
    }

    /// A part of so many octets was had elsewhere.
    pub(super) fn fetched(&mut self, size: u64, last: bool) {
        let limit = self.config.limits.message_size;
        let content = self.session.transaction.as_mut().and_then(|transaction| transaction.content.as_mut());
        let Some(content) = content else { return };
        content.size = content.size.saturating_add(size);
        content.lines = content.lines.take().map(|_| Lines::default());
        if content.size > limit {
            self.pending = self.abandon(Aborted::TooBig);
            return self.reject_now(&refusal::too_big(limit));
        }
        if last {
            self.pending = Some(self.end_content());
        } else {
            self.hold(fixed!(250, (2, 0, 0), "taken"));
        }
    }

    pub(super) fn poll_chunk(&mut self, input: &mut BytesMut, now: Instant) -> Option<Progress<Event>> {
        let State::Chunk(chunk) = &mut self.state else { return None };
        let since = *chunk.since.get_or_insert(now);
        let event = match chunk.octets.next(input) {
            Some(_) if chunk.refused.is_some() => None,
            Some(piece) => Some(self.piece(piece)),
            None if chunk.octets.left() == 0 => {
                self.timers.clear(Timer::Peer);
                self.end_chunk()
            }
            None if self.eof => {
                let aborted = self.abandon(Aborted::Disconnected);
                self.state = State::Closing;
                aborted
            }
            None => {
                let come = chunk.size - chunk.octets.left();
                self.timers.set(Timer::Peer, body_due(since, come, &self.config.timeouts));
                return Some(Progress::NeedInput);
            }
        };
        event.map(Progress::Event)
    }

    /// Passes a piece of a chunk on, as far as it is made of lines.
    fn piece(&mut self, mut piece: Bytes) -> Event {
        let content = self.session.transaction.as_mut().and_then(|transaction| transaction.content.as_mut());
        let Some(content) = content else { return Event::Body(piece) };
        content.size += piece.len() as u64;
        let checked = content.lines.as_mut().map_or(Ok(()), |lines| lines.check(&piece));
        let Err((sound, fault)) = checked else { return Event::Body(piece) };
        let is_last = matches!(&self.state, State::Chunk(Chunk { last: true, .. }));
        let replies = self.replies_due(is_last);
        if let State::Chunk(chunk) = &mut self.state {
            chunk.refused = Some(Refused { rejection: refusal::content(fault), replies });
        }
        self.session.transaction = None;
        piece.truncate(sound);
        if piece.is_empty() {
            return Event::BodyAborted(Aborted::Fault(fault));
        }
        self.pending = Some(Event::BodyAborted(Aborted::Fault(fault)));
        Event::Body(piece)
    }

    fn end_chunk(&mut self) -> Option<Event> {
        let State::Chunk(chunk) = std::mem::replace(&mut self.state, State::Command) else { return None };
        if let Some(refused) = chunk.refused {
            return Some(self.refuse_content(refused));
        }
        if !chunk.last {
            self.hold_text(250, Some((2, 0, 0)), &format!("{} octets taken", chunk.size));
            return None;
        }
        self.refuse_open_end(true).or_else(|| Some(self.end_content()))
    }

    /// Refuses a content that would end in the middle of a line end.
    fn refuse_open_end(&mut self, last: bool) -> Option<Event> {
        let content = self.session.transaction.as_ref().and_then(|transaction| transaction.content.as_ref());
        let lines = content.and_then(|content| content.lines.as_ref());
        let Some(Err(fault)) = lines.map(Lines::end) else { return None };
        let replies = self.replies_due(last);
        self.session.transaction = None;
        self.pending = Some(self.refuse_content(Refused { rejection: refusal::content(fault), replies }));
        Some(Event::BodyAborted(Aborted::Fault(fault)))
    }

    /// All chunks have come.
    fn end_content(&mut self) -> Event {
        let transaction = self.session.transaction.as_mut();
        let content = transaction.and_then(|transaction| transaction.content.take());
        self.ask_for_answer(content.map_or(0, |content| content.size))
    }

    fn ask_for_answer(&mut self, size: u64) -> Event {
        match self.config.protocol {
            Protocol::Smtp => Event::BodyEnd { size, ticket: self.ask(Asked::Message) },
            Protocol::Lmtp => {
                let recipients = self.session.transaction.as_ref().map_or(0, |it| it.recipients);
                Event::LmtpBodyEnd { size, recipients, ticket: self.ask(Asked::Deliveries { recipients }) }
            }
        }
    }

    pub(super) fn poll_body(&mut self, input: &mut BytesMut, now: Instant) -> Option<Progress<Event>> {
        let State::Body(body) = &mut self.state else { return None };
        let since = *body.since.get_or_insert(now);
        match body.reader.next(input) {
            DotStep::Chunk(chunk) => self.body_chunk(chunk),
            DotStep::Fault(fault) => {
                body.size += 1;
                let event = self.abort_body(Aborted::Fault(fault));
                self.give_up_endless_body();
                event
            }
            DotStep::End => {
                self.timers.clear(Timer::Peer);
                Some(self.end_body())
            }
            DotStep::NeedMore if self.eof => {
                let event = self.abort_body(Aborted::Disconnected);
                self.state = State::Closing;
                event
            }
            DotStep::NeedMore => {
                let due = body_due(since, body.size, &self.config.timeouts);
                self.timers.set(Timer::Peer, due);
                return Some(Progress::NeedInput);
            }
        }
        .map(Progress::Event)
    }

    /// Passes on what is within the limit.
    fn body_chunk(&mut self, mut chunk: Bytes) -> Option<Event> {
        let State::Body(body) = &mut self.state else { return None };
        let room = self.config.limits.message_size.saturating_sub(body.size);
        body.size += chunk.len() as u64;
        if body.aborted.is_some() {
            self.give_up_endless_body();
            return None;
        }
        if chunk.len() as u64 <= room {
            return Some(Event::Body(chunk));
        }
        chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let aborted = self.abort_body(Aborted::TooBig);
        self.give_up_endless_body();
        if chunk.is_empty() {
            return aborted;
        }
        self.pending = aborted;
        Some(Event::Body(chunk))
    }

    fn give_up_endless_body(&mut self) {
        let State::Body(Body { size, .. }) = &self.state else { return };
        let limits = &self.config.limits;
        if *size > limits.message_size.saturating_add(limits.message_discard) {
            let rejection = refusal::too_big(limits.message_size);
            self.pending = self.pending.take().or(self.fail(Error::EndlessBody, &rejection));
        }
    }

    /// Tells the application, once, that the content is worthless.
    fn abort_body(&mut self, why: Aborted) -> Option<Event> {
        let State::Body(body) = &mut self.state else { return None };
        if body.aborted.is_some() {
            return None;
        }
        body.aborted = Some(why);
        Some(Event::BodyAborted(why))
    }

    fn end_body(&mut self) -> Event {
        let State::Body(body) = std::mem::replace(&mut self.state, State::Command) else {
            return Event::Reset;
        };
        let Some(why) = body.aborted else { return self.ask_for_answer(body.size) };
        let replies = self.replies_due(true);
        self.session.transaction = None;
        let rejection = match why {
            Aborted::TooBig => refusal::too_big(self.config.limits.message_size),
            Aborted::Fault(fault) => refusal::content(fault),
            _ => Rejection::local_error(),
        };
        self.refuse_content(Refused { rejection, replies })
    }

    /// The transaction is over, whatever has come of it. Tells whether there was one, and whether its content had begun.
    pub(super) fn abandon(&mut self, why: Aborted) -> Option<Event> {
        let aborted = self.abort_body(why);
        let transaction = self.session.transaction.take()?;
        if transaction.content.is_some() {
            return Some(Event::BodyAborted(why));
        }
        match &self.state {
            State::Body(_) => aborted,
            _ => Some(Event::Reset),
        }
    }

    /// When the content must have come, if it is coming.
    pub(super) fn content_due(&self) -> Option<Instant> {
        let (since, come) = match &self.state {
            State::Body(Body { since, size, .. }) => (*since, *size),
            State::Chunk(chunk) => (chunk.since, chunk.size - chunk.octets.left()),
            _ => return None,
        };
        Some(body_due(since?, come, &self.config.timeouts))
    }
}

/// When a body, or a chunk, must have ended, or more of it have come.
fn body_due(since: Instant, size: u64, timeouts: &Timeouts) -> Instant {
    since + timeouts.body_grace + Duration::from_secs(size / u64::from(timeouts.body_min_rate.max(1)))
}
