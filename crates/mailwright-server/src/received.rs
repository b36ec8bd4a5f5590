//! The trace that a server leaves in a message (RFC 5321 §4.4).

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use mailwright_core::{ReversePath, Timestamp};
use mailwright_tokio::smtp::{Ctx, Envelope};
use memchr::memchr;

/// Return-Path and Received, for the front of the message (RFC 5321 §4.4). Nothing in it comes from the client
/// but its name, which has only printable ASCII, and addresses, whose syntax was checked.
pub(crate) fn trace_fields(hostname: &str, cx: &Ctx, envelope: &Envelope, now: Timestamp) -> String {
    let mut fields = String::with_capacity(400);
    let client = cx.hello().map_or("unknown", |hello| hello.name.as_str());
    // Writing to a `String` cannot fail.
    let _ = write!(
        fields,
        "Return-Path: {}\r\nReceived: from {} ({})\r\n\tby {hostname} (mailwright) with {} id {}",
        return_path(&envelope.from),
        comment_safe(client),
        address_literal(cx),
        protocol(cx.hello().is_some_and(|hello| hello.esmtp), cx.tls().is_some(), cx.user().is_some()),
        cx.trace_id(),
    );
    if let Some(tls) = cx.tls() {
        let _ = write!(fields, "\r\n\t(using {} with cipher {})", tls.version, tls.cipher);
    }
    // One recipient may be named; to name several would tell each of the others (RFC 5321 §7.2).
    if let [only] = &envelope.to[..] {
        let _ = write!(fields, "\r\n\tfor <{only}>");
    }
    let _ = write!(fields, "; {}\r\n", date(now));
    fields
}

fn return_path(from: &ReversePath) -> String {
    from.to_string()
}

/// The name without what would end a comment or begin a header field's next part.
fn comment_safe(name: &str) -> String {
    name.chars()
        .map(|c| if matches!(c, '(' | ')' | '<' | '>' | ';' | '"' | '\\' | ',') { '?' } else { c })
        .collect()
}

fn address_literal(cx: &Ctx) -> String {
    match cx.peer().ip().to_canonical() {
        std::net::IpAddr::V4(address) => format!("[{address}]"),
        std::net::IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// The transmission type (RFC 3848 §1).
fn protocol(esmtp: bool, tls: bool, authenticated: bool) -> &'static str {
    match (esmtp, tls, authenticated) {
        (false, ..) => "SMTP",
        (true, false, false) => "ESMTP",
        (true, true, false) => "ESMTPS",
        (true, false, true) => "ESMTPA",
        (true, true, true) => "ESMTPSA",
    }
}

/// `date-time` of RFC 5322 §3.3, in UTC.
pub(crate) fn date(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Counts the Received fields of a message as it passes: too many mean a loop (RFC 5321 §6.3).
#[derive(Debug)]
pub(crate) struct Hops {
    count: usize,
    /// How much of the current line is `Received:` so far; `None` when it is something else.
    matched: Option<usize>,
    at_line_start: bool,
    in_header: bool,
}

impl Hops {
    /// RFC 5321 §6.3 asks for 100 at least.
    pub(crate) const MAX: usize = 100;

    pub(crate) fn new() -> Self {
        Self { count: 0, matched: Some(0), at_line_start: true, in_header: true }
    }

    /// Whether there are too many by now.
    pub(crate) fn pass(&mut self, mut chunk: &[u8]) -> bool {
        const NAME: &[u8] = b"received:";
        while self.in_header
            && let Some((&byte, rest)) = chunk.split_first()
        {
            if self.at_line_start && byte == b'\r' {
                self.in_header = false;
                break;
            }
            self.at_line_start = false;
            match self.matched {
                Some(at) if NAME.get(at) == Some(&byte.to_ascii_lowercase()) => {
                    self.matched = Some(at + 1);
                    if at + 1 == NAME.len() {
                        self.count += 1;
                        self.matched = None;
                    }
                    chunk = rest;
                }
                _ => {
                    self.matched = None;
                    let Some(end) = memchr(b'\n', chunk) else { break };
                    self.matched = Some(0);
                    self.at_line_start = true;
                    chunk = chunk.get(end + 1..).unwrap_or_default();
                }
            }
        }
        self.count > Self::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_rfc_5322() {
        assert_eq!(date(Timestamp(1_763_821_801_500)), "Sat, 22 Nov 2025 14:30:01 +0000");
        assert_eq!(date(Timestamp(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
    }

    /// RFC 3848 §1
    #[test]
    fn the_transmission_type_says_what_was_used() {
        assert_eq!(protocol(false, true, true), "SMTP");
        assert_eq!([protocol(true, false, false), protocol(true, true, false)], ["ESMTP", "ESMTPS"]);
        assert_eq!([protocol(true, false, true), protocol(true, true, true)], ["ESMTPA", "ESMTPSA"]);
    }

    #[test]
    fn received_fields_are_counted_however_they_arrive() {
        let header = "Received: a\r\n\tfolded\r\nRECEIVED: b\r\nX-Received: c\r\nReceive: d\r\nreceived:\r\n\r\nReceived: body\r\n";
        for step in 1..header.len() {
            let mut hops = Hops::new();
            for chunk in header.as_bytes().chunks(step) {
                hops.pass(chunk);
            }
            assert_eq!(hops.count, 3, "in pieces of {step}");
        }
    }

    #[test]
    fn a_hundred_hops_are_no_loop_yet() {
        let mut hops = Hops::new();
        assert!(!hops.pass("Received: x\r\n".repeat(100).as_bytes()));
        assert!(hops.pass(b"Received: x\r\n"));
    }
}
