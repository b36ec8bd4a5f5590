//! What the application's answers come to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Buf;
use mailwright_core::framing::OctetReader;
use mailwright_core::{ModSeq, Output, Progress, UidSet};

use super::error::{Error, Incomplete};
use super::event::{AuthStep, Event, Found, MailboxStatus, Stored, Synced, View};
use super::machine::{Server, Timer};
use super::numbering::Numbering;
use super::question::Given;
use super::reply;
use super::row::{Fetching, Progress as RowProgress};
use super::search;
use super::selected::Selected;
use super::state::{Asked, Code, Completion, Done, Reply, Resume, Searching, State, Storing, Syncing, Then};
use crate::rejection::{Rejection, ResponseCode};
use crate::types::StatusItem;
use crate::wire;

impl Server {
    pub(super) fn settle(&mut self, given: Given) {
        self.timers.clear(Timer::Application);
        let State::Asked(asked) = std::mem::replace(&mut self.state, State::Command) else { return };
        match (asked, given) {
            (Asked::Login { tag }, Given::Login(answer)) => self.settle_login(tag, answer),
            (Asked::Auth { tag }, Given::Auth(answer)) => match answer {
                Ok(AuthStep::Challenge(challenge)) => {
                    // `+ ` and nothing else, where there is nothing to ask.
                    self.output.put(b"+ ");
                    self.output.put(BASE64.encode(challenge).as_bytes());
                    self.output.put(b"\r\n");
                    self.state = State::AuthLine { tag };
                }
                Ok(AuthStep::Done) => self.settle_login(tag, Ok(())),
                Err(rejection) => self.settle_login(tag, Err(rejection)),
            },
            (Asked::Select { tag, mailbox, read_only, resume }, Given::Select(answer)) => match answer {
                Ok(view) => self.select(tag, &mailbox, read_only, resume, view),
                Err(rejection) => self.reject(tag, rejection, true),
            },
            (Asked::Resume { tag }, Given::Resume(answer)) => match answer {
                Ok(()) => self.open(tag),
                Err(rejection) => {
                    self.selected = None;
                    self.pending = Some(Box::new(Event::Closed));
                    self.reject(tag, rejection, true);
                }
            },
            (Asked::Done { tag, what }, Given::Done(answer)) => self.settle_done(tag, what, answer),
            (Asked::List { tag, .. }, Given::List(answer)) => self.settle_plain(tag, answer, "listed"),
            (Asked::Status { tag, mailbox, items }, Given::Status(answer)) => {
                self.settle_status(tag, &mailbox, &items, answer);
            }
            (Asked::AppendMessage(append, literal), Given::AppendMessage(answer)) => match answer {
                Ok(()) => {
                    if !literal.non_sync {
                        self.go_on();
                    }
                    self.state = State::AppendBody(append, OctetReader::new(literal.size));
                }
                Err(rejection) if rejection.closes() || !literal.non_sync => {
                    self.reject(append.tag, rejection, true);
                }
                Err(rejection) => {
                    if let Some(Progress::Event(event)) =
                        self.refuse_literal(Some(append.tag), Reply::No(rejection), literal)
                    {
                        self.pending = Some(Box::new(event));
                    }
                }
            },
            (Asked::AppendCommit { tag }, Given::AppendCommit(answer)) => {
                let reply = answer.map(|appended| Reply::Ok(Code::AppendUid(appended), "appended"));
                self.settle_with(tag, reply);
            }
            (Asked::Fetch(fetching), Given::Fetch(answer)) => self.settle_fetch(fetching, answer),
            (Asked::Store(storing), Given::Store(answer)) => self.settle_store(storing, answer),
            (Asked::Copy { tag }, Given::Copy(answer)) => {
                let reply =
                    answer.map(|copied| Reply::Ok(copied.map_or(Code::None, Code::CopyUid), "copied"));
                self.settle_with(tag, reply);
            }
            (Asked::Move { tag }, Given::Move(answer)) => {
                self.changed();
                self.settle_with(tag, answer.map(|()| Reply::Ok(Code::HighestModSeq, "moved")));
            }
            (Asked::Search(searching), Given::Search(answer)) => self.settle_search(&searching, answer),
            (Asked::Sync(syncing), Given::Sync(synced)) => self.settle_sync(syncing, synced),
            // A ticket is good for the question that it was made for.
            (asked, _) => self.state = State::Asked(asked),
        }
    }

    pub(super) fn settle_login(&mut self, tag: String, answer: Result<(), Rejection>) {
        match answer {
            Ok(()) => {
                self.session.logged_in = true;
                self.session.errors = 0;
                self.write_reply(Some(&tag), &Reply::Ok(Code::Capability, "logged in"));
            }
            Err(rejection) => {
                self.session.failed_logins += 1;
                self.write_reply(Some(&tag), &Reply::No(rejection.clone()));
                if rejection.closes() {
                    self.end(Error::TurnedAway, &rejection);
                } else if self.session.failed_logins >= self.config.limits.failed_logins {
                    self.end(Error::TooManyLogins, &Rejection::new(None, "too many failed logins"));
                }
            }
        }
    }

