//! What the octets of a session mean, told from the octets alone, by code that has nothing in common with the machine:
//! where each command begins, which octets are content, and how many replies are due for it.

/// As far as the model has to know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) is_lmtp: bool,
    /// Octets of a command line, CRLF included.
    pub(crate) line: usize,
    /// Octets of a line within AUTH.
    pub(crate) auth_line: usize,
    /// Octets of a chunk beyond which it is not waited for.
    pub(crate) endless: u64,
}

/// A message whose end was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its content; `None` if a part of it was elsewhere.
    pub(crate) content: Option<Vec<u8>>,
    /// Whether it was taken: one answer, in LMTP one for each recipient.
    pub(crate) taken: Vec<bool>,
}

/// All messages that were taken for somebody. Panics if a reply is not one to what was said, or if one is missing.
///
/// `waits` if the application may still owe an answer, and with it a reply.
pub(crate) fn messages(said: &[u8], sent: &[u8], rules: Rules, is_over: bool, waits: bool) -> Vec<Message> {
    let mut model = Model {
        said,
        codes: codes(sent),
        rules,
        transaction: None,
        message: Begun::default(),
        taken: vec![],
    };
    let stop = match model.reply() {
        // The greeting; what is said to those who get another one is answered too.
        Ok(_) => model.run(),
        Err(stop) => stop,
    };
    match stop {
        Stop::Input => {
            assert!(model.codes.len() <= usize::from(is_over), "nobody asked for {:?}", model.codes)
        }
        Stop::Reply => assert!(is_over || waits, "a reply is missing before {}", model.said.escape_ascii()),
        Stop::Closed => {
            assert!(is_over && model.codes.is_empty(), "it goes on behind its end: {:?}", model.codes)
        }
    }
    model.taken
}

/// Why the model goes no further.
enum Stop {
    /// The client has said no more.
    Input,
    /// The server has said no more.
    Reply,
    /// The server has said its last word.
    Closed,
}

/// The codes of all replies, the last one first.
fn codes(sent: &[u8]) -> Vec<u16> {
    let lines = sent.split_inclusive(|&octet| octet == b'\n');
    let last = lines
        .filter(|line| line[3] == b' ')
        .map(|line| line[..3].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')));
    let mut codes: Vec<u16> = last.collect();
    codes.reverse();
    codes
}

struct Model<'a> {
    /// What is still to be read.
    said: &'a [u8],
    codes: Vec<u16>,
    rules: Rules,
    /// The recipients, if a transaction is open.
    transaction: Option<usize>,
    message: Begun,
    taken: Vec<Message>,
}

#[derive(Default)]
struct Begun {
    content: Vec<u8>,
    is_elsewhere: bool,
}

impl<'a> Model<'a> {
    /// Goes through all commands.
    fn run(&mut self) -> Stop {
        loop {
            let stop = match self.line(self.rules.line) {
                Ok(Some(line)) => self.command(line),
                Ok(None) => {
                    self.reply().map(|code| assert!(code >= 400, "{code} to a line that means nothing"))
                }
                Err(stop) => Err(stop),
            };
            if let Err(stop) = stop {
                return stop;
            }
        }
    }

    /// One command, and all that belongs to it.
    fn command(&mut self, line: &[u8]) -> Result<(), Stop> {
        let verb = verb(line);
        if verb == b"BDAT" {
            return self.chunk(line);
        }
        let code = self.reply()?;
        let is_one_of_its = match code {
            354 => verb == b"DATA",
            334 | 235 => verb == b"AUTH",
            221 => verb == b"QUIT",
            220 => verb == b"STARTTLS" || verb == b"XCLIENT",
            214 => verb == b"HELP",
            252 => verb == b"VRFY" || verb == b"EXPN",
            251 | 253 => verb == b"ETRN",
            _ => code == 250 || code >= 400,
        };
        assert!(is_one_of_its, "{code} to {}", line.escape_ascii());
        match (&verb[..], code) {
            (b"QUIT", 221) => return Err(Stop::Closed),
            (b"MAIL", 250) => (self.transaction, self.message) = (Some(0), Begun::default()),
            (b"RCPT", 250) => *self.transaction.as_mut().expect("MAIL") += 1,
            (b"RSET", 250) | (b"STARTTLS", 220) => self.transaction = None,
            // What the application refuses is a command all the same.
            (b"EHLO" | b"HELO" | b"LHLO", 250 | 451 | 550) => self.transaction = None,
            (b"DATA", 354) => {
                self.message.content = self.dotted()?;
                self.end()?;
            }
            (b"BURL", 250) => {
                self.message.is_elsewhere = true;
                if line.to_ascii_uppercase().trim_ascii_end().ends_with(b" LAST") {
                    self.codes.push(code);
                    self.end()?;
                }
            }
            (b"AUTH", 334) => while self.auth_line()? == 334 {},
            _ => {}
        }
        Ok(())
    }

