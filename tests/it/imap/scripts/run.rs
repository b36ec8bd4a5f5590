//! Speaks a script to a server.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::item::{self, Item, Piece};
use super::matching::{Reply, matches};
use super::mbox::Message;
use super::script::{Exchange, Script, State, Wanted};
use super::variables::Variables;
use crate::support::Wire;

/// A server that says IMAP in plain text, and a user that it knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) addr: SocketAddr,
    pub(super) login: &'static str,
    pub(super) password: &'static str,
}

/// All that a script does is in this mailbox, and in others whose names begin like this.
const MAILBOX: &str = "scripted";

/// What the server offers before and after login.
pub(super) fn capabilities(target: Target) -> Result<Vec<String>, String> {
    let mut session = Session::open(target)?;
    let mut all = session.capabilities()?;
    session.login(target)?;
    all.append(&mut session.capabilities()?);
    Ok(all)
}

/// Says at which line a script fails, and how; at line 0 if it cannot begin.
pub(super) fn run(
    target: Target,
    script: &Script,
    file: &[u8],
    mbox: &[Message],
) -> Result<(), (usize, String)> {
    let mut run = Run::start(target, script, mbox).map_err(|error| (0, format!("cannot begin: {error}")))?;
    let lines: Vec<_> = file.split(|&octet| octet == b'\n').map(String::from_utf8_lossy).collect();
    for exchange in &script.exchanges {
        run.exchange(exchange, script.complete).map_err(|(line, what, replies)| {
            let mut shown = format!("line {line}: {}: {what}", lines[line - 1]);
            for command in &exchange.commands {
                let _ = write!(shown, "\n    line {}: {}", command.line, lines[command.line - 1]);
            }
            for reply in replies {
                let _ = write!(shown, "\n    came: {reply}");
            }
            (line, shown)
        })?;
    }
    Ok(())
}

/// The line, what is wrong, and what the server has said.
type Failure = (usize, String, Vec<String>);

struct Run<'a> {
    sessions: Vec<Session>,
    variables: Variables,
    /// Without end, from the first again.
    messages: Box<dyn Iterator<Item = &'a Message> + 'a>,
}

impl<'a> Run<'a> {
    fn start(target: Target, script: &Script, mbox: &'a [Message]) -> Result<Self, String> {
        let mut messages = Box::new(mbox.iter().cycle());
        let mut sessions = Vec::new();
        for _ in 0..script.connections {
            let mut session = Session::open(target)?;
            if script.state >= State::LoggedIn {
                session.login(target)?;
            }
            sessions.push(session);
        }
        let first = &mut sessions[0];
        if script.state >= State::LoggedIn {
            first.clean()?;
        }
        if script.state >= State::Created {
            first.ok(&format!("CREATE {MAILBOX}"))?;
        }
        if script.state >= State::Appended {
            for message in messages.by_ref().take(script.messages.unwrap_or(mbox.len())) {
                first.append(message)?;
            }
        }
        if script.state >= State::Selected {
            for session in &mut sessions {
                session.ok(&format!("SELECT {MAILBOX}"))?;
            }
        }
        Ok(Self { sessions, variables: given(target), messages })
    }

    fn exchange(&mut self, exchange: &Exchange, complete: bool) -> Result<(), Failure> {
        let last = exchange.commands.last().unwrap().line;
        let mut replies = Vec::new();
        let tagged = self.converse(exchange, &mut replies).map_err(|(line, error)| {
            (line, error, replies.iter().map(|reply| reply.shown.clone()).collect())
        })?;
        let all = || replies.iter().chain(&tagged).map(|reply| reply.shown.clone()).collect();
        for (command, reply) in exchange.commands.iter().zip(&tagged) {
            let Some(expected) = &command.reply else { continue };
            let Some(variables) = matches_start(expected, reply, &self.variables) else {
                return Err((command.line, "not answered so".to_owned(), all()));
            };
            self.variables = variables;
        }
        let mut used = vec![false; replies.len()];
        for expected in &exchange.untagged {
            let found = replies.iter().enumerate().find_map(|(at, reply)| {
                let free = !used[at] || reply.is_shared() || expected.wanted == Wanted::No;
                Some((at, matches(&expected.reply, reply, &self.variables).filter(|_| free)?))
            });
            match (expected.wanted, found) {
                (Wanted::No, Some(_)) => return Err((expected.line, "comes".to_owned(), all())),
                (Wanted::Yes, None) => return Err((expected.line, "does not come".to_owned(), all())),
                (Wanted::Yes | Wanted::Maybe, Some((at, variables))) => {
                    used[at] = true;
                    self.variables = variables;
                }
                (Wanted::No | Wanted::Maybe, None) => {}
            }
        }
        match used.iter().position(|used| !used).filter(|_| complete) {
            Some(at) => Err((last, format!("not expected: {}", replies[at].shown), all())),
            None => Ok(()),
        }
    }

