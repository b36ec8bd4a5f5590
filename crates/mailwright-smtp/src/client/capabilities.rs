//! What a server offers (RFC 5321 §4.1.1.1).

use crate::params::{DateTime, Extension};

/// The extensions that a server offers, in the reply to the last EHLO or LHLO. A server that was told HELO offers
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// SIZE (RFC 1870): the octets that a message may have; `u64::MAX` if no limit was named.
    pub size: Option<u64>,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtp_utf8: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// BINARYMIME (RFC 3030 §3). Of use only with CHUNKING.
    pub binary_mime: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// STARTTLS (RFC 3207).
    pub start_tls: bool,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
    /// AUTH (RFC 4954): the mechanisms' names in upper case, in the server's order.
    pub auth: Vec<String>,
    /// LIMITS RCPTMAX (RFC 9422): recipients of a transaction.
    pub rcpt_max: Option<u32>,
    /// LIMITS MAILMAX (RFC 9422): transactions of a connection.
    pub mail_max: Option<u32>,
    /// LIMITS RCPTDOMAINMAX (RFC 9422): domains of the recipients of a transaction.
    pub rcpt_domain_max: Option<u32>,
    /// FUTURERELEASE (RFC 4865).
    pub future_release: Option<FutureRelease>,
    /// DELIVERBY (RFC 2852 §2): the seconds that a message which is returned when it is late must leave it at least;
    /// zero if it has not said.
    pub deliver_by: Option<u32>,
    /// MT-PRIORITY (RFC 6710).
    pub mt_priority: bool,
    /// RRVS (RFC 7293).
    pub rrvs: bool,
    /// NO-SOLICITING (RFC 3865 §2.1): the classes of solicitation that nobody there wants.
    pub no_soliciting: Option<Vec<String>>,
    /// BURL (RFC 4468 §3.2): `imap`, and the servers that it fetches from.
    pub burl: Option<Vec<String>>,
    /// ETRN (RFC 1985).
    pub etrn: bool,
}

/// How long a server holds messages (RFC 4865 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FutureRelease {
    /// Seconds, at most.
    pub seconds: u32,
    /// The last moment.
    pub until: DateTime,
}

impl Capabilities {
    /// Whether the server offers an extension, and what that needs: BINARYMIME is none without CHUNKING.
    pub fn offers(&self, extension: Extension) -> bool {
        match extension {
            Extension::EightBitMime => self.eight_bit_mime,
            Extension::BinaryMime => self.binary_mime && self.chunking,
            Extension::SmtpUtf8 => self.smtp_utf8,
            Extension::Dsn => self.dsn,
            Extension::RequireTls => self.require_tls,
            Extension::FutureRelease => self.future_release.is_some(),
            Extension::DeliverBy => self.deliver_by.is_some(),
            Extension::MtPriority => self.mt_priority,
            Extension::Rrvs => self.rrvs,
            Extension::NoSoliciting => self.no_soliciting.is_some(),
        }
    }

    /// From the text of the reply, whose first line is a greeting.
    pub(super) fn parse(text: &str) -> Self {
        let mut offered = Self::default();
        for line in text.lines().skip(1) {
            let mut words = line.split_ascii_whitespace();
            // `AUTH=PLAIN` is how old servers write it, for clients that are older still.
            let Some(keyword) = words.next() else { continue };
            let (keyword, first) = match keyword.split_once('=') {
                Some((keyword, first)) => (keyword, Some(first)),
                None => (keyword, None),
            };
            offered.add(&keyword.to_ascii_uppercase(), first.into_iter().chain(words));
        }
        offered
    }

    fn add<'a>(&mut self, keyword: &str, mut params: impl Iterator<Item = &'a str>) {
        match keyword {
            "SIZE" => {
                // RFC 1870 §4: zero stands for no limit.
                let size = params.next().and_then(|size| size.parse().ok()).filter(|&size| size > 0);
                self.size = Some(size.unwrap_or(u64::MAX));
            }
            "PIPELINING" => self.pipelining = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtp_utf8 = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "DSN" => self.dsn = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "STARTTLS" => self.start_tls = true,
            "REQUIRETLS" => self.require_tls = true,
            "AUTH" => params.filter(|name| is_mechanism(name)).for_each(|name| self.add_mechanism(name)),
            "LIMITS" => params.for_each(|limit| self.add_limit(limit)),
            "FUTURERELEASE" => self.future_release = future_release(params),
            "DELIVERBY" => {
                // RFC 2852 §2: options after commas may follow.
                let min = params.next().and_then(|options| options.split(',').next());
                self.deliver_by = Some(min.and_then(|min| min.parse().ok()).unwrap_or_default());
            }
            "MT-PRIORITY" => self.mt_priority = true,
            "RRVS" => self.rrvs = true,
            "NO-SOLICITING" => {
                let classes = params.flat_map(|classes| classes.split(',')).filter(|class| !class.is_empty());
                self.no_soliciting = Some(classes.map(str::to_owned).collect());
            }
            "BURL" => self.burl = Some(params.map(str::to_owned).collect()),
            "ETRN" => self.etrn = true,
            _ => {}
        }
    }

    fn add_mechanism(&mut self, name: &str) {
        let name = name.to_ascii_uppercase();
        if !self.auth.contains(&name) {
            self.auth.push(name);
        }
    }

    fn add_limit(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else { return };
        let slot = match &name.to_ascii_uppercase()[..] {
            "RCPTMAX" => &mut self.rcpt_max,
            "MAILMAX" => &mut self.mail_max,
            "RCPTDOMAINMAX" => &mut self.rcpt_domain_max,
            _ => return,
        };
        *slot = value.parse().ok().filter(|&number| number > 0);
    }
}

