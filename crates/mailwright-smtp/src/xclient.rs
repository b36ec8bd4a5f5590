//! What a trusted proxy tells of its client: XCLIENT, as Postfix has defined it.

use std::net::IpAddr;
use std::str;

use crate::grammar::CommandError;
use crate::params::decode_xtext;

/// What a trusted proxy tells of its client. What is `None` was not told, and stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct XClient {
    /// `NAME`: the name that the client's address leads to, if it leads back.
    pub name: Option<Told<String>>,
    /// `ADDR`: the client's address.
    pub addr: Option<Told<IpAddr>>,
    /// `PORT`: the client's port.
    pub port: Option<Told<u16>>,
    /// `PROTO`: whether the client speaks ESMTP.
    pub esmtp: Option<Told<bool>>,
    /// `HELO`: how the client introduced itself.
    pub helo: Option<Told<String>>,
    /// `LOGIN`: who the client has authenticated as.
    pub login: Option<Told<String>>,
    /// `DESTADDR`: the address that the client has connected to.
    pub dest_addr: Option<Told<IpAddr>>,
    /// `DESTPORT`: the port that the client has connected to.
    pub dest_port: Option<Told<u16>>,
}

/// A value, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// `[UNAVAILABLE]`, or, of what may be known later, `[TEMPUNAVAIL]`.
    Unavailable,
    /// This.
    Is(T),
}

impl XClient {
    /// The attributes that are known, as they are offered.
    #[cfg(feature = "server")]
    pub(crate) const OFFERED: &str = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

    /// `1*( SP attribute-name "=" xtext )`
    pub(crate) fn parse(rest: &[u8]) -> Result<Self, CommandError<'_>> {
        const WHAT: CommandError<'_> = CommandError::Syntax("XCLIENT NAME=value...");
        let mut told = Self::default();
        let mut words = rest.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).peekable();
        if !rest.starts_with(b" ") || words.peek().is_none() {
            return Err(WHAT);
        }
        for word in words {
            let at = memchr::memchr(b'=', word).ok_or(WHAT)?;
            let (name, value) = word.split_at_checked(at).ok_or(WHAT)?;
            let value = value.get(1..).and_then(decode_xtext).ok_or(WHAT)?;
            let name = str::from_utf8(name).map_err(|_| WHAT)?;
            match &name.to_ascii_uppercase()[..] {
                "NAME" => set(&mut told.name, &value, text, "NAME")?,
                "ADDR" => set(&mut told.addr, &value, addr, "ADDR")?,
                "PORT" => set(&mut told.port, &value, |text| text.parse().ok(), "PORT")?,
                "PROTO" => set(&mut told.esmtp, &value, proto, "PROTO")?,
                "HELO" => set(&mut told.helo, &value, text, "HELO")?,
                "LOGIN" => set(&mut told.login, &value, text, "LOGIN")?,
                "DESTADDR" => set(&mut told.dest_addr, &value, addr, "DESTADDR")?,
                "DESTPORT" => set(&mut told.dest_port, &value, |text| text.parse().ok(), "DESTPORT")?,
                _ => return Err(CommandError::UnknownParameter(name)),
            }
        }
        Ok(told)
    }
}

fn set<T>(
    slot: &mut Option<Told<T>>,
    value: &str,
    read: impl FnOnce(&str) -> Option<T>,
    name: &'static str,
) -> Result<(), CommandError<'static>> {
    if slot.is_some() {
        return Err(CommandError::RepeatedParameter(name));
    }
    let unavailable = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"].iter().any(|word| value.eq_ignore_ascii_case(word));
    *slot = Some(if unavailable {
        Told::Unavailable
    } else {
        Told::Is(read(value).ok_or(CommandError::Parameter(name))?)
    });
    Ok(())
}

/// Without blanks and controls, since it comes into the log and into Received fields.
fn text(value: &str) -> Option<String> {
    let fits = (1..=255).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| value.to_owned())
}

fn addr(value: &str) -> Option<IpAddr> {
    match value.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPV6:") => address.parse().ok().map(IpAddr::V6),
        _ => value.parse().ok().map(IpAddr::V4),
    }
}

fn proto(value: &str) -> Option<bool> {
    match &value.to_ascii_uppercase()[..] {
        "SMTP" => Some(false),
        "ESMTP" => Some(true),
        _ => None,
    }
}
