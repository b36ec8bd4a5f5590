use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use mailwright_core::{Machine, ModSeq, Stale, Ticket, TlsInfo, Uid, UidSet, UidValidity};
use mailwright_imap::server::{
    Appended, AuthStep, Changed, Copied, Fetch, Found, Limits, ListRow, Literals, MailboxStatus, Permanent,
    Question, Stored, Synced, View, ask,
};
use mailwright_imap::types::{FetchItem, Flag};
use mailwright_imap::{Config, Event, Rejection, ResponseCode, Server};

use crate::imap_wire::check_responses;
use crate::machine::{App, Bench, Note, Replies, Seen, Step, bytes_only, script, text};
use crate::pieces::splits;

const START_TLS: u8 = 1;
const AUTH: u8 = 2;
const LOGIN_WITHOUT_TLS: u8 = 4;
const LITERALS: u8 = 8;
const TLS: u8 = 16;
const SMALL_OUTPUT: u8 = 32;
const FEW_ERRORS: u8 = 64;
const SLOW: u8 = 128;

/// The whole server machine, in the shape of `smtp_server`. A late answer where none is held back is a change
/// elsewhere.
pub fn imap_server(data: &[u8]) {
    let Some((&[flags, prelude, count], rest)) = data.split_first_chunk() else { return };
    let (answers, rest) = rest.split_at_checked(usize::from(count & 15)).unwrap_or((rest, &[]));
    let (mut flags, mut before) = (flags, vec![]);
    if !matches!(prelude % 9, 0 | 7 | 8) {
        flags |= LOGIN_WITHOUT_TLS;
        before.push(&b"0 LOGIN ann right\r\n"[..]);
    }
    match prelude % 9 {
        // Before the login, and logged in.
        0 | 1 => {}
        2 => before.push(b"1 SELECT INBOX\r\n"),
        3 => before.extend([&b"1 ENABLE QRESYNC IMAP4rev2\r\n"[..], b"2 SELECT INBOX\r\n"]),
        4 => before.extend([&b"1 SELECT INBOX\r\n"[..], b"2 IDLE\r\n"]),
        5 => before.push(b"1 EXAMINE INBOX (CONDSTORE)\r\n"),
        6 => before.push(b"1 APPEND INBOX {20}\r\n"),
        7 => {
            flags = flags & !TLS | START_TLS;
            before.push(b"0 STARTTLS\r\n");
        }
        _ => {
            flags |= AUTH | LOGIN_WITHOUT_TLS;
            before.push(b"0 AUTHENTICATE PLAIN\r\n");
        }
    }
    let steps = script(rest);
    let mut bench = start(flags, flags & SLOW != 0, &before, answers, true);
    for step in &steps {
        bench.take(step);
    }
    bench.finish();

    let tls_may_begin = flags & (START_TLS | TLS) == START_TLS && prelude % 9 != 7;
    let Some(bytes) = bytes_only(&steps).filter(|_| !tls_may_begin) else { return };
    let [whole, cut, octets] = splits(&bytes, count).map(|pieces| {
        let mut bench = start(flags, false, &before, answers, false);
        pieces.iter().for_each(|piece| bench.feed(piece));
        bench.take(&Step::Eof);
        bench.finish()
    });
    same(&cut, &whole);
    same(&octets, &whole);
}

fn same(left: &Seen, right: &Seen) {
    assert_eq!(left.notes, right.notes);
    assert_eq!(left.sent.escape_ascii().to_string(), right.sent.escape_ascii().to_string());
    assert_eq!(left.end, right.end);
}

fn start(
    flags: u8,
    is_slow: bool,
    before: &[&[u8]],
    answers: &[u8],
    may_hold: bool,
) -> Bench<Server, Application> {
    let has = |flag: u8| flags & flag != 0;
    let limits = Limits {
        command_before_login: 150,
        command: 300,
        auth_line: 100,
        message: 200,
        messages_per_append: 3,
        swallow: 1000,
        failed_logins: 3,
        errors_before_login: if has(FEW_ERRORS) { 2 } else { 20 },
        errors: if has(FEW_ERRORS) { 2 } else { 20 },
        output: if has(SMALL_OUTPUT) { 20 } else { 1000 },
    };
    let config = Arc::new(Config {
        hostname: "imap.example.org".to_owned(),
        start_tls: has(START_TLS),
        login: true,
        auth_mechanisms: if has(AUTH) { vec!["PLAIN".to_owned(), "LOGIN".to_owned()] } else { vec![] },
        login_without_tls: has(LOGIN_WITHOUT_TLS),
        literals: if has(LITERALS) { Literals::Minus } else { Literals::Plus },
        limits,
        ..Config::default()
    });
    let app = Application {
        config: Arc::clone(&config),
        may_have_tls: has(TLS) || has(START_TLS),
        mailbox: Mailbox::new(),
        ..Application::default()
    };
    let mut bench = Bench::new(Server::new(config, has(TLS).then(TlsInfo::default)), app, is_slow);
    bench.settle();
    for bytes in before {
        bench.feed(bytes);
    }
    bench.app.answers = answers.iter().copied().collect();
    bench.app.may_hold = may_hold;
    bench
}

