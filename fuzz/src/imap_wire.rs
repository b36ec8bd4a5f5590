//! What a client makes of the octets that it gets.

/// All of it is responses: lines of printable ASCII, with literals in them, and UTF-8 in quoted strings. The last
/// one may be cut.
pub(crate) fn check_responses(sent: &[u8], is_cut: bool) {
    let mut rest = sent;
    while !rest.is_empty() {
        match response(rest) {
            Some((_, behind)) => rest = behind,
            None => {
                assert!(is_cut, "no response: {}", rest[..rest.len().min(200)].escape_ascii());
                return;
            }
        }
    }
}

/// The first response, as its lines without literals, and what is behind it; `None` if it is not whole.
pub(crate) fn response(sent: &[u8]) -> Option<(String, &[u8])> {
    let (mut rest, mut line) = (sent, String::new());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let (part, behind) = (&rest[..end], &rest[end + 2..]);
        let text = std::str::from_utf8(part).unwrap_or_else(|_| panic!("no text: {}", part.escape_ascii()));
        assert!(!text.contains(char::is_control), "{text:?}");
        line += text;
        let Some(size) = announced(text) else {
            let begin = line.split(' ').next().unwrap_or_default();
            assert!(!begin.is_empty() && begin.is_ascii() && line.len() > begin.len(), "{line}");
            return Some((line, behind));
        };
        let (literal, behind) = behind.split_at_checked(size)?;
        let is_binary = text.contains("~{");
        assert!(is_binary || !literal.contains(&0) || text.contains("BODY[") || text.contains("RFC822"));
        line += "...";
        rest = behind;
    }
}

/// Of a literal at the end of the line.
fn announced(text: &str) -> Option<usize> {
    let (_, number) = text.strip_suffix('}')?.rsplit_once('{')?;
    number.parse().ok()
}
