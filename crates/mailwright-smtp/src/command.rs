//! Commands and their grammar (RFC 5321 §4.1.1), over one complete line.

use std::str;

use mailwright_core::{ForwardPath, OctetSet, ReversePath};
use nom::Parser;
use nom::bytes::complete::{tag_no_case, take_while1};
use nom::character::complete::{space0, space1};
use nom::combinator::{opt, verify};
use nom::sequence::preceded;

use crate::grammar::{CommandError, Parsed, expect, fault, skip_blanks};
use crate::params::{MailParams, RcptParams};
use crate::xclient::XClient;

/// A command, as one line says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `EHLO`: the client, which speaks ESMTP, gives its name.
    Ehlo(&'a str),
    /// `HELO`: the client gives its name.
    Helo(&'a str),
    /// `LHLO`: the client, which speaks LMTP, gives its name (RFC 2033 §4.1).
    Lhlo(&'a str),
    /// `MAIL FROM`: a transaction begins.
    Mail(ReversePath, Box<MailParams>),
    /// `RCPT TO`: a recipient more.
    Rcpt(ForwardPath, RcptParams),
    /// `DATA`: the content follows.
    Data,
    /// `BDAT`: a chunk of the content follows at once (RFC 3030 §2).
    Bdat {
        /// Octets of the chunk.
        size: u64,
        /// It is the last one.
        last: bool,
    },
    /// `BURL`: a part of the content is to be had elsewhere (RFC 4468 §3).
    Burl {
        /// Where.
        url: &'a str,
        /// It is the last one.
        last: bool,
    },
    /// `RSET`: the transaction is forgotten.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY`: is there such a mailbox?
    Vrfy(&'a str),
    /// `EXPN`: who is on this list?
    Expn(&'a str),
    /// `HELP`.
    Help,
    /// `ETRN`: what waits for this node is to be sent now (RFC 1985).
    Etrn(&'a str),
    /// `XCLIENT`: what a proxy knows of its client.
    XClient(Box<XClient>),
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954).
    Auth {
        /// The SASL mechanism's name, in the client's spelling.
        mechanism: &'a str,
        /// What the client says first, if it does.
        initial: Option<InitialResponse<'a>>,
    },
}

/// The `initial-response` of AUTH (RFC 4954 §4), still in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InitialResponse<'a>(pub &'a [u8]);

impl std::fmt::Debug for InitialResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InitialResponse(..)")
    }
}

impl<'a> Command<'a> {
    /// Reads a line, given without its CRLF.
    ///
    /// ```
    /// use mailwright_smtp::Command;
    ///
    /// let command = Command::parse(b"mail FROM:<ann@example.org> SIZE=1000")?;
    /// let Command::Mail(from, params) = command else { unreachable!() };
    /// assert_eq!((from.to_string().as_str(), params.size), ("<ann@example.org>", Some(1000)));
    /// # Ok::<_, mailwright_smtp::CommandError<'static>>(())
    /// ```
    ///
    /// # Errors
    /// [`CommandError`], of which each has its own reply.
    pub fn parse(line: &'a [u8]) -> Result<Self, CommandError<'a>> {
        let (verb, rest) = line.split_first_chunk().ok_or(CommandError::Unknown)?;
        match Verb::from_be_bytes(*verb) & UPPER {
            _ if rest.first().is_some_and(u8::is_ascii_alphabetic) => long_verb(line),
            MAIL => mail(rest),
            RCPT => rcpt(rest),
            BDAT => bdat(rest),
            EHLO => client_name(rest).map(Self::Ehlo),
            HELO => client_name(rest).map(Self::Helo),
            LHLO => client_name(rest).map(Self::Lhlo),
            DATA => alone(rest, Self::Data, "DATA alone"),
            RSET => alone(rest, Self::Rset, "RSET alone"),
            QUIT => alone(rest, Self::Quit, "QUIT alone"),
            AUTH => whole(auth(rest)),
            NOOP => with_string(rest, Self::Noop),
            HELP => with_string(rest, Self::Help),
            VRFY => string(rest, "VRFY name").map(without_utf8).map(Self::Vrfy),
            EXPN => string(rest, "EXPN name").map(without_utf8).map(Self::Expn),
            ETRN => string(rest, "ETRN node").map(Self::Etrn),
            BURL => whole(burl(rest)),
            _ => Err(CommandError::Unknown),
        }
    }
}

/// A verb as a number, so that its letters are compared at once: all but two have four.
type Verb = u32;

/// Makes upper case of letters, and letters of nothing else.
const UPPER: Verb = Verb::from_be_bytes([!0x20; 4]);

const MAIL: Verb = Verb::from_be_bytes(*b"MAIL");
const RCPT: Verb = Verb::from_be_bytes(*b"RCPT");
const EHLO: Verb = Verb::from_be_bytes(*b"EHLO");
const HELO: Verb = Verb::from_be_bytes(*b"HELO");
const DATA: Verb = Verb::from_be_bytes(*b"DATA");
const RSET: Verb = Verb::from_be_bytes(*b"RSET");
const QUIT: Verb = Verb::from_be_bytes(*b"QUIT");
const AUTH: Verb = Verb::from_be_bytes(*b"AUTH");
const NOOP: Verb = Verb::from_be_bytes(*b"NOOP");
const HELP: Verb = Verb::from_be_bytes(*b"HELP");
const VRFY: Verb = Verb::from_be_bytes(*b"VRFY");
const EXPN: Verb = Verb::from_be_bytes(*b"EXPN");
const LHLO: Verb = Verb::from_be_bytes(*b"LHLO");
const BDAT: Verb = Verb::from_be_bytes(*b"BDAT");
const BURL: Verb = Verb::from_be_bytes(*b"BURL");
const ETRN: Verb = Verb::from_be_bytes(*b"ETRN");

/// What stands behind EHLO, HELO and LHLO for the client's domain: any printable ASCII without blanks, since many clients have no domain
/// and RFC 5321 §4.1.4 forbids to refuse mail for that. At most 255 octets (§4.5.3.1.2).
fn client_name(rest: &[u8]) -> Result<&str, CommandError<'_>> {
    let text = skip_blanks(rest);
    let (name, behind) = GRAPHIC.split(text);
    if text.len() == rest.len() || name.is_empty() || name.len() > 255 {
        return Err(CommandError::Syntax("the client's domain"));
    }
    let name = str::from_utf8(name).unwrap_or_default();
    if skip_blanks(behind).is_empty() { Ok(name) } else { Err(CommandError::Syntax("the end of the line")) }
}

static GRAPHIC: OctetSet = OctetSet::NONE.with_range(b'!', b'~');
static DIGIT: OctetSet = OctetSet::NONE.with_range(b'0', b'9');

/// `mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF`, with a blank behind the colon as of old
fn mail(rest: &[u8]) -> Result<Command<'_>, CommandError<'_>> {
    let from = behind_word(rest, b"FROM:").ok_or(CommandError::Syntax("MAIL FROM:<address>"))?;
    let (path, rest) = ReversePath::take(from).map_err(CommandError::Sender)?;
    let mut params = Box::<MailParams>::default();
    params.parse(rest)?;
    Ok(Command::Mail(path, params))
}

/// `rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF`
fn rcpt(rest: &[u8]) -> Result<Command<'_>, CommandError<'_>> {
    let to = behind_word(rest, b"TO:").ok_or(CommandError::Syntax("RCPT TO:<address>"))?;
    let (path, rest) = ForwardPath::take(to).map_err(CommandError::Recipient)?;
    Ok(Command::Rcpt(path, RcptParams::parse(rest)?))
}

/// What stands behind blanks, this word, and the blanks behind it.
fn behind_word<'a>(rest: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let text = skip_blanks(rest);
    let (given, behind) = text.split_at_checked(word.len())?;
    (text.len() < rest.len() && given.eq_ignore_ascii_case(word)).then(|| skip_blanks(behind))
}

/// A verb without an argument. Blanks at the end are forgiven.
fn alone<'a>(rest: &[u8], command: Command<'a>, what: &'static str) -> Result<Command<'a>, CommandError<'a>> {
    if skip_blanks(rest).is_empty() { Ok(command) } else { Err(CommandError::Syntax(what)) }
}

