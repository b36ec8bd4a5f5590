//! A session, written down.

use std::fmt;
use std::net::ToSocketAddrs;
use std::str::FromStr;

use thiserror::Error;

use super::line::Line;
use super::replay::{self, ReplayConfig, ReplayError};
use super::wildcard::generalise;
use crate::protocol::Protocol;

/// How a transcript tells that it is not whole, in a comment.
const LEFT_OUT: &str = "octets that were left out:";

/// A session, written down: what each side said, without passwords.
///
/// As text it is a transcript, of the format that
/// [`run_transcripts`](mailwright_core::testing::run_transcripts) plays against a machine: `C:` and a line of the
/// client, `S:` and one of the server, `C&` for a line that was sent together with the next, `C+` and `S+` for octets
/// without a line end, `#` for comments. In a line of the server `{*}` stands for anything.
///
/// ```
/// use mailwright_testkit::{Protocol, Recording};
///
/// let text = "@ protocol smtp\n\
///             S: 220 mx.example.org ESMTP\n\
///             C: EHLO c.example\n\
///             S: 250 mx.example.org\n\
///             C: MAIL FROM:<ann@example.org>\n\
///             S: 250 2.0.0 ok, as 06EXZ2V9K4T0QK8M\n";
/// let recording: Recording = text.parse()?;
/// assert_eq!(recording.protocol(), Protocol::Smtp);
/// assert_eq!(recording.to_string(), text);
///
/// let shared = recording.redact("ann@example.org").with_wildcards().to_string();
/// assert!(shared.contains("C: MAIL FROM:<xxx@xxxxxxx.xxx>\nS: 250 2.0.0 ok, as {*}\n"));
/// # Ok::<_, mailwright_testkit::NotATranscript>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    protocol: Protocol,
    pub(super) lines: Vec<Line>,
    pub(super) left_out: u64,
}

/// A text is no transcript.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} is none of a transcript")]
pub struct NotATranscript {
    /// Which line, from one on.
    pub line: usize,
}

impl Recording {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self { protocol, lines: Vec::new(), left_out: 0 }
    }

    /// What is spoken in it.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The same without a word: each of its letters and digits becomes `x`, wherever it stands and in any case. So all
    /// lengths stay as they are, and an address stays one. What is encoded is not found: names in base64, say.
    #[must_use]
    pub fn redact(&self, word: &str) -> Self {
        let mut redacted = self.clone();
        for line in &mut redacted.lines {
            match line {
                Line::Client { octets, .. } => mask(octets, word.as_bytes()),
                Line::Server { text, .. } | Line::Comment(text) => {
                    let mut octets = std::mem::take(text).into_bytes();
                    mask(&mut octets, word.as_bytes());
                    *text = String::from_utf8_lossy(&octets).into_owned();
                }
                Line::Upgraded => {}
            }
        }
        redacted
    }

    /// The same with `{*}` for what is another the next time: in lines of the server, dates, times, and words of ten
    /// and more letters and digits of which one is a digit.
    #[must_use]
    pub fn with_wildcards(&self) -> Self {
        let mut general = self.clone();
        for line in &mut general.lines {
            if let Line::Server { text, .. } = line {
                *text = generalise(text);
            }
        }
        general
    }

    /// Plays the client against a server, and compares what it says with what is written here. Blocks.
    ///
    /// # Errors
    /// If it says something else, or the session cannot be played.
    pub fn replay(&self, server: impl ToSocketAddrs, config: &ReplayConfig) -> Result<(), ReplayError> {
        if self.left_out > 0 {
            return Err(ReplayError::LeftOut(self.left_out));
        }
        replay::play(self.protocol, &self.lines, server, config)
    }
}

fn mask(octets: &mut [u8], word: &[u8]) {
    let mut at = 0;
    while let Some(place) = octets.get_mut(at..at + word.len()).filter(|place| !place.is_empty()) {
        if place.eq_ignore_ascii_case(word) {
            place.iter_mut().filter(|octet| octet.is_ascii_alphanumeric()).for_each(|octet| *octet = b'x');
        }
        at += 1;
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "@ protocol {}", self.protocol)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        if self.left_out > 0 {
            writeln!(f, "# {LEFT_OUT} {}", self.left_out)?;
        }
        Ok(())
    }
}

impl FromStr for Recording {
    type Err = NotATranscript;

    /// Without a line `@ protocol imap` or the like, it is SMTP.
    fn from_str(text: &str) -> Result<Self, NotATranscript> {
        let mut recording = Self::new(Protocol::Smtp);
        for (at, line) in text.lines().enumerate() {
            let wrong = NotATranscript { line: at + 1 };
            if let Some(name) = line.strip_prefix("@ protocol ") {
                recording.protocol = name.trim().parse().map_err(|()| wrong)?;
                continue;
            }
            match Line::parse(line).ok_or(wrong.clone())? {
                Some(Line::Comment(text)) if text.starts_with(LEFT_OUT) => {
                    let number = text.strip_prefix(LEFT_OUT).and_then(|number| number.trim().parse().ok());
                    recording.left_out = number.ok_or(wrong)?;
                }
                line => recording.lines.extend(line),
            }
        }
        Ok(recording)
    }
}
