//! Address lists (RFC 5322 §3.4, §4.4).

use super::lexer::{Lexer, unquote};

/// An address, or the begin or the end of a group, as in
/// [`EnvelopeAddress`](mailwright_core::EnvelopeAddress).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed<'a> {
    pub(crate) name: Option<&'a [u8]>,
    pub(crate) route: Option<&'a [u8]>,
    pub(crate) mailbox: Option<&'a [u8]>,
    pub(crate) host: Option<&'a [u8]>,
}

/// Tells of `most` entries of a list, and of no more; a group that was begun is ended within that. Whether it was
/// all of them.
pub(crate) fn parse_list(text: &[u8], most: usize, emit: impl FnMut(Parsed<'_>)) -> bool {
    let mut list = List { emit, left: most, in_group: false, complete: true };
    let (mut lexer, mut entry) = (Lexer::new(text), Entry::default());
    while let Some(end) = entry.read(&mut lexer, list.in_group) {
        match end {
            End::Group => list.begin_group(&entry),
            End::Comma => list.address(&entry),
            End::Semicolon => {
                list.address(&entry);
                list.end_group();
            }
        }
        if !list.complete {
            break;
        }
        entry.clear();
    }
    if list.complete {
        list.address(&entry);
    }
    list.end_group();
    list.complete
}

struct List<F> {
    emit: F,
    left: usize,
    in_group: bool,
    complete: bool,
}

impl<F: FnMut(Parsed<'_>)> List<F> {
    fn address(&mut self, entry: &Entry) {
        let Some(parsed) = entry.address() else { return };
        if self.reserve(1 + usize::from(self.in_group)) {
            self.left -= 1;
            (self.emit)(parsed);
        }
    }

    fn begin_group(&mut self, entry: &Entry) {
        if self.reserve(2) {
            self.left -= 1;
            self.in_group = true;
            (self.emit)(Parsed { mailbox: Some(&entry.phrase), ..Parsed::default() });
        }
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            // `reserve` has kept one for it.
            self.left = self.left.saturating_sub(1);
            (self.emit)(Parsed::default());
        }
    }

    fn reserve(&mut self, entries: usize) -> bool {
        self.complete &= self.left >= entries;
        self.complete
    }
}

/// What ends an entry.
enum End {
    Comma,
    Semicolon,
    Group,
}

/// What is known of the entry that is being read.
#[derive(Default)]
struct Entry {
    /// The words so far with a space where one was: a name, or that of a group.
    phrase: Vec<u8>,
    /// The words so far without any.
    words: Vec<u8>,
    /// The last comment, which is a name if there is no other (RFC 5322 §3.4).
    comment: Vec<u8>,
    route: Vec<u8>,
    mailbox: Vec<u8>,
    host: Vec<u8>,
    kind: Kind,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Kind {
    /// Words alone so far.
    #[default]
    Words,
    /// `local@domain`
    Spec,
    /// `<local@domain>`
    Angle,
}

impl Entry {
    fn clear(&mut self) {
        for part in [
            &mut self.phrase,
            &mut self.words,
            &mut self.comment,
            &mut self.route,
            &mut self.mailbox,
            &mut self.host,
        ] {
            part.clear();
        }
        self.kind = Kind::Words;
    }

    fn address(&self) -> Option<Parsed<'_>> {
        fn some(text: &[u8]) -> Option<&[u8]> {
            (!text.is_empty()).then_some(text)
        }
        let comment = some(&self.comment);
        let route = some(&self.route);
        match self.kind {
            // A host that is not there is an empty one: without host it would be a group.
            Kind::Words if self.phrase.is_empty() => None,
            Kind::Words => {
                Some(Parsed { name: comment, route, mailbox: Some(&self.phrase), host: Some(&[]) })
            }
            Kind::Spec => {
                Some(Parsed { name: comment, route, mailbox: Some(&self.mailbox), host: Some(&self.host) })
            }
            Kind::Angle => Some(Parsed {
                name: some(&self.phrase).or(comment),
                route,
                mailbox: Some(&self.mailbox),
                host: Some(&self.host),
            }),
        }
    }

