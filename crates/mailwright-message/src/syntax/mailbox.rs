//! Mailboxes to the letter (RFC 5322 §3.4): a field that says from whom a message is may not be understood in two ways.

use std::str;

use mailwright_core::Address;

/// What is left of a field's text, which is unfolded.
struct Strict<'a> {
    rest: &'a [u8],
}

/// The addresses of
///
/// ```abnf
/// mailbox-list = (mailbox *("," mailbox))
/// ```
/// without what is obsolete (§4.4): no routes, no empty elements, no white space within addresses. Nor are there groups.
/// `None` if it is anything else, or has more than `most`.
pub(crate) fn mailboxes(text: &[u8], most: usize) -> Option<Vec<Address>> {
    let (mut strict, mut all) = (Strict { rest: text }, Vec::new());
    loop {
        if all.len() == most {
            return None;
        }
        all.push(strict.mailbox()?);
        match strict.next() {
            None => return Some(all),
            Some(b',') => {}
            Some(_) => return None,
        }
    }
}

impl<'a> Strict<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take_while(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|octet| !is_wanted(*octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// What was taken since `before` was left.
    fn since(&self, before: &'a [u8]) -> &'a [u8] {
        before.get(..before.len() - self.rest.len()).unwrap_or_default()
    }

    /// ```abnf
    /// mailbox      = name-addr / addr-spec
    /// name-addr    = [display-name] angle-addr
    /// angle-addr   = [CFWS] "<" addr-spec ">" [CFWS]
    /// display-name = phrase
    /// ```
    fn mailbox(&mut self) -> Option<Address> {
        let begin = self.rest;
        let mut words = 0;
        loop {
            self.cfws()?;
            match self.peek()? {
                b'<' => {
                    self.next();
                    let address = self.addr_spec()?;
                    (self.next()? == b'>').then_some(())?;
                    self.cfws()?;
                    return Some(address);
                }
                // What was a word is a local part.
                b'@' if words == 1 => {
                    self.rest = begin;
                    return self.addr_spec();
                }
                _ => {
                    self.word()?;
                    words += 1;
                }
            }
        }
    }

    /// ```abnf
    /// addr-spec  = local-part "@" domain
    /// local-part = dot-atom / quoted-string
    /// domain     = dot-atom / domain-literal
    /// ```
    fn addr_spec(&mut self) -> Option<Address> {
        self.cfws()?;
        let local = self.word()?;
        self.cfws()?;
        (self.next()? == b'@').then_some(())?;
        self.cfws()?;
        let domain = if self.peek()? == b'[' { self.literal()? } else { self.atom()? };
        self.cfws()?;
        // How dots, quotes and lengths may be, the address knows.
        str::from_utf8(&[local, b"@", domain].concat()).ok()?.parse().ok()
    }

    /// With its quotes, if it has any. A dot counts as part of a word, since names have them (§4.1).
    fn word(&mut self) -> Option<&'a [u8]> {
        if self.peek()? == b'"' { self.quoted() } else { self.atom() }
    }

    fn atom(&mut self) -> Option<&'a [u8]> {
        Some(self.take_while(|octet| is_atext(octet) || octet == b'.')).filter(|atom| !atom.is_empty())
    }

    /// ```abnf
    /// quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS]
    /// ```
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let begin = self.rest;
        self.next();
        loop {
            match self.next()? {
                b'"' => return Some(self.since(begin)),
                b'\\' => drop(self.next()?),
                _ => {}
            }
        }
    }

    fn literal(&mut self) -> Option<&'a [u8]> {
        let begin = self.rest;
        while self.next()? != b']' {}
        Some(self.since(begin))
    }

    /// ```abnf
    /// CFWS    = (1*([FWS] comment) [FWS]) / FWS
    /// comment = "(" *([FWS] ccontent) [FWS] ")"
    /// ```
    /// `None` if a comment has no end.
    fn cfws(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => {}
                Some(b'(') => depth += 1,
                Some(b')') if depth > 0 => depth -= 1,
                _ if depth == 0 => return Some(()),
                Some(b'\\') => drop(self.next()),
                Some(_) => {}
                None => return None,
            }
            self.next()?;
        }
    }
}

/// ```abnf
/// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" / "=" / "?" / "^" / "_" / "`" /
///         "{" / "|" / "}" / "~"
/// atext =/ UTF8-non-ascii    ; RFC 6532 §3.2
/// ```
fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet) || !octet.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let all = mailboxes(text.as_bytes(), 3)?;
        Some(all.iter().map(Address::to_string).collect::<Vec<_>>().join(" + "))
    }

    #[test]
    fn what_has_one_meaning_is_read() {
        for (text, addresses) in [
            ("ann@a.example", "ann@a.example"),
            (" <ann@a.example> ", "ann@a.example"),
            ("Ann <Ann@A.example>", "Ann@a.example"),
            ("John Q. Public <j@x.example>", "j@x.example"),
            ("\"Public, \\\"John\\\" Q.\" <j@x.example>", "j@x.example"),
            ("=?utf-8?q?Th=C3=A9?= <t@x.example>", "t@x.example"),
            ("Thé <t@x.example>", "t@x.example"),
            ("ann@a.example (Ann \\) (Archer))", "ann@a.example"),
            ("Pete(A \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test"),
            ("\"a b\"@[192.0.2.1]", "\"a b\"@[192.0.2.1]"),
            (
                "ann+news@a.example,Bob <b@b.example> , c@c.example",
                "ann+news@a.example + b@b.example + c@c.example",
            ),
            ("\"boss@bank.example\" <ann@a.example>", "ann@a.example"),
        ] {
            assert_eq!(read(text).as_deref(), Some(addresses), "{text}");
        }
    }

    /// What one program takes for this address, and another for that.
    #[test]
    fn what_has_two_meanings_is_not() {
        for text in [
            "",
            " ",
            "ann",
            "Ann",
            "@a.example",
            "ann@",
            "ann@a.example bob@b.example",
            "ann@a.example <bob@b.example>",
            "boss@bank.example, <ann@a.example",
            "<ann@a.example> <bob@b.example>",
            "<ann@a.example>, bob",
            "<ann@a.example> bob",
            "Ann <>",
            "ann@a.example,",
            ",ann@a.example",
            "ann@a.example;",
            "<@b.example:ann@a.example>",
            "A group: ann@a.example;",
            "ann@b.example@a.example",
            "ann . archer@a.example",
            "ann archer@a.example",
            "ann@a . example",
            "ann@a.example (Ann",
            "\"Ann <ann@a.example>",
            "Ann) <ann@a.example>",
            "ann@[192.0.2.1",
            "ann..archer@a.example",
            "O'Neil, John <j@x.example>",
            "a@a.example, b@b.example, c@c.example, d@d.example",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(mailboxes(b"\xff@a.example", 1), None);
        assert_eq!(mailboxes(b"Ann\0 <ann@a.example>", 1), None);
    }
}
