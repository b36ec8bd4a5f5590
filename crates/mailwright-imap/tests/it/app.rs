//! An application for transcripts: the mailboxes of `ann`, whose password is `right`. What it can be told is in
//! `orders.rs`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailwright_core::testing::{App, Bench, Note, Settings};
use mailwright_core::{ModSeq, Stale, Ticket, TlsInfo, UidSet};
use mailwright_imap::server::{
    Appended, AuthStep, Changed, Fetch, Found, Limits, ListRow, Literals, MailboxStatus, Question, Row,
    Search, Synced, Timeouts, ask,
};
use mailwright_imap::types::{FetchItem, Flag, List, SearchKey};
use mailwright_imap::{Config, Event, Rejection, Server};

use crate::mailboxes::{Mailboxes, Message};
use crate::message;
use crate::orders::{Giving, Order};

pub(crate) struct TestApp {
    pub(crate) mailboxes: Mailboxes,
    /// The mailbox in view.
    pub(crate) selected: Option<String>,
    /// The messages of an APPEND, and where they go.
    append: Option<(String, Vec<Message>)>,
    pub(crate) orders: VecDeque<Order>,
    /// So many questions for changes are not answered.
    pub(crate) later: usize,
    pub(crate) held: Option<Held>,
}

/// An answer that is kept for later.
pub(crate) type Held = Box<dyn FnOnce(&mut TestApp, &mut Server) -> Result<(), Stale>>;

pub(crate) type TestBench = Bench<Server, TestApp>;

