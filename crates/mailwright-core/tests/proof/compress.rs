//! COMPRESS (RFC 4978) inside TLS, at both ends.
//!
//! Proves that a machine which knows no layer can order them: it asks, the driver swaps, and what is left in the
//! driver's buffer belongs to the new layer. Here the layers are toys that lose their place at the first octet
//! too many or too few; [`Driver`] is all that a driver has to do.

use std::fmt::Write;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use mailwright_core::framing::{Line, LineFramer, LineLimits};
use mailwright_core::testing::{App, Bench, Note};
use mailwright_core::{Desk, Machine, Output, Progress, Stale, Ticket, TlsInfo, Upgrade, Upgraded};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Error {
    #[error("there was plaintext behind the command that ends it")]
    EarlyPlaintext,
    #[error("a line has no end")]
    Endless,
    #[error("the server refused: {0}")]
    Refused(&'static str),
}

/// What both ends are made of.
#[derive(Debug)]
struct Link {
    output: Output,
    lines: LineFramer,
    state: State,
    tls: bool,
    deflate: bool,
    eof: bool,
}

#[derive(Debug)]
enum State {
    Open,
    Upgrading(Upgrade),
    Closed,
    Failed(Error),
}

impl Link {
    fn new(high_water: usize) -> Self {
        let (output, lines) = (Output::new(high_water), LineFramer::new());
        Self { output, lines, state: State::Open, tls: false, deflate: false, eof: false }
    }

    /// Why the conversation waits or ends, but for questions and input.
    fn wait<E>(&mut self) -> Option<Result<Progress<E>, Error>> {
        self.output.release();
        Some(match &self.state {
            State::Closed => Ok(Progress::Closed),
            State::Failed(error) => Err(*error),
            State::Upgrading(upgrade) => Ok(Progress::Upgrade(*upgrade)),
            State::Open if self.output.room() == 0 => Ok(Progress::NeedDrain),
            State::Open => return None,
        })
    }

    fn line(&mut self, input: &mut BytesMut) -> Option<String> {
        match self.lines.frame(input, LineLimits::default()) {
            Line::Complete { len } => {
                return Some(String::from_utf8_lossy(&input.split_to(len)).trim_end().to_owned());
            }
            Line::NeedMore if self.eof => self.state = State::Closed,
            Line::NeedMore => {}
            _ => self.state = State::Failed(Error::Endless),
        }
        None
    }

    /// Takes note of the layer that was asked for, and of no other.
    fn upgraded(&mut self, done: &Upgraded) -> bool {
        match (&self.state, done) {
            (State::Upgrading(Upgrade::Tls), Upgraded::Tls(_)) => self.tls = true,
            (State::Upgrading(Upgrade::Deflate), Upgraded::Deflate) => self.deflate = true,
            _ => return false,
        }
        self.state = State::Open;
        true
    }
}

/// The question whether a user may come in.
#[derive(Debug)]
enum Login {}

#[derive(Debug)]
struct LoginAsked {
    /// What the client has said of itself on this layer.
    id: Option<String>,
    ticket: Ticket<Login>,
}

#[derive(Debug)]
struct Server {
    link: Link,
    desk: Desk,
    id: Option<String>,
    tag: String,
}

impl Server {
    fn new(high_water: usize) -> Self {
        Self { link: Link::new(high_water), desk: Desk::new(), id: None, tag: String::new() }
    }

    fn answer(&mut self, ticket: Ticket<Login>, granted: bool) -> Result<(), Stale> {
        self.desk.close(ticket)?;
        let result = if granted { "OK come in" } else { "NO" };
        self.reply(result);
        Ok(())
    }

    fn reply(&mut self, text: &str) {
        let _ = write!(self.link.output, "{} {text}\r\n", self.tag);
    }

    /// Nothing may lie behind the command, and that is checked before its OK is queued.
    fn upgrade(&mut self, upgrade: Upgrade, input: &BytesMut) {
        if input.is_empty() {
            self.reply("OK begin");
            self.link.state = State::Upgrading(upgrade);
        } else {
            self.link.output.put(b"* BYE too early\r\n");
            self.link.state = State::Failed(Error::EarlyPlaintext);
        }
    }

    fn command(&mut self, line: &str, input: &BytesMut) -> Option<LoginAsked> {
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        tag.clone_into(&mut self.tag);
        match command.split_once(' ').unwrap_or((command, "")) {
            ("STARTTLS", "") if !self.link.tls && !self.link.deflate => self.upgrade(Upgrade::Tls, input),
            // RFC 4978 §3: once, and never below TLS.
            ("COMPRESS", "DEFLATE") if !self.link.deflate => self.upgrade(Upgrade::Deflate, input),
            ("ID", name) => {
                self.id = Some(name.to_owned());
                self.reply("OK hello");
            }
            ("LOGIN", _) => return Some(LoginAsked { id: self.id.clone(), ticket: self.desk.open() }),
            ("ECHO", text) => self.reply(&format!("OK {text}")),
            ("LOGOUT", "") => {
                self.reply("OK bye");
                self.link.state = State::Closed;
            }
            _ => self.reply("BAD not now"),
        }
        None
    }
}

impl Machine for Server {
    type Event = LoginAsked;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, _now: Instant) -> Result<Progress<LoginAsked>, Error> {
        loop {
            if let Some(wait) = self.link.wait() {
                return wait;
            }
            if self.desk.is_open() {
                return Ok(Progress::NeedReply);
            }
            match self.link.line(input) {
                Some(line) => {
                    if let Some(event) = self.command(&line, input) {
                        return Ok(Progress::Event(event));
                    }
                }
                None if matches!(self.link.state, State::Open) => return Ok(Progress::NeedInput),
                None => {}
            }
        }
    }

    fn handle_eof(&mut self) {
        self.link.eof = true;
    }

    fn handle_upgrade(&mut self, done: Upgraded, _now: Instant) {
        if self.link.upgraded(&done) && matches!(done, Upgraded::Tls(_)) {
            // Whoever said it, it was not said in confidence (RFC 9051 §6.2.1).
            self.id = None;
        }
    }

    /// To a peer that expects a handshake there is nothing to say.
    fn handle_shutdown(&mut self) {
        if matches!(self.link.state, State::Open) {
            self.link.output.put(b"* BYE\r\n");
        }
        self.link.state = State::Closed;
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn output(&mut self) -> &mut Output {
        &mut self.link.output
    }
}

/// Sends one command after the other, without questions; each reply is an event.
#[derive(Debug)]
struct Client {
    link: Link,
    commands: std::slice::Iter<'static, &'static str>,
    awaited: Option<&'static str>,
}

impl Client {
    fn new(commands: &'static [&'static str]) -> Self {
        Self { link: Link::new(4096), commands: commands.iter(), awaited: None }
    }

    fn reply(&mut self, line: &str, input: &BytesMut) {
        let command = self.awaited.take();
        self.link.state = match command {
            Some(command) if !line.starts_with("c OK") => State::Failed(Error::Refused(command)),
            Some("STARTTLS") if !input.is_empty() => State::Failed(Error::EarlyPlaintext),
            Some("STARTTLS") => State::Upgrading(Upgrade::Tls),
            // What lies behind this OK is compressed already (RFC 4978 §3), and the driver's to keep.
            Some("COMPRESS DEFLATE") => State::Upgrading(Upgrade::Deflate),
            _ => State::Open,
        };
    }
}