/// The one mailbox that there is, whatever its name.
#[derive(Default)]
struct Mailbox {
    messages: BTreeMap<u32, (Vec<String>, u64)>,
    vanished: Vec<(u64, u32)>,
    uid_next: u32,
    modseq: u64,
}

fn uid(number: u32) -> Uid {
    Uid::new(number).expect("not zero")
}

fn modseq(number: u64) -> ModSeq {
    ModSeq::new(number).expect("not that many")
}

impl Mailbox {
    fn new() -> Self {
        let flags = [&["\\Seen"][..], &[], &["$Forwarded", "\\Answered"], &["\\Deleted"]];
        let messages = flags.iter().zip([2, 3, 7, 8]).map(|(flags, uid)| {
            (uid, (flags.iter().map(|flag| (*flag).to_owned()).collect(), u64::from(uid) * 10))
        });
        Self { messages: messages.collect(), vanished: vec![(55, 5)], uid_next: 10, modseq: 90 }
    }

    fn uids(&self) -> UidSet {
        self.messages.keys().map(|number| uid(*number)).collect()
    }

    fn append(&mut self) -> Uid {
        self.modseq += 1;
        self.messages.insert(self.uid_next, (vec![], self.modseq));
        self.uid_next += 1;
        uid(self.uid_next - 1)
    }

    fn expunge(&mut self, gone: impl IntoIterator<Item = u32>) {
        self.modseq += 1;
        for uid in gone {
            if self.messages.remove(&uid).is_some() {
                self.vanished.push((self.modseq, uid));
            }
        }
    }

    fn deleted(&self, uids: &UidSet) -> Vec<u32> {
        let deleted = self.messages.iter().filter(|(_, message)| message.0.iter().any(|f| f == "\\Deleted"));
        deleted.map(|(number, _)| *number).filter(|number| uids.contains(uid(*number))).collect()
    }

    /// Something happens elsewhere.
    fn change(&mut self, choice: u8) {
        let nth = self.messages.keys().nth(usize::from(choice / 4) % self.messages.len().max(1)).copied();
        match (choice % 4, nth) {
            (0, _) | (_, None) => drop(self.append()),
            (1, Some(first)) => self.expunge([first]),
            (2, Some(first)) => {
                self.expunge(self.messages.keys().copied().filter(|uid| *uid >= first).collect::<Vec<_>>())
            }
            (_, Some(first)) => {
                self.modseq += 1;
                self.messages.insert(first, (vec![format!("kw{}", choice % 16)], self.modseq));
            }
        }
    }

    fn vanished_since(&self, since: ModSeq) -> UidSet {
        self.vanished.iter().filter(|gone| gone.0 > since.get()).map(|gone| uid(gone.1)).collect()
    }
}

type Held = Box<dyn FnOnce(&mut Application, &mut Server) -> Result<(), Stale>>;

#[derive(Default)]
struct Application {
    config: Arc<Config>,
    answers: VecDeque<u8>,
    may_hold: bool,
    held: Option<Held>,
    /// TLS was on from the start, or may have come since.
    may_have_tls: bool,
    is_logged_in: bool,
    is_selected: bool,
    mailbox: Mailbox,
    /// An APPEND is under way, with so many octets to come of its last message.
    append: Option<u64>,
    /// It is, if the answer to that message is late.
    may_be_over: bool,
    changes: u8,
}

impl Application {
    /// No, if that is what comes next.
    fn refusal(choice: u8) -> Rejection {
        let codes = [None, Some(ResponseCode::OverQuota), Some(ResponseCode::TryCreate)];
        let code = codes[usize::from(choice % 3)];
        let rejection = Rejection::new(code, text(choice / 8));
        if choice % 8 == 7 { rejection.closing() } else { rejection }
    }

