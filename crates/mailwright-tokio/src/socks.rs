//! Through a SOCKS server: version 5 (RFC 1928), with a login if there is one (RFC 1929).
//!
//! [`Handshake`] is the conversation without a network; [`connect`] has it on a connection.

use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::{Buf, BufMut, BytesMut};
use mailwright_core::Secret;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::transport::{Io, Prefixed};

/// RFC 1928 §3: what each message but those of a login begins with.
const VERSION: u8 = 5;
/// RFC 1929 §2: what those of a login begin with.
const LOGIN_VERSION: u8 = 1;

/// RFC 1928 §3: methods of authentication.
const NO_LOGIN: u8 = 0x00;
const LOGIN: u8 = 0x02;

/// RFC 1928 §4
const CONNECT: u8 = 0x01;

/// RFC 1928 §5: types of addresses.
const V4: u8 = 0x01;
const NAME: u8 = 0x03;
const V6: u8 = 0x04;

/// Octets of the longest reply: four, a name of 255 with its length, a port.
const REPLY_MAX: usize = 4 + 1 + 255 + 2;

/// Who we are to a SOCKS server (RFC 1929).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: Secret,
}

/// What is no [`Login`]: name and password are of 1 to 255 octets each (RFC 1929 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("name and password of a SOCKS login are of 1 to 255 octets each")]
pub struct InvalidLogin;

impl Login {
    /// Of this user.
    ///
    /// # Errors
    /// If a part is empty or too long.
    pub fn new(user: impl Into<String>, password: Secret) -> Result<Self, InvalidLogin> {
        let user = user.into();
        let fits = |octets: usize| (1..=255).contains(&octets);
        if fits(user.len()) && fits(password.expose().len()) {
            Ok(Self { user, password })
        } else {
            Err(InvalidLogin)
        }
    }
}

/// Why a SOCKS server has not connected us.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SocksError {
    /// It speaks something else.
    #[error("it does not speak SOCKS version 5")]
    Version,
    /// It wants to know who we are, in a way that we do not know or have nothing for.
    #[error("it takes nobody without a login that we do not have")]
    NoMethod,
    /// It does not take our name or password.
    #[error("it refuses our login")]
    Login,
    /// It cannot or will not connect us.
    #[error("{0}")]
    Refused(Refusal),
    /// Its reply has an address of no type that there is.
    #[error("its reply is malformed")]
    Malformed,
    /// It closed the connection before it had said all.
    #[error("it closed the connection in the middle of its reply")]
    Closed,
    /// The connection to it broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why it cannot or will not (RFC 1928 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// X'01'
    #[error("general failure")]
    General,
    /// X'02'
    #[error("connection not allowed by its rules")]
    NotAllowed,
    /// X'03'
    #[error("network unreachable")]
    NetworkUnreachable,
    /// X'04'
    #[error("host unreachable")]
    HostUnreachable,
    /// X'05'
    #[error("connection refused")]
    ConnectionRefused,
    /// X'06'
    #[error("TTL expired")]
    TtlExpired,
    /// X'07'
    #[error("it does not connect anybody")]
    CommandNotSupported,
    /// X'08'
    #[error("it has no addresses of this family")]
    AddressTypeNotSupported,
    /// Another number.
    #[error("failure {0}, which has no meaning")]
    Unassigned(u8),
}

/// The conversation with a SOCKS server.
///
/// ```
/// use bytes::BytesMut;
/// use mailwright_tokio::socks::Handshake;
///
/// let mut handshake = Handshake::new("192.0.2.1:25".parse()?, None);
/// let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
/// assert!(!handshake.advance(&mut input, &mut output)?);
/// assert_eq!(output.split()[..], [5, 1, 0]); // version 5, one method: without login
/// input.extend_from_slice(&[5, 0]);
/// assert!(!handshake.advance(&mut input, &mut output)?);
/// assert_eq!(output.split()[..], [5, 1, 0, 1, 192, 0, 2, 1, 0, 25]);
/// input.extend_from_slice(b"\x05\x00\x00\x01\0\0\0\0\0\x00220 mx");
/// assert!(handshake.advance(&mut input, &mut output)?);
/// assert_eq!(input[..], *b"220 mx"); // of the host that it has connected us to
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    to: SocketAddr,
    login: Option<Login>,
    state: State,
}

/// What comes next.
#[derive(Debug)]
enum State {
    /// We say which methods we know.
    Greeting,
    /// It says which one it wants.
    Method,
    /// It says whether it takes our login.
    Login,
    /// It says whether it has connected us.
    Reply,
    /// What the host says, to which it has connected us.
    Connected,
}

impl Handshake {
    /// To be connected to that host.
    pub fn new(to: SocketAddr, login: Option<Login>) -> Self {
        Self { to, login, state: State::Greeting }
    }