    /// Sends the commands, and gives the replies with their tags, in the same order.
    fn converse(
        &mut self,
        exchange: &Exchange,
        untagged: &mut Vec<Reply>,
    ) -> Result<Vec<Reply>, (usize, String)> {
        let session = &mut self.sessions[exchange.connection];
        session.expunged.clear();
        let mut tags = Vec::new();
        let mut early = Vec::new();
        for command in &exchange.commands {
            let tag = session.next_tag();
            self.variables.set("tag", &tag);
            let pieces = expand(&command.text, &self.variables).map_err(|error| (command.line, error))?;
            let pieces = with_message(pieces, &mut self.messages);
            let answered = session.send(&tag, &pieces, untagged).map_err(|error| (command.line, error))?;
            early.extend(answered);
            tags.push((tag, command.line));
        }
        let mut tagged = Vec::new();
        for (tag, line) in &tags {
            let reply = match early.iter().position(|(own, _)| own == tag) {
                Some(at) => Ok(early.swap_remove(at).1),
                None => session.reply_to(tag, untagged, &mut early),
            };
            tagged.push(reply.map_err(|error| (*line, error))?);
        }
        Ok(tagged)
    }
}

/// Whether a reply with a tag begins as expected.
fn matches_start(expected: &[Item], reply: &Reply, variables: &Variables) -> Option<Variables> {
    if expected.is_empty() { Some(variables.clone()) } else { matches(expected, reply, variables) }
}

/// What is known before a script begins.
fn given(target: Target) -> Variables {
    let mut variables = Variables::default();
    let Target { login, password, .. } = target;
    let (name, domain) = login.split_once('@').unwrap_or((login, ""));
    let values = [("user", login), ("username", name), ("domain", domain), ("password", password)];
    for (key, value) in values.into_iter().chain([("mailbox", MAILBOX), ("mailbox_url", MAILBOX)]) {
        variables.set(key, value);
    }
    variables
}

fn expand(text: &[Piece], variables: &Variables) -> Result<Vec<Piece>, String> {
    let expanded = text.iter().map(|piece| match piece {
        Piece::Line(line) => Ok(Piece::Line(variables.command(line)?)),
        Piece::Literal(_) | Piece::Raw(_) => Ok(piece.clone()),
    });
    expanded.collect()
}

/// APPEND without a message gets the next one, and its date.
fn with_message(pieces: Vec<Piece>, messages: &mut dyn Iterator<Item = &Message>) -> Vec<Piece> {
    let [Piece::Line(line)] = pieces.as_slice() else { return pieces };
    let (command, rest) = item::word(line);
    let rest = String::from_utf8_lossy(rest);
    if !command.eq_ignore_ascii_case(b"append") || rest.contains(" catenate ") {
        return pieces;
    }
    let (mailbox, flags) = rest.split_once(' ').unwrap_or((&rest, ""));
    append(if mailbox.is_empty() { MAILBOX } else { mailbox }, flags, messages.next().expect("no messages"))
}

fn append(mailbox: &str, flags: &str, message: &Message) -> Vec<Piece> {
    let flags = if flags.is_empty() { String::new() } else { format!("{flags} ") };
    let line = format!("APPEND {mailbox} {flags}\"{}\" ", message.date);
    vec![Piece::Line(line.into_bytes()), Piece::Literal(message.text.clone())]
}

/// A connection.
struct Session {
    wire: Wire,
    commands: u32,
    /// Numbers, since the last command.
    expunged: Vec<u32>,
}

/// A reply, if it has one with its tag.
type Received = (String, Reply);

impl Session {
    fn open(target: Target) -> Result<Self, String> {
        let mut session = Self { wire: Wire::connect(target.addr), commands: 0, expunged: Vec::new() };
        let (tag, greeting) = session.receive()?;
        if tag != "*" || !greeting.items.first().is_some_and(|item| item.is("OK")) {
            return Err(format!("greets with {}", greeting.shown));
        }
        Ok(session)
    }

    fn next_tag(&mut self) -> String {
        self.commands += 1;
        format!("t{}", self.commands)
    }

    fn login(&mut self, target: Target) -> Result<(), String> {
        self.ok(&format!("LOGIN \"{}\" \"{}\"", target.login, target.password)).map(drop)
    }

