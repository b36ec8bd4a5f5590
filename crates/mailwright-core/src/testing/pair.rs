//! Two machines that talk to each other, without a socket.

use std::time::Duration;

use bytes::Buf;

use super::bench::{App, Bench, Seen};
use crate::machine::Machine;

/// A machine at each end of a wire that loses nothing.
#[derive(Debug)]
pub struct Pair<M: Machine, A, N: Machine, B> {
    /// One end.
    pub left: Bench<M, A>,
    /// The other.
    pub right: Bench<N, B>,
}

impl<M: Machine, A: App<M>, N: Machine, B: App<N>> Pair<M, A, N, B> {
    /// Connects them.
    pub fn new(left: Bench<M, A>, right: Bench<N, B>) -> Self {
        Self { left, right }
    }

    /// Carries bytes until both are quiet; gives what either has seen besides output.
    pub fn settle(&mut self) -> (Vec<Seen>, Vec<Seen>) {
        let mut seen = (Vec::new(), Vec::new());
        loop {
            let to_right = carry(&mut self.left, &mut seen.0);
            let to_left = carry(&mut self.right, &mut seen.1);
            if to_right.is_empty() && to_left.is_empty() {
                return seen;
            }
            self.right.input.extend_from_slice(&to_right);
            self.left.input.extend_from_slice(&to_left);
        }
    }

    /// Lets time pass at both ends.
    pub fn advance(&mut self, by: Duration) -> (Vec<Seen>, Vec<Seen>) {
        let mut seen = (Vec::new(), Vec::new());
        let to_right = split_output(self.left.advance(by), &mut seen.0);
        let to_left = split_output(self.right.advance(by), &mut seen.1);
        self.right.input.extend_from_slice(&to_right);
        self.left.input.extend_from_slice(&to_left);
        let (left, right) = self.settle();
        seen.0.extend(left);
        seen.1.extend(right);
        seen
    }
}

fn carry<M: Machine, A: App<M>>(end: &mut Bench<M, A>, seen: &mut Vec<Seen>) -> Vec<u8> {
    let mut bytes = split_output(end.settle(), seen);
    let output = end.machine.output();
    bytes.extend_from_slice(&output.copy_to_bytes(output.remaining()));
    bytes
}

fn split_output(all: Vec<Seen>, seen: &mut Vec<Seen>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for next in all {
        match next {
            Seen::Output(output) => bytes.extend(output),
            other => seen.push(other),
        }
    }
    bytes
}
