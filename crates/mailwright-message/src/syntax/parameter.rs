//! Parameters (RFC 2045 §5.1), and those that come in pieces (RFC 2231 §3).

use super::lexer::Lexer;

/// A name and its value, without quoting.
pub(crate) type Parameter = (Vec<u8>, Vec<u8>);

/// ```abnf
/// *(";" parameter)
/// parameter := attribute "=" value
/// value     := token / quoted-string
/// ```
/// Not more than `most`; whether there were no more. Those in pieces are put together: as `name*` if a piece says
/// its charset or is percent-encoded, else as `name`.
pub(crate) fn parse(lexer: &mut Lexer<'_>, most: usize) -> (Vec<Parameter>, bool) {
    let mut all = Vec::new();
    loop {
        // Up to where the next may begin, whatever is there.
        loop {
            lexer.skip_between();
            match lexer.peek() {
                None => return (join(all), true),
                Some(b';') => lexer.skip(1),
                Some(octet) if is_token(octet) => break,
                Some(b'"') => lexer.quoted(&mut Vec::new()),
                Some(_) => lexer.skip(1),
            }
        }
        let name = lexer.take_while(is_token);
        lexer.skip_between();
        if !lexer.take(b'=') {
            continue;
        }
        if all.len() == most {
            return (join(all), false);
        }
        let mut value = Vec::new();
        lexer.skip_between();
        match lexer.peek() {
            Some(b'"') => lexer.quoted(&mut value),
            _ => bare_value(lexer, &mut value),
        }
        all.push((name.to_vec(), value));
    }
}

/// A value without quotes: a token, leniently more than one, up to what is another parameter without its semicolon.
fn bare_value(lexer: &mut Lexer<'_>, value: &mut Vec<u8>) {
    loop {
        value.extend_from_slice(lexer.take_while(is_bare));
        let mut ahead = *lexer;
        let between = ahead.skip_between();
        if !between.any || between.comment.is_some() || !ahead.peek().is_some_and(is_bare) {
            return;
        }
        let mut word = ahead;
        if word.take_while(is_bare).contains(&b'=') {
            return;
        }
        if !value.is_empty() {
            value.push(b' ');
        }
        *lexer = ahead;
    }
}

fn is_bare(octet: u8) -> bool {
    !matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b'"')
}

/// Leniently: any octet that means nothing here.
pub(crate) fn is_token(octet: u8) -> bool {
    is_bare(octet) && !matches!(octet, b'=' | b',' | b')' | b'<' | b'>' | b'[' | b']' | b':' | b'\\')
}

/// A piece of a parameter.
struct Piece {
    /// What it is a piece of, in lower case.
    of: Vec<u8>,
    number: u32,
    is_extended: bool,
    /// Where it stands among all parameters.
    at: usize,
}

/// Puts the pieces together, in the place of their first. Pieces that do not begin with number zero stay as they are,
/// and so do those after a gap.
fn join(mut all: Vec<Parameter>) -> Vec<Parameter> {
    let mut pieces: Vec<Piece> =
        (all.iter().enumerate()).filter_map(|(at, (name, _))| piece(name, at)).collect();
    if pieces.is_empty() {
        return all;
    }
    // Sorted, not looked for: there may be many, of as many parameters. Of two with one number the first counts.
    pieces.sort_by(|a, b| (&a.of, a.number, a.at).cmp(&(&b.of, b.number, b.at)));
    let mut gone = Vec::new();
    for of_one in pieces.chunk_by(|a, b| a.of == b.of) {
        let mut joined: Option<(usize, Vec<u8>)> = None;
        let is_extended = of_one.iter().any(|piece| piece.is_extended);
        let mut next = 0;
        for piece in of_one {
            if piece.number != next {
                continue;
            }
            next += 1;
            let value = all.get(piece.at).map(|(_, value)| value.as_slice()).unwrap_or_default();
            let (_, text) = match &mut joined {
                Some(joined) => {
                    gone.push(piece.at);
                    joined
                }
                None => {
                    // Neither charset nor language, but what follows is percent-encoded.
                    let begin = if is_extended && !piece.is_extended { b"''".to_vec() } else { Vec::new() };
                    joined.insert((piece.at, begin))
                }
            };
            if is_extended && !piece.is_extended {
                percent_encode(value, text);
            } else {
                text.extend_from_slice(value);
            }
        }
        if let Some((at, text)) = joined
            && let Some((name, value)) = all.get_mut(at)
        {
            let base = memchr::memchr(b'*', name).unwrap_or(name.len());
            name.truncate(base);
            if is_extended {
                name.push(b'*');
            }
            *value = text;
        }
    }
    gone.sort_unstable();
    let mut gone = gone.into_iter().peekable();
    let mut at = 0..;
    all.retain(|_| gone.next_if_eq(&at.next().unwrap_or_default()).is_none());
    all
}