    fn capabilities(&mut self) -> Result<Vec<String>, String> {
        let replies = self.ok("CAPABILITY")?;
        let replies = replies.iter().filter(|reply| reply.items[0].is("CAPABILITY"));
        let names = replies.flat_map(|reply| reply.items.iter().skip(1).filter_map(Item::octets));
        Ok(names.map(|name| String::from_utf8_lossy(name).to_ascii_uppercase()).collect())
    }

    fn append(&mut self, message: &Message) -> Result<(), String> {
        self.ok_pieces(&append(MAILBOX, "", message)).map(drop)
    }

    /// Deletes what an earlier script has left.
    fn clean(&mut self) -> Result<(), String> {
        for list in ["LSUB", "LIST"] {
            let replies = self.ok(&format!("{list} \"\" {MAILBOX}*"))?;
            let replies = replies.iter().filter(|reply| reply.items[0].is(list));
            let mut names: Vec<String> = replies
                .filter_map(|reply| Some(String::from_utf8_lossy(reply.items.get(3)?.octets()?).into_owned()))
                .collect();
            // Inner ones first.
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            let command = if list == "LSUB" { "UNSUBSCRIBE" } else { "DELETE" };
            for name in names {
                // A name that has only inner ones goes with them, or cannot be deleted.
                let _ = self.ok(&format!("{command} \"{name}\""));
            }
        }
        Ok(())
    }

    fn ok(&mut self, command: &str) -> Result<Vec<Reply>, String> {
        self.ok_pieces(&[Piece::Line(command.as_bytes().to_vec())])
    }

    /// A command that must succeed, and what comes before it has.
    fn ok_pieces(&mut self, pieces: &[Piece]) -> Result<Vec<Reply>, String> {
        let tag = self.next_tag();
        let mut untagged = Vec::new();
        let reply = match self.send(&tag, pieces, &mut untagged)? {
            Some((_, reply)) => reply,
            None => self.reply_to(&tag, &mut untagged, &mut Vec::new())?,
        };
        let ok = reply.items.first().is_some_and(|item| item.is("OK"));
        if ok { Ok(untagged) } else { Err(reply.shown) }
    }

    /// Sends a command, and gives its reply if the server wants no literal of it.
    fn send(
        &mut self,
        tag: &str,
        pieces: &[Piece],
        untagged: &mut Vec<Reply>,
    ) -> Result<Option<Received>, String> {
        let mut line = format!("{tag} ").into_bytes();
        for piece in pieces {
            let (mark, octets) = match piece {
                Piece::Line(text) => {
                    line.extend(text);
                    continue;
                }
                Piece::Literal(octets) => ("", octets),
                Piece::Raw(octets) => ("~", octets),
            };
            line.extend(format!("{mark}{{{}}}\r\n", octets.len()).into_bytes());
            self.wire.try_send(&line);
            loop {
                let (of, reply) = self.receive()?;
                match of.as_str() {
                    "+" => break,
                    "*" => untagged.push(reply),
                    _ if of == tag => return Ok(Some((of, reply))),
                    _ => return Err(format!("a reply to {of} before a literal: {}", reply.shown)),
                }
            }
            line.clone_from(octets);
        }
        line.extend(b"\r\n");
        self.wire.try_send(&line);
        Ok(None)
    }

    /// Waits for the reply to a command; those to others are put aside.
    fn reply_to(
        &mut self,
        tag: &str,
        untagged: &mut Vec<Reply>,
        others: &mut Vec<Received>,
    ) -> Result<Reply, String> {
        loop {
            let (of, reply) = self.receive()?;
            match of.as_str() {
                "*" => untagged.push(reply),
                _ if of == tag => return Ok(reply),
                _ => others.push((of, reply)),
            }
        }
    }

    /// The next reply, and its tag.
    fn receive(&mut self) -> Result<Received, String> {
        let octets = self.wire.try_response().ok_or("the connection is closed")?;
        let shown = String::from_utf8_lossy(&octets).trim_end().to_owned();
        let mut pieces = item::pieces(&octets);
        let Some(Piece::Line(line)) = pieces.first_mut() else { return Err("nothing".to_owned()) };
        let (tag, rest) = item::word(line);
        let tag = String::from_utf8_lossy(tag).into_owned();
        *line = rest.to_vec();
        let items = if tag == "+" { Ok(Vec::new()) } else { item::reply(&pieces) };
        let items = items.map_err(|error| format!("{error}: {shown}"))?;
        let expunged = self.expunged.clone();
        if let [number, what] = items.as_slice()
            && what.is("EXPUNGE")
        {
            self.expunged.extend(number.number().map(|number| number as u32));
        }
        Ok((tag, Reply { items, shown, expunged }))
    }
}
