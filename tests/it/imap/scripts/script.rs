//! The files: a header of `key: value` lines, an empty line, and then commands with what is expected of them.

use super::item::{Item, Piece, reply, word};

/// How far to go before the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Connected,
    LoggedIn,
    Created,
    Appended,
    Selected,
}

#[derive(Debug)]
pub(super) struct Script {
    pub(super) capabilities: Vec<String>,
    pub(super) connections: usize,
    /// Messages to append first; all if there is no number.
    pub(super) messages: Option<usize>,
    pub(super) state: State,
    /// Every untagged reply counts.
    pub(super) complete: bool,
    pub(super) exchanges: Vec<Exchange>,
}

/// Commands that are on their way at the same time, and what comes of them.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) connection: usize,
    pub(super) commands: Vec<Command>,
    pub(super) untagged: Vec<Untagged>,
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) line: usize,
    /// In the script.
    tag: Option<Vec<u8>>,
    pub(super) text: Vec<Piece>,
    /// How its reply begins; anything will do if this is empty.
    pub(super) reply: Option<Vec<Item>>,
}

#[derive(Debug)]
pub(super) struct Untagged {
    pub(super) line: usize,
    pub(super) wanted: Wanted,
    pub(super) reply: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Yes,
    No,
    Maybe,
}

impl Script {
    pub(super) fn parse(file: &[u8]) -> Result<Self, String> {
        let mut script = Self {
            capabilities: Vec::new(),
            connections: 1,
            messages: None,
            state: State::Selected,
            complete: false,
            exchanges: Vec::new(),
        };
        let mut in_header = true;
        for (number, pieces) in lines(file)? {
            let result = match pieces.as_slice() {
                [Piece::Line(line)] if line.is_empty() => {
                    in_header = false;
                    continue;
                }
                [Piece::Line(line), ..] if line.starts_with(b"#") => continue,
                [Piece::Line(line)] if in_header => script.header(&String::from_utf8_lossy(line)),
                _ => script.line(number, pieces),
            };
            result.map_err(|error| format!("line {number}: {error}"))?;
        }
        Ok(script)
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(": ").ok_or("a header without a colon")?;
        let number = || value.parse().map_err(|_| format!("no number: {value}"));
        match key {
            "capabilities" => self.capabilities = value.split(' ').map(str::to_owned).collect(),
            "connections" => self.connections = number()?,
            "messages" if value == "all" => self.messages = None,
            "messages" if value == "none" => self.messages = Some(0),
            "messages" => self.messages = Some(number()?),
            "state" => {
                self.state = match value {
                    "nonauth" => State::Connected,
                    "auth" => State::LoggedIn,
                    "created" => State::Created,
                    "appended" => State::Appended,
                    "selected" => State::Selected,
                    _ => return Err(format!("no state: {value}")),
                }
            }
            "ignore_extra_untagged" => self.complete = value == "no",
            // We have one.
            _ if key.starts_with("user ") => self.capabilities.push("second user".to_owned()),
            _ => return Err(format!("no key: {key}")),
        }
        Ok(())
    }