    /// Reads up to the end of an entry and tells which; at the end of the text, nothing.
    fn read(&mut self, lexer: &mut Lexer<'_>, in_group: bool) -> Option<End> {
        loop {
            let between = lexer.skip_between();
            if let Some(comment) = between.comment {
                self.comment.clear();
                unquote(comment, &mut self.comment);
            }
            let spaced = between.any && !self.phrase.is_empty();
            match lexer.peek()? {
                b',' => {
                    lexer.skip(1);
                    return Some(End::Comma);
                }
                b';' => {
                    lexer.skip(1);
                    // Outside a group it is how some write a comma.
                    return Some(if in_group { End::Semicolon } else { End::Comma });
                }
                b':' if !in_group && self.kind == Kind::Words => {
                    lexer.skip(1);
                    return Some(End::Group);
                }
                b'<' => {
                    lexer.skip(1);
                    self.angle(lexer);
                }
                b'@' if self.kind == Kind::Words => {
                    lexer.skip(1);
                    self.kind = Kind::Spec;
                    std::mem::swap(&mut self.mailbox, &mut self.words);
                    domain(lexer, &mut self.mailbox, &mut self.host);
                }
                b'"' if self.kind == Kind::Words => {
                    let start = self.word(spaced);
                    lexer.quoted(&mut self.phrase);
                    self.words.extend_from_slice(self.phrase.get(start..).unwrap_or_default());
                }
                _ => {
                    let word = lexer.take_while(is_word);
                    // A special where none may be.
                    lexer.skip(usize::from(word.is_empty()));
                    if self.kind == Kind::Words && !word.is_empty() {
                        self.word(spaced);
                        self.phrase.extend_from_slice(word);
                        self.words.extend_from_slice(word);
                    }
                }
            }
        }
    }

    /// Makes ready for one more word, and tells where it starts.
    fn word(&mut self, spaced: bool) -> usize {
        if spaced {
            self.phrase.push(b' ');
        }
        self.phrase.len()
    }

    /// ```abnf
    /// angle-addr     = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr
    /// obs-angle-addr = [CFWS] "<" obs-route addr-spec ">" [CFWS]
    /// obs-route      = obs-domain-list ":"
    /// ```
    /// The bracket is already taken.
    fn angle(&mut self, lexer: &mut Lexer<'_>) {
        if self.kind == Kind::Angle {
            // A second one in the same entry says nothing.
            lexer.take_while(|octet| !matches!(octet, b'>' | b','));
            lexer.take(b'>');
            return;
        }
        if self.kind == Kind::Spec {
            // `a@b <a@b>`: what was read is the name, and should have been quoted.
            self.phrase.clone_from(&self.mailbox);
            self.phrase.push(b'@');
            self.phrase.append(&mut self.host);
            self.mailbox.clear();
        }
        self.kind = Kind::Angle;
        loop {
            lexer.skip_between();
            match lexer.peek() {
                None | Some(b',' | b';') => return,
                Some(b'>') => return lexer.skip(1),
                Some(b'@') => {
                    lexer.skip(1);
                    domain(lexer, &mut self.mailbox, &mut self.host);
                    if self.mailbox.is_empty() && matches!(lexer.peek(), Some(b':' | b',')) {
                        self.hop(lexer);
                    }
                }
                Some(b'"') => lexer.quoted(&mut self.mailbox),
                Some(_) => {
                    let word = lexer.take_while(is_word);
                    lexer.skip(usize::from(word.is_empty()));
                    // What stands behind the domain is no part of the address.
                    if self.host.is_empty() {
                        self.mailbox.extend_from_slice(word);
                    }
                }
            }
        }
    }

    /// The domain that was read is one of a source route.
    fn hop(&mut self, lexer: &mut Lexer<'_>) {
        if !self.route.is_empty() {
            self.route.push(b',');
        }
        self.route.push(b'@');
        self.route.append(&mut self.host);
        while lexer.take(b',') || lexer.take(b':') {
            lexer.skip_between();
        }
    }
}

