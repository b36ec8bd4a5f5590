//! What a machine has to say, kept in order, without copying what is large.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// At most this many bytes of a [`Bytes`] are copied next to their neighbours instead of being queued on
/// their own: below it a copy is cheaper than one more entry in the vector that is written.
const COPY_MAX: usize = 512;

/// What an empty output may keep allocated, so that an idle connection costs little.
const IDLE_CAPACITY: usize = 512;

/// Bytes on their way to the peer: replies, and bodies that are passed on without a copy.
///
/// What is [`put`](Self::put) or [`push`](Self::push)ed is *held* until it is [`release`](Self::release)d, so
/// that replies to pipelined commands leave together (RFC 2920 §3.2). As a [`Buf`] it shows only what is
/// released: write it, vectored if you can, and [`advance`](Buf::advance).
///
/// ```
/// use bytes::Buf;
/// use mailwright_core::Output;
///
/// let mut output = Output::new(1024);
/// output.put(b"250 ok\r\n");
/// assert_eq!(output.remaining(), 0, "held");
/// output.put(b"354 go ahead\r\n");
/// output.release();
/// assert_eq!(output.ready(), 22);
/// assert_eq!(output.chunk(), b"250 ok\r\n354 go ahead\r\n");
/// ```
#[derive(Debug)]
pub struct Output {
    segments: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
    ready: usize,
    high_water: usize,
}

impl Output {
    /// An empty output that is full for producers from `high_water` bytes on.
    pub fn new(high_water: usize) -> Self {
        let tail = BytesMut::with_capacity(IDLE_CAPACITY);
        Self { segments: VecDeque::new(), tail, len: 0, ready: 0, high_water }
    }

    /// Appends a copy of `bytes`, held.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends `bytes` without copying them (unless they are few), held.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() <= COPY_MAX {
            return self.put(&bytes);
        }
        if !self.tail.is_empty() {
            self.segments.push_back(self.tail.split().freeze());
        }
        self.len += bytes.len();
        self.segments.push_back(bytes);
    }

    /// Lets everything that was held be written.
    pub fn release(&mut self) {
        self.ready = self.len;
    }

    /// How many bytes may be written now.
    pub fn ready(&self) -> usize {
        self.ready
    }

    /// How many bytes are queued, held ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes a producer may add before it should wait for some to be written. A reply may always
    /// be added; a producer of bodies asks first.
    pub fn room(&self) -> usize {
        self.high_water.saturating_sub(self.len)
    }

    fn drop_from_front(&mut self, mut count: usize) {
        self.len -= count;
        self.ready -= count;
        while count > 0 {
            let Some(front) = self.segments.front_mut() else {
                self.tail.advance(count);
                break;
            };
            if count < front.len() {
                front.advance(count);
                break;
            }
            count -= front.len();
            self.segments.pop_front();
        }
        if self.len == 0 {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.tail.capacity() > IDLE_CAPACITY {
            self.tail = BytesMut::new();
        }
        if self.segments.capacity() > 0 {
            self.segments = VecDeque::new();
        }
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.ready
    }

    fn chunk(&self) -> &[u8] {
        let front = self.segments.front().map_or(self.tail.as_ref(), Bytes::as_ref);
        front.get(..self.ready).unwrap_or(front)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = self.segments.iter().map(Bytes::as_ref).chain([self.tail.as_ref()]);
        let (mut left, mut used) = (self.ready, 0);
        for (slot, part) in slices.iter_mut().zip(parts) {
            let part = part.get(..left).unwrap_or(part);
            if part.is_empty() {
                break;
            }
            *slot = IoSlice::new(part);
            left -= part.len();
            used += 1;
        }
        used
    }

    /// Forgets the first `count` bytes; more than are ready are not forgotten.
    fn advance(&mut self, count: usize) {
        self.drop_from_front(count.min(self.ready));
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(output: &mut Output, step: usize) -> Vec<u8> {
        let mut seen = Vec::new();
        while output.has_remaining() {
            let mut slices = [IoSlice::new(&[]); 4];
            let used = output.chunks_vectored(&mut slices);
            let vectored: Vec<u8> = slices[..used].iter().flat_map(|s| s.to_vec()).collect();
            assert!(vectored.starts_with(output.chunk()));
            let count = step.min(vectored.len());
            seen.extend_from_slice(&vectored[..count]);
            output.advance(count);
        }
        seen
    }

    #[test]
    fn order_is_kept_whatever_is_copied_and_however_it_is_written() {
        for step in [1, 7, 600, 10_000] {
            let mut output = Output::new(100);
            let large = Bytes::from(vec![b'x'; 2000]);
            output.put(b"a");
            output.push(large.clone());
            output.push(Bytes::from_static(b"b"));
            output.push(large.clone());
            output.put(b"c");
            output.release();
            let expected = [b"a", &large[..], b"b", &large[..], b"c"].concat();
            assert_eq!(drain(&mut output, step), expected);
            assert!(output.is_empty());
        }
    }

    #[test]
    fn large_chunks_are_not_copied() {
        let mut output = Output::new(100);
        let large = Bytes::from(vec![b'x'; 2000]);
        output.push(large.clone());
        output.release();
        assert_eq!(output.chunk().as_ptr(), large.as_ptr());
    }

    #[test]
    fn held_bytes_are_not_shown() {
        let mut output = Output::new(8);
        output.put(b"ready");
        output.release();
        output.put(b"held");
        assert_eq!((output.ready(), output.len(), output.room()), (5, 9, 0));
        assert_eq!(output.chunk(), b"ready");
        output.advance(100);
        assert_eq!((output.ready(), output.len()), (0, 4));
        output.release();
        assert_eq!(output.chunk(), b"held");
    }
}