/// ```abnf
/// section := "*" ("0" / (("1"..."9") *DIGIT))
/// ```
fn piece(name: &[u8], at: usize) -> Option<Piece> {
    let star = memchr::memchr(b'*', name)?;
    let (of, section) = name.split_at_checked(star)?;
    let section = section.get(1..)?;
    let (digits, is_extended) = match section.strip_suffix(b"*") {
        Some(digits) => (digits, true),
        None => (section, false),
    };
    if of.is_empty()
        || !digits.iter().all(u8::is_ascii_digit)
        || (digits.len() > 1 && digits.starts_with(b"0"))
    {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(Piece { of: of.to_ascii_lowercase(), number, is_extended, at })
}

/// ```abnf
/// attribute-char := <any CHAR except SPACE, CTLs, "*", "'", "%", or tspecials>
/// ```
fn percent_encode(value: &[u8], out: &mut Vec<u8>) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied();
    for octet in value {
        if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(octet) {
            out.push(*octet);
        } else {
            out.push(b'%');
            out.extend(digit(octet >> 4).into_iter().chain(digit(octet & 0xf)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, most: usize) -> (String, bool) {
        let (all, complete) = parse(&mut Lexer::new(text.as_bytes()), most);
        let show = |(name, value): &Parameter| {
            format!("{}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        (all.iter().map(show).collect::<Vec<_>>().join("|"), complete)
    }

    fn check(known: &[(&str, &str)]) {
        for (text, parameters) in known {
            assert_eq!(shown(text, 100), ((*parameters).to_owned(), true), "{text}");
        }
    }

    /// RFC 2231 §3, §4, §4.1
    #[test]
    fn the_rfc_s_examples() {
        check(&[
            (
                "; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
                "access-type=URL|URL=ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar",
            ),
            (
                "; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
                "title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            ),
            (
                "; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
                "title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!",
            ),
        ]);
    }

    #[test]
    fn known_parameters() {
        check(&[
            ("", ""),
            ("; charset=us-ascii (Plain text)", "charset=us-ascii"),
            (";charset=\"us-ascii\";;  FORMAT = flowed ; ", "charset=us-ascii|FORMAT=flowed"),
            ("; name=a b.txt; x=", "name=a b.txt|x="),
            ("; charset=utf-8 format=flowed", "charset=utf-8|format=flowed"),
            ("; name=\"a;b\\\"\"junk; x=y", "name=a;b\"|x=y"),
            ("; junk; =; ;x=a/b", "x=a/b"),
            (" name=a", "name=a"),
            ("; boundary==_x?", "boundary==_x?"),
            ("; name*=utf-8'en'%e2%82%ac", "name*=utf-8'en'%e2%82%ac"),
            ("; f*1=b; x=1; F*0=a; f*2=c", "x=1|F=abc"),
            ("; f*0*=utf-8''a%20; f*1=\"b c\"; f*2*=d", "f*=utf-8''a%20b%20cd"),
            ("; f*0=a; f*1*=%20", "f*=''a%20"),
            ("; f*1=a; f*3=b", "f*1=a|f*3=b"),
            ("; f*0=a; f*2=b; f*0=c", "f=a|f*2=b|f*0=c"),
            ("; f*01=a; f*x=b; *0=c; f*99999999999=d", "f*01=a|f*x=b|*0=c|f*99999999999=d"),
        ]);
        assert_eq!(shown("; a=1; b=2; c=3", 2), ("a=1|b=2".to_owned(), false));
    }
}