impl Machine for Client {
    type Event = String;
    type Error = Error;

    fn poll_event(&mut self, input: &mut BytesMut, _now: Instant) -> Result<Progress<String>, Error> {
        loop {
            if let Some(wait) = self.link.wait() {
                return wait;
            }
            if self.awaited.is_none() {
                self.awaited = self.commands.next().copied();
                match self.awaited {
                    Some(command) => _ = write!(self.link.output, "c {command}\r\n"),
                    None => self.link.state = State::Closed,
                }
                continue;
            }
            match self.link.line(input) {
                Some(line) => {
                    self.reply(&line, input);
                    return Ok(Progress::Event(line));
                }
                None if matches!(self.link.state, State::Open) => {
                    self.link.output.release();
                    return Ok(Progress::NeedInput);
                }
                None => {}
            }
        }
    }

    fn handle_eof(&mut self) {
        self.link.eof = true;
    }

    fn handle_upgrade(&mut self, done: Upgraded, _now: Instant) {
        self.link.upgraded(&done);
    }

    fn handle_shutdown(&mut self) {
        self.link.state = State::Closed;
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn output(&mut self) -> &mut Output {
        &mut self.link.output
    }
}

/// A toy for TLS: a key stream. One octet that goes by it, in either direction, and all that follows is noise.
#[derive(Debug, Default)]
struct Cipher(u8);

impl Cipher {
    fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        let key = |byte: &u8| {
            self.0 = self.0.wrapping_mul(5).wrapping_add(111);
            byte ^ self.0
        };
        bytes.iter().map(key).collect()
    }
}

