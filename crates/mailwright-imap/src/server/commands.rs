//! What each command comes to.

use std::convert::Infallible;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Buf, BytesMut};
use mailwright_core::framing::{CommandFrame, Line, LineLimits};
use mailwright_core::{Progress, Secret, Ticket, UidSet, mechanisms_on};

use super::error::{Error, WrongProtocol};
use super::event::{Event, Fetch, Results, Search, ask};
use super::machine::{Server, Timer, told};
use super::reply;
use super::row::{Fetching, Progress as RowProgress};
use super::state::{Asked, Code, Done, Listing, Reply, Resume, Searching, State, Storing, Then};
use crate::command::{Command, InitialResponse};
use crate::rejection::{Rejection, ResponseCode};
use crate::types::{
    FetchItem, ListReturn, ListSelect, MessageSet, SearchKey, SearchReturn, SequenceSet, StatusItem,
};
use crate::wire;

/// Octets of the line that ends an IDLE.
const DONE_MAX: usize = 64;

impl Server {
    pub(super) fn command(&mut self, tag: String, command: Command, last: bool) -> Option<Progress<Event>> {
        let event = match command {
            Command::Capability => {
                self.output.put(b"* ");
                reply::capability(&mut self.output, &told(&self.config, &self.session, None));
                self.output.put(b"\r\n");
                return self.done(tag, "these are the capabilities");
            }
            Command::Noop => return self.done(tag, "nothing done"),
            Command::Logout => {
                self.output.put(b"* BYE see you\r\n");
                self.write_reply(Some(&tag), &Reply::Ok(Code::None, "logged out"));
                self.state = State::Closing;
                return None;
            }
            Command::Id(client) => {
                self.write_id();
                self.pending = Some(Box::new(Event::Identified(client)));
                return self.done(tag, "this is who I am");
            }
            Command::StartTls => return self.start_tls(tag, last),
            Command::Login { user, password } => {
                if let Err(refusal) = self.may_log_in(self.config.login) {
                    return self.refuse(Some(tag), refusal);
                }
                Event::Login { user, password, ticket: self.ask(Asked::Login { tag }) }
            }
            Command::Authenticate { mechanism, initial } => {
                return self.authenticate(tag, &mechanism, initial);
            }
            _ if !self.session.logged_in => {
                return self.refuse(Some(tag), Reply::Bad("log in first".to_owned()));
            }
            Command::Enable(what) => return self.enable(tag, &what),
            // RFC 2342 §5: no names of others, none that are shared.
            Command::Namespace => {
                self.output.put(b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
                return self.done(tag, "one namespace, which is yours");
            }
            Command::Idle => {
                self.output.put(b"+ idling\r\n");
                self.state = State::Idle { tag };
                return None;
            }
            Command::Select { mailbox, read_only, condstore, qresync } => {
                if qresync.is_some() && !self.enabled.qresync {
                    return self.refuse(Some(tag), Reply::Bad("ENABLE QRESYNC first".to_owned()));
                }
                self.enabled.condstore |= condstore;
                let resume = qresync.map(|parameters| Resume {
                    uid_validity: parameters.uid_validity,
                    since: parameters.modseq,
                    known: parameters.known,
                });
                let asked = Asked::Select { tag, mailbox: mailbox.clone(), read_only, resume };
                let ticket = self.ask(asked);
                let event = Event::Select { mailbox, read_only, ticket };
                if self.selected.take().is_none() {
                    event
                } else {
                    if self.enabled.qresync || self.enabled.rev2 {
                        self.output.put(b"* OK [CLOSED] the mailbox is closed\r\n");
                    }
                    self.pending = Some(Box::new(event));
                    Event::Closed
                }
            }
            Command::Create { mailbox, special_use } => {
                if !special_use.is_empty() && !self.config.create_special_use {
                    let refusal =
                        Rejection::new(ResponseCode::UseAttr, "no special use can be given to a mailbox");
                    return self.finish(tag, Reply::No(refusal), true);
                }
                Event::Create { mailbox, special_use, ticket: self.ask_done(tag, Done::Create) }
            }
            Command::Delete { mailbox } => {
                Event::Delete { mailbox, ticket: self.ask_done(tag, Done::Delete) }
            }
            Command::Rename { from, to } => {
                Event::Rename { from, to, ticket: self.ask_done(tag, Done::Rename) }
            }
            Command::Subscribe { mailbox } => {
                let ticket = self.ask_done(tag, Done::Subscribe);
                Event::Subscribe { mailbox, subscribe: true, ticket }
            }
            Command::Unsubscribe { mailbox } => {
                let ticket = self.ask_done(tag, Done::Subscribe);
                Event::Subscribe { mailbox, subscribe: false, ticket }
            }
            Command::List(list) => {
                // RFC 9051 §6.3.9: an empty name asks for the separator.
                if !list.lsub && list.patterns.iter().all(|pattern| pattern.0.is_empty()) {
                    self.output.put(b"* LIST (\\Noselect) \"/\" \"\"\r\n");
                    return self.done(tag, "this is the separator");
                }
                let is_extended = list.select != ListSelect::default()
                    || list.returns != ListReturn::default()
                    || list.patterns.len() > 1
                    || self.enabled.rev2;
                let status = list.returns.status.clone();
                let listing = Listing { lsub: list.lsub, extended: is_extended, status };
                let wants_modseq =
                    listing.status.iter().flatten().any(|item| *item == StatusItem::HighestModSeq);
                self.want_modseqs(wants_modseq);
                Event::List { list, ticket: self.ask(Asked::List { tag, list: listing }) }
            }
            Command::Status { mailbox, items } => {
                self.want_modseqs(items.contains(&StatusItem::HighestModSeq));
                let asked = Asked::Status { tag, mailbox: mailbox.clone(), items: items.clone() };
                Event::Status { mailbox, items, ticket: self.ask(asked) }
            }
            _ if self.selected.is_none() => {
                return self.refuse(Some(tag), Reply::Bad("select a mailbox first".to_owned()));
            }
            Command::Check => return self.done(tag, "checked"),
            // RFC 3691 §2: as CLOSE, and nothing is removed.
            Command::Unselect => {
                self.selected = None;
                self.write_reply(Some(&tag), &Reply::Ok(Code::None, "unselected"));
                Event::Closed
            }
            Command::Close => return self.close_mailbox(tag),
            command => return self.on_messages(tag, command),
        };
        Some(Progress::Event(event))
    }

    /// Commands on the messages in view.
    pub(super) fn on_messages(&mut self, tag: String, command: Command) -> Option<Progress<Event>> {
        let Some(selected) = &self.selected else { return None };
        let (numbering, saved) = (&selected.numbering, &selected.saved);
        let changes =
            matches!(command, Command::Store { .. } | Command::Move { .. } | Command::Expunge { .. });
        if changes && selected.read_only {
            let refusal = Rejection::new(ResponseCode::NoPerm, "the mailbox is open read-only");
            let expunge_allowed = !matches!(command, Command::Store { set, .. } if !set.uid);
            return self.finish(tag, Reply::No(refusal), expunge_allowed);
        }
        if !selected.has_modseqs && asks_for_modseqs(&command) {
            // RFC 7162 §3.1.2.2
            return self.refuse(Some(tag), Reply::Bad("this mailbox keeps no MODSEQs".to_owned()));
        }
        let event = match command {
            Command::Expunge { uids } => {
                let uids = uids.map_or_else(
                    || Ok(numbering.uids()),
                    |set| numbering.resolve(&MessageSet::uids(set), saved),
                );
                let Ok(uids) = uids else { return self.out_of_range(tag) };
                Event::Expunge { uids, ticket: self.ask_done(tag, Done::Expunge) }
            }
            Command::Search { uid, returns, key } => {
                let mut by_number = !uid;
                let mut resolve = |messages: MessageSet| {
                    by_number |= !messages.uid && messages.set != SequenceSet::Saved;
                    Ok::<_, Infallible>(numbering.found(&messages, saved))
                };
                let Ok(key) = key.try_map(&mut resolve);
                let modseq = has_modseq(&key);
                self.want_modseqs(modseq);
                let search = Search { uids: self.seen_uids(), key, modseq, told: told_of(returns) };
                let ticket = self.ask(Asked::Search(Searching { tag, uid, returns, by_number }));
                Event::Search { search, ticket }
            }
            Command::Fetch { set, mut items, changed_since, vanished } => {
                if vanished && !(self.enabled.qresync && set.uid && changed_since.is_some()) {
                    let reply =
                        Reply::Bad("VANISHED needs UID FETCH, CHANGEDSINCE and ENABLE QRESYNC".to_owned());
                    return self.refuse(Some(tag), reply);
                }
                let Ok(uids) = numbering.resolve(&set, saved) else { return self.out_of_range(tag) };
                let vanished = vanished.then(|| match &set.set {
                    SequenceSet::Saved => saved.clone(),
                    ranges => numbering.named_once(ranges).intersection(&selected.ever()),
                });
                if uids.is_empty() && vanished.is_none() {
                    return self.finish(tag, Reply::Ok(Code::None, "no such messages"), set.uid);
                }
                if changed_since.is_some() && !items.contains(&FetchItem::ModSeq) {
                    items.push(FetchItem::ModSeq);
                }
                let sets_seen = !selected.read_only && items.iter().any(FetchItem::sets_seen);
                self.want_modseqs(items.contains(&FetchItem::ModSeq));
                let with_uid = set.uid || items.contains(&FetchItem::Uid);
                items.retain(|item| *item != FetchItem::Uid);
                let fetching =
                    Fetching { tag, uid: set.uid, with_uid, gone: false, row: RowProgress::Between };
                let fetch = Fetch { uids, items, changed_since, vanished, sets_seen };
                Event::Fetch { fetch, ticket: self.ask(Asked::Fetch(fetching)) }
            }
            Command::Store { set, unchanged_since, action, silent, flags } => {
                let Ok(uids) = numbering.resolve(&set, saved) else { return self.out_of_range(tag) };
                if uids.is_empty() {
                    return self.finish(tag, Reply::Ok(Code::None, "no such messages"), set.uid);
                }
                let own = selected.own_len();
                self.want_modseqs(unchanged_since.is_some());
                let conditional = unchanged_since.is_some();
                let storing = Storing { tag, uid: set.uid, silent, conditional, own };
                Event::Store { uids, action, flags, unchanged_since, ticket: self.ask(Asked::Store(storing)) }
            }
            Command::Copy { set, mailbox } => {
                let Ok(uids) = numbering.resolve(&set, saved) else { return self.out_of_range(tag) };
                if uids.is_empty() {
                    return self.done(tag, "no such messages");
                }
                Event::Copy { uids, mailbox, ticket: self.ask(Asked::Copy { tag }) }
            }
            Command::Move { set, mailbox } => {
                let Ok(uids) = numbering.resolve(&set, saved) else { return self.out_of_range(tag) };
                if uids.is_empty() {
                    return self.done(tag, "no such messages");
                }
                Event::Move { uids, mailbox, ticket: self.ask(Asked::Move { tag }) }
            }
            _ => return self.refuse(Some(tag), Reply::Bad("unknown command".to_owned())),
        };
        Some(Progress::Event(event))
    }

    pub(super) fn seen_uids(&self) -> UidSet {
        self.selected.as_ref().map(|selected| selected.numbering.uids()).unwrap_or_default()
    }

    pub(super) fn out_of_range(&mut self, tag: String) -> Option<Progress<Event>> {
        self.refuse(Some(tag), Reply::Bad("there is no message of that number".to_owned()))
    }

    pub(super) fn ask<Q>(&mut self, asked: Asked) -> Ticket<Q> {
        self.state = State::Asked(asked);
        self.desk.open()
    }

    pub(super) fn ask_done(&mut self, tag: String, what: Done) -> Ticket<ask::Done> {
        self.ask(Asked::Done { tag, what })
    }

    pub(super) fn close_mailbox(&mut self, tag: String) -> Option<Progress<Event>> {
        let selected = self.selected.take()?;
        if selected.read_only {
            self.write_reply(Some(&tag), &Reply::Ok(Code::None, "closed"));
            return Some(Progress::Event(Event::Closed));
        }
        let uids = selected.numbering.uids();
        Some(Progress::Event(Event::Close { uids, ticket: self.ask_done(tag, Done::Close) }))
    }

    pub(super) fn enable(&mut self, tag: String, what: &[String]) -> Option<Progress<Event>> {
        let mut condstore = false;
        self.output.put(b"* ENABLED");
        for what in what {
            let on = match what.as_str() {
                "IMAP4REV2" => &mut self.enabled.rev2,
                "CONDSTORE" => &mut condstore,
                // RFC 7162 §3.2.3: it brings CONDSTORE with it.
                "QRESYNC" => {
                    condstore = true;
                    &mut self.enabled.qresync
                }
                _ => continue,
            };
            *on = true;
            self.output.put(b" ");
            self.output.put(if what == "IMAP4REV2" { b"IMAP4rev2" } else { what.as_bytes() });
        }
        self.output.put(b"\r\n");
        self.want_modseqs(condstore);
        self.done(tag, "enabled")
    }

    /// RFC 7162 §3.1.2: from the first command that asks for MODSEQs on they are told, and the client learns where it
    /// begins to count.
    fn want_modseqs(&mut self, wanted: bool) {
        if !wanted || self.enabled.condstore {
            return;
        }
        self.enabled.condstore = true;
        if let Some(selected) = self.selected.as_ref().filter(|selected| selected.has_modseqs) {
            let told = selected.told().get();
            reply::numbered(&mut self.output, b"HIGHESTMODSEQ ", told, b"] the latest change\r\n");
        }
    }

    pub(super) fn write_id(&mut self) {
        self.output.put(b"* ID ");
        if self.config.id.is_empty() {
            self.output.put(b"NIL");
        }
        for (index, (name, value)) in self.config.id.iter().enumerate() {
            self.output.put(if index == 0 { b"(" } else { b" " });
            wire::string(&mut self.output, name.as_bytes());
            self.output.put(b" ");
            wire::string(&mut self.output, value.as_bytes());
        }
        self.output.put(if self.config.id.is_empty() { b"\r\n" } else { b")\r\n" });
    }

    pub(super) fn start_tls(&mut self, tag: String, last: bool) -> Option<Progress<Event>> {
        if !self.config.start_tls {
            return self.refuse(Some(tag), Reply::Bad("STARTTLS is not offered".to_owned()));
        }
        if self.session.tls.is_some() || self.session.logged_in {
            return self.refuse(Some(tag), Reply::Bad("not now: TLS is on, or you are logged in".to_owned()));
        }
        if !last {
            let rejection = Rejection::new(None, "nothing may follow STARTTLS before TLS");
            return Some(Progress::Event(self.fail(Error::PlaintextBehindStartTls, rejection)));
        }
        self.write_reply(Some(&tag), &Reply::Ok(Code::None, "begin TLS"));
        self.state = State::Upgrading;
        None
    }

    pub(super) fn may_log_in(&self, offered: bool) -> Result<(), Reply> {
        if self.session.logged_in {
            return Err(Reply::Bad("you are logged in".to_owned()));
        }
        if self.session.tls.is_none() && !self.config.login_without_tls {
            let text = if self.config.start_tls {
                "passwords are not taken without TLS: use STARTTLS first, or the port for TLS"
            } else {
                "passwords are not taken without TLS: use the port for TLS"
            };
            return Err(Reply::No(Rejection::new(ResponseCode::PrivacyRequired, text)));
        }
        if offered { Ok(()) } else { Err(Reply::Bad("this way to log in is not offered".to_owned())) }
    }

    /// The mechanisms that can be had on this connection.
    fn mechanisms(&self) -> impl Iterator<Item = &str> {
        mechanisms_on(self.session.tls.as_ref(), &self.config.auth_mechanisms)
    }

    pub(super) fn authenticate(
        &mut self,
        tag: String,
        mechanism: &str,
        initial: Option<InitialResponse>,
    ) -> Option<Progress<Event>> {
        let is_offered = self.mechanisms().next().is_some();
        if let Err(refusal) = self.may_log_in(is_offered) {
            return self.refuse(Some(tag), refusal);
        }
        let found = self.mechanisms().find(|offered| offered.eq_ignore_ascii_case(mechanism));
        let Some(mechanism) = found.map(str::to_owned) else {
            let offered: Vec<&str> = self.mechanisms().collect();
            let text = format!("that mechanism is not offered; use one of {}", offered.join(" "));
            return self.refuse(Some(tag), Reply::No(Rejection::new(None, text)));
        };
        let initial = match initial {
            None => None,
            Some(InitialResponse::Empty) => Some(Secret::default()),
            Some(InitialResponse::Base64(text)) => match BASE64.decode(text.expose()) {
                Ok(initial) => Some(Secret::new(initial)),
                Err(_) => return self.refuse(Some(tag), Reply::Bad("that is not base64".to_owned())),
            },
        };
        let ticket = self.ask(Asked::Auth { tag });
        Some(Progress::Event(Event::Auth { mechanism, initial, ticket }))
    }

    pub(super) fn poll_auth_line(&mut self, tag: String, input: &mut BytesMut) -> Option<Progress<Event>> {
        if self.shutdown {
            self.close_with(&Rejection::shutting_down());
            return None;
        }
        let max = self.config.limits.auth_line;
        let refusal = match self.lines.frame(input, LineLimits { max, ..LineLimits::default() }) {
            Line::NeedMore if self.eof => {
                self.state = State::Closing;
                return None;
            }
            Line::NeedMore => {
                self.state = State::AuthLine { tag };
                return Some(Progress::NeedInput);
            }
            Line::Endless => {
                let rejection = Rejection::new(ResponseCode::TooBig, "the response is too long");
                return Some(Progress::Event(self.fail(Error::CommandTooLong, rejection)));
            }
            Line::TooLong => "the response is too long",
            Line::BareLf => "a line ends in CRLF, not in LF alone",
            Line::Complete { len } => {
                let line = input.get_mut(..len).unwrap_or_default();
                let text = line.strip_suffix(b"\r\n").unwrap_or_default();
                let response = if text == b"*" {
                    Err("cancelled")
                } else {
                    BASE64.decode(text).map_err(|_| "that is not base64")
                };
                line.fill(0);
                input.advance(len);
                match response {
                    Ok(response) => {
                        self.timers.clear(Timer::Peer);
                        let ticket = self.ask(Asked::Auth { tag });
                        let response = Secret::new(response);
                        return Some(Progress::Event(Event::AuthResponse { response, ticket }));
                    }
                    Err(refusal) => refusal,
                }
            }
        };
        self.timers.clear(Timer::Peer);
        // RFC 9051 §6.2.2: a cancelled exchange and a malformed one are BAD alike.
        self.refuse(Some(tag), Reply::Bad(refusal.to_owned()))
    }

    pub(super) fn poll_idle(&mut self, tag: String, input: &mut BytesMut) -> Option<Progress<Event>> {
        if self.shutdown {
            self.close_with(&Rejection::shutting_down());
            return None;
        }
        match self.framer.frame(input, DONE_MAX) {
            CommandFrame::NeedMore if self.eof => {
                self.state = State::Closing;
                None
            }
            CommandFrame::NeedMore => {
                if self.selected.as_ref().is_some_and(|selected| selected.is_behind(true)) {
                    return self.sync(true, Then::Idle { tag });
                }
                self.state = State::Idle { tag };
                Some(Progress::NeedInput)
            }
            CommandFrame::Complete { len } => {
                let line = input.get(..len).unwrap_or_default();
                let is_done = line.trim_ascii_end().eq_ignore_ascii_case(b"DONE");
                self.take_off(input, len);
                self.timers.clear(Timer::Sync);
                if is_done { self.done(tag, "IDLE is over") } else { self.not_done(tag) }
            }
            CommandFrame::Malformed { len } | CommandFrame::Prefix { len, .. } => {
                self.take_off(input, len);
                self.not_done(tag)
            }
            CommandFrame::TooLong => {
                let rejection = Rejection::new(ResponseCode::TooBig, "DONE was expected");
                Some(Progress::Event(self.fail(Error::CommandTooLong, rejection)))
            }
        }
    }

    pub(super) fn not_done(&mut self, tag: String) -> Option<Progress<Event>> {
        self.timers.clear(Timer::Sync);
        self.refuse(Some(tag), Reply::Bad("DONE was expected".to_owned()))
    }

    pub(super) fn hint(&mut self, wrong: WrongProtocol) -> Event {
        let text = match wrong {
            WrongProtocol::Tls if self.config.start_tls => {
                "this port begins in plain text: use STARTTLS first, or the port for TLS"
            }
            WrongProtocol::Tls => "this port begins in plain text: use the port for TLS",
            WrongProtocol::Http => "this is IMAP, not HTTP",
        };
        self.fail(Error::WrongProtocol(wrong), Rejection::new(None, text))
    }
}

fn asks_for_modseqs(command: &Command) -> bool {
    match command {
        Command::Fetch { items, changed_since, .. } => {
            changed_since.is_some() || items.contains(&FetchItem::ModSeq)
        }
        Command::Store { unchanged_since, .. } => unchanged_since.is_some(),
        Command::Search { key, .. } => has_modseq(key),
        _ => false,
    }
}

fn has_modseq<S>(key: &SearchKey<S>) -> bool {
    match key {
        SearchKey::ModSeq(_) => true,
        SearchKey::And(keys) => keys.iter().any(has_modseq),
        SearchKey::Or(both) => has_modseq(&both.0) || has_modseq(&both.1),
        SearchKey::Not(key) => has_modseq(key),
        _ => false,
    }
}

fn told_of(returns: Option<SearchReturn>) -> Results {
    match returns {
        Some(SearchReturn { all: false, count: false, min: true, max: true, .. }) => Results::Ends,
        Some(SearchReturn { all: false, count: false, min: true, .. }) => Results::First,
        Some(SearchReturn { all: false, count: false, max: true, .. }) => Results::Last,
        _ => Results::All,
    }
}