    pub(super) fn select(
        &mut self,
        tag: String,
        mailbox: &str,
        read_only: bool,
        resume: Option<Resume>,
        view: View,
    ) {
        let (uid_next, first_unseen) = (view.uid_next.get(), view.first_unseen);
        let selected = Box::new(Selected::new(view, read_only));
        let unseen =
            first_unseen.and_then(|uid| selected.numbering.number(uid)).filter(|_| !self.enabled.rev2);
        reply::selected(&mut self.output, &selected, unseen, uid_next);
        if self.enabled.rev2 {
            self.output.put(b"* LIST () \"/\" ");
            wire::mailbox(&mut self.output, mailbox, true);
            self.output.put(b"\r\n");
        }
        let (uid_validity, modseq) = (selected.uid_validity, selected.rows_since);
        let has_modseqs = selected.has_modseqs;
        let ever = selected.ever();
        self.selected = Some(selected);
        let resume = resume
            .filter(|resume| has_modseqs && resume.uid_validity == uid_validity && resume.since < modseq);
        match resume {
            None => self.open(tag),
            Some(Resume { since, known, .. }) => {
                // RFC 7162 §3.2.5.1
                let known = known.map(|set| Numbering::default().named(&set).intersection(&ever));
                let known = known.unwrap_or(ever);
                let ticket = self.ask(Asked::Resume { tag });
                self.pending = Some(Box::new(Event::Resume { since, known, ticket }));
            }
        }
    }

    /// The end of SELECT.
    pub(super) fn open(&mut self, tag: String) {
        let read_only = self.selected.as_ref().is_some_and(|selected| selected.read_only);
        let code = if read_only { Code::ReadOnly } else { Code::ReadWrite };
        self.write_reply(Some(&tag), &Reply::Ok(code, "selected"));
    }

    pub(super) fn settle_done(&mut self, tag: String, what: Done, answer: Result<(), Rejection>) {
        let (code, text) = match what {
            Done::Close => (Code::None, "closed"),
            Done::Create => (Code::None, "created"),
            Done::Delete => (Code::None, "deleted"),
            Done::Rename => (Code::None, "renamed"),
            Done::Subscribe => (Code::None, "noted"),
            Done::Expunge => (Code::HighestModSeq, "expunged"),
        };
        if what == Done::Expunge {
            self.changed();
        }
        self.settle_with(tag, answer.map(|()| Reply::Ok(code, text)));
    }

    pub(super) fn settle_plain(&mut self, tag: String, answer: Result<(), Rejection>, text: &'static str) {
        self.settle_with(tag, answer.map(|()| Reply::Ok(Code::None, text)));
    }

    pub(super) fn settle_with(&mut self, tag: String, reply: Result<Reply, Rejection>) {
        match reply {
            Ok(reply) => self.complete(tag, reply, true),
            Err(rejection) => self.reject(tag, rejection, true),
        }
    }

    pub(super) fn settle_status(
        &mut self,
        tag: String,
        mailbox: &str,
        items: &[StatusItem],
        answer: Result<MailboxStatus, Rejection>,
    ) {
        let answer = answer.map(|status| {
            reply::status(&mut self.output, mailbox, items, &status, &self.config, self.enabled.utf8());
        });
        self.settle_plain(tag, answer, "this is its status");
    }

    pub(super) fn settle_fetch(&mut self, fetching: Fetching, answer: Result<(), Rejection>) {
        if fetching.row != RowProgress::Between {
            // Nothing more may be said: it would be taken for a part of the row.
            self.state = State::Failed(Error::Incomplete(Incomplete::Short));
            return;
        }
        let expunge_allowed = fetching.uid;
        match answer {
            Err(rejection) => self.reject(fetching.tag, rejection, expunge_allowed),
            // RFC 2180 §4.1.2: by number the client has asked for all of them.
            Ok(()) if fetching.gone && !fetching.uid => {
                self.reject(fetching.tag, Rejection::expunge_issued(), expunge_allowed);
            }
            Ok(()) => self.complete(fetching.tag, Reply::Ok(Code::None, "fetched"), expunge_allowed),
        }
    }

    pub(super) fn settle_store(&mut self, storing: Storing, answer: Result<Stored, Rejection>) {
        let Storing { tag, uid, silent, own, .. } = storing;
        let stored = match answer {
            Ok(stored) => stored,
            Err(rejection) => {
                self.own_undone(silent, own);
                return self.reject(tag, rejection, uid);
            }
        };
        let numbering = self.selected.as_ref().map(|selected| &selected.numbering);
        let code = match numbering {
            Some(numbering) if !stored.modified.is_empty() => Code::Modified(if uid {
                stored.modified.to_string()
            } else {
                let mut set = Output::new(0);
                search::sequence_set(&mut set, &numbering.numbers(&stored.modified).collect::<Vec<_>>());
                set.release();
                let octets = set.copy_to_bytes(set.remaining());
                String::from_utf8_lossy(&octets).into_owned()
            }),
            _ => Code::None,
        };
        let gone =
            numbering.is_some_and(|numbering| stored.gone.iter().any(|uid| numbering.number(uid).is_some()));
        // RFC 7162 §3.1.3: the client is best told at once what it did not know.
        let is_behind = gone || matches!(code, Code::Modified(_));
        let reply = match code {
            Code::None if gone && !uid => Reply::No(Rejection::expunge_issued()),
            code => Reply::Ok(code, "stored"),
        };
        if is_behind {
            self.changed();
        }
        if matches!(reply, Reply::No(_)) {
            self.own_undone(silent, own);
        }
        self.complete(tag, reply, uid);
    }

