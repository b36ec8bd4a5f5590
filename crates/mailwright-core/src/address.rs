//! Addresses and paths (RFC 5321 §4.1.2). Syntax only: which domain is local, how a local part is compared,
//! and what an A-label looks like to people is decided above.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::{self, FromStr};

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_till1, take_while1};
use nom::character::complete::char;
use nom::combinator::{recognize, verify};
use nom::error::ErrorKind;
use nom::multi::many0_count;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};
use thiserror::Error;

use crate::octet_set::OctetSet;

/// RFC 5321 §4.5.3.1.1.
const LOCAL_PART_MAX: usize = 64;
/// RFC 5321 §4.5.3.1.2.
const DOMAIN_MAX: usize = 255;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;

/// Why an address or a path is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// It does not follow the grammar of RFC 5321 §4.1.2.
    #[error("the address does not follow RFC 5321")]
    Syntax,
    /// The local part is over 64 octets, the domain over 255, or one of its labels over 63.
    #[error("the address is too long")]
    TooLong,
    /// What is beyond ASCII in it is not UTF-8, or is a control character (RFC 6532 §3.1).
    #[error("the address is not UTF-8")]
    NotUtf8,
    /// It is the name of a host, and not in its ASCII form (RFC 5890 §2.3.2.1).
    #[error("the name is not ASCII: write it as xn--...")]
    NonAscii,
}

/// A domain name or an address literal, in lower case and ASCII: of an internationalised one, the A-labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Box<str>);

impl Domain {
    /// As text: `example.org`, `[192.0.2.1]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address literal.
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }
}

impl FromStr for Domain {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        match whole(domain_or_literal, text.as_bytes()) {
            Some(domain) => {
                check_length(domain)?;
                if !domain.is_ascii() {
                    return Err(InvalidAddress::NonAscii);
                }
                let domain = str::from_utf8(domain).map_err(|_| InvalidAddress::NotUtf8)?;
                Ok(Self(domain.to_ascii_lowercase().into()))
            }
            None => Err(InvalidAddress::Syntax),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox, `local-part@domain`. The local part is kept as given, without quotes that it does not need;
/// the domain is in lower case. Both may go beyond ASCII (RFC 6531 §3.3), which not every server takes: see
/// [`is_ascii`](Self::is_ascii). The domain then is as it was given, and what is to be compared or looked up is its ASCII
/// form.
///
/// ```
/// use mailwright_core::Address;
///
/// let ann: Address = "\"Ann\"@Example.ORG".parse()?;
/// assert_eq!((ann.local(), ann.domain()), ("Ann", "example.org"));
/// assert_eq!(ann.to_string(), "Ann@example.org");
/// # Ok::<_, mailwright_core::InvalidAddress>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Local part without quoting, `@`, domain.
    text: String,
    /// Where the `@` between them is.
    at: usize,
}

impl Address {
    /// The local part, unquoted.
    pub fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The domain or address literal, its ASCII letters in lower case.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// Whether it can be sent without SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    fn from_mailbox(mailbox: Mailbox<'_>) -> Result<Self, InvalidAddress> {
        let (local, domain) = (unquote(mailbox.local()), mailbox.domain());
        if local.len() > LOCAL_PART_MAX {
            return Err(InvalidAddress::TooLong);
        }
        check_length(domain)?;
        let text = match &local {
            Cow::Borrowed(local) if local.len() == mailbox.at => Cow::Borrowed(mailbox.text),
            local => Cow::Owned([local, &b"@"[..], domain].concat()),
        };
        let text = str::from_utf8(&text).map_err(|_| InvalidAddress::NotUtf8)?;
        // RFC 6532 §3.1 would let the controls of ISO 8859 pass; nobody's name has any, and terminals obey them.
        if !text.is_ascii() && text.chars().any(|c| c.is_control() && !c.is_ascii()) {
            return Err(InvalidAddress::NotUtf8);
        }
        let (mut text, at) = (text.to_owned(), local.len());
        // All are looked at, so that the compiler looks at many at once; nearly always there is nothing to do.
        if domain.iter().fold(false, |any, octet| any | octet.is_ascii_uppercase()) {
            text.get_mut(at..).unwrap_or_default().make_ascii_lowercase();
        }
        Ok(Self { text, at })
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        whole(mailbox, text.as_bytes()).map_or(Err(InvalidAddress::Syntax), Self::from_mailbox)
    }
}