/// A toy for DEFLATE: runs, as a count and an octet; half a run is kept between two calls.
#[derive(Debug, Default)]
struct Runs {
    count: Option<u8>,
}

impl Runs {
    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let runs = bytes.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(255));
        runs.flat_map(|run| [u8::try_from(run.len()).unwrap_or(255), run[0]]).collect()
    }

    fn inflate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        for &byte in bytes {
            match self.count.take() {
                None => self.count = Some(byte),
                Some(count) => plain.extend(std::iter::repeat_n(byte, usize::from(count))),
            }
        }
        plain
    }
}

/// The layers of one end, DEFLATE inside TLS.
#[derive(Debug, Default)]
struct Layers {
    tls: Option<(Cipher, Cipher)>,
    deflate: Option<Runs>,
}

impl Layers {
    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let inner = if self.deflate.is_some() { Runs::deflate(plain) } else { plain.to_vec() };
        self.tls.as_mut().map_or_else(|| inner.clone(), |(_, out)| out.apply(&inner))
    }

    fn open(&mut self, wire: &[u8]) -> Vec<u8> {
        let inner = self.tls.as_mut().map_or_else(|| wire.to_vec(), |(inward, _)| inward.apply(wire));
        self.inflate(&inner)
    }

    fn inflate(&mut self, inner: &[u8]) -> Vec<u8> {
        self.deflate.as_mut().map_or_else(|| inner.to_vec(), |runs| runs.inflate(inner))
    }
}

/// All that a driver does.
struct Driver<M: Machine, A> {
    machine: M,
    app: A,
    input: BytesMut,
    layers: Layers,
    wire: Vec<u8>,
    now: Instant,
    seen: Vec<String>,
}

impl<M: Machine, A: App<M>> Driver<M, A> {
    fn new(machine: M, app: A) -> Self {
        let (input, wire, seen) = (BytesMut::new(), Vec::new(), Vec::new());
        Self { machine, app, input, layers: Layers::default(), wire, now: crate::start(), seen }
    }