/// What is read has to be all that there is.
fn whole<'a>(read: Parsed<'a, Command<'a>>) -> Result<Command<'a>, CommandError<'a>> {
    let (rest, command) = read.map_err(fault)?;
    if rest.is_empty() { Ok(command) } else { Err(CommandError::Syntax("the end of the line")) }
}

/// `bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ]`, where `chunk-size = 1*DIGIT` (RFC 3030 §2)
fn bdat(rest: &[u8]) -> Result<Command<'_>, CommandError<'_>> {
    let read = || {
        // No tabs: what ends a command here is where content begins.
        let text = skip_blanks(Some(rest).filter(|rest| !rest.contains(&b'\t'))?);
        let (digits, behind) = DIGIT.split(text);
        let size = str::from_utf8(digits).ok().filter(|_| text.len() < rest.len())?.parse().ok()?;
        match behind_word(behind, b"LAST") {
            Some(end) => end.is_empty().then_some(Command::Bdat { size, last: true }),
            None => skip_blanks(behind).is_empty().then_some(Command::Bdat { size, last: false }),
        }
    };
    read().ok_or(CommandError::ChunkSize)
}

/// `burl-cmd = "BURL" SP absolute-URI [SP end-marker]` (RFC 4468 §4)
fn burl(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    const WHAT: &str = "BURL url [LAST]";
    let url = preceded(space1, take_while1(|byte: u8| byte.is_ascii_graphic()));
    let (rest, url) = expect(url, WHAT)(rest)?;
    let (rest, last) = opt(preceded(space1, tag_no_case(&b"LAST"[..]))).parse(rest)?;
    let (rest, _) = space0(rest)?;
    let url = str::from_utf8(url).unwrap_or_default();
    Ok((rest, Command::Burl { url, last: last.is_some() }))
}