/// As it stands on the wire, quoted where it must be.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if whole(dot_string, self.local().as_bytes()).is_some() {
            return f.write_str(&self.text);
        }
        f.write_str("\"")?;
        for c in self.local().chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

/// Where failures are reported to (RFC 5321 §4.1.1.2): an address, or nobody for a report itself.
///
/// It is shown as it stands on the wire, in angle brackets; [`address`](Self::address) is shown without.
///
/// ```
/// use mailwright_core::ReversePath;
///
/// let ann = ReversePath::Address("ann@example.org".parse()?);
/// assert_eq!(ann.to_string(), "<ann@example.org>");
/// assert_eq!(ann.address().map(ToString::to_string).as_deref(), Some("ann@example.org"));
/// assert_eq!((ReversePath::Null.to_string().as_str(), ReversePath::Null.address()), ("<>", None));
/// # Ok::<_, mailwright_core::InvalidAddress>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePath {
    /// `<>`: reports of failure, which must not themselves be answered by one.
    Null,
    /// The sender.
    Address(Address),
}

impl ReversePath {
    /// Reads a path from the front of `input`; also gives what follows it.
    ///
    /// # Errors
    /// If there is no path, see [`InvalidAddress`].
    pub fn take(input: &[u8]) -> Result<(Self, &[u8]), InvalidAddress> {
        if let Some(rest) = input.strip_prefix(b"<>") {
            return Ok((Self::Null, rest));
        }
        let (rest, mailbox) = path(input).map_err(|_| InvalidAddress::Syntax)?;
        Ok((Self::Address(Address::from_mailbox(mailbox)?), rest))
    }

    /// The address, unless it is the null path.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

impl fmt::Debug for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a message is to go (RFC 5321 §4.1.1.3). A source route is read and forgotten, as §3.6.1 demands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, which every server takes (RFC 5321 §4.5.1).
    Postmaster,
    /// A recipient.
    Address(Address),
}

impl ForwardPath {
    /// Reads a path from the front of `input`; also gives what follows it.
    ///
    /// # Errors
    /// If there is no path, see [`InvalidAddress`].
    pub fn take(input: &[u8]) -> Result<(Self, &[u8]), InvalidAddress> {
        if let Ok((rest, mailbox)) = path(input) {
            return Ok((Self::Address(Address::from_mailbox(mailbox)?), rest));
        }
        let postmaster: IResult<_, _> = tag_no_case(&b"<postmaster>"[..]).parse(input);
        match postmaster {
            Ok((rest, _)) => Ok((Self::Postmaster, rest)),
            Err(_) => Err(InvalidAddress::Syntax),
        }
    }

    /// The address, unless it is the bare postmaster.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Postmaster => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<Postmaster>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

impl fmt::Debug for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// The grammar of RFC 5321 §4.1.2, over complete input, with what RFC 6531 §3.3 adds: octets beyond ASCII wherever there
// may be a letter. Whether they are UTF-8 is seen when the address is made.

/// A mailbox, as it stands in the input.
struct Mailbox<'a> {
    text: &'a [u8],
    /// Where the `@` behind its local part is.
    at: usize,
}

impl<'a> Mailbox<'a> {
    fn local(&self) -> &'a [u8] {
        self.text.get(..self.at).unwrap_or_default()
    }

    fn domain(&self) -> &'a [u8] {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`
fn path(input: &[u8]) -> IResult<&[u8], Mailbox<'_>> {
    let (rest, _) = char('<').parse(input)?;
    let rest = match rest.first() {
        Some(b'@') => terminated(source_route, char(':')).parse(rest)?.0,
        _ => rest,
    };
    terminated(mailbox, char('>')).parse(rest)
}

/// `A-d-l = At-domain *( "," At-domain )`
fn source_route(input: &[u8]) -> IResult<&[u8], &[u8]> {
    recognize(pair(at_domain, many0_count(preceded(char(','), at_domain)))).parse(input)
}