/// Settings: those of `Config`, `Limits` and `Timeouts` (in minutes); `tls on`; `before LOGIN | SELECT INBOX`, which commands were given
/// before, and are not shown; `turn-away on`.
pub(crate) fn bench(settings: &Settings) -> TestBench {
    let on = |name: &str| settings.get(name).is_some_and(|value| value == "on");
    let number = |name: &str| settings.get(name).map(|value| value.parse::<u32>().unwrap());
    let mut limits = Limits::default();
    for (name, limit) in [
        ("command-before-login", &mut limits.command_before_login),
        ("command", &mut limits.command),
        ("auth-line", &mut limits.auth_line),
        ("output", &mut limits.output),
    ] {
        *limit = number(name).map_or(*limit, |octets| octets as usize);
    }
    for (name, limit) in [("message", &mut limits.message), ("swallow", &mut limits.swallow)] {
        *limit = number(name).map_or(*limit, u64::from);
    }
    for (name, limit) in [
        ("messages-per-append", &mut limits.messages_per_append),
        ("failed-logins", &mut limits.failed_logins),
        ("errors-before-login", &mut limits.errors_before_login),
        ("errors", &mut limits.errors),
    ] {
        *limit = number(name).unwrap_or(*limit);
    }
    let mut timeouts = Timeouts::default();
    timeouts.idle =
        number("idle").map_or(timeouts.idle, |minutes| Duration::from_secs(u64::from(minutes) * 60));
    let config = Config {
        hostname: "imap.example.org".to_owned(),
        start_tls: on("starttls"),
        login: settings.get("login").is_none_or(|value| value == "on"),
        auth_mechanisms: settings.get("auth").map_or(vec![], |m| m.split(' ').map(str::to_owned).collect()),
        login_without_tls: on("login-without-tls"),
        literals: match settings.get("literals").map(String::as_str) {
            Some("minus") => Literals::Minus,
            Some("none") => Literals::Synchronizing,
            _ => Literals::Plus,
        },
        id: if on("no-id") { vec![] } else { Config::default().id },
        create_special_use: settings.get("create-special-use").is_none_or(|value| value == "on"),
        limits,
        timeouts,
    };
    let config = Arc::new(config);
    let before: Vec<&str> = settings.get("before").map_or(vec![], |before| before.split(" | ").collect());
    let has_tls = on("tls") || !before.is_empty();
    let server = match settings.get("turn-away") {
        Some(_) => Server::turn_away(config, &Rejection::too_many_connections()),
        None => Server::new(config, has_tls.then(TlsInfo::default)),
    };
    let mut bench = Bench::new(server, TestApp::new(), TestBench::start());
    for (index, command) in before.iter().enumerate() {
        let command = if *command == "LOGIN" { "LOGIN ann right" } else { command };
        bench.feed(format!("{index} {command}\r\n").as_bytes());
    }
    bench
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self {
            mailboxes: Mailboxes::new(),
            selected: None,
            append: None,
            orders: VecDeque::new(),
            later: 0,
            held: None,
        }
    }

    /// Answers now, or later if that was ordered.
    fn answer(
        &mut self,
        server: &mut Server,
        answer: impl FnOnce(&mut Self, &mut Server) -> Result<(), Stale> + 'static,
    ) {
        if matches!(self.orders.front(), Some(Order::Hold)) {
            self.orders.pop_front();
            self.held = Some(Box::new(answer));
        } else {
            answer(self, server).unwrap();
        }
    }

    /// The same for a question to which the answer is yes or no.
    fn yes_or_no<Q, T>(
        &mut self,
        server: &mut Server,
        ticket: Ticket<Q>,
        yes: impl FnOnce(&mut Self, &mut Server) -> Result<T, Rejection> + 'static,
    ) where
        Q: Question<Answer = Result<T, Rejection>> + 'static,
        T: 'static,
    {
        self.answer(server, move |app, server| {
            let answer = match app.refusal() {
                Some(rejection) => Err(rejection),
                None => yes(app, server),
            };
            server.answer(ticket, answer)
        });
    }

    pub(crate) fn refusal(&mut self) -> Option<Rejection> {
        match self.orders.pop_front() {
            Some(Order::Refuse(rejection)) => Some(rejection),
            Some(other) => {
                self.orders.push_front(other);
                None
            }
            None => None,
        }
    }

    fn name(&self) -> String {
        self.selected.clone().unwrap()
    }

    /// The next step, if the client says this.
    fn auth_step(response: Option<&[u8]>) -> Result<AuthStep, Rejection> {
        // An exchange of one response, or two if it is "more", which is right if it is the text "right".
        match response {
            None => Ok(AuthStep::Challenge(vec![])),
            Some(b"more") => Ok(AuthStep::Challenge(b"go on".to_vec())),
            Some(b"right") => Ok(AuthStep::Done),
            Some(_) => Err(Rejection::auth_failed()),
        }
    }

    fn list(&self, list: &List) -> Vec<ListRow> {
        let mut rows: Vec<ListRow> = Vec::new();
        let patterns: Vec<_> = list.patterns.iter().map(|pattern| pattern.behind(&list.reference)).collect();
        let only_subscribed = list.lsub || list.select.subscribed;
        let subscribed = self.mailboxes.subscribed.iter().filter(|_| only_subscribed);
        let existing = self.mailboxes.all.keys().filter(|_| !only_subscribed);
        for name in existing.chain(subscribed) {
            for pattern in &patterns {
                let own = pattern.matches(name, '/').then_some(name.as_str());
                for shown in pattern.matching_parents(name, '/').chain(own) {
                    let row = self.row(list, shown, only_subscribed && Some(shown) != own);
                    let is_new = !rows.iter().any(|other| other.name == row.name);
                    if is_new && (!list.select.special_use || row.special_use.is_some()) {
                        rows.push(row);
                    }
                }
            }
        }
        rows
    }

    fn row(&self, list: &List, name: &str, child_subscribed: bool) -> ListRow {
        let mailbox = self.mailboxes.get(name);
        let returns = &list.returns;
        let below = format!("{name}/");
        let has_children = self.mailboxes.all.keys().any(|other| other.starts_with(&below));
        ListRow {
            name: name.to_owned(),
            nonexistent: mailbox.is_none(),
            subscribed: (returns.subscribed || list.select.subscribed)
                && self.mailboxes.subscribed.contains(name),
            has_children: returns.children.then_some(has_children),
            special_use: mailbox.and_then(|mailbox| mailbox.special_use.clone()),
            child_subscribed,
            status: mailbox.filter(|_| returns.status.is_some()).map(|mailbox| mailbox.status()),
            ..ListRow::default()
        }
    }

    fn fetch(&mut self, server: &mut Server, fetch: &Fetch, ticket: Ticket<ask::Fetch>) -> Result<(), Stale> {
        if let Some(rejection) = self.refusal() {
            return server.answer(ticket, Err(rejection));
        }
        let giving = match self.orders.pop_front() {
            Some(Order::Give(giving)) => giving,
            None => Giving::AtOnce,
            Some(_) => panic!("an order for another question"),
        };
        let name = self.name();
        if let (Some(wanted), Some(since)) = (&fetch.vanished, fetch.changed_since) {
            let mailbox = self.mailboxes.get(&name).unwrap();
            let gone = mailbox.since(since, since).vanished;
            let gone = gone.unwrap_or_else(|| wanted.difference(&mailbox.uids()));
            server.fetch_vanished(&ticket, &gone.intersection(wanted))?;
        }
        for uid in fetch.uids.iter() {
            let Some(message) = self.mailboxes.get(&name).unwrap().messages.get(&uid) else {
                server.fetch_gone(&ticket, uid)?;
                continue;
            };
            if fetch.changed_since.is_some_and(|since| message.modseq <= since) {
                continue;
            }
            let seen = if fetch.sets_seen && !message.flags.contains(&Flag::SEEN) {
                let uids = UidSet::range(uid, uid);
                let add = mailwright_imap::StoreAction::Add;
                let (rows, _) = self.mailboxes.store(&name, &uids, add, &[Flag::SEEN], None);
                rows.first().map(|row| row.0)
            } else {
                None
            };
            let mailbox = self.mailboxes.get(&name).unwrap();
            let message = &mailbox.messages[&uid];
            let Some(row) = server.fetch(&ticket, uid)? else { continue };
            let mut giver = Giver { message, seen, giving, tells_modseq: !mailbox.is_plain };
            match giver.give(row, &fetch.items) {
                Given::Whole => {}
                Given::Cut => return server.answer(ticket, Ok(())),
                Given::Piecewise(at, pieces) => {
                    // The rest of the row follows the section.
                    if !giver.pieces(server, &ticket, pieces)? {
                        if let Giving::Stop(_) = giving {
                            self.held = Some(Box::new(move |_, server| server.answer(ticket, Ok(()))));
                            return Ok(());
                        }
                        return server.answer(ticket, Ok(()));
                    }
                    let row = server.row(&ticket)?.unwrap();
                    giver.giving = Giving::AtOnce;
                    giver.give(row, fetch.items.get(at + 1..).unwrap_or_default());
                }
            }
        }
        server.answer(ticket, Ok(()))
    }

    fn search(&mut self, search: &Search) -> Found {
        let name = self.name();
        let mailbox = self.mailboxes.get(&name).unwrap();
        let uids = mailbox.search(&search.uids, &search.key);
        let modseq = uids.iter().map(|uid| mailbox.messages[&uid].modseq).max().filter(|_| search.modseq);
        Found { uids, modseq }
    }

    fn sync(
        &mut self,
        server: &mut Server,
        (rows_since, vanished_since): (ModSeq, ModSeq),
        ticket: Ticket<ask::Sync>,
    ) -> Result<(), Stale> {
        if let Some(left) = self.later.checked_sub(1) {
            self.later = left;
            return server.answer(ticket, Synced::Later);
        }
        let Some(mailbox) = self.mailboxes.get(&self.name()) else {
            return server.answer(ticket, Synced::Gone);
        };
        let news = mailbox.since(rows_since, vanished_since);
        for (uid, modseq, flags) in news.rows {
            server.sync_row(&ticket, uid, modseq, flags)?;
        }
        let upto = mailbox.highest;
        server.answer(
            ticket,
            match news.vanished {
                Some(vanished) => Synced::Upto { vanished, upto },
                None => Synced::TooOld { uids: mailbox.uids(), upto },
            },
        )
    }

    fn resume(
        &mut self,
        server: &mut Server,
        (since, known): (ModSeq, UidSet),
        ticket: Ticket<ask::Resume>,
    ) -> Result<(), Stale> {
        if let Some(rejection) = self.refusal() {
            return server.answer(ticket, Err(rejection));
        }
        let Some(mailbox) = self.selected.as_ref().and_then(|name| self.mailboxes.get(name)) else {
            return server.answer(ticket, Err(Rejection::no_such_mailbox()));
        };
        let news = mailbox.since(since, since);
        let vanished = news.vanished.unwrap_or_else(|| known.difference(&mailbox.uids()));
        server.resume_vanished(&ticket, &vanished.intersection(&known))?;
        for (uid, modseq, flags) in news.rows.into_iter().filter(|row| known.contains(row.0)) {
            server.resume_row(&ticket, uid, modseq, flags)?;
        }
        server.answer(ticket, Ok(()))
    }

    /// MOVE, all at once or one by one.
    fn move_messages(
        &mut self,
        server: &mut Server,
        (uids, to): (UidSet, String),
        ticket: Ticket<ask::Move>,
    ) -> Result<(), Stale> {
        let in_parts = matches!(self.orders.front(), Some(Order::Give(Giving::Pieces)));
        let parts = if in_parts {
            self.orders.pop_front();
            uids.iter().map(|uid| UidSet::range(uid, uid)).collect()
        } else {
            vec![uids]
        };
        let name = self.name();
        let no_mailbox = self.mailboxes.get(&to).is_none().then(Rejection::try_create);
        let mut refusal = no_mailbox;
        for part in parts {
            refusal = refusal.or_else(|| self.refusal());
            if refusal.is_none()
                && let Some(copied) = self.mailboxes.copy(&name, &part, &to)
            {
                self.mailboxes.expunge(&name, &copied.from);
                server.moved(&ticket, &copied)?;
            }
        }
        server.answer(ticket, refusal.map_or(Ok(()), Err))
    }

    /// A question of which only the success is told.
    fn done(
        &mut self,
        server: &mut Server,
        ticket: Ticket<ask::Done>,
        does: impl FnOnce(&mut Mailboxes) -> Result<(), Rejection> + 'static,
    ) {
        self.yes_or_no(server, ticket, move |app, server| {
            does(&mut app.mailboxes)?;
            if app.selected.as_ref().is_some_and(|name| app.mailboxes.get(name).is_none()) {
                server.changed();
            }
            Ok(())
        });
    }

    fn append_message(&mut self, message: Message) -> Result<(), Rejection> {
        if let Some(rejection) = self.refusal() {
            return Err(rejection);
        }
        let (mailbox, messages) = self.append.as_mut().unwrap();
        if !self.mailboxes.all.contains_key(mailbox) {
            return Err(Rejection::try_create());
        }
        messages.push(message);
        Ok(())
    }

    fn append_event(&mut self, server: &mut Server, event: Event) -> Note {
        Note::Line(match event {
            Event::AppendBegin { mailbox } => {
                assert!(self.append.is_none(), "an APPEND in an APPEND");
                let line = format!("append begin {mailbox}");
                self.append = Some((mailbox, Vec::new()));
                line
            }
            Event::AppendMessage { size, flags, date, binary, ticket } => {
                let date_shown = date.map(|date| format!(" date {:?} {}", date.date, date.offset));
                let line = format!(
                    "append message {size} octets {flags:?}{}{}",
                    if binary { " binary" } else { "" },
                    date_shown.unwrap_or_default()
                );
                self.answer(server, move |app, server| {
                    let date = date.unwrap_or(message::DATE);
                    let message = Message { octets: Bytes::new(), flags, date, modseq: ModSeq::ZERO };
                    let answer = app.append_message(message);
                    let wanted = answer.is_ok();
                    let taken = server.answer(ticket, answer);
                    app.append.take_if(|_| !wanted || taken.is_err());
                    taken
                });
                line
            }
            Event::Body(body) => {
                let message = self.append.as_mut().unwrap().1.last_mut().unwrap();
                message.octets = [&message.octets[..], &body].concat().into();
                return Note::Body(body);
            }
            Event::MessageEnd => "message end".to_owned(),
            Event::AppendCommit { ticket } => {
                let (mailbox, messages) = self.append.take().unwrap();
                self.yes_or_no(server, ticket, move |app, server| {
                    let (uid_validity, uids) =
                        app.mailboxes.append(&mailbox, messages).ok_or_else(Rejection::try_create)?;
                    app.hint(server, &mailbox);
                    Ok(Appended { uid_validity, uids })
                });
                "append commit".to_owned()
            }
            Event::AppendAborted => {
                assert!(self.append.take().is_some(), "no APPEND is aborted");
                "append aborted".to_owned()
            }
            other => panic!("{other:?}"),
        })
    }

    /// Something has changed in a mailbox.
    pub(crate) fn hint(&mut self, server: &mut Server, mailbox: &str) {
        if self.selected.as_deref() == Some(mailbox) {
            server.changed();
        }
    }

    fn mailbox_event(&mut self, server: &mut Server, event: Event) -> String {
        match event {
            Event::Select { mailbox, read_only, ticket } => {
                let line = format!("{} {mailbox}", if read_only { "examine" } else { "select" });
                self.yes_or_no(server, ticket, move |app, _| {
                    let view = app.mailboxes.get(&mailbox).ok_or_else(Rejection::no_such_mailbox)?.view();
                    app.selected = Some(mailbox);
                    Ok(view)
                });
                line
            }
            Event::Create { mailbox, special_use, ticket } => {
                let line = format!("create {mailbox} {special_use:?}");
                self.done(server, ticket, move |mailboxes| match mailboxes.get(&mailbox) {
                    Some(_) => Err(Rejection::already_exists()),
                    None => {
                        mailboxes.create(&mailbox, special_use.first().cloned());
                        Ok(())
                    }
                });
                line
            }
            Event::Delete { mailbox, ticket } => {
                let line = format!("delete {mailbox}");
                self.done(server, ticket, move |mailboxes| {
                    mailboxes.all.remove(&mailbox).map(drop).ok_or_else(Rejection::no_such_mailbox)
                });
                line
            }
            Event::Rename { from, to, ticket } => {
                let line = format!("rename {from} to {to}");
                self.done(server, ticket, move |mailboxes| {
                    let mailbox = mailboxes.all.remove(&from).ok_or_else(Rejection::no_such_mailbox)?;
                    mailboxes.all.insert(to, mailbox);
                    Ok(())
                });
                line
            }
            Event::Subscribe { mailbox, subscribe, ticket } => {
                let line = format!("{} {mailbox}", if subscribe { "subscribe" } else { "unsubscribe" });
                self.done(server, ticket, move |mailboxes| {
                    if subscribe {
                        mailboxes.subscribed.insert(mailbox);
                    } else {
                        mailboxes.subscribed.remove(&mailbox);
                    }
                    Ok(())
                });
                line
            }
            Event::List { list, ticket } => {
                let line = shown_list(&list);
                self.answer(server, move |app, server| {
                    if let Some(rejection) = app.refusal() {
                        return server.answer(ticket, Err(rejection));
                    }
                    for row in app.list(&list) {
                        server.list(&ticket, &row)?;
                    }
                    server.answer(ticket, Ok(()))
                });
                line
            }
            Event::Status { mailbox, items, ticket } => {
                let line = format!("status {mailbox} {items:?}");
                self.yes_or_no(server, ticket, move |app, _| -> Result<MailboxStatus, _> {
                    Ok(app.mailboxes.get(&mailbox).ok_or_else(Rejection::no_such_mailbox)?.status())
                });
                line
            }
            other => panic!("{other:?}"),
        }
    }

    fn message_event(&mut self, server: &mut Server, event: Event) -> String {
        match event {
            Event::Fetch { fetch, ticket } => {
                let line = shown_fetch(&fetch);
                self.answer(server, move |app, server| app.fetch(server, &fetch, ticket));
                line
            }
            Event::Store { uids, action, flags, unchanged_since, ticket } => {
                let since = unchanged_since.map(|since| format!(" unchanged since {since}"));
                let line = format!("store {uids} {action:?} {flags:?}{}", since.unwrap_or_default());
                self.answer(server, move |app, server| {
                    if let Some(rejection) = app.refusal() {
                        return server.answer(ticket, Err(rejection));
                    }
                    let name = app.name();
                    let (rows, stored) = app.mailboxes.store(&name, &uids, action, &flags, unchanged_since);
                    for (changed, flags) in rows {
                        server.stored(&ticket, changed, flags)?;
                    }
                    server.answer(ticket, Ok(stored))
                });
                line
            }
            Event::Copy { uids, mailbox, ticket } => {
                let line = format!("copy {uids} to {mailbox}");
                self.yes_or_no(server, ticket, move |app, server| {
                    if !app.mailboxes.all.contains_key(&mailbox) {
                        return Err(Rejection::try_create());
                    }
                    app.hint(server, &mailbox);
                    Ok(app.mailboxes.copy(&app.name(), &uids, &mailbox))
                });
                line
            }
            Event::Move { uids, mailbox, ticket } => {
                let line = format!("move {uids} to {mailbox}");
                self.answer(server, move |app, server| app.move_messages(server, (uids, mailbox), ticket));
                line
            }
            Event::Expunge { uids, ticket } => {
                let line = format!("expunge {uids}");
                let name = self.name();
                self.done(server, ticket, move |mailboxes| {
                    let deleted = mailboxes.deleted(&name, &uids);
                    mailboxes.expunge(&name, &deleted);
                    Ok(())
                });
                line
            }
            Event::Search { search, ticket } => {
                let line = shown_search(&search);
                self.yes_or_no(server, ticket, move |app, _| Ok(app.search(&search)));
                line
            }
            other => panic!("{other:?}"),
        }
    }

    fn session_event(&mut self, server: &mut Server, event: Event) -> String {
        let text = |secret: &[u8]| match secret.len() {
            ..100 => secret.escape_ascii().to_string(),
            len => format!("({len} octets)"),
        };
        match event {
            Event::Login { user, password, ticket } => {
                let line = format!("login {} {}", text(user.as_bytes()), text(password.expose()));
                self.yes_or_no(server, ticket, move |_, _| {
                    let right = user == "ann" && password.expose() == b"right";
                    if right { Ok(()) } else { Err(Rejection::auth_failed()) }
                });
                line
            }
            Event::Auth { mechanism, initial, ticket } => {
                let shown = initial.as_ref().map(|initial| text(initial.expose()));
                let line = format!("auth {mechanism} initial={shown:?}");
                self.yes_or_no(server, ticket, move |_, _| {
                    Self::auth_step(initial.as_ref().map(|initial| initial.expose()))
                });
                line
            }
            Event::AuthResponse { response, ticket } => {
                let line = format!("auth response {}", text(response.expose()));
                self.yes_or_no(server, ticket, move |_, _| Self::auth_step(Some(response.expose())));
                line
            }
            Event::Identified(client) => format!("identified {client:?}"),
            Event::Refused(rejection) => format!("refused: {rejection}"),
            other => panic!("{other:?}"),
        }
    }
}

