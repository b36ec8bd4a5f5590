//! The trace that a server leaves in a message (RFC 5321 §4.4).

use std::fmt::Write as _;

use mailwright_core::{Domain, ReversePath, Timestamp};
use mailwright_message::date_time;
use mailwright_smtp::Protocol;
use mailwright_tokio::smtp::{Ctx, Envelope};

/// Return-Path and Received, for the front of the message (RFC 5321 §4.4). Nothing in it comes from the client
/// but its name, which has only printable ASCII, and addresses, whose syntax was checked.
pub(crate) fn trace_fields(
    hostname: &Domain,
    cx: &Ctx,
    envelope: &Envelope,
    protocol: Protocol,
    now: Timestamp,
) -> String {
    let with = Transmission {
        protocol,
        esmtp: cx.hello().is_some_and(|hello| hello.esmtp),
        utf8: envelope.params.smtp_utf8,
        tls: cx.tls().is_some(),
        authenticated: cx.user().is_some(),
    };
    let mut fields = String::with_capacity(400);
    let client = cx.hello().map_or("unknown", |hello| hello.name.as_str());
    // Writing to a `String` cannot fail.
    let _ = write!(
        fields,
        "Return-Path: {}\r\nReceived: from {} ({})\r\n\tby {hostname} (mailwright) with {} id {}",
        return_path(&envelope.from),
        comment_safe(client),
        address_literal(cx),
        with.name(),
        cx.trace_id(),
    );
    // One recipient may be named; to name several would tell each of the others (RFC 5321 §7.2).
    if let [only] = &envelope.to[..] {
        let _ = write!(fields, "\r\n\tfor <{only}>");
    }
    // RFC 8314 §4.3
    if let Some(tls) = cx.tls() {
        let _ = write!(fields, "\r\n\ttls {} ({})", tls.cipher, tls.version);
    }
    // RFC 6710 §7
    if let Some(priority) = envelope.params.priority {
        let _ = write!(fields, "\r\n\tpriority {priority}");
    }
    let _ = write!(fields, "; {}\r\n", date_time(now));
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

/// How a message came.
struct Transmission {
    protocol: Protocol,
    esmtp: bool,
    utf8: bool,
    tls: bool,
    authenticated: bool,
}

impl Transmission {
    /// The transmission type (RFC 3848 §1, RFC 6531 §4.3).
    fn name(&self) -> String {
        let name = match (self.protocol, self.utf8) {
            (Protocol::Smtp, _) if !self.esmtp => return "SMTP".to_owned(),
            (Protocol::Smtp, false) => "ESMTP",
            (Protocol::Smtp, true) => "UTF8SMTP",
            (Protocol::Lmtp, false) => "LMTP",
            (Protocol::Lmtp, true) => "UTF8LMTP",
        };
        let (tls, login) = (if self.tls { "S" } else { "" }, if self.authenticated { "A" } else { "" });
        format!("{name}{tls}{login}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3848 §1, RFC 6531 §4.3
    #[test]
    fn the_transmission_type_says_what_was_used() {
        let name = |protocol, words: &str| {
            let has = |word| words.contains(word);
            let (esmtp, utf8, tls, authenticated) = (has("EHLO"), has("UTF8"), has("TLS"), has("AUTH"));
            Transmission { protocol, esmtp, utf8, tls, authenticated }.name()
        };
        let smtp = ["TLS AUTH", "EHLO", "EHLO TLS", "EHLO AUTH", "EHLO TLS AUTH", "EHLO UTF8 TLS AUTH"];
        assert_eq!(
            smtp.map(|words| name(Protocol::Smtp, words)),
            ["SMTP", "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "UTF8SMTPSA"]
        );
        assert_eq!(
            ["EHLO", "EHLO TLS", "EHLO UTF8"].map(|words| name(Protocol::Lmtp, words)),
            ["LMTP", "LMTPS", "UTF8LMTP"]
        );
    }
}