    /// A client whose STORE is refused takes all of it for undone. What was done and not told is told as news.
    fn own_undone(&mut self, silent: bool, own: usize) {
        if let Some(selected) = self.selected.as_mut().filter(|_| silent) {
            selected.forget_own(own);
        }
    }

    pub(super) fn settle_search(&mut self, searching: &Searching, answer: Result<Found, Rejection>) {
        let saves = searching.returns.is_some_and(|returns| returns.save);
        let tag = searching.tag.clone();
        let Some(selected) = &mut self.selected else { return };
        match answer {
            Ok(found) => {
                let uids = found.uids.intersection(&selected.numbering.uids());
                let found = Found { uids, ..found };
                let rev2 = self.enabled.rev2;
                if let Some(saved) =
                    search::write(&mut self.output, searching, &found, &selected.numbering, rev2)
                {
                    selected.saved = saved;
                }
                self.complete(tag, Reply::Ok(Code::None, "searched"), !searching.by_number);
            }
            Err(rejection) => {
                // RFC 5182 §2.1: what is not found is not kept.
                if saves {
                    selected.saved = UidSet::new();
                }
                self.reject(tag, rejection, !searching.by_number);
            }
        }
    }

    pub(super) fn settle_sync(&mut self, syncing: Syncing, synced: Synced) {
        let Syncing { expunge_allowed, arrived, then } = syncing;
        let seen = self.seen_uids();
        let told = match synced {
            Synced::Upto { vanished, upto } => Some((vanished, arrived, upto)),
            Synced::TooOld { uids, upto } => Some((seen.difference(&uids), uids.difference(&seen), upto)),
            Synced::Later => {
                if let Some(selected) = &mut self.selected {
                    selected.later = true;
                }
                None
            }
            Synced::Gone => {
                let rejection = Rejection::new(ResponseCode::NonExistent, "the mailbox is gone");
                return self.end(Error::MailboxGone, &rejection);
            }
        };
        if let Some((vanished, arrived, upto)) = told {
            self.take_in(expunge_allowed, &vanished, &arrived, upto);
        }
        match then {
            Then::Finish(completion) => {
                self.state = State::Finishing(Completion { synced: true, ..completion });
            }
            Then::Idle { tag } => self.state = State::Idle { tag },
            Then::Command => self.state = State::Command,
        }
        self.output.release();
    }

    pub(super) fn take_in(
        &mut self,
        expunge_allowed: bool,
        vanished: &UidSet,
        arrived: &UidSet,
        upto: ModSeq,
    ) {
        if expunge_allowed {
            self.expunge(vanished);
        }
        let Some(selected) = &mut self.selected else { return };
        let withheld = !selected.numbering.uids().intersection(vanished).is_empty();
        let before = selected.numbering.len();
        selected.extend(&arrived.difference(vanished));
        if selected.numbering.len() > before {
            self.output.put(b"* ");
            wire::number(&mut self.output, selected.numbering.len().into());
            self.output.put(b" EXISTS\r\n");
        }
        selected.rows_told(upto);
        if !withheld {
            selected.vanished_since = selected.rows_since;
        }
    }

    /// The application took too long: the client is to try again.
    pub(super) fn withdraw(&mut self) {
        let State::Asked(asked) = &self.state else { return };
        self.desk.withdraw();
        let late = Rejection::local_error().with_text("no answer in time, try again later");
        let given = match asked {
            Asked::Login { .. } => Given::Login(Err(Rejection::auth_unavailable())),
            Asked::Auth { .. } => Given::Auth(Err(Rejection::auth_unavailable())),
            Asked::Select { .. } => Given::Select(Err(late)),
            Asked::Resume { .. } => Given::Resume(Err(late)),
            Asked::Done { .. } => Given::Done(Err(late)),
            Asked::List { .. } => Given::List(Err(late)),
            Asked::Status { .. } => Given::Status(Err(late)),
            Asked::AppendMessage(..) => Given::AppendMessage(Err(late)),
            Asked::AppendCommit { .. } => Given::AppendCommit(Err(late)),
            Asked::Fetch(fetching) if fetching.row != RowProgress::Between => {
                self.state = State::Failed(Error::Incomplete(Incomplete::Late));
                return;
            }
            Asked::Fetch(_) => Given::Fetch(Err(late)),
            Asked::Store(_) => Given::Store(Err(late)),
            Asked::Copy { .. } => Given::Copy(Err(late)),
            Asked::Move { .. } => Given::Move(Err(late)),
            Asked::Search(_) => Given::Search(Err(late)),
            Asked::Sync(_) => Given::Sync(Synced::Later),
        };
        self.settle(given);
    }
}