impl App<Server> for TestApp {
    fn event(&mut self, server: &mut Server, event: Event) -> Note {
        Note::Line(match event {
            Event::AppendBegin { .. }
            | Event::AppendMessage { .. }
            | Event::Body(_)
            | Event::MessageEnd
            | Event::AppendCommit { .. }
            | Event::AppendAborted => return self.append_event(server, event),
            Event::Closed => {
                self.selected = None;
                "closed".to_owned()
            }
            Event::Close { uids, ticket } => {
                let line = format!("close {uids}");
                let name = self.selected.take().unwrap();
                self.done(server, ticket, move |mailboxes| {
                    let deleted = mailboxes.deleted(&name, &uids);
                    mailboxes.expunge(&name, &deleted);
                    Ok(())
                });
                line
            }
            Event::Resume { since, known, ticket } => {
                let line = format!("resume since {since}, known {known}");
                self.answer(server, move |app, server| app.resume(server, (since, known), ticket));
                line
            }
            Event::Sync { rows_since, vanished_since, expunge_allowed, ticket } => {
                let allowed = if expunge_allowed { "" } else { ", no expunges" };
                let line = format!("sync rows>{rows_since} vanished>{vanished_since}{allowed}");
                self.answer(server, move |app, server| {
                    app.sync(server, (rows_since, vanished_since), ticket)
                });
                line
            }
            Event::Select { .. }
            | Event::Create { .. }
            | Event::Delete { .. }
            | Event::Rename { .. }
            | Event::Subscribe { .. }
            | Event::List { .. }
            | Event::Status { .. } => self.mailbox_event(server, event),
            Event::Fetch { .. }
            | Event::Store { .. }
            | Event::Copy { .. }
            | Event::Move { .. }
            | Event::Expunge { .. }
            | Event::Search { .. } => self.message_event(server, event),
            event => self.session_event(server, event),
        })
    }

