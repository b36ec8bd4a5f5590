//! What is on its way between two hosts.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::tape::Tape;
use crate::random::Random;

/// Octets on their way in one direction at which the writer waits.
const WINDOW: usize = 32 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The connection breaks when one side has written so many octets; what is behind them is lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) by: Side,
    pub(crate) octet: u64,
    pub(crate) manner: CutManner,
}

/// What becomes of what is on its way in the other direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutManner {
    /// It arrives as long as the last octets of this one are under way, and by then both sides know.
    Late,
    /// It is lost: who writes is told at once, and has heard all that it will ever hear.
    AtOnce,
}

pub(super) struct Connection {
    pub(super) number: u32,
    pub(super) hosts: [IpAddr; 2],
    pub(super) names: [String; 2],
    latency: Duration,
    cut: Option<Cut>,
    /// Whether it was, and nobody has asked yet.
    was_cut: bool,
    /// Where the conversation is kept, as the server has it.
    pub(super) tape: Option<Tape>,
    random: Random,
    /// By who writes.
    ways: [Way; 2],
    /// From when on it is broken, for each side.
    broken: [Option<Instant>; 2],
    /// Sides that are no more: whoever they were, nothing happens to them.
    pub(super) dead: [bool; 2],
}

/// One direction.
#[derive(Default)]
struct Way {
    pieces: VecDeque<(Instant, Bytes)>,
    octets: usize,
    written: u64,
    last: Option<Instant>,
    /// When its end is seen.
    finished: Option<Instant>,
    /// Nobody reads it any more.
    closed: bool,
    /// What is written from here on is lost.
    severed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// What there is to read.
pub(super) enum Read {
    Piece(Bytes),
    End,
    Broken,
    /// Something comes then.
    At(Instant),
    Nothing,
}

impl Connection {
    pub(super) fn new(
        number: u32,
        hosts: [IpAddr; 2],
        names: [String; 2],
        latency: Duration,
        (cut, tape): (Option<Cut>, Option<Tape>),
        random: Random,
    ) -> Self {
        let (ways, broken, dead) = (Default::default(), [None; 2], [false; 2]);
        Self { number, hosts, names, latency, cut, was_cut: false, tape, random, ways, broken, dead }
    }

    /// At most `most` octets of what has arrived.
    pub(super) fn read(&mut self, side: Side, most: usize, waker: &Waker) -> Read {
        let now = Instant::now();
        let broken = self.broken[side as usize];
        let way = &mut self.ways[side.other() as usize];
        way.reader = Some(waker.clone());
        if let Some((due, piece)) = way.pieces.front_mut()
            && broken.is_none_or(|broken| *due <= broken)
        {
            if *due > now {
                return Read::At(*due);
            }
            let piece = piece.split_to(piece.len().min(most));
            if way.pieces.front().is_some_and(|(_, left)| left.is_empty()) {
                way.pieces.pop_front();
            }
            way.octets -= piece.len();
            way.writer.take().into_iter().for_each(Waker::wake);
            return Read::Piece(piece);
        }
        match (broken, way.finished) {
            (Some(at), _) if at <= now => Read::Broken,
            (_, Some(at)) if at <= now => Read::End,
            (Some(at), _) | (None, Some(at)) => Read::At(at),
            (None, None) => Read::Nothing,
        }
    }

    /// Takes as many octets as there is room for, and may take fewer. `None`: it is broken.
    pub(super) fn write(&mut self, side: Side, octets: &[u8], waker: &Waker) -> Option<usize> {
        let now = Instant::now();
        if self.broken[side as usize].is_some_and(|at| at <= now)
            || self.ways[side as usize].finished.is_some()
        {
            return None;
        }
        if self.ways[side as usize].closed {
            self.break_at(side, now + 2 * self.latency);
            return Some(octets.len());
        }
        let room = WINDOW.saturating_sub(self.ways[side as usize].octets);
        let mut taken = octets.len().min(room);
        if taken > 1 && self.random.chance(10) {
            taken = 1 + self.random.below(taken as u64 - 1) as usize;
        }
        if taken == 0 {
            self.ways[side as usize].writer = Some(waker.clone());
            return Some(0);
        }
        if self.ways[side as usize].severed {
            return Some(taken);
        }
        let mut left = Bytes::copy_from_slice(&octets[..taken]);
        if let Some(Cut { by, octet, manner }) = self.cut.filter(|cut| cut.by == side) {
            let written = self.ways[side as usize].written;
            if written + taken as u64 >= octet {
                left.truncate((octet.max(written) - written) as usize);
                self.send(side, left);
                self.ways[side as usize].severed = true;
                let at = self.ways[side as usize].last.unwrap_or(now).max(now + self.latency);
                self.break_at(by.other(), at);
                match manner {
                    CutManner::Late => self.break_at(by, at),
                    CutManner::AtOnce => {
                        self.ways[by.other() as usize].pieces.clear();
                        self.break_at(by, now);
                    }
                }
                self.cut = None;
                self.was_cut = true;
                return Some(taken);
            }
        }
        self.send(side, left);
        Some(taken)
    }

    /// Whether it has just been cut.
    pub(super) fn was_cut(&mut self) -> bool {
        std::mem::take(&mut self.was_cut)
    }

    fn send(&mut self, side: Side, mut octets: Bytes) {
        let way = &mut self.ways[side as usize];
        while !octets.is_empty() {
            let length = match self.random.chance(20) {
                true => 1 + self.random.below(octets.len() as u64) as usize,
                false => octets.len(),
            };
            let delay = self.latency + Duration::from_millis(self.random.below(10));
            let due = (Instant::now() + delay).max(way.last.unwrap_or_else(Instant::now));
            let piece = octets.split_to(length);
            way.octets += piece.len();
            way.written += piece.len() as u64;
            way.last = Some(due);
            way.pieces.push_back((due, piece));
        }
        way.reader.take().into_iter().for_each(Waker::wake);
    }

    /// The side writes nothing more.
    pub(super) fn finish(&mut self, side: Side) {
        let now = Instant::now();
        let way = &mut self.ways[side as usize];
        way.finished.get_or_insert((now + self.latency).max(way.last.unwrap_or(now)));
        way.reader.take().into_iter().for_each(Waker::wake);
    }

    /// The side reads and writes nothing more.
    pub(super) fn close(&mut self, side: Side) {
        if !self.dead[side as usize] {
            self.finish(side);
            self.ways[side.other() as usize].closed = true;
        }
    }

    fn break_at(&mut self, side: Side, at: Instant) {
        let broken = &mut self.broken[side as usize];
        *broken = Some(broken.map_or(at, |before| before.min(at)));
        self.ways[side.other() as usize].reader.take().into_iter().for_each(Waker::wake);
        self.ways[side as usize].writer.take().into_iter().for_each(Waker::wake);
    }

    /// A host is no more. The other one is told, or learns it when it next writes; what is on its way is lost, or not.
    pub(super) fn crash(&mut self, host: IpAddr, silent: bool, lost: bool) {
        for side in [Side::Client, Side::Server] {
            if self.hosts[side as usize] != host || self.dead[side as usize] {
                continue;
            }
            self.dead[side as usize] = true;
            let way = &mut self.ways[side as usize];
            if lost {
                way.pieces.clear();
                way.octets = 0;
            }
            self.ways[side.other() as usize].closed = true;
            if !silent {
                let at = Instant::now() + self.latency;
                let at = self.ways[side as usize].last.map_or(at, |last| at.max(last));
                self.break_at(side.other(), at);
            }
        }
    }
}