    /// Takes from `input` what the server has said, and puts into `output` what is to be said to it; whether it has
    /// connected us. What is left in `input` then comes from the host; before, it is less than a whole reply, so of
    /// fewer than 262 octets if the rest was given at once.
    ///
    /// # Errors
    /// If it does not connect us. Then nothing more is to be said to it.
    pub fn advance(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<bool, SocksError> {
        loop {
            self.state = match self.state {
                State::Greeting => {
                    let methods: &[u8] = if self.login.is_some() { &[NO_LOGIN, LOGIN] } else { &[NO_LOGIN] };
                    output.put_slice(&[VERSION, octets(methods)]);
                    output.put_slice(methods);
                    State::Method
                }
                State::Method => match (answer(input, VERSION)?, &self.login) {
                    (None, _) => return Ok(false),
                    (Some(NO_LOGIN), _) => {
                        request(self.to, output);
                        State::Reply
                    }
                    (Some(LOGIN), Some(Login { user, password })) => {
                        output.put_u8(LOGIN_VERSION);
                        for part in [user.as_bytes(), password.expose()] {
                            output.put_u8(octets(part));
                            output.put_slice(part);
                        }
                        State::Login
                    }
                    // X'FF', which is none; or one that it was not offered.
                    (Some(_), _) => return Err(SocksError::NoMethod),
                },
                State::Login => match answer(input, LOGIN_VERSION)? {
                    None => return Ok(false),
                    Some(0) => {
                        request(self.to, output);
                        State::Reply
                    }
                    Some(_) => return Err(SocksError::Login),
                },
                State::Reply => match reply(input)? {
                    None => return Ok(false),
                    Some(octets) => {
                        input.advance(octets);
                        State::Connected
                    }
                },
                State::Connected => return Ok(true),
            }
        }
    }
}

/// The number of these, of which there are at most 255.
fn octets(part: &[u8]) -> u8 {
    u8::try_from(part.len()).unwrap_or(u8::MAX)
}

/// RFC 1928 §3, RFC 1929 §2: a version, and what it has chosen.
fn answer(input: &mut BytesMut, version: u8) -> Result<Option<u8>, SocksError> {
    match **input {
        [first, ..] if first != version => Err(SocksError::Version),
        [_, chosen, ..] => {
            input.advance(2);
            Ok(Some(chosen))
        }
        _ => Ok(None),
    }
}

/// RFC 1928 §4
fn request(to: SocketAddr, output: &mut BytesMut) {
    output.put_slice(&[VERSION, CONNECT, 0]);
    match to.ip() {
        IpAddr::V4(address) => {
            output.put_u8(V4);
            output.put_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            output.put_u8(V6);
            output.put_slice(&address.octets());
        }
    }
    output.put_u16(to.port());
}

/// RFC 1928 §6: of how many octets it is, when all of them are there. Of one that refuses the first two say all.
fn reply(input: &[u8]) -> Result<Option<usize>, SocksError> {
    let address = match *input {
        [first, ..] if first != VERSION => return Err(SocksError::Version),
        [_, refused, ..] if refused != 0 => return Err(SocksError::Refused(refusal(refused))),
        [_, _, _, V4, ..] => 4,
        [_, _, _, V6, ..] => 16,
        [_, _, _, NAME, octets, ..] => 1 + usize::from(octets),
        [_, _, _, NAME] | [] | [_] | [_, _] | [_, _, _] => return Ok(None),
        _ => return Err(SocksError::Malformed),
    };
    let octets = 4 + address + 2;
    Ok((input.len() >= octets).then_some(octets))
}

fn refusal(number: u8) -> Refusal {
    match number {
        0x01 => Refusal::General,
        0x02 => Refusal::NotAllowed,
        0x03 => Refusal::NetworkUnreachable,
        0x04 => Refusal::HostUnreachable,
        0x05 => Refusal::ConnectionRefused,
        0x06 => Refusal::TtlExpired,
        0x07 => Refusal::CommandNotSupported,
        0x08 => Refusal::AddressTypeNotSupported,
        other => Refusal::Unassigned(other),
    }
}

/// Has the SOCKS server at the other end of `io` connect us to a host. How long that may take is seen to by whoever
/// asks.
///
/// # Errors
/// If it does not, or the connection to it breaks.
pub async fn connect(
    mut io: Box<dyn Io>,
    to: SocketAddr,
    login: Option<Login>,
) -> Result<Box<dyn Io>, SocksError> {
    let mut handshake = Handshake::new(to, login);
    let (mut input, mut output) = (BytesMut::with_capacity(REPLY_MAX), BytesMut::new());
    loop {
        let is_connected = handshake.advance(&mut input, &mut output)?;
        io.write_all(&output).await?;
        io.flush().await?;
        // It may have been a password.
        output.fill(0);
        output.clear();
        if is_connected {
            return Ok(Prefixed::wrap(input.freeze(), io));
        }
        let room = REPLY_MAX.saturating_sub(input.len());
        if io.read_buf(&mut (&mut input).limit(room)).await? == 0 {
            return Err(SocksError::Closed);
        }
    }
}
