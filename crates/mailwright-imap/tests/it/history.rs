//! A client that keeps its own picture of the mailbox, while others change it: what it is told has to be true, at a
//! moment when it may be told, and all of it in the end.

use std::collections::BTreeSet;

use mailwright_core::testing::{App, Budget, Seen, Settings};
use mailwright_imap::types::Flag;
use proptest::prelude::*;

use crate::app::{TestBench, bench};
use crate::mailboxes::modseq;

/// What somebody else does.
#[derive(Debug, Clone)]
enum Change {
    Append,
    /// The message that is at that place, of those that there are.
    Expunge(usize),
    Flags(usize, &'static str),
    /// Two at once, and the history of what vanished is lost.
    Forget(usize),
}

/// What this client does.
#[derive(Debug, Clone)]
enum Command {
    Noop,
    Fetch,
    UidFetch,
    FetchText(usize),
    ModSeq,
    /// Which message, silently or not, by UID or by number, which flag.
    Store(usize, bool, bool, &'static str),
    StoreUnchanged(usize, u64),
    Search,
    UidSearch,
    UidSearchByNumber,
    Expunge,
    Copy(usize),
    Move(usize),
    Append,
    Select,
}

#[derive(Debug, Clone)]
enum Step {
    /// The machine is told that something has changed, or it has to find out.
    Elsewhere(Change, bool),
    /// While the application has not answered, something changes.
    Command(Command, Option<Change>),
    Idle(Vec<Change>),
    /// The next question for changes is not answered.
    Later,
}

fn change() -> impl Strategy<Value = Change> {
    let flags = prop::sample::select(vec!["", "\\Deleted", "\\Seen new", "\\Flagged \\Deleted"]);
    prop_oneof![
        3 => Just(Change::Append),
        3 => any::<usize>().prop_map(Change::Expunge),
        3 => (any::<usize>(), flags).prop_map(|(at, flags)| Change::Flags(at, flags)),
        1 => any::<usize>().prop_map(Change::Forget),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let flag = prop::sample::select(vec!["\\Seen", "\\Deleted", "mine"]);
    let bool = prop::bool::ANY;
    prop_oneof![
        2 => Just(Command::Noop),
        2 => Just(Command::Fetch),
        2 => Just(Command::UidFetch),
        1 => any::<usize>().prop_map(Command::FetchText),
        1 => Just(Command::ModSeq),
        4 => (any::<usize>(), bool, bool, flag).prop_map(|(at, silent, uid, flag)| {
            Command::Store(at, silent, uid, flag)
        }),
        1 => (any::<usize>(), 30..130u64).prop_map(|(at, since)| Command::StoreUnchanged(at, since)),
        1 => Just(Command::Search),
        1 => Just(Command::UidSearch),
        1 => Just(Command::UidSearchByNumber),
        2 => Just(Command::Expunge),
        1 => any::<usize>().prop_map(Command::Copy),
        1 => any::<usize>().prop_map(Command::Move),
        1 => Just(Command::Append),
        1 => Just(Command::Select),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (change(), prop::bool::weighted(0.7)).prop_map(|(change, told)| Step::Elsewhere(change, told)),
        6 => (command(), prop::option::weighted(0.3, change())).prop_map(|(command, race)| Step::Command(command, race)),
        1 => prop::collection::vec(change(), 0..4).prop_map(Step::Idle),
        1 => Just(Step::Later),
    ]
}

/// A message as the client knows it.
#[derive(Debug)]
struct Known {
    uid: u32,
    /// `None` if it has not asked yet.
    flags: Option<BTreeSet<String>>,
}

struct Client {
    bench: TestBench,
    has_qresync: bool,
    has_condstore: bool,
    messages: Vec<Known>,
    /// The last UID that it was told of.
    last: u32,
    tag: usize,
}

fn sorted(flags: &[Flag]) -> BTreeSet<String> {
    flags.iter().map(|flag| flag.as_str().to_ascii_lowercase()).collect()
}

/// The responses in what was sent, literals left out.
fn responses(seen: &[Seen]) -> Vec<String> {
    let output = seen.iter().filter_map(|seen| match seen {
        Seen::Output(octets) => Some(octets.clone()),
        _ => None,
    });
    let text = String::from_utf8(output.collect::<Vec<_>>().concat()).unwrap();
    let (mut all, mut rest) = (Vec::new(), text.as_str());
    let mut line = String::new();
    while let Some((part, behind)) = rest.split_once("\r\n") {
        line += part;
        rest = behind;
        if let Some((before, size)) = part.strip_suffix('}').and_then(|part| part.rsplit_once('{')) {
            line.truncate(line.len() - (part.len() - before.len()));
            rest = &rest[size.parse::<usize>().unwrap()..];
            continue;
        }
        all.push(std::mem::take(&mut line));
    }
    assert!(rest.is_empty() && line.is_empty(), "{text}");
    all
}

impl Client {
    fn new(enable: &str) -> Self {
        let before = format!("LOGIN | {enable}SELECT INBOX");
        let bench = bench(&Settings::from([("before".to_owned(), before)]));
        let mut client = Self {
            has_qresync: enable.contains("QRESYNC"),
            has_condstore: enable.contains("QRESYNC") || enable.contains("CONDSTORE"),
            bench,
            messages: Vec::new(),
            last: 0,
            tag: 0,
        };
        client.look();
        client
    }

    /// The mailbox was just selected.
    fn look(&mut self) {
        let uids: Vec<u32> = self.inbox().messages.keys().map(|uid| uid.get()).collect();
        self.last = self.inbox().uid_next - 1;
        self.messages = uids.into_iter().map(|uid| Known { uid, flags: None }).collect();
    }

    fn inbox(&self) -> &crate::mailboxes::Mailbox {
        self.bench.app.mailboxes.get("INBOX").unwrap()
    }

    /// What is at that place, of what there is.
    fn uid_at(&self, at: usize) -> Option<u32> {
        let uids: Vec<u32> = self.inbox().messages.keys().map(|uid| uid.get()).collect();
        uids.get(at.checked_rem(uids.len())?).copied()
    }

    fn change(&mut self, change: &Change, quietly: bool) {
        let order = match change {
            Change::Append => "append INBOX (\\Flagged)".to_owned(),
            Change::Expunge(at) => match self.uid_at(*at) {
                Some(uid) => format!("expunge INBOX {uid}"),
                None => return,
            },
            Change::Flags(at, flags) => match self.uid_at(*at) {
                Some(uid) => format!("flags INBOX {uid} ({flags})"),
                None => return,
            },
            Change::Forget(at) => {
                self.change(&Change::Expunge(*at), true);
                self.change(&Change::Append, quietly);
                "quietly forget INBOX".to_owned()
            }
        };
        let order = if quietly && !order.starts_with("quietly") { format!("quietly {order}") } else { order };
        self.bench.app.tell(&mut self.bench.machine, &order).unwrap();
    }

    /// Takes in what was told; gives the tagged reply, if there was one.
    fn hear(&mut self, seen: &[Seen], expunge_allowed: bool) -> Option<String> {
        let mut tagged = None;
        for response in responses(seen) {
            assert!(tagged.is_none(), "behind the end of the command: {response}");
            if let Some(untagged) = response.strip_prefix("* ") {
                self.hear_one(untagged, expunge_allowed);
            } else if !response.starts_with("+ ") {
                let (_, reply) = response.split_once(' ').unwrap();
                tagged = Some(reply.to_owned());
            }
            self.hear_modseq(&response);
        }
        tagged
    }

    fn hear_one(&mut self, untagged: &str, expunge_allowed: bool) {
        let words: Vec<&str> = untagged.split(' ').collect();
        let number = || words[0].parse::<usize>().unwrap();
        match words[..] {
            ["VANISHED", set] => {
                assert!(expunge_allowed && self.has_qresync, "{untagged}");
                for uid in ranges(set) {
                    let at = self.messages.iter().position(|known| known.uid == uid);
                    let at = at.unwrap_or_else(|| panic!("{uid} was not seen, or is told again"));
                    self.messages.remove(at);
                }
            }
            [_, "EXPUNGE"] => {
                assert!(expunge_allowed && !self.has_qresync, "{untagged}");
                self.messages.remove(number().checked_sub(1).unwrap());
            }
            [_, "EXISTS"] => {
                let new: Vec<u32> = self.inbox().messages.keys().map(|uid| uid.get()).collect();
                let new = new.into_iter().filter(|uid| *uid > self.last).collect::<Vec<_>>();
                assert_eq!(number(), self.messages.len() + new.len(), "{new:?}");
                assert!(!new.is_empty(), "nothing new");
                self.last = new.last().copied().unwrap();
                self.messages.extend(new.into_iter().map(|uid| Known { uid, flags: None }));
            }
            [_, "FETCH", ..] => {
                let known = &mut self.messages[number() - 1];
                if let Some((_, uid)) = untagged.split_once("UID ") {
                    let uid = uid.split([' ', ')']).next().unwrap();
                    assert_eq!(uid.parse(), Ok(known.uid), "{untagged}");
                }
                if let Some((_, flags)) = untagged.split_once("FLAGS (") {
                    let flags = flags.split(')').next().unwrap().to_ascii_lowercase();
                    known.flags = Some(flags.split_whitespace().map(str::to_owned).collect());
                }
            }
            ["SEARCH", ..] => {
                assert!(words[1..].iter().all(|number| number.parse::<usize>().is_ok()), "{untagged}");
            }
            _ => {}
        }
    }

    /// RFC 7162 §3.2: a client that loses the connection here, and comes back with this number, has missed nothing.
    fn hear_modseq(&self, response: &str) {
        let Some((_, told)) = response.split_once("[HIGHESTMODSEQ ") else { return };
        self.is_complete(told.split(']').next().unwrap().parse().unwrap());
    }

    fn is_complete(&self, upto: u64) {
        for (uid, message) in &self.inbox().messages {
            if message.modseq > modseq(upto) {
                continue;
            }
            let known = self.messages.iter().find(|known| known.uid == uid.get());
            let known = known.unwrap_or_else(|| panic!("{uid} was not told up to {upto}"));
            if let Some(flags) = &known.flags {
                assert_eq!(flags, &sorted(&message.flags), "flags of {uid}, up to {upto}");
            }
        }
        let news = self.inbox().since(modseq(upto), modseq(upto));
        for known in &self.messages {
            let is_there = self.inbox().messages.keys().any(|uid| uid.get() == known.uid);
            let is_later =
                news.vanished.as_ref().is_none_or(|gone| gone.iter().any(|uid| uid.get() == known.uid));
            assert!(is_there || is_later, "{} vanished, and was not told up to {upto}", known.uid);
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Elsewhere(change, hinted) => {
                self.change(change, !hinted);
                let seen = self.bench.settle();
                assert_eq!(self.hear(&seen, false), None);
            }
            Step::Command(command, race) => self.command(command, race.as_ref()),
            Step::Idle(changes) => {
                let seen = self.bench.feed(b"i IDLE\r\n");
                self.hear(&seen, true);
                for change in changes {
                    self.change(change, false);
                    let seen = self.bench.settle();
                    self.hear(&seen, true);
                }
                let seen = self.bench.feed(b"DONE\r\n");
                assert!(self.hear(&seen, true).unwrap().starts_with("OK"));
            }
            Step::Later => {
                self.bench.app.tell(&mut self.bench.machine, "later").unwrap();
            }
        }
    }

    fn command(&mut self, command: &Command, race: Option<&Change>) {
        let at = |at: usize| at.checked_rem(self.messages.len());
        let (line, expunge_allowed, silent) = match command {
            Command::Noop => ("NOOP".to_owned(), true, None),
            _ if self.messages.is_empty() => return,
            Command::Fetch => ("FETCH 1:* (UID FLAGS)".to_owned(), false, None),
            Command::UidFetch => ("UID FETCH 1:* (FLAGS)".to_owned(), true, None),
            Command::FetchText(place) => {
                (format!("FETCH {} BODY[TEXT]", at(*place).unwrap() + 1), false, None)
            }
            Command::ModSeq => ("UID FETCH 1:* (FLAGS MODSEQ)".to_owned(), true, None),
            Command::Store(place, is_silent, uid, flag) => {
                // That message, and the next one if there is one.
                let place = at(*place).unwrap();
                let uids: Vec<u32> =
                    self.messages.iter().skip(place).take(2).map(|known| known.uid).collect();
                let set = if *uid {
                    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
                } else {
                    format!("{}:{}", place + 1, place + uids.len())
                };
                let (name, silently) =
                    (if *uid { "UID " } else { "" }, if *is_silent { ".SILENT" } else { "" });
                let silent = is_silent.then_some((uids, *flag));
                (format!("{name}STORE {set} +FLAGS{silently} ({flag})"), *uid, silent)
            }
            Command::StoreUnchanged(place, since) => {
                let place = at(*place).unwrap();
                let silent = Some((vec![self.messages[place].uid], "mine"));
                let line = format!("STORE {} (UNCHANGEDSINCE {since}) +FLAGS.SILENT (mine)", place + 1);
                (line, false, silent)
            }
            Command::Search => ("SEARCH UNSEEN".to_owned(), false, None),
            Command::UidSearch => ("UID SEARCH UNSEEN".to_owned(), true, None),
            Command::UidSearchByNumber => ("UID SEARCH 1 UNSEEN".to_owned(), false, None),
            Command::Expunge => ("EXPUNGE".to_owned(), true, None),
            Command::Copy(place) => (format!("COPY {} INBOX", at(*place).unwrap() + 1), true, None),
            Command::Move(place) => (format!("MOVE {} Sent", at(*place).unwrap() + 1), true, None),
            Command::Append => ("APPEND INBOX {2+}\r\nab".to_owned(), true, None),
            Command::Select => ("SELECT INBOX".to_owned(), false, None),
        };
        self.has_condstore |= matches!(command, Command::ModSeq | Command::StoreUnchanged(..));
        self.tag += 1;
        let line = format!("t{} {line}\r\n", self.tag);
        if race.is_some() {
            // Of the command itself: a question for changes that is not to be answered comes later.
            self.bench.app.orders.push_front(crate::orders::Order::Hold);
        }
        let mut seen = self.bench.feed(line.as_bytes());
        if let Some(change) = race {
            self.change(change, false);
            if self.bench.app.held.is_some() {
                self.bench.app.tell(&mut self.bench.machine, "late").unwrap();
            }
            self.bench.app.orders.retain(|order| !matches!(order, crate::orders::Order::Hold));
        }
        if let Command::Select = command {
            self.look();
            return drop(self.bench.settle());
        }
        // What comes behind the command's end is told between commands.
        let end = format!("t{} ", self.tag);
        seen.extend(self.bench.settle());
        let all = responses(&seen);
        let ends =
            all.iter().position(|line| line.starts_with(&end)).unwrap_or_else(|| panic!("no end: {all:?}"));
        for (index, response) in all.iter().enumerate() {
            let octets = Seen::Output(format!("{response}\r\n").into_bytes());
            let reply = self.hear(&[octets], expunge_allowed && index < ends);
            let Some(reply) = reply else { continue };
            let is_done = reply.starts_with("OK") && !reply.contains("[MODIFIED");
            if let Some((uids, flag)) = silent.as_ref().filter(|_| index == ends && is_done) {
                // It takes for done what it was told is done.
                let known = self.messages.iter_mut().filter(|known| uids.contains(&known.uid));
                for flags in known.filter_map(|known| known.flags.as_mut()) {
                    flags.insert(flag.to_ascii_lowercase());
                }
            }
        }
    }

    /// Nothing more happens: it knows all.
    fn finish(mut self) {
        self.bench.app.later = 0;
        self.bench.machine.changed();
        let seen = self.bench.settle();
        self.hear(&seen, false);
        self.command(&Command::Noop, None);
        self.is_complete(self.inbox().highest.get());
        let uids: Vec<u32> = self.inbox().messages.keys().map(|uid| uid.get()).collect();
        assert_eq!(self.messages.iter().map(|known| known.uid).collect::<Vec<_>>(), uids);
    }
}

fn ranges(set: &str) -> impl Iterator<Item = u32> {
    set.split(',').flat_map(|run| {
        let (first, last) = run.split_once(':').unwrap_or((run, run));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    })
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(300).seconds(3).long(100_000))]

    #[test]
    fn a_client_knows_what_is_there(
        enable in prop::sample::select(vec!["", "ENABLE CONDSTORE | ", "ENABLE QRESYNC | ", "ENABLE IMAP4rev2 | "]),
        steps in prop::collection::vec(step(), 0..30),
    ) {
        let mut client = Client::new(enable);
        client.command(&Command::Fetch, None);
        for step in &steps {
            client.run(step);
        }
        client.finish();
    }
}
