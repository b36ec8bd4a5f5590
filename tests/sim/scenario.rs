//! What is to happen, by seed.

use std::time::Duration;

use mailwright_server::Service;
use mailwright_smtp::client;

use crate::client::{Chunks, Login, Manner, Mechanism, Message};
use crate::dns::{NO_MAIL, NOWHERE};
use crate::net::Trouble;
use crate::node::Setup;
use crate::peer::Mood;
use crate::random::Random;

/// How much there is of everything.
pub(crate) const NODES: usize = 2;
pub(crate) const USERS: usize = 3;
pub(crate) const PEERS: usize = 3;

/// What happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Send(Message),
    /// This user of the node reads this way.
    Read(usize, usize, Service),
    /// The node stops as it should, and comes back.
    Restart(usize),
    /// The node ends, in the way of the seed.
    Crash(usize),
    /// The power of a node goes off in this operation of its disks.
    CutPower(usize, u64, usize),
    FailSync(usize, u64),
    FailWrite(usize, u64, usize),
    /// The disk of a node is full, for so long.
    FullDisk(usize, Duration),
    /// A node does not reach another node or a peer, for so long.
    Part(usize, Other, Duration),
    /// Nobody can tell where a peer's mail goes, for so long.
    NoDns(usize, Duration),
    Trouble(Trouble),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Other {
    Node(usize),
    Peer(usize),
}

pub(crate) struct Scenario {
    /// By time.
    pub(crate) events: Vec<(Duration, Event)>,
    /// What each host of each peer is like, from when on.
    pub(crate) moods: Vec<[Vec<(Duration, Mood)>; 2]>,
    /// What each node is like.
    pub(crate) setups: Vec<Setup>,
    /// When all that was out of order is in order again.
    pub(crate) calm: Duration,
}

pub(crate) fn user(node: usize, number: usize) -> String {
    format!("u{number}@n{node}.example")
}

pub(crate) fn password(user: &str) -> String {
    format!("{user} is secret")
}

pub(crate) fn somebody(peer: usize, number: u64) -> String {
    format!("r{number}@p{peer}.example")
}

impl Scenario {
    pub(crate) fn new(random: &mut Random) -> Self {
        let active = Duration::from_secs(random.between(600, 4 * 3600));
        // Some peers are not well for so long that mail for them is given up.
        let calm = if random.chance(10) { active + Duration::from_secs(6 * 86_400) } else { active };
        let when = |random: &mut Random| Duration::from_millis(random.below(active.as_millis() as u64));
        let mut events = Vec::new();
        for number in 0..random.between(5, 40) {
            events.push((when(random), Event::Send(message(random, number))));
        }
        for _ in 0..random.below(8) {
            events.push((when(random), read(random)));
        }
        for _ in 0..random.below(12) {
            events.push((when(random), mischief(random)));
        }
        let trouble = Trouble { refused: random.below(20), silent: random.below(8), cut: random.below(35) };
        events.push((Duration::ZERO, Event::Trouble(trouble)));
        events.push((active, Event::Trouble(Trouble::default())));
        events.sort_by_key(|(at, _)| *at);
        let moods = (0..PEERS).map(|_| [(); 2].map(|()| moods(random, active, calm))).collect();
        let setups = (0..NODES).map(|_| setup(random)).collect();
        Self { events, moods, setups, calm }
    }
}

fn setup(random: &mut Random) -> Setup {
    let chunk = *random.pick(&[250, 1000, 4096, 64 << 10]);
    let chunks_ahead = random.between(1, 8) as usize;
    let client = client::Limits { chunk, chunks_ahead, ..client::Limits::default() };
    Setup { users: USERS, client, bad_starts: 15 }
}

fn message(random: &mut Random, number: u64) -> Message {
    let node = random.below(NODES as u64) as usize;
    let sender = user(node, random.below(USERS as u64) as usize);
    let (from, login) = match random.below(12) {
        // Somebody else's mail for this node's users.
        0 | 1 => ("stranger@elsewhere.example".to_owned(), None),
        // Somebody who only says so.
        2 => (sender, None),
        3 => (user(node, random.below(USERS as u64) as usize), Some(sender)),
        _ => (sender.clone(), Some(sender)),
    };
    let login = login.map(|user| Login { user, mechanism: mechanism(random), slips: random.chance(8) });
    let mut to = Vec::new();
    for _ in 0..random.between(1, 4) {
        let recipient = recipient(random, node);
        if !to.contains(&recipient) {
            to.push(recipient);
        }
    }
    let size = if random.chance(85) { 300 } else { random.below(30_000) as usize };
    Message { token: format!("t{number}"), node, from, login, to, size, manner: manner(random) }
}

fn manner(random: &mut Random) -> Manner {
    let chunks = |random: &mut Random| Chunks {
        // Some end in the header, some within a line end, some hold nothing.
        sizes: (0..random.below(6)).map(|_| size_of_chunk(random)).collect(),
        last_is_empty: random.chance(30),
    };
    Manner { pipelines: random.chance(50), chunks: random.chance(50).then(|| chunks(random)) }
}

fn size_of_chunk(random: &mut Random) -> usize {
    let most = *random.pick(&[1, 3, 200, 10_000]);
    random.below(most) as usize
}

fn mechanism(random: &mut Random) -> Mechanism {
    if random.chance(75) { Mechanism::Plain } else { Mechanism::Login }
}

fn recipient(random: &mut Random, node: usize) -> String {
    let here = random.below(USERS as u64) as usize;
    match random.below(20) {
        0..5 => user(node, here),
        5..9 => user(random.below(NODES as u64) as usize, here),
        // There is nobody of that name.
        9 => user(random.below(NODES as u64) as usize, USERS),
        10 => format!("r{here}@{NOWHERE}"),
        11 => format!("r{here}@{NO_MAIL}"),
        _ => somebody(random.below(PEERS as u64) as usize, random.below(5)),
    }
}

fn read(random: &mut Random) -> Event {
    let service = if random.chance(60) { Service::Imap } else { Service::Pop3 };
    Event::Read(random.below(NODES as u64) as usize, random.below(USERS as u64) as usize, service)
}

fn mischief(random: &mut Random) -> Event {
    let node = random.below(NODES as u64) as usize;
    let nth = random.between(1, 30);
    let octets = random.below(9000) as usize;
    let time = Duration::from_secs(random.between(5, 3600));
    match random.below(11) {
        0 | 1 => Event::Crash(node),
        10 => Event::Restart(node),
        2..5 => Event::CutPower(node, nth, octets),
        5 => Event::FailSync(node, nth),
        6 => Event::FailWrite(node, nth, octets),
        7 => Event::FullDisk(node, time),
        8 => {
            let other = match random.chance(50) {
                true => Other::Node((node + 1) % NODES),
                false => Other::Peer(random.below(PEERS as u64) as usize),
            };
            Event::Part(node, other, time)
        }
        _ => Event::NoDns(random.below(PEERS as u64) as usize, time),
    }
}

fn moods(random: &mut Random, active: Duration, calm: Duration) -> Vec<(Duration, Mood)> {
    let mut moods = vec![(Duration::ZERO, Mood::any(random))];
    let mut at = Duration::ZERO;
    loop {
        at += Duration::from_secs(random.between(60, 5400));
        if at >= active {
            // What it is like then it stays until all is well; days of lost replies would only be more of the same.
            if moods.last().is_some_and(|(_, mood)| *mood == Mood::SwallowsReply) {
                moods.push((active, Mood::Grey));
            }
            moods.push((calm, Mood::Fine));
            return moods;
        }
        moods.push((at, Mood::any(random)));
    }
}
