//! What a server offers (RFC 5321 §4.1.1.1).

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
    /// BINARYMIME (RFC 3030). The client has no use for it: it sends text with lines only.
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
}

impl Capabilities {
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
             LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1 OTHER=3\n\nX-UNKNOWN a=b",
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
    }
}
