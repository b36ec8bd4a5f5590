//! What nobody may read in a transcript: passwords, and what is said within AUTH.
//!
//! It errs on the safe side: what a client sends while an exchange may still go on is not shown, whatever it is.

use crate::protocol::Protocol;

/// In the place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Follows a session as far as it has to know which lines are secret.
#[derive(Debug, Clone)]
pub(super) struct Secrets {
    protocol: Protocol,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// The next line is a command.
    Command,
    /// SMTP: the content of a message, up to a dot.
    Content,
    /// IMAP: so many octets of a literal, which belong to a command.
    Literal(u64),
    /// Each line is secret, until the server answers to the command with this tag.
    Exchange { tag: Vec<u8> },
    /// SMTP, POP3: it has answered, perhaps to an earlier command. A challenge tells.
    Answered,
    /// TLS will begin, if the server says yes.
    Upgrading { tag: Vec<u8> },
}

/// What becomes of a line of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is one like others.
    Line,
    /// What follows is TLS.
    Upgrade,
}

impl Secrets {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self { protocol, state: State::Command }
    }

    /// The line of a client as it may be shown; with its end, if it has one.
    pub(super) fn client(&mut self, line: &[u8]) -> Vec<u8> {
        match &mut self.state {
            State::Command | State::Answered => self.command(line),
            State::Content => {
                if line == b".\r\n" {
                    self.state = State::Command;
                }
                line.to_vec()
            }
            State::Literal(left) => {
                let inside = usize::try_from(*left).unwrap_or(usize::MAX).min(line.len());
                *left -= inside as u64;
                if inside < line.len() {
                    // The rest of the command, which may have another literal.
                    self.state = literal(line).map_or(State::Command, State::Literal);
                }
                line.to_vec()
            }
            State::Exchange { .. } if line == b"*\r\n" => line.to_vec(),
            State::Exchange { .. } => hidden(b"", line),
            State::Upgrading { .. } => line.to_vec(),
        }
    }

    /// Whether what comes is the content of a message.
    pub(super) fn is_content(&self) -> bool {
        matches!(self.state, State::Content)
    }

    /// A line that has no end yet, as it may be shown.
    pub(super) fn would_hide(&self, line: &[u8]) -> Vec<u8> {
        self.clone().client(line)
    }

    /// Follows what the server says.
    pub(super) fn server(&mut self, line: &[u8]) -> Heard {
        match (&self.state, self.protocol) {
            (State::Command, Protocol::Smtp) if line.starts_with(b"354") => self.state = State::Content,
            (State::Answered, protocol) if is_challenge(protocol, line) => {
                self.state = State::Exchange { tag: Vec::new() };
            }
            (State::Exchange { tag } | State::Upgrading { tag }, protocol) => {
                if is_challenge(protocol, line) {
                    return Heard::Line;
                }
                let is_yes = match protocol {
                    Protocol::Smtp => line.starts_with(b"2"),
                    Protocol::Pop3 => line.starts_with(b"+OK"),
                    Protocol::Imap => match line.strip_prefix(&tag[..]) {
                        Some(rest) => rest.starts_with(b"OK"),
                        None => return Heard::Line,
                    },
                };
                let upgrade = is_yes && matches!(self.state, State::Upgrading { .. });
                self.state = State::Answered;
                return if upgrade { Heard::Upgrade } else { Heard::Line };
            }
            _ => {}
        }
        Heard::Line
    }

    fn command(&mut self, line: &[u8]) -> Vec<u8> {
        let (tag, command) = match self.protocol {
            Protocol::Imap => word(line),
            Protocol::Smtp | Protocol::Pop3 => (&b""[..], line),
        };
        let (verb, arguments) = word(command);
        // `tag` has its blank, so that `a1` does not end at the answer to `a`.
        let exchange = || State::Exchange { tag: tag.to_vec() };
        let is = |known: &str| verb.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
        let (shown, state) = match self.protocol {
            Protocol::Smtp if is("AUTH") => (before_second(arguments), exchange()),
            Protocol::Pop3 if is("AUTH") => (before_second(arguments), exchange()),
            Protocol::Pop3 if is("PASS") => (Some(&b""[..]), State::Command),
            Protocol::Pop3 if is("APOP") => (before_second(arguments), State::Command),
            Protocol::Imap if is("AUTHENTICATE") => (before_second(arguments), exchange()),
            // A name and a password, each of them perhaps in lines to come.
            Protocol::Imap if is("LOGIN") => (Some(&b""[..]), exchange()),
            Protocol::Smtp | Protocol::Imap if is("STARTTLS") => {
                (None, State::Upgrading { tag: tag.to_vec() })
            }
            Protocol::Pop3 if is("STLS") => (None, State::Upgrading { tag: tag.to_vec() }),
            Protocol::Imap => (None, literal(line).map_or(State::Command, State::Literal)),
            _ => (None, State::Command),
        };
        self.state = state;
        match shown {
            Some(shown) if !arguments.is_empty() => {
                let secret = arguments.len().saturating_sub(shown.len());
                hidden(line.get(..line.len().saturating_sub(secret)).unwrap_or_default(), line)
            }
            _ => line.to_vec(),
        }
    }
}