    fn auth_line(&mut self) -> Result<u16, Stop> {
        self.line(self.rules.auth_line)?;
        self.reply()
    }

    /// `BDAT`: so many octets follow, whatever becomes of them.
    fn chunk(&mut self, line: &[u8]) -> Result<(), Stop> {
        let size = chunk_size(line);
        let Some((size, is_last)) = size.filter(|&(size, _)| size <= self.rules.endless) else {
            let code = self.reply()?;
            assert!(code >= 500 && size.is_some() | (code == 501), "{code} to {}", line.escape_ascii());
            return Err(Stop::Closed);
        };
        let (chunk, rest) = self.said.split_at_checked(size as usize).ok_or(Stop::Input)?;
        self.said = rest;
        if is_last && self.transaction.is_some() {
            self.message.content.extend_from_slice(chunk);
            return self.end();
        }
        if self.reply()? == 250 {
            assert!(self.transaction.is_some(), "a chunk of nothing");
            self.message.content.extend_from_slice(chunk);
        } else {
            self.transaction = None;
        }
        Ok(())
    }

    /// The answers to the end of a message, each of which is told.
    fn end(&mut self) -> Result<(), Stop> {
        let recipients = self.transaction.take().expect("a transaction");
        let answers = if self.rules.is_lmtp { recipients.max(1) } else { 1 };
        let codes =
            (0..answers).map(|_| self.codes.pop().ok_or(Stop::Reply)).collect::<Result<Vec<_>, _>>()?;
        let Begun { content, is_elsewhere } = std::mem::take(&mut self.message);
        if codes.contains(&250) {
            let taken = codes.iter().map(|&code| code == 250).collect();
            self.taken.push(Message { content: (!is_elsewhere).then_some(content), taken });
        }
        if codes.contains(&421) { Err(Stop::Closed) } else { Ok(()) }
    }

    /// The next reply; the last word is 421.
    fn reply(&mut self) -> Result<u16, Stop> {
        match self.codes.pop() {
            None => Err(Stop::Reply),
            Some(421) => Err(Stop::Closed),
            Some(code) => Ok(code),
        }
    }

    /// The next line, without its end; `None` for one that means nothing.
    fn line(&mut self, max: usize) -> Result<Option<&'a [u8]>, Stop> {
        let len = self.said.iter().position(|&octet| octet == b'\n').ok_or(Stop::Input)? + 1;
        let (line, rest) = self.said.split_at(len);
        self.said = rest;
        Ok(line.strip_suffix(b"\r\n").filter(|_| len <= max))
    }

    /// All up to the line with a single dot, dots undone.
    fn dotted(&mut self) -> Result<Vec<u8>, Stop> {
        let (mut content, mut is_start) = (Vec::new(), true);
        while !(is_start && self.said.starts_with(b".\r\n")) {
            let (&octet, rest) = self.said.split_first().ok_or(Stop::Input)?;
            self.said = rest;
            if !(is_start && octet == b'.') {
                content.push(octet);
            }
            // Only CRLF ends a line.
            is_start = octet == b'\n' && content.ends_with(b"\r\n");
        }
        self.said = &self.said[3..];
        Ok(content)
    }
}

/// The letters at the front, in upper case.
fn verb(line: &[u8]) -> Vec<u8> {
    let letters = line.iter().take_while(|octet| octet.is_ascii_alphabetic());
    letters.map(u8::to_ascii_uppercase).collect()
}

/// `BDAT size [LAST]`
fn chunk_size(line: &[u8]) -> Option<(u64, bool)> {
    let words: Vec<&[u8]> = line[4..].split(|&octet| octet == b' ').collect();
    let words: Vec<&[u8]> = match &words[..] {
        [[], words @ ..] => words.iter().copied().filter(|word| !word.is_empty()).collect(),
        _ => return None,
    };
    let (size, is_last) = match &words[..] {
        [size] => (size, false),
        [size, last] if last.eq_ignore_ascii_case(b"LAST") => (size, true),
        _ => return None,
    };
    let digits = size.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(size).expect("digits"))?;
    Some((digits.parse().ok()?, is_last))
}