    fn answer<Q, T>(&mut self, server: &mut Server, ticket: Ticket<Q>, yes: T)
    where
        Q: Question<Answer = Result<T, Rejection>> + 'static,
        T: 'static,
    {
        self.answer_and(server, ticket, yes, |_| {});
    }

    /// If it is yes, now or later, something follows. Whether it is no.
    fn answer_and<Q, T>(
        &mut self,
        server: &mut Server,
        ticket: Ticket<Q>,
        yes: T,
        then: fn(&mut Self),
    ) -> bool
    where
        Q: Question<Answer = Result<T, Rejection>> + 'static,
        T: 'static,
    {
        let choice = self.answers.pop_front().unwrap_or(0);
        match choice % 8 {
            0..=3 => {
                server.answer(ticket, Ok(yes)).expect("in time");
                then(self);
                false
            }
            4 if self.may_hold => {
                self.held = Some(Box::new(move |app, server| {
                    server.answer(ticket, Ok(yes))?;
                    then(app);
                    Ok(())
                }));
                false
            }
            _ => {
                server.answer(ticket, Err(Self::refusal(choice))).expect("in time");
                true
            }
        }
    }

    fn fetch(&mut self, server: &mut Server, fetch: &Fetch, ticket: Ticket<ask::Fetch>) {
        let choice = self.answers.pop_front().unwrap_or(0);
        if choice % 8 == 4 && self.may_hold {
            self.held = Some(Box::new(|_, server| server.answer(ticket, Ok(()))));
            return;
        }
        if let (Some(wanted), Some(since)) = (&fetch.vanished, fetch.changed_since) {
            let gone = self.mailbox.vanished_since(since).intersection(wanted);
            server.fetch_vanished(&ticket, &gone).expect("in time");
        }
        for uid in fetch.uids.iter() {
            let Some((flags, at)) = self.mailbox.messages.get_mut(&uid.get()) else {
                server.fetch_gone(&ticket, uid).expect("in time");
                continue;
            };
            if fetch.changed_since.is_some_and(|since| *at <= since.get()) {
                continue;
            }
            let mut seen = None;
            if fetch.sets_seen && !flags.iter().any(|flag| flag == "\\Seen") {
                flags.push("\\Seen".to_owned());
                self.mailbox.modseq += 1;
                let now = self.mailbox.modseq;
                seen =
                    Some(Changed { uid, modseq: modseq(now), previous: modseq(std::mem::replace(at, now)) });
            }
            if !give(server, &ticket, uid, fetch, (flags, *at), seen, choice) {
                break;
            }
        }
        let answer = if choice % 8 == 5 { Err(Self::refusal(choice)) } else { Ok(()) };
        server.answer(ticket, answer).expect("in time");
    }

    fn sync(&mut self, server: &mut Server, since: (ModSeq, ModSeq), ticket: Ticket<ask::Sync>) {
        let choice = self.answers.pop_front().unwrap_or(0);
        let upto = modseq(self.mailbox.modseq);
        let synced = match choice % 8 {
            4 if self.may_hold => {
                self.held = Some(Box::new(|_, server| server.answer(ticket, Synced::Later)));
                return;
            }
            5 => Synced::Later,
            6 => Synced::TooOld { uids: self.mailbox.uids(), upto },
            7 => Synced::Gone,
            _ => Synced::Upto { vanished: self.mailbox.vanished_since(since.1), upto },
        };
        let mut rows: Vec<_> =
            self.mailbox.messages.iter().filter(|(_, row)| row.1 > since.0.get()).collect();
        rows.sort_by_key(|(_, row)| row.1);
        for (number, (flags, at)) in rows {
            server.sync_row(&ticket, uid(*number), modseq(*at), flags).expect("in time");
        }
        server.answer(ticket, synced).expect("in time");
    }