    fn tell(&mut self, server: &mut Server, line: &str) -> Result<(), String> {
        self.take_order(server, line)
    }
}

/// Gives a message to FETCH.
struct Giver<'a> {
    message: &'a Message,
    /// It has become `\Seen`.
    seen: Option<Changed>,
    giving: Giving,
    tells_modseq: bool,
}

enum Given {
    Whole,
    /// The row was dropped.
    Cut,
    /// A section was begun, of the item with that index.
    Piecewise(usize, Bytes),
}

impl Giver<'_> {
    fn give(&mut self, mut row: Row<'_>, items: &[FetchItem]) -> Given {
        let Message { octets, flags, date, modseq } = self.message;
        for (index, item) in items.iter().enumerate() {
            match item {
                FetchItem::Flags => match self.seen.take() {
                    Some(changed) => row.seen(changed, flags),
                    None => row.flags(flags),
                },
                FetchItem::InternalDate => row.internal_date(date),
                FetchItem::Size => row.size(octets.len() as u64),
                FetchItem::Envelope => row.envelope(&message::envelope(octets)),
                FetchItem::Body => row.body(&message::structure(octets)),
                FetchItem::BodyStructure => row.body_structure(&message::structure(octets)),
                FetchItem::ModSeq if self.tells_modseq && self.seen.is_none() => row.modseq(*modseq),
                FetchItem::Section { section, partial, name, .. } => {
                    let found = message::section(octets, section, *partial);
                    match found {
                        Some(found) if self.giving != Giving::AtOnce => {
                            row.begin_section(section, *name, *partial, found.len() as u64);
                            return Given::Piecewise(index, found);
                        }
                        found => row.section(section, *name, *partial, found),
                    }
                }
                FetchItem::Binary { part, partial, .. } => {
                    row.binary(part, *partial, message::binary(octets, part, *partial));
                }
                FetchItem::BinarySize { part } => {
                    let size = message::binary(octets, part, None).map_or(0, |found| found.len() as u64);
                    row.binary_size(part, size);
                }
                _ => {}
            }
            if self.giving == Giving::DropRow {
                return Given::Cut;
            }
        }
        if let Some(changed) = self.seen.take() {
            row.seen(changed, flags);
        }
        row.finish();
        Given::Whole
    }

    /// Whether all of it was given.
    fn pieces(&self, server: &mut Server, ticket: &Ticket<ask::Fetch>, octets: Bytes) -> Result<bool, Stale> {
        let count = match self.giving {
            Giving::Short(count) | Giving::Stop(count) => count.min(octets.len()),
            _ => octets.len(),
        };
        for piece in octets.get(..count).unwrap().chunks(7) {
            server.chunk(ticket, octets.slice_ref(piece))?;
        }
        if self.giving == Giving::Long {
            assert_eq!(server.chunk(ticket, Bytes::from_static(b"more")), Err(Stale));
        }
        Ok(self.giving == Giving::Pieces)
    }
}

