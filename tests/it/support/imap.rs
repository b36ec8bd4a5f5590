//! A client that says IMAP: a line, and what comes until it is answered.

use std::fmt;
use std::net::SocketAddr;

use super::Wire;

/// A connection on which somebody is logged in, or nobody yet.
#[derive(Debug)]
pub(crate) struct Imap {
    pub(crate) wire: Wire,
    commands: u32,
}

/// What has come, with literals, up to the line that answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) untagged: Vec<String>,
    /// Without its tag.
    pub(crate) status: String,
}

impl Imap {
    /// A connection that has read the greeting.
    #[track_caller]
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let mut wire = Wire::connect(addr);
        let greeting = wire.line();
        assert!(greeting.starts_with("* OK "), "{greeting}");
        Self { wire, commands: 0 }
    }

    /// A user of `mailwright dev`, whose password is the name.
    #[track_caller]
    pub(crate) fn login(addr: SocketAddr, user: &str) -> Self {
        let mut imap = Self::connect(addr);
        imap.ok(format!("LOGIN {user}@localhost {user}"));
        imap
    }

    /// Sends a command. Gives its tag.
    pub(crate) fn send(&mut self, command: impl AsRef<[u8]>) -> String {
        self.commands += 1;
        let tag = format!("x{}", self.commands);
        self.wire.send([tag.as_bytes(), b" ", command.as_ref(), b"\r\n"].concat());
        tag
    }

    /// What comes until the command with this tag is answered; `None` when the peer has closed.
    pub(crate) fn try_answer(&mut self, tag: &str) -> Option<Answer> {
        let mut untagged = Vec::new();
        loop {
            let response = self.wire.try_response()?;
            let response = String::from_utf8_lossy(&response).trim_end_matches("\r\n").to_owned();
            match response.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                Some(status) => return Some(Answer { untagged, status: status.to_owned() }),
                None => untagged.push(response),
            }
        }
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, command: impl AsRef<[u8]>) -> Answer {
        let tag = self.send(command);
        self.try_answer(&tag).expect("the connection is open")
    }

    /// A command that must succeed, and what has come before it did.
    #[track_caller]
    pub(crate) fn ok(&mut self, command: impl AsRef<[u8]>) -> Vec<String> {
        let command = command.as_ref();
        let answer = self.ask(command);
        assert!(answer.status.starts_with("OK"), "{:?}: {answer}", String::from_utf8_lossy(command));
        answer.untagged
    }

    /// Stores a message, with flags in parentheses.
    #[track_caller]
    pub(crate) fn append(&mut self, mailbox: &str, flags: &str, message: impl AsRef<[u8]>) {
        let message = message.as_ref();
        let tag = self.send(format!("APPEND {mailbox} {flags} {{{}}}", message.len()));
        let go = self.wire.line();
        assert!(go.starts_with("+ "), "{go}");
        self.wire.send([message, b"\r\n"].concat());
        let answer = self.try_answer(&tag).expect("the connection is open");
        assert!(answer.status.starts_with("OK"), "{answer}");
    }

    /// What a mailbox has: `SUBJECT FLAGS` for each message, without `\Recent`, in order.
    #[track_caller]
    pub(crate) fn messages(&mut self, mailbox: &str) -> Vec<String> {
        self.ok(format!("EXAMINE {mailbox}"));
        let fetched = self.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
        let fetched = fetched.iter().filter(|line| line.contains("Subject: "));
        fetched.map(|line| shown(line)).collect()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.untagged {
            writeln!(formatter, "{line}")?;
        }
        formatter.write_str(&self.status)
    }
}

fn shown(fetched: &str) -> String {
    let between = |start, end| fetched.split_once(start)?.1.split_once(end).map(|(inner, _)| inner);
    let mut flags: Vec<&str> = between("FLAGS (", ")").unwrap().split(' ').collect();
    flags.retain(|flag| !flag.is_empty() && *flag != "\\Recent");
    flags.sort_unstable();
    [&[between("Subject: ", "\r\n").unwrap()], &flags[..]].concat().join(" ")
}