    fn mailbox_event(&mut self, server: &mut Server, event: Event) -> String {
        match event {
            Event::Select { mailbox, read_only, ticket } => {
                assert!(!self.is_selected, "the last one was not closed");
                let first = self.mailbox.messages.iter().find(|(_, row)| row.0.is_empty());
                let view = View {
                    uid_validity: UidValidity::new(17).expect("not zero"),
                    uid_next: uid(self.mailbox.uid_next),
                    highest_modseq: (mailbox != "Plain").then_some(modseq(self.mailbox.modseq)),
                    uids: self.mailbox.uids(),
                    first_unseen: first.map(|(number, _)| uid(*number)),
                    flags: Flag::SYSTEM.to_vec(),
                    permanent: Permanent::All,
                    read_only: false,
                };
                self.answer_and(server, ticket, view, |app| app.is_selected = true);
                format!("select {mailbox} {read_only}")
            }
            Event::Resume { since, known, ticket } => {
                let vanished = self.mailbox.vanished_since(since).intersection(&known);
                server.resume_vanished(&ticket, &vanished).expect("in time");
                for (number, (flags, at)) in &self.mailbox.messages {
                    if *at > since.get() && known.contains(uid(*number)) {
                        server.resume_row(&ticket, uid(*number), modseq(*at), flags).expect("in time");
                    }
                }
                self.answer(server, ticket, ());
                format!("resume {since} {known}")
            }
            Event::Create { mailbox, special_use, ticket } => {
                self.answer(server, ticket, ());
                format!("create {mailbox} {special_use:?}")
            }
            Event::Delete { mailbox, ticket } => {
                self.answer(server, ticket, ());
                format!("delete {mailbox}")
            }
            Event::Rename { from, to, ticket } => {
                self.answer(server, ticket, ());
                format!("rename {from} {to}")
            }
            Event::Subscribe { mailbox, subscribe, ticket } => {
                self.answer(server, ticket, ());
                format!("subscribe {mailbox} {subscribe}")
            }
            Event::List { list, ticket } => {
                let status = list.returns.status.is_some().then(|| self.status());
                let choice = self.answers.front().copied().unwrap_or(0);
                for name in ["INBOX", "Entwürfe", "a\"b\\c", "R&D"] {
                    let row = ListRow {
                        name: name.to_owned(),
                        nonexistent: choice & 64 != 0,
                        subscribed: choice & 32 != 0,
                        has_children: (choice & 16 != 0).then_some(choice & 128 != 0),
                        child_subscribed: choice & 8 != 0,
                        special_use: (choice & 128 != 0).then(|| "\\Sent".parse().expect("a flag")),
                        status,
                        ..ListRow::default()
                    };
                    server.list(&ticket, &row).expect("in time");
                }
                self.answer(server, ticket, ());
                format!("{list:?}")
            }
            Event::Status { mailbox, items, ticket } => {
                let status = self.status();
                self.answer(server, ticket, status);
                format!("status {mailbox} {items:?}")
            }
            other => panic!("{other:?}"),
        }
    }

    fn status(&self) -> MailboxStatus {
        MailboxStatus {
            messages: Some(self.mailbox.messages.len() as u32),
            uid_next: Some(uid(self.mailbox.uid_next)),
            highest_modseq: Some(modseq(self.mailbox.modseq)),
            ..MailboxStatus::default()
        }
    }

    fn message_event(&mut self, server: &mut Server, event: Event) -> String {
        assert!(self.is_selected, "no mailbox is in view");
        match event {
            Event::Fetch { fetch, ticket } => {
                self.fetch(server, &fetch, ticket);
                format!("{fetch:?}")
            }
            Event::Store { uids, action, flags, unchanged_since, ticket } => {
                let mut stored = Stored::default();
                self.mailbox.modseq += 1;
                let now = self.mailbox.modseq;
                for uid in uids.iter() {
                    match self.mailbox.messages.get_mut(&uid.get()) {
                        None => stored.gone.insert(uid),
                        Some((_, at)) if unchanged_since.is_some_and(|since| *at > since.get()) => {
                            stored.modified.insert(uid);
                        }
                        Some((row, at)) => {
                            *row = flags.iter().map(|flag| flag.as_str().to_owned()).collect();
                            let previous = modseq(std::mem::replace(at, now));
                            let changed = Changed { uid, modseq: modseq(now), previous };
                            server.stored(&ticket, changed, &*row).expect("in time");
                        }
                    }
                }
                self.answer(server, ticket, stored);
                format!("store {uids} {action:?} {flags:?} {unchanged_since:?}")
            }
            Event::Copy { uids, mailbox, ticket } => {
                let there = self.mailbox.uids().intersection(&uids);
                let copied = (!there.is_empty()).then(|| self.copied(there));
                self.answer(server, ticket, copied);
                format!("copy {uids} {mailbox}")
            }
            Event::Move { uids, mailbox, ticket } => {
                let there = self.mailbox.uids().intersection(&uids);
                self.mailbox.expunge(there.iter().map(Uid::get).collect::<Vec<_>>());
                let copied = self.copied(there);
                server.moved(&ticket, &copied).expect("in time");
                self.answer(server, ticket, ());
                format!("move {uids} {mailbox}")
            }
            Event::Expunge { uids, ticket } => {
                let deleted = self.mailbox.deleted(&uids);
                self.mailbox.expunge(deleted);
                self.answer(server, ticket, ());
                format!("expunge {uids}")
            }
            Event::Search { search, ticket } => {
                let choice = self.answers.front().copied().unwrap_or(0);
                let found = search.uids.iter().filter(|uid| choice & 16 == 0 || uid.get() % 2 == 1);
                let uids: UidSet = found.collect();
                let modseq = (search.modseq && !uids.is_empty()).then(|| modseq(self.mailbox.modseq));
                self.answer(server, ticket, Found { uids, modseq });
                format!("{search:?}")
            }
            Event::Sync { rows_since, vanished_since, expunge_allowed, ticket } => {
                assert!(vanished_since <= rows_since);
                self.sync(server, (rows_since, vanished_since), ticket);
                format!("sync {rows_since} {vanished_since} {expunge_allowed}")
            }
            other => panic!("{other:?}"),
        }
    }