fn shown_list(list: &List) -> String {
    let List { lsub, reference, patterns, select, returns } = list;
    let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.0.as_str()).collect();
    let chosen = |options: &[(bool, &'static str)]| -> Vec<&str> {
        options.iter().filter(|option| option.0).map(|option| option.1).collect()
    };
    let select = chosen(&[
        (select.subscribed, "subscribed"),
        (select.remote, "remote"),
        (select.recursive_match, "recursive"),
        (select.special_use, "special-use"),
    ]);
    let shows = chosen(&[
        (returns.subscribed, "subscribed"),
        (returns.children, "children"),
        (returns.special_use, "special-use"),
        (returns.status.is_some(), "status"),
    ]);
    let name = if *lsub { "lsub" } else { "list" };
    format!("{name} {reference:?} {patterns:?} {} -> {}", select.join(" "), shows.join(" "))
        .replace("  ", " ")
}

fn shown_fetch(fetch: &Fetch) -> String {
    let Fetch { uids, items, changed_since, vanished, sets_seen } = fetch;
    let items: Vec<String> = items.iter().map(shown_item).collect();
    let mut line = format!("fetch {uids}: {}", items.join(", "));
    if let Some(since) = changed_since {
        line += &format!("; changed since {since}");
    }
    if let Some(vanished) = vanished {
        line += &format!("; vanished of {vanished}");
    }
    if *sets_seen {
        line += "; sets seen";
    }
    line
}