    /// Takes what came over the wire, and gives what goes over it.
    fn carry(&mut self, wire: &[u8]) -> Vec<u8> {
        let plain = self.layers.open(wire);
        self.input.extend_from_slice(&plain);
        loop {
            match self.machine.poll_event(&mut self.input, self.now) {
                Ok(Progress::Event(event)) => {
                    if let Note::Line(line) = self.app.event(&mut self.machine, event) {
                        self.seen.push(line);
                    }
                    continue;
                }
                Ok(Progress::Upgrade(upgrade)) => {
                    self.flush(); // under the old layer
                    let left = self.input.split(); // what the new one starts with
                    let (plain, done) = match upgrade {
                        Upgrade::Tls => {
                            let mut ciphers = (Cipher::default(), Cipher::default());
                            let plain = ciphers.0.apply(&left);
                            self.layers.tls = Some(ciphers);
                            (plain, Upgraded::Tls(TlsInfo::default()))
                        }
                        Upgrade::Deflate => {
                            self.layers.deflate = Some(Runs::default());
                            (self.layers.inflate(&left), Upgraded::Deflate)
                        }
                        other => panic!("a layer we do not have: {other:?}"),
                    };
                    self.input.extend_from_slice(&plain);
                    self.machine.handle_upgrade(done, self.now);
                    self.seen.push(format!("{upgrade:?}"));
                    continue;
                }
                Ok(Progress::NeedDrain) => {
                    self.flush();
                    continue;
                }
                Ok(Progress::Closed) => self.seen.push("Closed".to_owned()),
                Err(error) => self.seen.push(error.to_string()),
                Ok(_) => {}
            }
            self.flush();
            return std::mem::take(&mut self.wire);
        }
    }

    fn flush(&mut self) {
        let output = self.machine.output();
        let plain = output.copy_to_bytes(output.remaining());
        self.wire.extend(self.layers.seal(&plain));
    }
}

/// Lets everybody in.
struct LetIn;

impl App<Server> for LetIn {
    fn event(&mut self, server: &mut Server, LoginAsked { id, ticket }: LoginAsked) -> Note {
        server.answer(ticket, true).unwrap();
        Note::Line(format!("login from {id:?}"))
    }
}

/// Notes what it hears.
struct Listen;

impl App<Client> for Listen {
    fn event(&mut self, _client: &mut Client, line: String) -> Note {
        Note::Line(line)
    }
}

fn server() -> Driver<Server, LetIn> {
    Driver::new(Server::new(4096), LetIn)
}

fn client(commands: &'static [&'static str]) -> Driver<Client, Listen> {
    Driver::new(Client::new(commands), Listen)
}

/// Both ends until both are quiet, `step` octets at a time.
fn talk(client: &mut Driver<Client, Listen>, server: &mut Driver<Server, LetIn>, step: usize) {
    let (mut up, mut down) = (client.carry(b""), Vec::new());
    while !up.is_empty() || !down.is_empty() {
        for piece in std::mem::take(&mut up).chunks(step) {
            down.extend(server.carry(piece));
        }
        for piece in std::mem::take(&mut down).chunks(step) {
            up.extend(client.carry(piece));
        }
    }
}

#[test]
fn tls_then_deflate_inside_it() {
    for step in [1, 2, 3, 1000] {
        let mut server = server();
        let mut client = client(&[
            "ID evil",
            "STARTTLS",
            "LOGIN a b",
            "ECHO before",
            "COMPRESS DEFLATE",
            "ECHO aaaaaaaaaaaaaaaa",
            "LOGOUT",
        ]);
        talk(&mut client, &mut server, step);
        assert_eq!(
            server.seen,
            ["Tls", "login from None", "Deflate", "Closed"],
            "what came before TLS is forgotten"
        );
        let replies = [
            "c OK hello",
            "c OK begin",
            "Tls",
            "c OK come in",
            "c OK before",
            "c OK begin",
            "Deflate",
            "c OK aaaaaaaaaaaaaaaa",
            "c OK bye",
            "Closed",
        ];
        assert_eq!(client.seen, replies, "in pieces of {step}");
    }
}

#[test]
fn an_upgrade_comes_once_and_deflate_never_below_tls() {
    for (commands, seen) in [
        (&["COMPRESS DEFLATE", "STARTTLS"][..], "the server refused: STARTTLS"),
        (&["STARTTLS", "STARTTLS"], "the server refused: STARTTLS"),
        (&["COMPRESS DEFLATE", "COMPRESS DEFLATE"], "the server refused: COMPRESS DEFLATE"),
    ] {
        let (mut server, mut client) = (server(), client(commands));
        talk(&mut client, &mut server, 1000);
        assert_eq!(client.seen.last().map(String::as_str), Some(seen));
    }
}