    /// `OK|NO|BAD|"" COMMAND`, `COMMAND` or its reply, with an own tag or without; or an untagged reply.
    fn line(&mut self, number: usize, mut pieces: Vec<Piece>) -> Result<(), String> {
        let connection = self.connection_in(&mut pieces)?;
        let first = take_word(&mut pieces);
        let wanted = match first.as_slice() {
            b"*" => Some(Wanted::Yes),
            b"!" => Some(Wanted::No),
            b"?" => Some(Wanted::Maybe),
            _ => None,
        };
        if let Some(wanted) = wanted {
            let exchange = self.exchanges.last_mut().ok_or("a reply without a command")?;
            exchange.untagged.push(Untagged { line: number, wanted, reply: reply(&pieces)? });
            return Ok(());
        }
        let connection = connection.unwrap_or(0);
        let open = self.exchanges.last_mut().filter(|last| last.is_open());
        let own_tag = first.len() > 3 && first.starts_with(b"tag");
        let status = if own_tag { next_word(&pieces).to_vec() } else { first.clone() };
        let is_status = [&b"ok"[..], b"no", b"bad", b"\"\""].contains(&status.as_slice());
        if let Some(exchange) = open {
            if is_status {
                let tag = own_tag.then_some(&first);
                let mut open = exchange.commands.iter_mut().filter(|command| command.reply.is_none());
                let command = open.find(|command| command.tag.as_ref() == tag);
                let expected = if own_tag { reply(&pieces)? } else { reply(&with_word(&first, pieces))? };
                command.ok_or("a reply to no command")?.reply = Some(expected);
                return Ok(());
            }
            if !own_tag || exchange.connection != connection {
                return Err("the command before has no reply yet".to_owned());
            }
        } else {
            self.exchanges.push(Exchange { connection, ..Exchange::default() });
        }
        let command = if own_tag {
            Command { line: number, tag: Some(first), text: pieces, reply: None }
        } else if is_status {
            let expected = if status == b"\"\"" { Vec::new() } else { vec![Item::Word(status)] };
            Command { line: number, tag: None, text: pieces, reply: Some(expected) }
        } else {
            Command { line: number, tag: None, text: with_word(&first, pieces), reply: None }
        };
        self.exchanges.last_mut().unwrap().commands.push(command);
        Ok(())
    }

    /// Takes the number of the connection away, if there may be several.
    fn connection_in(&self, pieces: &mut [Piece]) -> Result<Option<usize>, String> {
        if self.connections == 1 || !next_word(pieces).iter().all(u8::is_ascii_digit) {
            return Ok(None);
        }
        let number = String::from_utf8(take_word(pieces)).unwrap();
        let number: usize = number.parse().map_err(|_| "no connection")?;
        let index = number.checked_sub(1).filter(|&index| index < self.connections);
        index.map(Some).ok_or_else(|| format!("no connection {number}"))
    }
}

impl Exchange {
    fn is_open(&self) -> bool {
        self.commands.iter().any(|command| command.reply.is_none())
    }
}

fn next_word(pieces: &[Piece]) -> &[u8] {
    let Some(Piece::Line(line)) = pieces.first() else { return b"" };
    word(line).0
}

fn take_word(pieces: &mut [Piece]) -> Vec<u8> {
    let Some(Piece::Line(line)) = pieces.first_mut() else { return Vec::new() };
    let (first, rest) = word(line);
    let (first, rest) = (first.to_vec(), rest.to_vec());
    *line = rest;
    first
}

fn with_word(first: &[u8], mut pieces: Vec<Piece>) -> Vec<Piece> {
    if let Some(Piece::Line(line)) = pieces.first_mut() {
        let end = if line.is_empty() { &b""[..] } else { b" " };
        *line = [first, end, line].concat();
    }
    pieces
}

/// The lines with their literals, each with its number.
fn lines(file: &[u8]) -> Result<Vec<(usize, Vec<Piece>)>, String> {
    let mut all = Vec::new();
    let mut rest = file.split(|&octet| octet == b'\n').enumerate();
    while let Some((at, first)) = rest.next() {
        let mut pieces = Vec::new();
        let mut line = first.trim_ascii();
        while let Some(before) = line.strip_suffix(b"{{{") {
            let raw = before.strip_suffix(b"~");
            pieces.push(Piece::Line(raw.unwrap_or(before).to_vec()));
            let mut inner: Vec<&[u8]> = Vec::new();
            line = loop {
                let (_, next) =
                    rest.next().ok_or_else(|| format!("line {}: a literal without end", at + 1))?;
                match next.strip_prefix(b"}}}") {
                    Some(behind) => break behind.trim_ascii_end(),
                    None => inner.push(next),
                }
            };
            pieces.push(match raw {
                Some(_) => Piece::Raw(inner.join(&b'\n')),
                None => {
                    let lines = inner.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
                    Piece::Literal(lines.collect::<Vec<_>>().join(&b"\r\n"[..]))
                }
            });
        }
        if !line.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Line(line.to_vec()));
        }
        all.push((at + 1, pieces));
    }
    Ok(all)
}