/// Whether the server goes on with an exchange (RFC 4954 §4, RFC 5034 §4).
fn is_challenge(protocol: Protocol, line: &[u8]) -> bool {
    match protocol {
        Protocol::Smtp => line.starts_with(b"334"),
        Protocol::Imap | Protocol::Pop3 => line.starts_with(b"+ "),
    }
}

/// The first word with the blank behind it, and the rest.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&octet| octet == b' ').map_or(line.len(), |at| at + 1);
    line.split_at_checked(end).unwrap_or((line, b""))
}

/// The first argument, if there is a second.
fn before_second(arguments: &[u8]) -> Option<&[u8]> {
    let (first, second) = word(arguments);
    (!second.trim_ascii().is_empty()).then_some(first)
}

/// `shown`, and something for the rest of `line`.
fn hidden(shown: &[u8], line: &[u8]) -> Vec<u8> {
    let end: &[u8] = if line.ends_with(b"\r\n") { b"\r\n" } else { b"" };
    [shown, HIDDEN.as_bytes(), end].concat()
}

/// The octets of the literal that a line ends with (RFC 9051 §4.3): `{3}`, `{3+}`, `{3-}`.
fn literal(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let begin = line.iter().rposition(|&octet| octet == b'{')? + 1;
    let number = std::str::from_utf8(line.get(begin..)?).ok()?;
    number.trim_end_matches(['+', '-']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of a session: lines of the client begin with `>`, those of the server with `<`.
    fn shown(protocol: Protocol, session: &[&str]) -> Vec<String> {
        let mut secrets = Secrets::new(protocol);
        let mut all = Vec::new();
        for line in session {
            let (from, line) = line.split_at(1);
            let line = format!("{line}\r\n");
            if from == ">" {
                all.push(String::from_utf8(secrets.client(line.as_bytes())).unwrap().trim_end().to_owned());
            } else if secrets.server(line.as_bytes()) == Heard::Upgrade {
                all.push("TLS".to_owned());
            }
        }
        all
    }

    #[test]
    fn smtp() {
        let session = [
            ">EHLO c.example",
            "<250 mx",
            ">AUTH PLAIN AGFubgBzZWNyZXQ=",
            "<235 2.7.0 hello",
            ">AUTH LOGIN",
            "<334 VXNlcg==",
            ">YW5u",
            "<334 UGFzcw==",
            ">c2VjcmV0",
            "<535 5.7.8 no",
            ">AUTH PLAIN",
            "<334 ",
            ">*",
            "<501 cancelled",
            ">DATA",
            "<354 go on",
            ">AUTH PLAIN is the best",
            ">.",
            "<250 ok",
            ">auth plain AAAA",
            ">QUIT",
        ];
        let shown = shown(Protocol::Smtp, &session);
        let expected = [
            "EHLO c.example",
            "AUTH PLAIN ***",
            "AUTH LOGIN",
            "***",
            "***",
            "AUTH PLAIN",
            "*",
            "DATA",
            "AUTH PLAIN is the best",
            ".",
            "auth plain ***",
            "***",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_said_before_auth_may_be_answered_behind_it() {
        let session = [
            ">NOOP",
            ">AUTH LOGIN",
            "<250 ok",
            "<334 VXNlcg==",
            ">YW5u",
            "<334 UGFzcw==",
            ">c2VjcmV0",
            "<235 ok",
            ">NOOP",
        ];
        assert_eq!(shown(Protocol::Smtp, &session), ["NOOP", "AUTH LOGIN", "***", "***", "NOOP"]);
    }

    #[test]
    fn pop3() {
        let session = [
            ">USER ann",
            "<+OK",
            ">PASS two words",
            "<-ERR",
            ">pass",
            ">APOP ann 0123",
            ">AUTH PLAIN",
            "<+ ",
            ">AGFubg==",
            "<+OK",
            ">STAT",
            "<+OK 0 0",
            ">STLS",
            "<+OK",
        ];
        let expected =
            ["USER ann", "PASS ***", "pass", "APOP ann ***", "AUTH PLAIN", "***", "STAT", "STLS", "TLS"];
        assert_eq!(shown(Protocol::Pop3, &session), expected);
    }

    #[test]
    fn imap() {
        let session = [
            "<* OK",
            ">a LOGIN ann secret",
            "<a NO",
            ">b LOGIN {3}",
            "<+ ",
            ">ann {6}",
            "<+ ",
            ">secret",
            "<b OK",
            ">c AUTHENTICATE PLAIN AGFubg==",
            "<c OK",
            ">d APPEND INBOX {23+}",
            ">d LOGIN ann visible",
            ">",
            ">e NOOP",
            "<d OK",
            ">f STARTTLS",
            "<* OK still",
            "<f OK",
        ];
        let expected = [
            "a LOGIN ***",
            "b LOGIN ***",
            "***",
            "***",
            "c AUTHENTICATE PLAIN ***",
            "d APPEND INBOX {23+}",
            "d LOGIN ann visible",
            "",
            "e NOOP",
            "f STARTTLS",
            "TLS",
        ];
        assert_eq!(shown(Protocol::Imap, &session), expected);
    }
}
