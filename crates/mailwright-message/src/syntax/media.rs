//! Content-Type, Content-Disposition and the other fields that say what a part is (RFC 2045, RFC 2183).

use super::lexer::Lexer;
use super::parameter::{self, Parameter, is_token};

/// A value with parameters: `attachment; filename=x`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Disposition {
    pub(crate) kind: Vec<u8>,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether all parameters were taken.
    pub(crate) complete: bool,
}

/// ```abnf
/// content     := "Content-Type" ":" type "/" subtype *(";" parameter)
/// ```
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    pub(crate) media_type: Vec<u8>,
    pub(crate) subtype: Vec<u8>,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether all parameters were taken.
    pub(crate) complete: bool,
}

impl MediaType {
    /// Nothing if it is not one, and then it counts as not there (RFC 2045 §5.2).
    pub(crate) fn parse(text: &[u8], most: usize) -> Option<Self> {
        let mut lexer = Lexer::new(text);
        let media_type = token(&mut lexer)?;
        lexer.skip_between();
        if !lexer.take(b'/') {
            return None;
        }
        let subtype = token(&mut lexer)?;
        let (parameters, complete) = parameter::parse(&mut lexer, most);
        Some(Self { media_type, subtype, parameters, complete })
    }

    /// Without parameters.
    pub(crate) fn known(media_type: &str, subtype: &str) -> Self {
        Self {
            media_type: media_type.into(),
            subtype: subtype.into(),
            parameters: Vec::new(),
            complete: true,
        }
    }

    pub(crate) fn is_type(&self, media_type: &str) -> bool {
        self.media_type.eq_ignore_ascii_case(media_type.as_bytes())
    }

    pub(crate) fn is(&self, media_type: &str, subtype: &str) -> bool {
        self.media_type.eq_ignore_ascii_case(media_type.as_bytes())
            && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }

    pub(crate) fn parameter(&self, wanted: &str) -> Option<&[u8]> {
        let is_it = |(name, _): &&Parameter| name.eq_ignore_ascii_case(wanted.as_bytes());
        self.parameters.iter().find(is_it).map(|(_, value)| value.as_slice())
    }
}

/// ```abnf
/// disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)
/// ```
pub(crate) fn disposition(text: &[u8], most: usize) -> Option<Disposition> {
    let mut lexer = Lexer::new(text);
    let kind = token(&mut lexer)?;
    let (parameters, complete) = parameter::parse(&mut lexer, most);
    Some(Disposition { kind, parameters, complete })
}

/// ```abnf
/// mechanism := "7bit" / "8bit" / "binary" / "quoted-printable" / "base64" / ietf-token / x-token
/// ```
/// With anything behind it, it counts as not there.
pub(crate) fn encoding(text: &[u8]) -> Option<Vec<u8>> {
    let mut lexer = Lexer::new(text);
    let encoding = token(&mut lexer);
    lexer.skip_between();
    if lexer.peek().is_none() { encoding } else { None }
}

/// ```abnf
/// Language-List = Language-Tag [CFWS] ["," Language-List]
/// ```
pub(crate) fn languages(text: &[u8], most: usize) -> Vec<Vec<u8>> {
    let mut lexer = Lexer::new(text);
    let mut all = Vec::new();
    while all.len() < most {
        lexer.skip_between();
        match lexer.peek() {
            None => break,
            Some(octet) if is_token(octet) => all.push(lexer.take_while(is_token).to_vec()),
            Some(_) => lexer.skip(1),
        }
    }
    all
}

/// A token behind white space and comments, leniently in quotes.
fn token(lexer: &mut Lexer<'_>) -> Option<Vec<u8>> {
    lexer.skip_between();
    let mut token = Vec::new();
    match lexer.peek() {
        Some(b'"') => lexer.quoted(&mut token),
        _ => token.extend_from_slice(lexer.take_while(|octet| is_token(octet) && octet != b'/')),
    }
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_media_types() {
        let parse = |text: &str| MediaType::parse(text.as_bytes(), 10);
        let simple = parse(" Text / (x) HTML (y) ; charset=\"x\"").unwrap();
        assert_eq!((&simple.media_type[..], &simple.subtype[..]), (&b"Text"[..], &b"HTML"[..]));
        assert!(simple.is("text", "html") && simple.complete);
        assert_eq!(simple.parameter("CHARSET"), Some(&b"x"[..]));
        for text in ["", "text", "text/", "/plain", "(text/plain)"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn known_others() {
        assert_eq!(encoding(b" 7bit (x) "), Some(b"7bit".to_vec()));
        for text in [&b"(x)"[..], b"7bit;", b"quoted printable"] {
            assert_eq!(encoding(text), None);
        }
        assert_eq!(languages(b"de, en-US (x) ,,fr", 2), [b"de".to_vec(), b"en-US".to_vec()]);
        let attachment = disposition(b"attachment; filename=\"a b\"", 10).unwrap();
        assert_eq!(attachment.kind, b"attachment");
        assert_eq!(attachment.parameters, [(b"filename".to_vec(), b"a b".to_vec())]);
    }
}