    fn copied(&self, from: UidSet) -> Copied {
        let count = u32::try_from(from.len()).expect("a few");
        let to = if count == 0 { UidSet::new() } else { UidSet::range(uid(100), uid(99 + count)) };
        Copied { uid_validity: UidValidity::new(3).expect("not zero"), from, to }
    }

    fn append_event(&mut self, server: &mut Server, event: Event) -> Note {
        assert!(self.is_logged_in);
        Note::Line(match event {
            Event::AppendBegin { mailbox } => {
                let last = self.append.replace(0);
                assert!(last.is_none() || std::mem::take(&mut self.may_be_over), "an APPEND in an APPEND");
                format!("append {mailbox}")
            }
            Event::AppendMessage { size, flags, date, binary, ticket } => {
                assert_eq!(self.append, Some(0), "the last message is not whole");
                assert!((1..=self.config.limits.message).contains(&size));
                let is_no = self.answer_and(server, ticket, (), |app| app.may_be_over = false);
                self.may_be_over = self.held.is_some();
                self.append = (!is_no).then_some(size);
                format!("message {size} {flags:?} {date:?} {binary}")
            }
            Event::Body(body) => {
                let left = self.append.and_then(|left| left.checked_sub(body.len() as u64));
                self.append = Some(left.expect("more than was announced"));
                return Note::Body(body.to_vec());
            }
            Event::MessageEnd => {
                assert_eq!(self.append, Some(0), "a message is not whole");
                "message end".to_owned()
            }
            Event::AppendCommit { ticket } => {
                assert_eq!(self.append.take(), Some(0));
                let uid = self.mailbox.append();
                let appended = Appended {
                    uid_validity: UidValidity::new(17).expect("not zero"),
                    uids: UidSet::range(uid, uid),
                };
                server.changed();
                self.answer(server, ticket, appended);
                "append commit".to_owned()
            }
            Event::AppendAborted => {
                assert!(self.append.take().is_some(), "no APPEND is aborted");
                "append aborted".to_owned()
            }
            other => panic!("{other:?}"),
        })
    }

