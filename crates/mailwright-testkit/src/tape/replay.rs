//! Playing a session again, against any server.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use thiserror::Error;

use super::line::Line;
use super::secrets::HIDDEN;
use super::wildcard::matches;
use crate::protocol::Protocol;

/// How a session is played again.
#[derive(Debug, Clone)]
pub struct ReplayConfig {
    /// What has to be as it was. Default: the whole text.
    pub compare: Compare,
    /// How long the server may be silent. Default 10 s.
    pub timeout: Duration,
    /// Octets of a line of the server. Default 64 KiB.
    pub line: usize,
    /// Lines of the server between two lines of the client. Default 100,000.
    pub lines: usize,
    /// What is said for each `***`, in order, without line end. Default none.
    pub secrets: Vec<mailwright_core::Secret>,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self {
            compare: Compare::default(),
            timeout: Duration::from_secs(10),
            line: 64 << 10,
            lines: 100_000,
            secrets: Vec::new(),
        }
    }
}

/// What has to be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compare {
    /// Each line of the server, but for what `{*}` stands for.
    #[default]
    Text,
    /// Whether it was a yes or a no: the reply codes of SMTP, `+OK` and `-ERR`, the tag and `OK`, `NO` or `BAD`. For
    /// a server of another make.
    Codes,
}

/// Why a session did not go as it is written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The server says something else.
    #[error("line {line} should be\n  {expected}\nand is\n  {came}")]
    Differs {
        /// Which line of the transcript, from one on; that of the protocol not counted.
        line: usize,
        /// What stands there.
        expected: String,
        /// What came.
        came: String,
    },
    /// The connection cannot be made, or was lost, or the server is silent.
    #[error("line {line}: {cause}")]
    Lost {
        /// At which line of the transcript; zero before the first.
        line: usize,
        /// Why.
        cause: io::Error,
    },
    /// There are more `***` than [secrets](ReplayConfig::secrets).
    #[error("line {0} has a secret that was not given")]
    NoSecret(usize),
    /// From here on there was TLS, which replay has not.
    #[error("line {0}: TLS cannot be played again")]
    Tls(usize),
    /// The recording is not whole.
    #[error("{0} octets of the session were left out of the recording")]
    LeftOut(u64),
}

pub(super) fn play(
    protocol: Protocol,
    lines: &[Line],
    server: impl ToSocketAddrs,
    config: &ReplayConfig,
) -> Result<(), ReplayError> {
    let mut client =
        Client::connect(protocol, server, config).map_err(|cause| ReplayError::Lost { line: 0, cause })?;
    let mut rest = lines.iter().enumerate().map(|(at, line)| (at + 1, line)).peekable();
    let mut secrets = config.secrets.iter();
    let mut pipeline = Vec::new();
    while let Some((at, line)) = rest.next() {
        match line {
            Line::Comment(_) => {}
            Line::Upgraded => return Err(ReplayError::Tls(at)),
            Line::Client { octets, together } => {
                pipeline.extend(disclose(octets, &mut secrets).ok_or(ReplayError::NoSecret(at))?);
                if !together {
                    let sent = client.send(&std::mem::take(&mut pipeline));
                    sent.map_err(|cause| ReplayError::Lost { line: at, cause })?;
                }
            }
            Line::Server { text, .. } => {
                let mut reply = vec![(at, text.as_str())];
                while let Some((at, Line::Server { text, .. })) =
                    rest.next_if(|(_, line)| matches!(line, Line::Server { .. }))
                {
                    reply.push((at, text));
                }
                client.compare(&reply, config.compare)?;
            }
        }
    }
    Ok(())
}

/// The line with the next secrets in it.
fn disclose<'a>(
    octets: &[u8],
    secrets: &mut impl Iterator<Item = &'a mailwright_core::Secret>,
) -> Option<Vec<u8>> {
    let hidden = HIDDEN.as_bytes();
    let Some(at) = octets.windows(hidden.len()).position(|window| window == hidden) else {
        return Some(octets.to_vec());
    };
    let (before, behind) = (octets.get(..at)?, octets.get(at + hidden.len()..)?);
    Some([before, secrets.next()?.expose(), behind].concat())
}

