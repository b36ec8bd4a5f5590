//! The report as a message.

use std::fmt::Write as _;
use std::ops::Range;

use bytes::Bytes;
use mailwright_core::{EnhancedCode, ReplyCode, Timestamp};

use super::field::{clean, put};
use super::model::{
    Action, DeliveryReport, Diagnostic, OriginalRecipient, ReportRecipient, Returned, ReturnedPart,
};
use crate::syntax::date_time::date_time;

/// A report, but for the octets that it returns: `head`, then the `original` ones of the message, then `tail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenReport {
    /// All before the returned octets.
    pub head: Bytes,
    /// Which octets of the message are returned.
    pub original: Option<Range<u64>>,
    /// All behind them.
    pub tail: Bytes,
    /// Whether it needs 8BITMIME (RFC 6152 §3).
    pub eight_bit: bool,
    /// Whether it needs SMTPUTF8 (RFC 6533 §4.5).
    pub utf8: bool,
}

impl WrittenReport {
    /// Octets of the whole.
    pub fn size(&self) -> u64 {
        let returned = self.original.as_ref().map_or(0, |range| range.end.saturating_sub(range.start));
        let own = self.head.len().saturating_add(self.tail.len());
        returned.saturating_add(u64::try_from(own).unwrap_or(u64::MAX))
    }
}

impl DeliveryReport {
    /// Writes it. `nonce` are 16 random octets: the Message-ID is made of them, and the boundary, which what is
    /// returned then cannot contain. The same arguments give the same octets.
    pub fn write(&self, now: Timestamp, nonce: [u8; 16]) -> WrittenReport {
        let nonce = u128::from_be_bytes(nonce);
        let boundary = format!("={nonce:032x}=");
        let eight_bit = self.utf8 || self.returned.as_ref().is_some_and(|returned| returned.eight_bit);
        let mut head = String::with_capacity(4096);
        self.put_header(&mut head, now, nonce, &boundary, eight_bit);
        // RFC 6522 §3: three parts in this order, of which the last may be missing.
        self.put_notice(&mut head, &boundary);
        self.put_status(&mut head, &boundary);
        if let Some(returned) = &self.returned {
            self.put_returned(&mut head, returned, &boundary);
        }
        let tail = format!("\r\n--{boundary}--\r\n");
        WrittenReport {
            head: head.into(),
            original: self.returned.as_ref().map(|returned| returned.range.clone()),
            tail: tail.into(),
            eight_bit,
            utf8: self.utf8,
        }
    }

