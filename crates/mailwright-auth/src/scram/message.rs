//! The messages of SCRAM (RFC 5802 §7), and the GS2 header that OAUTHBEARER begins with, too (RFC 7628 §3.1).

use super::keys::number;
use crate::error::AuthError;

/// Why a message is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Its attributes are others, or in another order.
    Syntax,
    /// It wants an extension that is not known here.
    Extension,
}

impl From<Malformed> for AuthError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Syntax => Self::Syntax,
            Malformed::Extension => Self::Extension,
        }
    }
}

/// What a client says of channel binding: `gs2-cbind-flag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag<'a> {
    /// `n`: it cannot.
    Cannot,
    /// `y`: it can, and believes that the server cannot.
    Could,
    /// `p=name`: it binds by this.
    Binds(&'a str),
}

/// `gs2-header`, and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gs2<'a> {
    pub(crate) header: &'a str,
    pub(crate) flag: Flag<'a>,
    /// As it is written.
    pub(crate) authzid: Option<&'a str>,
    pub(crate) rest: &'a str,
}

pub(crate) fn gs2(text: &str) -> Result<Gs2<'_>, Malformed> {
    let (flag, rest) = text.split_once(',').ok_or(Malformed::Syntax)?;
    let (authzid, rest) = rest.split_once(',').ok_or(Malformed::Syntax)?;
    let flag = match flag {
        "n" => Flag::Cannot,
        "y" => Flag::Could,
        _ => Flag::Binds(attribute(Some(flag), 'p')?),
    };
    let authzid = match authzid {
        "" => None,
        _ => Some(attribute(Some(authzid), 'a')?),
    };
    let header = text.strip_suffix(rest).ok_or(Malformed::Syntax)?;
    Ok(Gs2 { header, flag, authzid, rest })
}

/// `client-first-message-bare`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientFirst<'a> {
    /// As it is written.
    pub(crate) user: &'a str,
    pub(crate) nonce: &'a str,
}

pub(crate) fn client_first(bare: &str) -> Result<ClientFirst<'_>, Malformed> {
    let mut parts = bare.split(',');
    let user = attribute(parts.next(), 'n')?;
    let nonce = nonce(attribute(parts.next(), 'r')?)?;
    extensions(parts)?;
    Ok(ClientFirst { user, nonce })
}

/// `server-first-message`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerFirst<'a> {
    pub(crate) nonce: &'a str,
    /// In base64.
    pub(crate) salt: &'a str,
    pub(crate) iterations: u32,
}

pub(crate) fn server_first(text: &str) -> Result<ServerFirst<'_>, Malformed> {
    let mut parts = text.split(',');
    let nonce = nonce(attribute(parts.next(), 'r')?)?;
    let salt = attribute(parts.next(), 's')?;
    let iterations = number(attribute(parts.next(), 'i')?).ok_or(Malformed::Syntax)?;
    extensions(parts)?;
    Ok(ServerFirst { nonce, salt, iterations })
}

/// `client-final-message`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientFinal<'a> {
    /// `client-final-message-without-proof`
    pub(crate) without_proof: &'a str,
    /// In base64.
    pub(crate) binding: &'a str,
    pub(crate) nonce: &'a str,
    /// In base64.
    pub(crate) proof: &'a str,
}

pub(crate) fn client_final(text: &str) -> Result<ClientFinal<'_>, Malformed> {
    let (without_proof, proof) = text.rsplit_once(',').ok_or(Malformed::Syntax)?;
    let proof = attribute(Some(proof), 'p')?;
    let mut parts = without_proof.split(',');
    let binding = attribute(parts.next(), 'c')?;
    let nonce = nonce(attribute(parts.next(), 'r')?)?;
    extensions(parts)?;
    Ok(ClientFinal { without_proof, binding, nonce, proof })
}

/// `server-final-message`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerFinal<'a> {
    /// The server's signature, in base64.
    Verifier(&'a str),
    /// `server-error-value`
    Error(&'a str),
}

pub(crate) fn server_final(text: &str) -> Result<ServerFinal<'_>, Malformed> {
    let mut parts = text.split(',');
    let first = parts.next();
    let read = match attribute(first, 'e') {
        Ok(error) => ServerFinal::Error(error),
        Err(_) => ServerFinal::Verifier(attribute(first, 'v')?),
    };
    extensions(parts)?;
    Ok(read)
}

/// The value of an attribute of this name, which is due here.
fn attribute(part: Option<&str>, name: char) -> Result<&str, Malformed> {
    let (found, value) = part.and_then(|part| part.split_once('=')).ok_or(Malformed::Syntax)?;
    match found {
        // §5.1: known to nobody yet, and not to be passed over.
        "m" => Err(Malformed::Extension),
        _ if found.chars().eq([name]) && is_value(value) => Ok(value),
        _ => Err(Malformed::Syntax),
    }
}

/// §5.1: what may be left aside is left aside.
fn extensions<'a>(parts: impl Iterator<Item = &'a str>) -> Result<(), Malformed> {
    for part in parts {
        match part.split_once('=') {
            Some(("m", _)) => return Err(Malformed::Extension),
            Some((name, value))
                if name.len() == 1 && name.bytes().all(|it| it.is_ascii_alphabetic()) && is_value(value) => {}
            _ => return Err(Malformed::Syntax),
        }
    }
    Ok(())
}

/// `value`
fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// `printable`
fn nonce(text: &str) -> Result<&str, Malformed> {
    if text.bytes().all(|octet| matches!(octet, b'!'..=b'~')) { Ok(text) } else { Err(Malformed::Syntax) }
}

/// A name from its `saslname`. None if a `=` is none of the two that there may be.
pub(crate) fn name(text: &str) -> Option<String> {
    let mut parts = text.split('=');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            (None, None) => return None,
        };
        name.push(escaped);
        name.push_str(rest);
    }
    Some(name)
}

/// A name as a `saslname`.
pub(crate) fn saslname(name: &str) -> String {
    // In this order, or what stands for a comma would be escaped again.
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_read_back() {
        for (plain, written) in
            [("tim", "tim"), ("a,b=c", "a=2Cb=3Dc"), ("=2C", "=3D2C"), (",", "=2C"), ("é=", "é=3D")]
        {
            assert_eq!(saslname(plain), written);
            assert_eq!(name(written).as_deref(), Some(plain));
        }
        for wrong in ["=", "a=", "a=2", "a=2c", "=3d", "a=4Cb", "=="] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }
}