fn shown_item(item: &FetchItem) -> String {
    let numbers = |part: &[u32]| part.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let shown_partial = |partial: &Option<mailwright_imap::types::Partial>| {
        partial.map_or(String::new(), |partial| format!(" from {} for {}", partial.offset, partial.length))
    };
    match item {
        FetchItem::Section { section, partial, peek, .. } => {
            let peek = if *peek { "peek " } else { "" };
            let part = numbers(&section.part);
            format!("{peek}{part}[{:?}]{}", section.text, shown_partial(partial))
        }
        FetchItem::Binary { part, partial, .. } => {
            format!("binary {}{}", numbers(part), shown_partial(partial))
        }
        FetchItem::BinarySize { part } => format!("binary size {}", numbers(part)),
        item => format!("{item:?}"),
    }
}

fn shown_search(search: &Search) -> String {
    let modseq = if search.modseq { ", and its modseq" } else { "" };
    format!("search {} for {}{modseq}", search.uids, shown_key(&search.key))
}

fn shown_key(key: &SearchKey<UidSet>) -> String {
    match key {
        SearchKey::Messages(uids) => format!("[{uids}]"),
        SearchKey::And(keys) => format!("({})", keys.iter().map(shown_key).collect::<Vec<_>>().join(" and ")),
        SearchKey::Or(both) => format!("({} or {})", shown_key(&both.0), shown_key(&both.1)),
        SearchKey::Not(key) => format!("not {}", shown_key(key)),
        key => format!("{key:?}"),
    }
}
