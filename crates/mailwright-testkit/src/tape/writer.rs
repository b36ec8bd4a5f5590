//! A session as it is written down.

use super::line::Line;
use super::recording::Recording;
use super::secrets::{Heard, Secrets};
use crate::protocol::Protocol;

/// Writes a session down, line by line, without its secrets. What is more than `limit` octets is counted only.
#[derive(Debug)]
pub(super) struct Tape {
    recording: Recording,
    secrets: Secrets,
    /// The beginning of a line, from each side.
    client: Vec<u8>,
    server: Vec<u8>,
    octets: usize,
    limit: usize,
    /// What is said cannot be read.
    is_opaque: bool,
}

impl Tape {
    pub(super) fn new(protocol: Protocol, limit: usize) -> Self {
        Self {
            recording: Recording::new(protocol),
            secrets: Secrets::new(protocol),
            client: Vec::new(),
            server: Vec::new(),
            octets: 0,
            limit,
            is_opaque: false,
        }
    }

    /// From the client.
    pub(super) fn client(&mut self, octets: &[u8]) {
        if !self.is_opaque {
            let mut lines =
                Lines { begun: std::mem::take(&mut self.client), rest: octets, limit: self.limit };
            while let Some(line) = lines.next() {
                let together = !lines.rest.is_empty();
                let content = self.secrets.is_content();
                let shown = self.secrets.client(&line);
                self.push(line.len(), Line::Client { octets: shown, together: together && !content });
            }
            self.client = lines.begun;
        }
    }

    /// From the server.
    pub(super) fn server(&mut self, octets: &[u8]) {
        if !self.is_opaque {
            let mut lines =
                Lines { begun: std::mem::take(&mut self.server), rest: octets, limit: self.limit };
            while let Some(line) = lines.next() {
                self.push(line.len(), Line::server(&line));
                if self.secrets.server(&line) == Heard::Upgrade {
                    self.push(0, Line::Upgraded);
                    // Until somebody listens inside of it.
                    self.is_opaque = true;
                }
            }
            self.server = lines.begun;
        }
    }

    /// It can be read again.
    pub(super) fn listen(&mut self) {
        self.is_opaque = false;
    }

    /// Something about the session, behind what was said so far.
    pub(super) fn comment(&mut self, text: &str) {
        let begun = self.begun();
        self.client.clear();
        self.server.clear();
        for (octets, line) in begun {
            self.push(octets, line);
        }
        self.push(0, Line::Comment(text.to_owned()));
    }

    /// All so far; lines that have no end yet, too.
    pub(super) fn recording(&self) -> Recording {
        let mut recording = self.recording.clone();
        recording.lines.extend(self.begun().into_iter().map(|(_, line)| line));
        recording
    }

    /// Lines that have no end yet, and their octets.
    fn begun(&self) -> Vec<(usize, Line)> {
        let mut lines = Vec::new();
        if !self.client.is_empty() {
            let octets = self.secrets.would_hide(&self.client);
            lines.push((self.client.len(), Line::Client { octets, together: false }));
        }
        if !self.server.is_empty() {
            lines.push((self.server.len(), Line::server(&self.server)));
        }
        lines
    }

    fn push(&mut self, octets: usize, line: Line) {
        self.octets = self.octets.saturating_add(octets);
        if self.octets <= self.limit && self.recording.left_out == 0 {
            self.recording.lines.push(line);
        } else {
            self.recording.left_out += octets as u64;
        }
    }
}

/// Octets as lines.
struct Lines<'a> {
    begun: Vec<u8>,
    rest: &'a [u8],
    limit: usize,
}

impl Lines<'_> {
    /// The next line with its end. One that has none within the limit is cut there.
    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.rest.iter().position(|&octet| octet == b'\n').map(|at| at + 1);
        let (line, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.begun.extend_from_slice(line);
        self.rest = rest;
        let is_whole = end.is_some() || self.begun.len() > self.limit;
        is_whole.then(|| std::mem::take(&mut self.begun))
    }
}

#[cfg(test)]
mod tests {
    use mailwright_core::testing::Budget;
    use proptest::prelude::*;

    use super::*;

    /// Sessions in turns: what the client says, and what the server says to it.
    const SESSIONS: [(Protocol, &[(&str, &str)]); 5] = [
        (Protocol::Smtp, &[("AUTH PLAIN hunter22hunter22\r\n", "235 ok\r\n"), ("NOOP\r\n", "250 ok\r\n")]),
        (
            Protocol::Smtp,
            &[
                ("auth LOGIN\r\n", "334 VXNlcg==\r\n"),
                ("hunter22\r\n", "334 UA==\r\n"),
                ("hunter22\r\n", "535 no\r\n"),
            ],
        ),
        (Protocol::Pop3, &[("USER ann\r\n", "+OK\r\n"), ("PASS hunter22 hunter22\r\n", "+OK\r\n")]),
        (Protocol::Imap, &[("a LOGIN ann \"hunter22\"\r\n", "* OK\r\na OK\r\n")]),
        (
            Protocol::Imap,
            &[
                ("a LOGIN {3}\r\n", "+ go\r\n"),
                ("ann {8+}\r\nhunter22\r\n", "a NO\r\n"),
                ("b NOOP\r\n", "b OK\r\n"),
            ],
        ),
    ];

    mailwright_core::properties! {
        #![budget(Budget::new().floor(100))]

        /// Nor is any beginning of it that tells something, at any time.
        #[test]
        fn however_a_session_is_cut_no_secret_is_written_down(at in 0..SESSIONS.len(), step in 1..30_usize) {
            let (protocol, turns) = SESSIONS[at];
            let mut tape = Tape::new(protocol, 10_000);
            for (client, server) in turns {
                for piece in client.as_bytes().chunks(step) {
                    tape.client(piece);
                    let text = tape.recording().to_string();
                    prop_assert!(!text.contains("hunt"), "{}", text);
                }
                server.as_bytes().chunks(step).for_each(|piece| tape.server(piece));
            }
            let text = tape.recording().to_string();
            prop_assert!(text.contains("***") && !text.contains("hunt"), "{}", text);
            let whole: String = turns.iter().map(|turn| turn.1).collect();
            let said = |line: &str| line.strip_prefix("S: ").map(|line| format!("{line}\r\n"));
            prop_assert_eq!(text.lines().filter_map(said).collect::<String>(), whole);
        }
    }
}