/// `At-domain = "@" Domain`
fn at_domain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    preceded(char('@'), domain).parse(input)
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`
fn mailbox(input: &[u8]) -> IResult<&[u8], Mailbox<'_>> {
    let (rest, local) = terminated(local_part, char('@')).parse(input)?;
    let (rest, _) = domain_or_literal(rest)?;
    let text = input.get(..input.len() - rest.len()).unwrap_or_default();
    Ok((rest, Mailbox { text, at: local.len() }))
}

/// `Local-part = Dot-string / Quoted-string`
fn local_part(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((dot_string, quoted_string)).parse(input)
}

/// `Dot-string = Atom *("." Atom)`, where `Atom = 1*atext` (RFC 5322 §3.2.3)
fn dot_string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    dotted(&ATEXT, b'.').parse(input)
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`, of which an empty one names no mailbox
fn quoted_string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let content = verify(recognize(many0_count(qcontent)), |content: &[u8]| !content.is_empty());
    recognize(delimited(char('"'), content, char('"'))).parse(input)
}

/// `QcontentSMTP = qtextSMTP / quoted-pairSMTP`
fn qcontent(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let qtext = take_while1(|byte| matches!(byte, 32..=33 | 35..=91 | 93..=126 | 128..));
    let quoted_pair =
        recognize(pair(char('\\'), nom::character::complete::satisfy(|c| matches!(c, ' '..='~'))));
    alt((qtext, quoted_pair)).parse(input)
}

/// `( Domain / address-literal )`
fn domain_or_literal(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((domain, address_literal)).parse(input)
}

/// `Domain = sub-domain *("." sub-domain)`, where `sub-domain = Let-dig [Ldh-str]`
fn domain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    dotted(&LDH, b'-').parse(input)
}

/// Parts with dots between them: none is empty, and none begins or ends with `inner`.
fn dotted(octets: &OctetSet, inner: u8) -> impl Fn(&[u8]) -> IResult<&[u8], &[u8]> {
    move |input| {
        let mut rest = input;
        loop {
            let (part, behind) = octets.split(rest);
            if part.first().is_none_or(|&first| first == inner) || part.last() == Some(&inner) {
                return Err(nom::Err::Error(nom::error::Error::new(input, ErrorKind::Verify)));
            }
            match behind.strip_prefix(b".") {
                Some(next) => rest = next,
                None => return Ok((behind, input.get(..input.len() - behind.len()).unwrap_or_default())),
            }
        }
    }
}

const LETTERS: OctetSet = OctetSet::LETTERS_AND_DIGITS.with_range(128, 255);
static ATEXT: OctetSet = LETTERS.with(b"!#$%&'*+-/=?^_`{|}~");
/// With `_` as a letter: there are hosts that send mail under such names.
static LDH: OctetSet = LETTERS.with(b"-_");

/// `address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"`
fn address_literal(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let content = verify(take_till1(|byte| byte == b']'), is_literal_content);
    recognize(delimited(char('['), content, char(']'))).parse(input)
}

fn is_literal_content(content: &[u8]) -> bool {
    let Ok(content) = str::from_utf8(content) else { return false };
    if content.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let Some((kind, address)) = content.split_once(':') else { return false };
    if kind.eq_ignore_ascii_case("IPv6") {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    // `General-address-literal = Standardized-tag ":" 1*dcontent`
    let is_dcontent = |byte| matches!(byte, 33..=90 | 94..=126);
    !kind.contains('.')
        && whole(domain, kind.as_bytes()).is_some()
        && !address.is_empty()
        && address.bytes().all(is_dcontent)
}

/// Applies a rule to the whole of `input`.
fn whole<'a, T>(rule: impl Fn(&'a [u8]) -> IResult<&'a [u8], T>, input: &'a [u8]) -> Option<T> {
    rule(input).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, value)| value)
}

fn check_length(domain: &[u8]) -> Result<(), InvalidAddress> {
    let labels_fit = domain.len() <= LABEL_MAX
        || domain.starts_with(b"[")
        || domain.split(|&b| b == b'.').all(|label| label.len() <= LABEL_MAX);
    if domain.len() <= DOMAIN_MAX && labels_fit { Ok(()) } else { Err(InvalidAddress::TooLong) }
}