/// `starttls = "STARTTLS" CRLF` (RFC 3207 §4) and XCLIENT, the verbs of more than four letters
fn long_verb(line: &[u8]) -> Result<Command<'_>, CommandError<'_>> {
    let end = line.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(line.len());
    let (verb, rest) = line.split_at_checked(end).unwrap_or_default();
    if verb.eq_ignore_ascii_case(b"STARTTLS") {
        alone(rest, Command::StartTls, "STARTTLS alone")
    } else if verb.eq_ignore_ascii_case(b"XCLIENT") {
        XClient::parse(rest).map(Box::new).map(Command::XClient)
    } else {
        Err(CommandError::Unknown)
    }
}

/// `SP String`, without blanks at its ends
fn string<'a>(rest: &'a [u8], what: &'static str) -> Result<&'a str, CommandError<'a>> {
    if rest.first().is_some_and(|&byte| byte != b' ') {
        return Err(CommandError::Unknown);
    }
    let text = str::from_utf8(rest).ok().map(|text| text.trim_matches(' '));
    let text = text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
    text.ok_or(CommandError::Syntax(what))
}

/// RFC 6531 §3.7.4.2: VRFY and EXPN may be told that the answer may go beyond ASCII. Ours does not.
fn without_utf8(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((name, param)) if param.eq_ignore_ascii_case("SMTPUTF8") => name.trim_end(),
        _ => name,
    }
}

/// `[ SP String ]`, of which the machine makes nothing
fn with_string<'a>(rest: &[u8], command: Command<'a>) -> Result<Command<'a>, CommandError<'a>> {
    if rest.is_empty() || rest.starts_with(b" ") { Ok(command) } else { Err(CommandError::Unknown) }
}