struct Client<'a> {
    protocol: Protocol,
    stream: BufReader<TcpStream>,
    config: &'a ReplayConfig,
}

impl<'a> Client<'a> {
    fn connect(protocol: Protocol, server: impl ToSocketAddrs, config: &'a ReplayConfig) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(config.timeout))?;
        stream.set_write_timeout(Some(config.timeout))?;
        Ok(Self { protocol, stream: BufReader::new(stream), config })
    }

    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(octets)
    }

    fn compare(&mut self, reply: &[(usize, &str)], compare: Compare) -> Result<(), ReplayError> {
        match compare {
            Compare::Text => reply.iter().try_for_each(|&(line, expected)| {
                let came = self.line().map_err(|cause| ReplayError::Lost { line, cause })?;
                differs(line, expected, &came, matches(expected, &came))
            }),
            Compare::Codes => self.compare_codes(reply),
        }
    }

    /// As many replies as there were, however many lines each of them has now.
    fn compare_codes(&mut self, reply: &[(usize, &str)]) -> Result<(), ReplayError> {
        let protocol = self.protocol;
        let is_long = protocol == Protocol::Pop3 && reply.last().is_some_and(|(_, line)| *line == ".");
        let codes = reply.iter().filter_map(|&(at, line)| Some((at, line, code(protocol, line)?)));
        let mut left = self.config.lines;
        for (line, expected, code_then) in codes {
            let (came, code_now) = loop {
                let came = self.line().map_err(|cause| ReplayError::Lost { line, cause })?;
                if let Some(code) = code(protocol, &came) {
                    break (came.clone(), code.to_owned());
                }
                left = left.checked_sub(1).ok_or_else(|| ReplayError::Lost { line, cause: too_long() })?;
            };
            differs(line, expected, &came, code_then == code_now)?;
            if is_long {
                // RFC 1939 §3: up to a dot; no line of it is a reply.
                while self.line().map_err(|cause| ReplayError::Lost { line, cause })? != "." {
                    left =
                        left.checked_sub(1).ok_or_else(|| ReplayError::Lost { line, cause: too_long() })?;
                }
                break;
            }
        }
        Ok(())
    }

    /// The next line of the server, escaped.
    fn line(&mut self) -> io::Result<String> {
        let mut octets = Vec::new();
        let limit = u64::try_from(self.config.line).unwrap_or(u64::MAX);
        self.stream.by_ref().take(limit).read_until(b'\n', &mut octets)?;
        match Line::server(&octets) {
            _ if octets.is_empty() => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed"))
            }
            Line::Server { text, ended: true } => Ok(text),
            _ => Err(too_long()),
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "more came than is read")
}

fn differs(line: usize, expected: &str, came: &str, same: bool) -> Result<(), ReplayError> {
    if same {
        return Ok(());
    }
    Err(ReplayError::Differs { line, expected: expected.to_owned(), came: came.to_owned() })
}

/// What a line says of a reply, if it is the one that does.
fn code(protocol: Protocol, line: &str) -> Option<&str> {
    match protocol {
        // RFC 5321 §4.2: the last line of a reply has no hyphen.
        Protocol::Smtp => line.get(..3).filter(|_| !line.get(3..).is_some_and(|rest| rest.starts_with('-'))),
        Protocol::Pop3 => line.split(' ').next().filter(|word| matches!(*word, "+OK" | "-ERR" | "+")),
        Protocol::Imap if line.starts_with("+ ") => Some("+"),
        Protocol::Imap => {
            // The greeting is untagged, too (RFC 9051 §7.1).
            let (tag, rest) = line.split_once(' ')?;
            let word = rest.split(' ').next().filter(|word| matches!(*word, "OK" | "NO" | "BAD" | "BYE"))?;
            line.get(..tag.len() + 1 + word.len())
        }
    }
}