/// The content of a local part that may be a quoted string.
fn unquote(local: &[u8]) -> Cow<'_, [u8]> {
    let Some(quoted) = local.strip_prefix(b"\"").and_then(|local| local.strip_suffix(b"\"")) else {
        return Cow::Borrowed(local);
    };
    if !quoted.contains(&b'\\') {
        return Cow::Borrowed(quoted);
    }
    let mut content = Vec::with_capacity(quoted.len());
    let mut octets = quoted.iter();
    while let Some(&octet) = octets.next() {
        content.extend(if octet == b'\\' { octets.next().copied() } else { Some(octet) });
    }
    Cow::Owned(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (given, local, domain, shown) in [
            ("ann@example.org", "ann", "example.org", "ann@example.org"),
            ("Ann.B+x@EXAMPLE.org", "Ann.B+x", "example.org", "Ann.B+x@example.org"),
            ("\"a b\"@x", "a b", "x", "\"a b\"@x"),
            ("\"a\\\"\\b\"@x", "a\"b", "x", "\"a\\\"b\"@x"),
            ("\"a@b\"@x", "a@b", "x", "\"a@b\"@x"),
            ("a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", "a", "[ipv6:2001:db8::1]", "a@[ipv6:2001:db8::1]"),
            ("|/bin/sh@x", "|/bin/sh", "x", "|/bin/sh@x"),
            ("a%b@x_1.y", "a%b", "x_1.y", "a%b@x_1.y"),
        ] {
            let address: Address = given.parse().unwrap();
            assert_eq!((address.local(), address.domain()), (local, domain));
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        use InvalidAddress::{NotUtf8, Syntax, TooLong};
        let long = |count| "a".repeat(count);
        for (given, why) in [
            ("".to_owned(), Syntax),
            ("a".to_owned(), Syntax),
            ("@x".to_owned(), Syntax),
            ("\"\"@x".to_owned(), Syntax),
            ("a@".to_owned(), Syntax),
            ("a@@x".to_owned(), Syntax),
            ("a..b@x".to_owned(), Syntax),
            ("a@x.".to_owned(), Syntax),
            ("a@-x".to_owned(), Syntax),
            ("\"a@x".to_owned(), Syntax),
            ("a b@x".to_owned(), Syntax),
            ("a@[300.1.1.1]".to_owned(), Syntax),
            ("a@[IPv6:zz]".to_owned(), Syntax),
            ("(".repeat(500), Syntax),
            ("a\u{85}@x".to_owned(), NotUtf8),
            (format!("{}@x", long(65)), TooLong),
            (format!("a@{}", long(64)), TooLong),
            (format!("a@{}", format!("{}.", long(60)).repeat(5) + "x"), TooLong),
        ] {
            assert_eq!(given.parse::<Address>(), Err(why), "{given}");
        }
    }

    #[test]
    fn addresses_may_go_beyond_ascii_and_hosts_may_not() {
        for (given, shown) in [
            ("grå@example.org", "grå@example.org"),
            ("用户@例子.广告", "用户@例子.广告"),
            ("\"grå b\"@Bücher.example", "\"grå b\"@bücher.example"),
        ] {
            let address: Address = given.parse().unwrap();
            assert_eq!((address.to_string(), address.is_ascii()), (shown.to_owned(), false));
        }
        assert!("ann@example.org".parse::<Address>().unwrap().is_ascii());
        assert_eq!("bücher.example".parse::<Domain>(), Err(InvalidAddress::NonAscii));
        assert_eq!(ReversePath::take(b"<gr\xe5@x>"), Err(InvalidAddress::NotUtf8), "ISO 8859-1");
        assert_eq!(ReversePath::take(b"<a@\xc0\xaf>"), Err(InvalidAddress::NotUtf8), "overlong");
    }

    #[test]
    fn paths_are_taken_from_the_front() {
        let forward =
            |text: &'static str| ForwardPath::take(text.as_bytes()).map(|(p, r)| (p.to_string(), r));
        assert_eq!(forward("<postMaster> X"), Ok(("<Postmaster>".to_owned(), &b" X"[..])));
        assert_eq!(forward("<@a,@b:ann@x>"), Ok(("<ann@x>".to_owned(), &b""[..])), "the route is forgotten");
        assert_eq!(forward("<>"), Err(InvalidAddress::Syntax));
        assert_eq!(forward("<ann@x"), Err(InvalidAddress::Syntax));
        assert_eq!(ReversePath::take(b"<> SIZE=1"), Ok((ReversePath::Null, &b" SIZE=1"[..])));
    }

    crate::properties! {
        #[test]
        fn what_is_shown_is_read_back(local in "[ -~]{1,20}", domain in "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}") {
            let quoted = format!("\"{}\"@{domain}", local.replace('\\', "\\\\").replace('"', "\\\""));
            let address: Address = quoted.parse().unwrap();
            prop_assert_eq!(address.local(), local);
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Address>();
            let _ = ForwardPath::take(text.as_bytes());
        }
    }
}