/// ```abnf
/// domain = dot-atom / domain-literal / obs-domain
/// ```
/// After another `@` all before it was the local part.
fn domain(lexer: &mut Lexer<'_>, local: &mut Vec<u8>, host: &mut Vec<u8>) {
    loop {
        let start = *lexer;
        lexer.skip_between();
        match lexer.peek() {
            Some(b'[') if host.is_empty() => host.extend_from_slice(lexer.domain_literal()),
            Some(b'@') if !host.is_empty() => {
                lexer.skip(1);
                local.push(b'@');
                local.append(host);
            }
            Some(octet) if is_word(octet) && (host.is_empty() || octet == b'.' || host.ends_with(b".")) => {
                host.extend_from_slice(lexer.take_while(is_word));
            }
            _ => {
                // A comment behind it may be the name.
                *lexer = start;
                return;
            }
        }
    }
}

/// Of an atom, a dot, or any octet that means nothing here.
fn is_word(octet: u8) -> bool {
    !matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b'<' | b'>' | b'[' | b']')
        && !matches!(octet, b',' | b';' | b':' | b'@' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list as one text: name|route|mailbox|host, and `-` for what is not there.
    fn parse(text: &str, most: usize) -> (String, bool) {
        let mut all = Vec::new();
        let complete = parse_list(text.as_bytes(), most, |parsed| {
            let parts = [parsed.name, parsed.route, parsed.mailbox, parsed.host];
            let shown =
                parts.map(|part| part.map_or("-".into(), |part| String::from_utf8_lossy(part).into_owned()));
            all.push(shown.join("|"));
        });
        (all.join(" + "), complete)
    }

    /// RFC 5322 §3.4, §4.4, appendix A; and what is not in it.
    #[test]
    fn known_lists() {
        for (text, list) in [
            ("", ""),
            (" , ,", ""),
            ("a@b.example", "-|-|a|b.example"),
            ("Ann <a@b>, \"B \\\"C\\\" D\" <b@c>", "Ann|-|a|b + B \"C\" D|-|b|c"),
            ("<@x.example,@y.example:a@b>", "-|@x.example,@y.example|a|b"),
            ("a@b (Ann)", "Ann|-|a|b"),
            ("a (Ann) @ b (Bob \\) )", "Bob )|-|a|b"),
            ("Pete(A \\) chap) <pete(his account)@silly.test(his host)>", "Pete|-|pete|silly.test"),
            ("\"a b\"@c, \"a\".b@[127.0.0.1]", "-|-|a b|c + -|-|a.b|[127.0.0.1]"),
            ("a . b @ c . d", "-|-|a.b|c.d"),
            ("John Q. Public <j@x>", "John Q. Public|-|j|x"),
            ("A Group:Ann <a@b>,c@d; e@f", "-|-|A Group|- + Ann|-|a|b + -|-|c|d + -|-|-|- + -|-|e|f"),
            ("g:;", "-|-|g|- + -|-|-|-"),
            ("g:a@b", "-|-|g|- + -|-|a|b + -|-|-|-"),
            ("a@b; c@d", "-|-|a|b + -|-|c|d"),
            ("root", "-|-|root|"),
            ("undisclosed recipients", "-|-|undisclosed recipients|"),
            ("Ann <>", "Ann|-||"),
            ("Ann <a@b", "Ann|-|a|b"),
            ("a@b@c", "-|-|a@b|c"),
            ("a@b c@d", "-|-|a|b"),
            ("<a@b> <c@d>, e@f", "-|-|a|b + -|-|e|f"),
            ("a@b <c@d>", "a@b|-|c|d"),
        ] {
            assert_eq!(parse(text, 100), (list.to_owned(), true), "{text}");
        }
    }

    #[test]
    fn no_more_than_asked_and_groups_are_closed() {
        let parsed = |text, most| parse(text, most);
        assert_eq!(parsed("a@b,c@d,", 2), ("-|-|a|b + -|-|c|d".to_owned(), true));
        assert_eq!(parsed("a@b,c@d", 1), ("-|-|a|b".to_owned(), false));
        assert_eq!(parsed("g:a@b,c@d;", 3), ("-|-|g|- + -|-|a|b + -|-|-|-".to_owned(), false));
        assert_eq!(parsed("g:;h:;", 3), ("-|-|g|- + -|-|-|-".to_owned(), false));
        assert_eq!(parsed("a@b", 0), (String::new(), false));
    }
}
