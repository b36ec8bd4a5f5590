//! Numbers, strings, names, flags, dates (RFC 9051 §9).

use mailwright_core::{Output, UidSet};

use crate::types::{DateTime, is_flag};
use crate::utf7::encode_mailbox;

/// A longer string is a literal, since clients may bound lines (RFC 7162 §4, RFC 2683 §3.2.1.5).
const QUOTED_MAX: usize = 1000;

/// `number64 = 1*DIGIT`
pub(crate) fn number(out: &mut Output, number: u64) {
    let mut digits = [0; 20];
    let (mut left, mut len) = (number, 0);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        len += 1;
        if left == 0 {
            break;
        }
    }
    out.put(digits.get(digits.len() - len..).unwrap_or_default());
}

/// A number of `N` digits; of one that has more, its last ones.
fn digits<const N: usize>(out: &mut Output, number: u16) {
    let mut digits = [b'0'; N];
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.put(&digits);
}

/// `string = quoted / literal`
///
/// Quoted if it is short printable ASCII, so that no octet of it can mean anything. In a literal, where NUL may not
/// be, `?` stands for it.
pub(crate) fn string(out: &mut Output, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    // RFC 9051 §9: TEXT-CHAR is any CHAR except CR and LF; of control characters, tabs of unfolded fields only. All
    // octets are looked at, since that takes less than to stop at the first.
    let (mut special, mut escaped) = (false, false);
    for byte in text {
        special |= !matches!(byte, b' '..=b'~' | b'\t');
        escaped |= matches!(byte, b'"' | b'\\');
    }
    if special || text.len() > QUOTED_MAX {
        literal(out, text);
    } else if escaped {
        quoted(out, text);
    } else {
        out.put(b"\"");
        out.put(text);
        out.put(b"\"");
    }
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`
fn quoted(out: &mut Output, text: &[u8]) {
    out.put(b"\"");
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.put(plain);
        out.put(b"\\");
        out.put(special.get(..1).unwrap_or_default());
        rest = special.get(1..).unwrap_or_default();
    }
    out.put(rest);
    out.put(b"\"");
}

/// `literal = "{" number64 "}" CRLF *CHAR8`
fn literal(out: &mut Output, text: &[u8]) {
    out.put(b"{");
    number(out, text.len() as u64);
    out.put(b"}\r\n");
    let mut pieces = text.split(|&byte| byte == 0);
    out.put(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.put(b"?");
        out.put(piece);
    }
}

/// `nstring = string / nil`
pub(crate) fn nstring(out: &mut Output, text: Option<impl AsRef<[u8]>>) {
    match text {
        Some(text) => string(out, text),
        None => out.put(b"NIL"),
    }
}

/// `astring = 1*ASTRING-CHAR / string`
pub(crate) fn astring(out: &mut Output, text: &[u8]) {
    // RFC 9051 §9: ASTRING-CHAR is ATOM-CHAR or "]".
    let is_astring = |byte: &u8| byte.is_ascii_graphic() && !b"(){%*\"\\".contains(byte);
    let is_atom = !text.is_empty() && text.len() <= QUOTED_MAX && text.iter().all(is_astring);
    if is_atom && !text.eq_ignore_ascii_case(b"NIL") {
        out.put(text);
    } else {
        string(out, text);
    }
}

/// `mailbox = "INBOX" / astring`, in UTF-8 or in modified UTF-7 (RFC 3501 §5.1.3)
pub(crate) fn mailbox(out: &mut Output, name: &str, utf8: bool) {
    if !utf8 {
        astring(out, encode_mailbox(name).as_bytes());
    } else if !name.is_ascii() && name.len() <= QUOTED_MAX && !name.contains(char::is_control) {
        // RFC 9051 §4.3: UTF-8 may be quoted.
        quoted(out, name.as_bytes());
    } else {
        astring(out, name.as_bytes());
    }
}

/// `flag-list = "(" [flag *(SP flag)] ")"`, without what is no flag
pub(crate) fn flags(out: &mut Output, flags: impl IntoIterator<Item = impl AsRef<str>>) {
    out.put(b"(");
    let _ = each_flag(out, flags);
    out.put(b")");
}

/// `"(" [flag-perm *(SP flag-perm)] ")"`, with `\*` at its end if there can be new keywords
pub(crate) fn permanent_flags(
    out: &mut Output,
    flags: impl IntoIterator<Item = impl AsRef<str>>,
    new_keywords: bool,
) {
    out.put(b"(");
    let any = each_flag(out, flags);
    if new_keywords {
        out.put(if any { b" \\*" } else { b"\\*" });
    }
    out.put(b")");
}

/// Whether there was one.
fn each_flag(out: &mut Output, flags: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
    let mut any = false;
    for flag in flags {
        let flag = flag.as_ref();
        if is_flag(flag) {
            if any {
                out.put(b" ");
            }
            any = true;
            out.put(flag.as_bytes());
        }
    }
    any
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
pub(crate) fn date_time(out: &mut Output, moment: &DateTime) {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let month = usize::from(moment.date.month.clamp(1, 12)) - 1;
    out.put(b"\"");
    digits::<2>(out, moment.date.day.into());
    out.put(b"-");
    out.put(MONTHS.get(month).copied().unwrap_or(b"Jan"));
    out.put(b"-");
    digits::<4>(out, moment.date.year);
    for (before, part) in [(b" ", moment.hour), (b":", moment.minute), (b":", moment.second)] {
        out.put(before);
        digits::<2>(out, part.into());
    }
    out.put(if moment.offset < 0 { b" -" } else { b" +" });
    let offset = moment.offset.unsigned_abs();
    digits::<2>(out, offset / 60);
    digits::<2>(out, offset % 60);
    out.put(b"\"");
}

/// `uid-set`; nothing if it is empty, which that rule cannot say
pub(crate) fn uid_set(out: &mut Output, uids: &UidSet) {
    for (index, run) in uids.ranges().enumerate() {
        if index > 0 {
            out.put(b",");
        }
        number(out, (*run.start()).into());
        if run.start() < run.end() {
            out.put(b":");
            number(out, (*run.end()).into());
        }
    }
}

/// `text = 1*(TEXT-CHAR / ...)` of a status response, on one line whatever it is made of
pub(crate) fn text(out: &mut Output, text: &str) {
    if text.is_empty() {
        return out.put(b"-");
    }
    let mut rest = text.as_bytes();
    // RFC 9051 §7.1: not every client has enabled UTF-8.
    while let Some(at) = rest.iter().position(|byte| !matches!(byte, b' '..=b'~')) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.put(plain);
        out.put(b"?");
        rest = special.get(1..).unwrap_or_default();
    }
    out.put(rest);
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Buf;
    use mailwright_core::Uid;
    use proptest::prelude::*;

    use super::*;
    use crate::types::Date;

    pub(crate) fn written(write: impl FnOnce(&mut Output)) -> String {
        let mut out = Output::new(1 << 20);
        write(&mut out);
        out.release();
        let octets = out.copy_to_bytes(out.remaining());
        octets.escape_ascii().to_string().replace("\\\"", "\"").replace("\\\\", "\\")
    }

    #[test]
    fn numbers() {
        for value in [0, 1, 9, 10, 4_294_967_295, u64::MAX] {
            assert_eq!(written(|out| number(out, value)), value.to_string());
        }
    }

    #[test]
    fn strings() {
        for (text, expected) in [
            (&b""[..], r#""""#),
            (b"hello world", r#""hello world""#),
            (b"a\tb", r#""a\tb""#),
            (br#"say "hi" \o/"#, r#""say \"hi\" \\o/""#),
            (b"\"", r#""\"""#),
            (b"a\r\n* BYE", r"{8}\r\na\r\n* BYE"),
            (b"a\rb", r"{3}\r\na\rb"),
            (b"\x1b[2J", r"{4}\r\n\x1b[2J"),
            (b"\x7f", r"{1}\r\n\x7f"),
            (b"a\0\0b\0", r"{5}\r\na??b?"),
            (b"\0", r"{1}\r\n?"),
            (b"\xc3\xa4", r"{2}\r\n\xc3\xa4"),
        ] {
            assert_eq!(written(|out| string(out, text)), expected);
        }
        assert_eq!(written(|out| string(out, [b'x'; 1000])).len(), 1002);
        assert!(written(|out| string(out, [b'x'; 1001])).starts_with(r"{1001}\r\nxx"));
        assert_eq!(written(|out| nstring(out, None::<&[u8]>)), "NIL");
        assert_eq!(written(|out| nstring(out, Some(b"NIL"))), r#""NIL""#);
    }

    #[test]
    fn names() {
        for (name, atom) in [
            (&b"INBOX"[..], "INBOX"),
            (b"a]b", "a]b"),
            (b"", r#""""#),
            (b"nil", r#""nil""#),
            (b"two words", r#""two words""#),
            (b"a*b", r#""a*b""#),
            (b"a%b", r#""a%b""#),
            (b"a(b", r#""a(b""#),
            (b"a{1}", r#""a{1}""#),
            (b"a\\b", r#""a\\b""#),
        ] {
            assert_eq!(written(|out| astring(out, name)), atom);
        }
        for (name, in_utf7, in_utf8) in [
            ("INBOX", "INBOX", "INBOX"),
            ("a b", r#""a b""#, r#""a b""#),
            ("a&b", "a&-b", "a&b"),
            ("ä", "&AOQ-", r#""\xc3\xa4""#),
            ("\"ä\\", r#""\"&AOQ-\\""#, r#""\"\xc3\xa4\\""#),
            ("a\r\n* BYE", r#""a&AA0ACg-* BYE""#, r"{8}\r\na\r\n* BYE"),
            ("ä\n", "&AOQACg-", r"{3}\r\n\xc3\xa4\n"),
        ] {
            assert_eq!(written(|out| mailbox(out, name, false)), in_utf7, "{name}");
            assert_eq!(written(|out| mailbox(out, name, true)), in_utf8, "{name}");
        }
    }

    #[test]
    fn lists_of_flags() {
        for (list, plain, permanent) in [
            (&[][..], "()", r"(\*)"),
            (&["\\Seen"], r"(\Seen)", r"(\Seen \*)"),
            (&["\\Seen", "work", "$Junk"], r"(\Seen work $Junk)", r"(\Seen work $Junk \*)"),
            (&["a b", "\\*", "", "\\", "a)", "x\r\n", "ü", "ok"], "(ok)", r"(ok \*)"),
        ] {
            assert_eq!(written(|out| flags(out, list)), plain);
            assert_eq!(written(|out| permanent_flags(out, list, true)), permanent);
            assert_eq!(written(|out| permanent_flags(out, list, false)), plain);
        }
    }

    #[test]
    fn moments() {
        let date = Date { year: 2026, month: 2, day: 1 };
        for (hour, minute, second, offset, expected) in [
            (12, 34, 56, 60, r#""01-Feb-2026 12:34:56 +0100""#),
            (0, 0, 60, -570, r#""01-Feb-2026 00:00:60 -0930""#),
            (23, 59, 0, 0, r#""01-Feb-2026 23:59:00 +0000""#),
        ] {
            let moment = DateTime { date, hour, minute, second, offset };
            assert_eq!(written(|out| date_time(out, &moment)), expected);
        }
        // Whatever an application fills in, it is a date-time to the client.
        let date = Date { year: u16::MAX, month: 13, day: 255 };
        let moment = DateTime { date, hour: 255, minute: 255, second: 255, offset: i16::MIN };
        assert_eq!(written(|out| date_time(out, &moment)), r#""55-Dec-5535 55:55:55 -4608""#);
    }

    #[test]
    fn sets() {
        let set: UidSet = [7, 1, 2, 3, u32::MAX].into_iter().filter_map(Uid::new).collect();
        assert_eq!(written(|out| uid_set(out, &set)), "1:3,7,4294967295");
        assert_eq!(written(|out| uid_set(out, &UidSet::new())), "");
    }

    #[test]
    fn status_texts() {
        for (given, expected) in [("done", "done"), ("", "-"), ("a\r\nb BYE", "a??b BYE"), ("ä\u{1b}", "???")]
        {
            assert_eq!(written(|out| text(out, given)), expected);
        }
    }

    mailwright_core::properties! {
        #[test]
        fn no_octets_leave_their_string(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut out = Output::new(1 << 20);
            string(&mut out, &text);
            out.release();
            let octets = out.copy_to_bytes(out.remaining());
            prop_assert!(!octets.contains(&0));
            let literal = format!("{{{}}}\r\n", text.len());
            match octets.strip_prefix(literal.as_bytes()) {
                Some(literal) => prop_assert_eq!(literal.len(), text.len()),
                None => {
                    let inner = octets.strip_prefix(b"\"").and_then(|octets| octets.strip_suffix(b"\""));
                    let mut inner = inner.unwrap().iter();
                    let mut seen = Vec::new();
                    while let Some(&byte) = inner.next() {
                        prop_assert!(byte != b'"' && matches!(byte, b' '..=b'~' | b'\t'));
                        seen.push(if byte == b'\\' { *inner.next().unwrap() } else { byte });
                    }
                    prop_assert_eq!(seen, text);
                }
            }
        }
    }
}