    fn login_event(&mut self, server: &mut Server, event: Event) -> String {
        let is_private = self.config.login_without_tls || self.may_have_tls;
        assert!(!self.is_logged_in && is_private);
        match event {
            Event::Login { user, password, ticket } => {
                self.answer_and(server, ticket, (), |app| app.is_logged_in = true);
                format!("login {user} {:?}", password.expose())
            }
            Event::Auth { mechanism, initial, ticket } => {
                assert!(self.config.auth_mechanisms.contains(&mechanism));
                if initial.is_some() {
                    self.answer_and(server, ticket, AuthStep::Done, |app| app.is_logged_in = true);
                } else {
                    self.answer(server, ticket, AuthStep::Challenge(b"User Name\0".to_vec()));
                }
                format!("auth {mechanism} {:?}", initial.map(|initial| initial.expose().to_vec()))
            }
            Event::AuthResponse { response, ticket } => {
                if response.expose() == b"more" {
                    self.answer(server, ticket, AuthStep::Challenge(vec![]));
                } else {
                    self.answer_and(server, ticket, AuthStep::Done, |app| app.is_logged_in = true);
                }
                format!("response {:?}", response.expose())
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Gives a message to FETCH; whether that went well.
fn give(
    server: &mut Server,
    ticket: &Ticket<ask::Fetch>,
    uid: Uid,
    fetch: &Fetch,
    (flags, at): (&[String], u64),
    mut seen: Option<Changed>,
    choice: u8,
) -> bool {
    // Octets as no sender may send them, but as a store may have them.
    let mail = Bytes::from(format!("Subject: {uid}\r\n\r\n* BYE\r\n\r\0\n)\r\na OK "));
    let Some(mut row) = server.fetch(ticket, uid).expect("in time") else { return true };
    for item in &fetch.items {
        match item {
            FetchItem::Flags => match seen.take() {
                Some(changed) => row.seen(changed, flags),
                None => row.flags(flags),
            },
            FetchItem::Size => row.size(mail.len() as u64),
            FetchItem::ModSeq if seen.is_none() => row.modseq(modseq(at)),
            FetchItem::Section { section, partial, name, .. } if choice & 8 == 0 => {
                row.section(section, *name, *partial, (choice & 16 == 0).then(|| mail.clone()));
            }
            FetchItem::Section { section, partial, name, .. } => {
                row.begin_section(section, *name, *partial, mail.len() as u64);
                for piece in mail.chunks(7) {
                    server.chunk(ticket, mail.slice_ref(piece)).expect("in time");
                }
                if choice & 32 != 0 {
                    assert_eq!(server.chunk(ticket, Bytes::from_static(b"more")), Err(Stale));
                }
                match server.row(ticket) {
                    Ok(Some(next)) => row = next,
                    Ok(None) => panic!("a row that was there"),
                    Err(Stale) => return false,
                }
            }
            FetchItem::Binary { part, partial, .. } => row.binary(part, *partial, Some(mail.clone())),
            FetchItem::BinarySize { part } => row.binary_size(part, 7),
            _ => {}
        }
        if choice & 64 != 0 {
            // The row is dropped.
            return false;
        }
    }
    if let Some(changed) = seen {
        row.seen(changed, flags);
    }
    row.finish();
    true
}

impl App<Server> for Application {
    fn event(&mut self, server: &mut Server, event: Event, _: &mut Replies) -> Note {
        Note::Line(match event {
            Event::Login { .. } | Event::Auth { .. } | Event::AuthResponse { .. } => {
                self.login_event(server, event)
            }
            Event::AppendBegin { .. }
            | Event::AppendMessage { .. }
            | Event::Body(_)
            | Event::MessageEnd
            | Event::AppendCommit { .. }
            | Event::AppendAborted => return self.append_event(server, event),
            Event::Select { .. }
            | Event::Resume { .. }
            | Event::Create { .. }
            | Event::Delete { .. }
            | Event::Rename { .. }
            | Event::Subscribe { .. }
            | Event::List { .. }
            | Event::Status { .. } => {
                assert!(self.is_logged_in);
                self.mailbox_event(server, event)
            }
            Event::Closed => {
                assert!(std::mem::take(&mut self.is_selected), "no mailbox is closed");
                "closed".to_owned()
            }
            Event::Close { uids, ticket } => {
                assert!(std::mem::take(&mut self.is_selected), "no mailbox is closed");
                self.answer(server, ticket, ());
                format!("close {uids}")
            }
            Event::Identified(client) => format!("{client:?}"),
            Event::Refused(rejection) => format!("refused {rejection}"),
            event => self.message_event(server, event),
        })
    }

    fn late(&mut self, server: &mut Server, _: &mut Replies) {
        let Some(held) = self.held.take() else {
            self.changes = self.changes.wrapping_mul(29).wrapping_add(7);
            self.mailbox.change(self.changes);
            server.changed();
            return;
        };
        let queued = server.output().len();
        if held(self, server).is_err() {
            assert_eq!(server.output().len(), queued, "a stale answer changes nothing");
        }
    }

    fn input_max(&self) -> usize {
        self.config.limits.command
    }

    fn output_max(&self) -> usize {
        // And what a command says at once.
        self.config.limits.output + 30_000
    }

    fn check_sent(&self, sent: &[u8], end: Option<&str>) {
        // A response that is not sent whole may stop anywhere: that the connection ends is all that tells.
        let is_cut = end.is_some_and(|end| end.starts_with("a response was not sent whole"));
        check_responses(sent, is_cut);
    }
}
