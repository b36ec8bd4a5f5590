//! A line of a transcript.

use std::fmt;

use super::escape::{escape, unescape};

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// From the client: octets with their line end, if they have one. `together` with the next one, in a pipeline.
    Client { octets: Vec<u8>, together: bool },
    /// From the server: escaped, `{*}` for anything; `ended` by CRLF.
    Server { text: String, ended: bool },
    /// TLS begins.
    Upgraded,
    /// Of the session, but nothing that was said.
    Comment(String),
}

impl Line {
    pub(super) fn server(octets: &[u8]) -> Self {
        match octets.strip_suffix(b"\r\n") {
            Some(line) => Self::Server { text: escape(line), ended: true },
            None => Self::Server { text: escape(octets), ended: false },
        }
    }

    /// `None` if it is no line of a transcript. What only a machine and its application see is left out.
    pub(super) fn parse(text: &str) -> Option<Option<Self>> {
        let (kind, rest) = text.split_at_checked(2).unwrap_or((text, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let ended = |text: &str| {
            let mut octets = unescape(text)?;
            octets.extend_from_slice(b"\r\n");
            Some(octets)
        };
        Some(match kind {
            "C:" => Some(Self::Client { octets: ended(rest)?, together: false }),
            "C&" => Some(Self::Client { octets: ended(rest)?, together: true }),
            "C+" => Some(Self::Client { octets: unescape(rest)?, together: false }),
            "S:" => Some(Self::Server { text: rest.to_owned(), ended: true }),
            "S+" => Some(Self::Server { text: rest.to_owned(), ended: false }),
            "A>" => None,
            _ if text.starts_with('#') => Some(Self::Comment(text.trim_start_matches(['#', ' ']).to_owned())),
            _ if text.starts_with("upgraded ") => Some(Self::Upgraded),
            _ if text.is_empty() || text.starts_with("= ") || text.starts_with("@ ") => None,
            _ => return None,
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client { octets, together } => match (octets.strip_suffix(b"\r\n"), together) {
                (Some(b""), false) => f.write_str("C:"),
                (Some(line), false) => write!(f, "C: {}", escape(line)),
                (Some(line), true) => write!(f, "C& {}", escape(line)),
                (None, _) => write!(f, "C+ {}", escape(octets)),
            },
            Self::Server { text, ended: true } if text.is_empty() => f.write_str("S:"),
            Self::Server { text, ended: true } => write!(f, "S: {text}"),
            Self::Server { text, ended: false } => write!(f, "S+ {text}"),
            Self::Upgraded => f.write_str("upgraded Tls"),
            Self::Comment(text) => write!(f, "# {text}"),
        }
    }
}
