//! Measuring: both servers in turns, so that what else the machine does hits them alike.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::mail;
use crate::ops::{APPENDED, Op, Session};
use crate::server::{Role, Running, Which};

/// Commands before the measurement: whatever is made once is made.
const WARM_UP: usize = 3;
/// For the bare file.
const SYNCS: usize = 300;

/// Milliseconds, sorted.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        Self(times)
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub(crate) fn p95(&self) -> f64 {
        self.at(0.95)
    }

    fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share).round() as usize]
    }
}

/// How long the servers take, in their order. With several connections it is the time divided by all commands.
pub(crate) fn measure(op: &Op, servers: &[Running], count: usize, rounds: usize) -> Vec<(Which, Times)> {
    let mut sides: Vec<_> = servers
        .iter()
        .map(|server| {
            let session = |number| Session::start(server, op, count, number);
            let mut sessions: Vec<_> = (0..op.connections).map(session).collect();
            block(op, &mut sessions, WARM_UP);
            (server.which, sessions, Vec::new())
        })
        .collect();
    for round in 0..rounds {
        for turn in 0..sides.len() {
            // Who was first is the last next time.
            let turn = if round.is_multiple_of(2) { turn } else { sides.len() - 1 - turn };
            let (_, sessions, times) = &mut sides[turn];
            times.extend(block(op, sessions, op.each));
        }
    }
    sides.into_iter().map(|(which, _, times)| (which, Times::of(times))).collect()
}

fn block(op: &Op, sessions: &mut [Session], each: usize) -> Vec<f64> {
    if let [session] = sessions {
        let once = |_| {
            let begun = Instant::now();
            (op.run)(session);
            ms(begun)
        };
        return (0..each).map(once).collect();
    }
    let commands = sessions.len() * each;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for session in sessions {
            scope.spawn(|| (0..each).for_each(|_| (op.run)(session)));
        }
    });
    vec![ms(begun) / commands as f64]
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// What the disk takes for a message of APPEND, `together` of them to a sync: appended to a bare file.
pub(crate) fn bare(dir: &Path, together: usize) -> Times {
    let path = dir.join("bare");
    let mut file = File::create(&path).expect("a file");
    let group: Vec<u8> = (0..together).flat_map(mail::large).collect();
    let once = |_| {
        let begun = Instant::now();
        file.write_all(&group).expect("written");
        file.sync_data().expect("synced");
        ms(begun) / together as f64
    };
    let times = Times::of((0..SYNCS).map(once).collect());
    let _ = fs::remove_file(path);
    times
}

/// Fills a mailbox with so many messages.
pub(crate) fn fill(server: &Running, mailbox: &str, count: usize) {
    let mut imap = server.session(Role::Fill);
    imap.create(mailbox);
    imap.fill(mailbox, (0..count).map(|number| (mail::flags(number), mail::message(number))));
}

/// Makes the mailboxes that get what is appended.
pub(crate) fn prepare(server: &Running) {
    let mut imap = server.session(Role::Fill);
    for mailbox in APPENDED {
        imap.create(mailbox);
    }
}