/// `auth-command = "AUTH" SP sasl-mech [SP initial-response]` (RFC 4954 §8)
fn auth(rest: &[u8]) -> Parsed<'_, Command<'_>> {
    const WHAT: &str = "AUTH MECHANISM [initial-response]";
    let (rest, mechanism) = expect(preceded(space1, sasl_mech), WHAT)(rest)?;
    let (rest, initial) = opt(preceded(space1, base64_text)).parse(rest)?;
    let (rest, _) = space0(rest)?;
    let mechanism = str::from_utf8(mechanism).unwrap_or_default();
    Ok((rest, Command::Auth { mechanism, initial: initial.map(InitialResponse) }))
}

/// `sasl-mech = 1*20mech-char` (RFC 4422 §3.1)
fn sasl_mech(input: &[u8]) -> Parsed<'_, &[u8]> {
    let mech_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    verify(take_while1(mech_char), |name: &[u8]| name.len() <= 20).parse(input)
}

/// `initial-response = base64 / "="`; whether it is base64 is told when it is decoded
fn base64_text(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte != b' ').parse(input)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> String {
        match Command::parse(line.as_bytes()) {
            Ok(Command::Mail(path, params)) => format!("mail {path}{params}"),
            Ok(Command::Rcpt(path, params)) => format!("rcpt {path}{params}"),
            Ok(command) => format!("{command:?}"),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn lines_are_commands_or_said_not_to_be() {
        for (line, expected) in [
            ("EHLO c.example", "Ehlo(\"c.example\")"),
            ("ehlo [192.0.2.1] ", "Ehlo(\"[192.0.2.1]\")"),
            ("HELO WIN_PC", "Helo(\"WIN_PC\")"),
            ("EHLO", "! syntax error, expected: the client's domain"),
            ("EHLO a b", "! syntax error, expected: the end of the line"),
            ("EHLO \u{1b}[2J", "! syntax error, expected: the client's domain"),
            ("LHLO c", "Lhlo(\"c\")"),
            ("MAIL FROM:<>", "mail <>"),
            (
                "mail from: <a@b> size=10 BODY=8bitmime AUTH=e+3Dmc2@example.com",
                "mail <a@b> SIZE=10 BODY=8BITMIME AUTH=e+3Dmc2@example.com",
            ),
            (
                "MAIL FROM:<a@b> RET=hdrs ENVID=QQ+2B1 SMTPUTF8 REQUIRETLS MT-PRIORITY=-4 BY=120;rt HOLDFOR=60",
                "mail <a@b> SMTPUTF8 RET=HDRS ENVID=QQ+2B1 REQUIRETLS HOLDFOR=60 BY=120;RT MT-PRIORITY=-4",
            ),
            (
                "MAIL FROM:<a@b> SOLICIT=net.example:ADV,org.example:ADV HOLDUNTIL=2026-11-23T08:00:00Z BODY=BinaryMIME",
                "mail <a@b> BODY=BINARYMIME HOLDUNTIL=2026-11-23T08:00:00Z SOLICIT=net.example:ADV,org.example:ADV",
            ),
            ("MAIL FROM:<gr\u{e5}@b> SMTPUTF8", "mail <gr\u{e5}@b> SMTPUTF8"),
            ("MAIL FROM:<a@b> AUTH=<>", "mail <a@b> AUTH=<>"),
            ("MAIL FROM:<a@b> AUTH=a+0Ab", "! bad value of the parameter AUTH"),
            ("MAIL FROM:<a@b> AUTH=a+zz", "! bad value of the parameter AUTH"),
            ("MAIL FROM:a@b", "! bad sender address: the address does not follow RFC 5321"),
            ("MAIL <a@b>", "! syntax error, expected: MAIL FROM:<address>"),
            ("MAILFROM:<a@b>", "! unknown command"),
            ("MAIL FROM:<a@b>SIZE=1", "! syntax error, expected: parameters as KEYWORD=value, after a blank"),
            ("MAIL FROM:<a@b> SIZE", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=-1", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=0x10", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> SIZE=1 SIZE=1", "! the parameter SIZE is given twice"),
            ("MAIL FROM:<a@b> SMTPUTF8 SMTPUTF8", "! the parameter SMTPUTF8 is given twice"),
            (
                "MAIL FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2026-11-23T08:00:00Z",
                "! the parameter HOLDUNTIL is given twice",
            ),
            ("MAIL FROM:<a@b> SMTPUTF8=1", "! bad value of the parameter SMTPUTF8"),
            ("MAIL FROM:<a@b> REQUIRETLS=yes", "! bad value of the parameter REQUIRETLS"),
            ("MAIL FROM:<a@b> RET=ALL", "! bad value of the parameter RET"),
            ("MAIL FROM:<a@b> ENVID=a+0Ab", "! bad value of the parameter ENVID"),
            ("MAIL FROM:<a@b> HOLDFOR=0", "! bad value of the parameter HOLDFOR"),
            ("MAIL FROM:<a@b> HOLDFOR=1000000000", "! bad value of the parameter HOLDFOR"),
            ("MAIL FROM:<a@b> HOLDUNTIL=tomorrow", "! bad value of the parameter HOLDUNTIL"),
            ("MAIL FROM:<a@b> BY=0;R", "! bad value of the parameter BY"),
            ("MAIL FROM:<a@b> BY=-5;N", "mail <a@b> BY=-5;N"),
            ("MAIL FROM:<a@b> BY=1234567890;N", "! bad value of the parameter BY"),
            ("MAIL FROM:<a@b> BY=5;X", "! bad value of the parameter BY"),
            ("MAIL FROM:<a@b> MT-PRIORITY=10", "! bad value of the parameter MT-PRIORITY"),
            ("MAIL FROM:<a@b> MT-PRIORITY=+1", "! bad value of the parameter MT-PRIORITY"),
            ("MAIL FROM:<a@b> SOLICIT=1x", "! bad value of the parameter SOLICIT"),
            ("MAIL FROM:<a@b> SIZE=999999999999999999999", "! bad value of the parameter SIZE"),
            ("MAIL FROM:<a@b> BODY=9BIT", "! bad value of the parameter BODY"),
            ("MAIL FROM:<a@b> X-COLOUR=red", "! unknown parameter X-COLOUR"),
            ("MAIL FROM:<a@b> NOTIFY=NEVER", "! unknown parameter NOTIFY"),
            ("RCPT TO:<postmaster>", "rcpt <Postmaster>"),
            ("RCPT TO:<@x,@y:a@b>", "rcpt <a@b>"),
            ("RCPT TO:<a@b> NOTIFY=NEVER", "rcpt <a@b> NOTIFY=NEVER"),
            (
                "RCPT TO:<a@b> notify=delay,SUCCESS ORCPT=rfc822;Bob+2B@x RRVS=2014-04-03T23:01:00Z;R",
                "rcpt <a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2B@x RRVS=2014-04-03T23:01:00Z;R",
            ),
            ("RCPT TO:<a@b> ORCPT=utf-8;gr\u{e5}@x", "rcpt <a@b> ORCPT=utf-8;gr\u{e5}@x"),
            ("RCPT TO:<a@b> ORCPT=rfc822;gr\u{e5}@x", "! bad value of the parameter ORCPT"),
            ("RCPT TO:<a@b> ORCPT=RFC822;gr+C3+A5+2Ba@x", "rcpt <a@b> ORCPT=utf-8;gr\\x{E5}\\x{2B}a@x"),
            ("RCPT TO:<a@b> ORCPT=rfc822;gr+C3+A5+0A@x", "! bad value of the parameter ORCPT"),
            ("RCPT TO:<a@b> ORCPT=bob@x", "! bad value of the parameter ORCPT"),
            ("RCPT TO:<a@b> ORCPT=rfc822;a+0Ab", "! bad value of the parameter ORCPT"),
            ("RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS", "! bad value of the parameter NOTIFY"),
            ("RCPT TO:<a@b> NOTIFY=", "! bad value of the parameter NOTIFY"),
            ("RCPT TO:<a@b> RRVS=2014", "! bad value of the parameter RRVS"),
            ("RCPT TO:<a@b> SIZE=1", "! unknown parameter SIZE"),
            ("BDAT 0", "Bdat { size: 0, last: false }"),
            ("bdat 18446744073709551615  last ", "Bdat { size: 18446744073709551615, last: true }"),
            ("BDAT", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT 18446744073709551616", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT -1", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT\t1", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT 1\tLAST", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT 1LAST", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT +1", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT 1 FIRST", "! syntax error, expected: BDAT size [LAST]"),
            ("BDAT 1 LAST LAST", "! syntax error, expected: BDAT size [LAST]"),
            ("BURL imap://x/INBOX;UID=1 LAST", "Burl { url: \"imap://x/INBOX;UID=1\", last: true }"),
            ("BURL", "! syntax error, expected: BURL url [LAST]"),
            ("ETRN @example.org", "Etrn(\"@example.org\")"),
            ("ETRN", "! syntax error, expected: ETRN node"),
            ("XCLIENT", "! syntax error, expected: XCLIENT NAME=value..."),
            ("XCLIENT NAME", "! syntax error, expected: XCLIENT NAME=value..."),
            ("XCLIENT ADDR=x", "! bad value of the parameter ADDR"),
            ("XCLIENT ADDR=192.0.2.1 addr=192.0.2.1", "! the parameter ADDR is given twice"),
            ("XCLIENT COLOUR=red", "! unknown parameter COLOUR"),
            (
                "XCLIENT ADDR=IPV6:2001:db8::1 PORT=25 NAME=[TEMPUNAVAIL] LOGIN=a+40b PROTO=esmtp",
                "XClient(XClient { name: Some(Unavailable), addr: Some(Is(2001:db8::1)), port: Some(Is(25)), \
                 esmtp: Some(Is(true)), helo: None, login: Some(Is(\"a@b\")), dest_addr: None, dest_port: None })",
            ),
            ("RCPT TO:<>", "! bad recipient address: the address does not follow RFC 5321"),
            ("DATA", "Data"),
            ("data  ", "Data"),
            ("DATA x", "! syntax error, expected: DATA alone"),
            ("RSET", "Rset"),
            ("NOOP whatever \u{7f}", "Noop"),
            ("NOOP1", "! unknown command"),
            ("VRFY ann SMTPUTF8", "Vrfy(\"ann\")"),
            ("VRFY", "! syntax error, expected: VRFY name"),
            ("EXPN list", "Expn(\"list\")"),
            ("HELP", "Help"),
            ("QUIT", "Quit"),
            ("STARTTLS", "StartTls"),
            ("AUTH PLAIN", "Auth { mechanism: \"PLAIN\", initial: None }"),
            ("AUTH PLAIN  ", "Auth { mechanism: \"PLAIN\", initial: None }"),
            ("AUTH PLAIN =", "Auth { mechanism: \"PLAIN\", initial: Some(InitialResponse(..)) }"),
            ("AUTH PLAIN a b", "! syntax error, expected: the end of the line"),
            ("AUTH", "! syntax error, expected: AUTH MECHANISM [initial-response]"),
            ("AUTH \u{1b}", "! syntax error, expected: AUTH MECHANISM [initial-response]"),
            ("", "! unknown command"),
            ("GET / HTTP/1.1", "! unknown command"),
            ("ABCDEFGHIJKLMNOP", "! unknown command"),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
        let huge = Command::parse(b"MAIL FROM:<a@b> SIZE=18446744073709551617");
        assert!(matches!(huge, Ok(Command::Mail(_, params)) if params.size == Some(u64::MAX)));
    }

    mailwright_core::properties! {
        #[test]
        fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn any_arguments_are_read_or_refused(
            verb in prop::sample::select(vec!["MAIL FROM:", "RCPT TO:", "AUTH ", "EHLO ", "MAIL FROM:<a@b> "]),
            rest in "[ -~]{0,40}",
        ) {
            let _ = Command::parse(format!("{verb}{rest}").as_bytes());
        }
    }
}