/// `"FUTURERELEASE" SP max-future-release-interval SP max-future-release-date-time` (RFC 4865 §2)
fn future_release<'a>(mut params: impl Iterator<Item = &'a str>) -> Option<FutureRelease> {
    let seconds = params.next()?.parse().ok()?;
    Some(FutureRelease { seconds, until: DateTime::new(params.next()?)? })
}

/// `sasl-mech = 1*20mech-char` (RFC 4422 §3.1)
fn is_mechanism(name: &str) -> bool {
    let is_mech_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=20).contains(&name.len()) && name.bytes().all(is_mech_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_found_in_any_case() {
        let offered = Capabilities::parse(
            "mx.example.org SIZE 1\nsize 1000\nPIPELINING\n8bitmime\nSmtpUtf8\nCHUNKING\nBINARYMIME\nDSN\n\
             ENHANCEDSTATUSCODES\nSTARTTLS\nREQUIRETLS\nAUTH plain LOGIN PLAIN x\u{e4} \nAUTH=CRAM-MD5\n\
             LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1 OTHER=3\n\nX-UNKNOWN a=b\n\
             FUTURERELEASE 86400 2026-12-24T18:00:00Z\nDeliverBy 240,x\nMT-PRIORITY MIXER\nRRVS\n\
             NO-SOLICITING net.example:ADV,org.example:ADV:ADLT\nBURL imap imap://imap.example.org\nETRN",
        );
        let expected = Capabilities {
            size: Some(1000),
            pipelining: true,
            eight_bit_mime: true,
            smtp_utf8: true,
            chunking: true,
            binary_mime: true,
            dsn: true,
            enhanced_status_codes: true,
            start_tls: true,
            require_tls: true,
            auth: ["PLAIN", "LOGIN", "CRAM-MD5"].map(str::to_owned).to_vec(),
            rcpt_max: Some(20),
            mail_max: Some(5),
            rcpt_domain_max: Some(1),
            future_release: Some(FutureRelease {
                seconds: 86_400,
                until: DateTime::new("2026-12-24T18:00:00Z").unwrap(),
            }),
            deliver_by: Some(240),
            mt_priority: true,
            rrvs: true,
            no_soliciting: Some(["net.example:ADV", "org.example:ADV:ADLT"].map(str::to_owned).to_vec()),
            burl: Some(["imap", "imap://imap.example.org"].map(str::to_owned).to_vec()),
            etrn: true,
        };
        assert_eq!(offered, expected);
    }

    #[test]
    fn what_makes_no_sense_is_no_limit() {
        for (line, size) in [
            ("x\nSIZE", Some(u64::MAX)),
            ("x\nSIZE 0", Some(u64::MAX)),
            ("x\nSIZE many", Some(u64::MAX)),
            ("x\nSIZED 5", None),
            ("SIZE 5", None),
        ] {
            assert_eq!(Capabilities::parse(line).size, size, "{line}");
        }
        assert_eq!(
            Capabilities::parse("x\nLIMITS RCPTMAX=0 MAILMAX RCPTDOMAINMAX=-1"),
            Capabilities::default()
        );
        for line in
            ["FUTURERELEASE", "FUTURERELEASE 5", "FUTURERELEASE x 2026-12-24T18:00:00Z", "FUTURERELEASE 5 x"]
        {
            assert_eq!(Capabilities::parse(&format!("x\n{line}")), Capabilities::default(), "{line}");
        }
        for line in ["DELIVERBY", "DELIVERBY ,x", "DELIVERBY soon", "DELIVERBY -5"] {
            assert_eq!(Capabilities::parse(&format!("x\n{line}")).deliver_by, Some(0), "{line}");
        }
    }
}
