//! What IMAP is made of: words, strings and lists; in replies, and in what a script expects.

/// A part of a command or a reply: what stands in lines, or what a literal has.
#[derive(Debug, Clone)]
pub(in crate::imap) enum Piece {
    Line(Vec<u8>),
    Literal(Vec<u8>),
    /// A literal whose octets are sent as they are. Where one is expected, carriage returns do not count.
    Raw(Vec<u8>),
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    /// An atom, a number, NIL; with `BODY`, also the section.
    Word(Vec<u8>),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    Raw(Vec<u8>),
    List(Vec<Self>),
    /// A response code.
    Code(Vec<Self>),
}

impl Item {
    /// Whether this is the word, in whatever case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The content of a word or a string.
    pub(super) fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Word(octets) | Self::Text(octets) | Self::Raw(octets) => Some(octets),
            Self::List(_) | Self::Code(_) => None,
        }
    }

    /// The number that this word is.
    pub(super) fn number(&self) -> Option<u64> {
        let Self::Word(word) = self else { return None };
        str::from_utf8(word).ok()?.parse().ok()
    }
}

/// Splits a reply of a server into what stands in lines and in literals.
pub(in crate::imap) fn pieces(mut reply: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some(end) = reply.windows(2).position(|pair| pair == b"\r\n") {
        let (line, rest) = (&reply[..end], &reply[end + 2..]);
        let Some((before, size)) = announced(line) else { break };
        let size = size.min(rest.len());
        pieces.extend([Piece::Line(before.to_vec()), Piece::Literal(rest[..size].to_vec())]);
        reply = &rest[size..];
    }
    pieces.push(Piece::Line(reply.trim_ascii_end().to_vec()));
    pieces
}

/// The size of the literal that follows a line, and what is in front of it.
fn announced(line: &[u8]) -> Option<(&[u8], usize)> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&octet| octet == b'{')?;
    let size = str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()?;
    let before = &inner[..open];
    Some((before.strip_suffix(b"~").unwrap_or(before), size))
}

/// Understands a reply without its tag. In a status there is a code, perhaps, and then anything.
pub(super) fn reply(pieces: &[Piece]) -> Result<Vec<Item>, String> {
    let [Piece::Line(line)] = pieces else { return items(pieces) };
    let (status, rest) = word(line);
    if !["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|name| status.eq_ignore_ascii_case(name.as_bytes()))
    {
        return items(pieces);
    }
    let mut all = vec![Item::Word(status.to_vec())];
    let mut text = rest.trim_ascii_start();
    if let (true, Some(end)) = (text.starts_with(b"["), text.iter().position(|&octet| octet == b']')) {
        all.append(&mut items(&[Piece::Line(text[..=end].to_vec())])?);
        text = &text[end + 1..];
    }
    let words = text.split(|&octet| octet == b' ').filter(|word| !word.is_empty());
    all.extend(words.map(|word| Item::Word(word.to_vec())));
    Ok(all)
}

/// The first word of a line, and what is behind it.
pub(super) fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
    (&line[..end], line[end..].trim_ascii_start())
}

fn items(pieces: &[Piece]) -> Result<Vec<Item>, String> {
    // What is open: how it ends, and what it has.
    let mut stack = vec![(b'\0', Vec::new())];
    for piece in pieces {
        match piece {
            Piece::Line(line) => line_items(line, &mut stack)?,
            Piece::Literal(octets) => top(&mut stack).push(Item::Text(octets.clone())),
            Piece::Raw(octets) => top(&mut stack).push(Item::Raw(octets.clone())),
        }
    }
    match <[_; 1]>::try_from(stack) {
        Ok([(_, all)]) => Ok(all),
        Err(_) => Err("something is open at the end".to_owned()),
    }
}

type Stack = Vec<(u8, Vec<Item>)>;

fn top(stack: &mut Stack) -> &mut Vec<Item> {
    &mut stack.last_mut().unwrap().1
}

fn line_items(mut rest: &[u8], stack: &mut Stack) -> Result<(), String> {
    while let Some((&first, behind)) = rest.split_first() {
        let end = stack.last().unwrap().0;
        rest = match first {
            b' ' => behind,
            b'(' => {
                stack.push((b')', Vec::new()));
                behind
            }
            b'[' => {
                stack.push((b']', Vec::new()));
                behind
            }
            _ if first == end => {
                let (_, inner) = stack.pop().unwrap();
                let item = if end == b')' { Item::List(inner) } else { Item::Code(inner) };
                top(stack).push(item);
                behind
            }
            b')' => return Err("a parenthesis that nothing has opened".to_owned()),
            b'"' => {
                let (text, behind) = quoted(behind).ok_or("a quoted string without end")?;
                top(stack).push(Item::Text(text));
                behind
            }
            _ => {
                let (word, behind) = rest.split_at(word_length(rest, end));
                top(stack).push(Item::Word(word.to_vec()));
                behind
            }
        };
    }
    Ok(())
}

/// A string whose first quote is gone, and what is behind it.
fn quoted(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    let mut octets = line.iter().enumerate();
    loop {
        match octets.next()? {
            (at, b'"') => return Some((text, &line[at + 1..])),
            (_, b'\\') => text.push(*octets.next()?.1),
            (_, &octet) => text.push(octet),
        }
    }
}

/// A section belongs to its word, whatever it has inside: `BODY[HEADER.FIELDS (FROM)]<0>`.
fn word_length(line: &[u8], end: u8) -> usize {
    let mut section = false;
    let ends = |&octet: &u8| {
        match octet {
            b'[' => section = true,
            b']' if section => section = false,
            b' ' | b'(' | b')' | b'"' => return !section,
            _ => return octet == end && !section,
        }
        false
    };
    // The first octet is no end: an empty word would be read for ever.
    1 + line[1..].iter().position(ends).unwrap_or(line.len() - 1)
}