    fn put_header(&self, out: &mut String, now: Timestamp, nonce: u128, boundary: &str, eight_bit: bool) {
        put(out, "From", &self.clean(&format!("Mail Delivery Subsystem <{}>", self.from)));
        put(out, "To", &self.clean(&format!("<{}>", self.to)));
        put(out, "Subject", &self.clean(&self.subject()));
        put(out, "Date", &date_time(now));
        put(out, "Message-ID", &format!("<{nonce:032x}@{}>", self.reporting_mta));
        // RFC 3834 §5
        put(out, "Auto-Submitted", "auto-replied");
        put(out, "MIME-Version", "1.0");
        put(
            out,
            "Content-Type",
            &format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\""),
        );
        if eight_bit {
            put(out, "Content-Transfer-Encoding", "8bit");
        }
    }

    fn put_notice(&self, out: &mut String, boundary: &str) {
        let charset = if self.utf8 { "utf-8" } else { "us-ascii" };
        begin_part(out, boundary, &format!("text/plain; charset={charset}"), "What happened", self.utf8);
        out.push_str(&self.notice());
    }

    /// RFC 3464 §2.1, RFC 6533 §4.1
    fn put_status(&self, out: &mut String, boundary: &str) {
        let media = if self.utf8 { "message/global-delivery-status" } else { "message/delivery-status" };
        begin_part(out, boundary, media, "The same for programs", self.utf8);
        if let Some(id) = &self.envelope_id {
            put(out, "Original-Envelope-Id", &self.clean(id));
        }
        put(out, "Reporting-MTA", &format!("dns; {}", self.reporting_mta));
        if let Some(arrived) = self.arrived {
            put(out, "Arrival-Date", &date_time(arrived));
        }
        if let Some(held) = &self.future_release {
            put(out, "Future-Release-Request", &self.clean(held));
        }
        if let Some(trace) = self.trace {
            put(out, "X-Mailwright-Trace", &trace.to_string());
        }
        for recipient in self.recipients() {
            out.push_str("\r\n");
            self.put_recipient(out, recipient);
        }
    }

    /// RFC 3464 §2.3
    fn put_recipient(&self, out: &mut String, recipient: &ReportRecipient) {
        if let Some(OriginalRecipient { address_type, address }) = &recipient.original {
            put(out, "Original-Recipient", &self.clean(&format!("{address_type}; {address}")));
        }
        let address = recipient.address.to_string();
        // RFC 6533 §4.1: the type is about the address, not about the message.
        let address_type = if address.is_ascii() { "rfc822" } else { "utf-8" };
        put(out, "Final-Recipient", &self.clean(&format!("{address_type}; {address}")));
        put(out, "Action", recipient.action.as_str());
        put(out, "Status", &recipient.status.to_string());
        if let Some(remote) = &recipient.remote_mta {
            put(out, "Remote-MTA", &self.clean(&format!("dns; {remote}")));
        }
        match &recipient.diagnostic {
            Some(Diagnostic::Smtp { code, enhanced, text }) => {
                put(out, "Diagnostic-Code", &self.clean(&transcript(*code, *enhanced, text)));
            }
            Some(Diagnostic::Local(text)) => {
                put(out, "Diagnostic-Code", &self.clean(&format!("x-mailwright; {text}")));
            }
            None => {}
        }
        if let Some(at) = recipient.last_attempt {
            put(out, "Last-Attempt-Date", &date_time(at));
        }
        if let Action::Delayed { until } = recipient.action {
            put(out, "Will-Retry-Until", &date_time(until));
        }
    }

    /// RFC 6522 §3, §4; RFC 6533 §4.2, §4.3
    fn put_returned(&self, out: &mut String, returned: &Returned, boundary: &str) {
        let (media, what) = match (returned.part, self.utf8) {
            (ReturnedPart::Full, false) => ("message/rfc822", "Your message"),
            (ReturnedPart::Full, true) => ("message/global", "Your message"),
            (ReturnedPart::Header, false) => ("text/rfc822-headers", "The header of your message"),
            (ReturnedPart::Header, true) => ("message/global-headers", "The header of your message"),
        };
        begin_part(out, boundary, media, what, self.utf8 || returned.eight_bit);
    }

    fn clean(&self, text: &str) -> String {
        clean(text, self.utf8)
    }
}

fn begin_part(out: &mut String, boundary: &str, media: &str, description: &str, eight_bit: bool) {
    // Writing to a `String` cannot fail.
    let _ = write!(out, "\r\n--{boundary}\r\n");
    put(out, "Content-Type", media);
    put(out, "Content-Description", description);
    if eight_bit {
        put(out, "Content-Transfer-Encoding", "8bit");
    }
    out.push_str("\r\n");
}

/// The reply, its lines one after the other (RFC 3461 §9.2).
fn transcript(code: ReplyCode, enhanced: Option<EnhancedCode>, text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut written = String::from("smtp;");
    loop {
        let line = lines.next().unwrap_or_default();
        let more = if lines.peek().is_some() { '-' } else { ' ' };
        // Writing to a `String` cannot fail.
        let _ = write!(written, " {code}{more}");
        if let Some(enhanced) = enhanced {
            let _ = write!(written, "{enhanced} ");
        }
        written.push_str(line);
        if more == ' ' {
            return written;
        }
    }
}