#[test]
fn plaintext_behind_the_command_is_fatal_for_a_server() {
    for command in ["STARTTLS", "COMPRESS DEFLATE"] {
        let mut bench = Bench::new(Server::new(4096), LetIn, crate::start());
        bench.input.extend_from_slice(format!("a {command}\r\nb LOGIN a b\r\n").as_bytes());
        assert_eq!(crate::wait(&mut bench), Err(Error::EarlyPlaintext));
        let output = bench.machine.output();
        assert_eq!(output.copy_to_bytes(output.remaining()), "* BYE too early\r\n", "and no OK");
        crate::assert_final(&mut bench, &Error::EarlyPlaintext);
    }
}

#[test]
fn for_a_client_it_is_fatal_behind_starttls() {
    let mut client = client(&["STARTTLS", "LOGIN a b"]);
    client.carry(b"");
    client.carry(b"c OK begin\r\nc OK injected\r\n");
    assert_eq!(client.seen, ["c OK begin", "there was plaintext behind the command that ends it"]);
}

/// One TLS record has the last plain octets and the first compressed ones, and arrives cut at each place. It is
/// deciphered once, and what is left of it is inflated.
#[test]
fn what_lies_behind_the_ok_of_compress_goes_to_the_inflater() {
    let record = [b"c OK begin\r\n", &Runs::deflate(b"c OK bookkeeper\r\n")[..]].concat();
    for cut in 0..record.len() {
        let mut client = client(&["STARTTLS", "COMPRESS DEFLATE", "ECHO bookkeeper"]);
        assert_eq!(client.carry(b""), b"c STARTTLS\r\n");
        let mut peer = Layers { tls: Some(<(Cipher, Cipher)>::default()), deflate: None };
        assert_eq!(peer.open(&client.carry(b"c OK begin\r\n")), b"c COMPRESS DEFLATE\r\n");

        let sealed = peer.seal(&record);
        let sent = [client.carry(&sealed[..cut]), client.carry(&sealed[cut..])].concat();
        peer.deflate = Some(Runs::default());
        assert_eq!(peer.open(&sent), b"c ECHO bookkeeper\r\n");
        let seen = ["c OK begin", "Tls", "c OK begin", "Deflate", "c OK bookkeeper", "Closed"];
        assert_eq!(client.seen, seen, "cut at {cut}");
    }
}

/// `Closed`, `Upgrade`, `NeedDrain`, `NeedReply`, `NeedInput`: one after the other is added, the first counts.
#[test]
fn the_reasons_to_wait_have_an_order() {
    let mut bench = Bench::new(Server::new(20), LetIn, crate::start());
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedInput));

    bench.input.extend_from_slice(b"a LOGIN a b\r\n");
    let asked = bench.machine.poll_event(&mut bench.input, bench.now).unwrap();
    let Progress::Event(LoginAsked { ticket, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply), "though there is no input");

    bench.machine.output().put(b"* something untagged\r\n");
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedDrain), "though a ticket is open");
    bench.machine.output().advance(1000);
    assert_eq!(crate::wait(&mut bench), Ok(Progress::NeedReply));
    bench.machine.answer(ticket, true).unwrap();

    bench.input.extend_from_slice(b"long_long_long_tag STARTTLS\r\n");
    assert_eq!(crate::wait(&mut bench), Ok(Progress::Upgrade(Upgrade::Tls)), "though the output is full");
    assert_eq!(bench.machine.output().room(), 0);
    bench.machine.handle_upgrade(Upgraded::Deflate, bench.now);
    assert_eq!(
        crate::wait(&mut bench),
        Ok(Progress::Upgrade(Upgrade::Tls)),
        "another layer is not what was asked"
    );

    bench.machine.handle_shutdown();
    assert_eq!(crate::wait(&mut bench), Ok(Progress::Closed), "though an upgrade is due");
}
