//! What is sent, and how.

use crate::ledger::TOKEN;

/// A message to be sent once; whatever comes of it, it is not sent again.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) token: String,
    pub(crate) node: usize,
    pub(crate) from: String,
    /// As whom the client logs in, if it does.
    pub(crate) login: Option<Login>,
    pub(crate) to: Vec<String>,
    /// Octets of its body.
    pub(crate) size: usize,
    pub(crate) manner: Manner,
}

#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) mechanism: Mechanism,
    /// The first password is a wrong one.
    pub(crate) slips: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    Login,
}

/// How a transaction is done, as far as the server offers it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// Commands are sent in groups (RFC 2920), and so are chunks.
    pub(crate) pipelines: bool,
    /// The content goes by BDAT (RFC 3030).
    pub(crate) chunks: Option<Chunks>,
}

/// How a content is cut into chunks.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    /// Octets of each but the last, as long as there are any.
    pub(crate) sizes: Vec<usize>,
    /// The last one is empty: it only says that it is.
    pub(crate) last_is_empty: bool,
}

/// The lines of a body. Some of them must not end it, and each dot is to arrive (RFC 5321 §4.5.2).
const LINES: [&str; 4] = [
    ".",
    "A line among others, as there are in mail, which has nothing that anybody would have to look at twice.",
    "..which begins with dots, and goes on as the other one: nobody would have to look at it twice, or would they?",
    "A line among others, as there are in mail, which has nothing that anybody would have to look at twice.",
];

impl Message {
    /// Whether the client may say that it is from there.
    pub(super) fn may_send(&self) -> bool {
        self.login.as_ref().is_none_or(|login| login.user == self.from)
    }

    /// Whether the node may take it for there.
    pub(super) fn may_be_for(&self, recipient: &str) -> bool {
        self.login.is_some() || recipient.ends_with(&format!("@n{}.example", self.node))
    }

    pub(crate) fn content(&self) -> String {
        let Self { token, from, size, .. } = self;
        let to = &self.to[0];
        let mut content = format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: {token}\r\nMessage-ID: <{token}@client.example>\r\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n{TOKEN}{token}\r\n\r\n"
        );
        for line in LINES.iter().cycle() {
            if content.len() >= *size {
                break;
            }
            content += line;
            content += "\r\n";
        }
        content
    }

    /// All that follows 354: the content with its dots doubled, and the end.
    pub(super) fn dotted(&self) -> String {
        let content = self.content();
        let dotted = |line: &str| [if line.starts_with('.') { "." } else { "" }, line].concat();
        content.split_inclusive("\r\n").map(dotted).chain([".\r\n".to_owned()]).collect()
    }
}

impl Chunks {
    /// The commands, each with its chunk.
    pub(super) fn of(&self, content: &str) -> Vec<String> {
        let (mut chunks, mut rest) = (Vec::new(), content);
        let mut chunk =
            |octets: &str, last: &str| chunks.push(format!("BDAT {}{last}\r\n{octets}", octets.len()));
        for size in &self.sizes {
            let Some((octets, behind)) = rest.split_at_checked(*size) else { break };
            chunk(octets, "");
            rest = behind;
        }
        if self.last_is_empty {
            chunk(std::mem::take(&mut rest), "");
        }
        chunk(rest, " LAST");
        chunks
    }
}
