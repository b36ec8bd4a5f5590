//! What is measured.

use crate::client::{Answer, Imap};
use crate::mail::{self, Dice};
use crate::server::{Role, Running};

/// Messages of which bodies and structures are fetched.
const SOME: usize = 1000;
/// Messages appended are one of so many.
const LARGE_KINDS: usize = 8;
/// Mailboxes that they go to.
pub(crate) const APPENDED: [&str; 10] = [
    "Appended0",
    "Appended1",
    "Appended2",
    "Appended3",
    "Appended4",
    "Appended5",
    "Appended6",
    "Appended7",
    "Appended8",
    "Appended9",
];
/// Noise of the machine that is not called slower.
const EQUAL: f64 = 0.95;

pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The least that Dovecot's time divided by ours may be.
    pub(crate) goal: Option<f64>,
    pub(crate) role: Role,
    pub(crate) connections: usize,
    /// Of [`APPENDED`], to which the connections append.
    pub(crate) mailboxes: usize,
    /// Both servers take their turns in each round, with this many commands a connection.
    pub(crate) rounds: usize,
    pub(crate) each: usize,
    /// Whether it is measured by the size of the mailbox, too.
    pub(crate) grows: bool,
    pub(crate) run: fn(&mut Session),
}

const ONE: Op = Op {
    name: "",
    title: "",
    goal: Some(EQUAL),
    role: Role::Usual,
    connections: 1,
    mailboxes: 1,
    rounds: 15,
    each: 1,
    grows: false,
    run: |_| {},
};

pub(crate) const OPS: [Op; 16] = [
    Op { name: "noop", title: "NOOP", each: 50, grows: true, run: Session::noop, ..ONE },
    Op { name: "select", title: "SELECT", each: 20, grows: true, run: Session::select, ..ONE },
    Op {
        name: "flags",
        title: "FETCH 1:* (UID FLAGS)",
        goal: Some(2.0),
        grows: true,
        run: |session| session.fetch_all("UID FLAGS"),
        ..ONE
    },
    Op {
        name: "envelope",
        title: "FETCH 1:* (UID FLAGS ENVELOPE)",
        goal: Some(5.0),
        run: |session| session.fetch_all("UID FLAGS ENVELOPE"),
        ..ONE
    },
    Op {
        name: "structure",
        title: "FETCH 1:1000 BODYSTRUCTURE",
        run: |session| session.fetch_some("BODYSTRUCTURE"),
        ..ONE
    },
    Op {
        name: "bodies",
        title: "FETCH 1:1000 BODY.PEEK[]",
        run: |session| session.fetch_some("BODY.PEEK[]"),
        ..ONE
    },
    Op {
        name: "body",
        title: "FETCH n BODY.PEEK[], any",
        each: 40,
        grows: true,
        run: Session::any_body,
        ..ONE
    },
    Op {
        name: "unseen",
        title: "SEARCH UNSEEN",
        grows: true,
        run: |session| session.search("UNSEEN", mail::unread),
        ..ONE
    },
    Op {
        name: "subject",
        title: "SEARCH SUBJECT",
        run: |session| session.search(&format!("SUBJECT {}", mail::INVOICE), mail::invoices),
        ..ONE
    },
    Op {
        name: "search-body",
        title: "SEARCH BODY",
        rounds: 7,
        run: |session| session.search(&format!("BODY {}", mail::NEEDLE), mail::needles),
        ..ONE
    },
    Op {
        name: "store-one",
        title: "STORE n, synced",
        role: Role::Synced,
        each: 20,
        grows: true,
        run: Session::store_one,
        ..ONE
    },
    Op {
        name: "store-one",
        title: "STORE n, Dovecot without sync",
        goal: None,
        each: 20,
        run: Session::store_one,
        ..ONE
    },
    Op { name: "store-all", title: "STORE 1:*, synced", role: Role::Synced, run: Session::store_all, ..ONE },
    Op {
        name: "append",
        title: "APPEND 10 KB",
        goal: Some(1.5),
        rounds: 10,
        each: 40,
        run: Session::append,
        ..ONE
    },
    Op {
        name: "append-10",
        title: "... 10 connections, 10 mailboxes",
        goal: Some(2.0),
        connections: 10,
        mailboxes: 10,
        each: 40,
        run: Session::append,
        ..ONE
    },
    Op {
        name: "append-10",
        title: "... 10 connections, one mailbox",
        goal: Some(2.0),
        connections: 10,
        each: 40,
        run: Session::append,
        ..ONE
    },
];

/// A session that has selected a mailbox of so many messages.
pub(crate) struct Session {
    imap: Imap,
    count: usize,
    dice: Dice,
    /// Flags set and taken away.
    stores: usize,
    large: Vec<Vec<u8>>,
    appends_to: &'static str,
}

impl Session {
    /// The one of this number that `op` needs.
    pub(crate) fn start(server: &Running, op: &Op, count: usize, number: usize) -> Self {
        let large = (0..LARGE_KINDS).map(|kind| mail::large(number * LARGE_KINDS + kind)).collect();
        let imap = server.session(op.role);
        let appends_to = APPENDED[number % op.mailboxes];
        let mut session = Self { imap, count, dice: Dice(number as u64), stores: 0, large, appends_to };
        session.select();
        session
    }

    pub(crate) fn noop(&mut self) {
        self.imap.ask("NOOP");
    }

    fn select(&mut self) {
        self.imap.ask(&format!("SELECT {}", mailbox(self.count)));
    }

    fn fetch_all(&mut self, items: &str) {
        let answer = self.imap.ask(&format!("FETCH 1:* ({items})"));
        has_all(&answer, self.count);
    }

    fn fetch_some(&mut self, items: &str) {
        let some = self.count.min(SOME);
        let answer = self.imap.ask(&format!("FETCH 1:{some} {items}"));
        has_all(&answer, some);
    }

    fn any_body(&mut self) {
        let number = self.dice.below(self.count) + 1;
        let answer = self.imap.ask(&format!("FETCH {number} BODY.PEEK[]"));
        has_all(&answer, 1);
    }

    fn search(&mut self, what: &str, expected: fn(usize) -> usize) {
        let answer = self.imap.ask(&format!("SEARCH {what}"));
        assert_eq!(answer.found, expected(self.count), "SEARCH {what}");
    }

    fn store_one(&mut self) {
        // Each message twice.
        let number = self.stores / 2 % self.count + 1;
        self.store(&number.to_string(), 1);
    }

    fn store_all(&mut self) {
        self.store("1:*", self.count);
    }

    /// Sets a flag, and the next time takes it away: what changes nothing costs less.
    fn store(&mut self, numbers: &str, count: usize) {
        if self.stores == 0 {
            self.imap.ask("STORE 1:* -FLAGS.SILENT (\\Flagged)");
        }
        let sign = if self.stores.is_multiple_of(2) { '+' } else { '-' };
        self.stores += 1;
        let answer = self.imap.ask(&format!("STORE {numbers} {sign}FLAGS (\\Flagged)"));
        has_all(&answer, count);
    }

    fn append(&mut self) {
        let kind = self.dice.below(self.large.len());
        self.imap.append(self.appends_to, &self.large[kind]);
    }
}

/// There may be other responses besides.
fn has_all(answer: &Answer, expected: usize) {
    assert!(answer.responses >= expected, "{} responses, and not {expected}", answer.responses);
}

/// The mailbox of so many messages.
pub(crate) fn mailbox(count: usize) -> String {
    format!("Mail{count}")
}
