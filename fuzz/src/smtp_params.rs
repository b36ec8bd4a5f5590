use std::str;

use mailwright_core::Address;
use mailwright_smtp::{Command, CommandError, DateTime, EnvelopeId, Notify, OriginalRecipient};

/// Whether a value is one of the parameter, by a plain reading of its grammar.
type IsValue = fn(&str) -> bool;

/// Parameters with a value; those of RCPT are the last four.
const PARAMETERS: [(&str, IsValue); 12] = [
    ("SIZE", |value| is_number(value, 20)),
    ("BODY", |value| ["7BIT", "8BITMIME", "BINARYMIME"].contains(&&value.to_ascii_uppercase()[..])),
    ("RET", |value| ["FULL", "HDRS"].contains(&&value.to_ascii_uppercase()[..])),
    ("ENVID", |value| value.len() <= 100 && text(value).is_some_and(|text| EnvelopeId::new(text).is_ok())),
    ("HOLDFOR", |value| is_number(value, 9) && !value.starts_with('0')),
    ("HOLDUNTIL", is_moment),
    ("BY", is_deadline),
    ("MT-PRIORITY", |value| value.parse().is_ok_and(|n: i8| n.abs() <= 9 && n.to_string() == value)),
    ("AUTH", |value| value == "<>" || text(value).is_some_and(|text| text.parse::<Address>().is_ok())),
    ("ORCPT", |value| {
        let parts = value.split_once(';').and_then(|(kind, address)| Some((kind, text(address)?)));
        parts.is_some_and(|(kind, address)| OriginalRecipient::new(kind, &address).is_ok())
    }),
    ("NOTIFY", |value| {
        let value = value.to_ascii_uppercase();
        value == "NEVER" || value.split(',').all(|case| ["SUCCESS", "FAILURE", "DELAY"].contains(&case))
    }),
    ("RRVS", |value| {
        let moment = value.strip_suffix(['R', 'r', 'C', 'c']).and_then(|moment| moment.strip_suffix(';'));
        is_moment(moment.unwrap_or(value))
    }),
];

/// An octet says which parameter of MAIL or RCPT this is a value of; or the octets are all parameters.
pub fn smtp_params(data: &[u8]) {
    let Some((&which, value)) = data.split_first() else { return };
    let which = usize::from(which) % (PARAMETERS.len() + 2);
    let begin = if matches!(which, 9..=11 | 13) { "RCPT TO:<ann@example.org> " } else { "MAIL FROM:<> " };
    let name = PARAMETERS.get(which).map(|(name, _)| format!("{name}=")).unwrap_or_default();
    let line = [begin.as_bytes(), name.as_bytes(), value].concat();
    let parsed = Command::parse(&line);
    if let Ok(command) = &parsed {
        read_back(command, value.len());
    }
    let Some((name, is_value)) = PARAMETERS.get(which) else { return };
    let is_esmtp_value =
        !value.is_empty() && value.iter().all(|octet| matches!(octet, 33..=60 | 62..=126 | 128..));
    if !is_esmtp_value {
        return;
    }
    let expected = str::from_utf8(value).is_ok_and(is_value);
    assert_eq!(parsed.is_ok(), expected, "{name}={}", value.escape_ascii());
    assert!(expected || parsed == Err(CommandError::Parameter(name)));
}

/// What is shown is safe in a line, and is read as the same.
fn read_back(command: &Command<'_>, len: usize) {
    let (shown, needed) = match command {
        Command::Mail(_, params) => {
            assert_eq!(params.hold.is_some(), params.to_string().contains(" HOLD"));
            (format!("MAIL FROM:<>{params}"), params.extensions().count())
        }
        Command::Rcpt(_, params) => {
            let notify = params.notify.unwrap_or(Notify::NEVER);
            assert_eq!(notify == Notify::NEVER, !(notify.success() | notify.failure() | notify.delay()));
            (format!("RCPT TO:<ann@example.org>{params}"), params.extensions().count())
        }
        other => panic!("{other:?}"),
    };
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(shown.len() <= 3 * len + 60, "{shown:?}");
    // SIZE and AUTH are not counted.
    let counted =
        shown.split(' ').skip(2).filter(|word| !word.starts_with("SIZE=") && !word.starts_with("AUTH="));
    assert_eq!(needed, counted.count(), "{shown:?}");
    assert_eq!(Command::parse(shown.as_bytes()).as_ref(), Ok(command), "{shown:?}");
}

fn is_number(value: &str, digits: usize) -> bool {
    (1..=digits).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_digit())
}

/// xtext (RFC 3461 §4), undone.
fn text(value: &str) -> Option<String> {
    let mut parts = value.split('+');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let hex = part.get(..2).filter(|hex| !hex.contains(|c: char| c.is_ascii_lowercase() || c == '+'))?;
        octets.push(u8::from_str_radix(hex, 16).ok()?);
        octets.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(octets).ok()
}

/// `date-time` of RFC 3339 §5.6, by a picture of it.
fn is_moment(value: &str) -> bool {
    let zoneless = value.strip_suffix(['Z', 'z']);
    let (begin, offset) = match zoneless {
        Some(begin) => (begin, "+00:00"),
        None if value.is_char_boundary(value.len().saturating_sub(6)) => {
            value.split_at(value.len().saturating_sub(6))
        }
        None => return false,
    };
    let Some((begin, fraction)) = begin.split_at_checked(19) else { return false };
    let is_like = |text: &str, picture: &str| {
        text.len() == picture.len()
            && text.bytes().zip(picture.bytes()).all(|(octet, like)| match like {
                b'0' => octet.is_ascii_digit(),
                b'T' => octet.eq_ignore_ascii_case(&b'T'),
                b'+' => matches!(octet, b'+' | b'-'),
                _ => octet == like,
            })
    };
    if !is_like(begin, "0000-00-00T00:00:00") || !is_like(offset, "+00:00") {
        return false;
    }
    let number = |text: &str, at: usize| text[at..at + 2].parse::<u8>().expect("two digits");
    let fits = (1..=12).contains(&number(begin, 5))
        && (1..=31).contains(&number(begin, 8))
        && number(begin, 11) < 24
        && number(begin, 14) < 60
        && number(begin, 17) <= 60
        && number(offset, 1) < 24
        && number(offset, 4) < 60;
    let is_fraction = fraction.is_empty() || fraction.strip_prefix('.').is_some_and(|it| is_number(it, 40));
    let is_moment = fits && is_fraction && value.len() <= 40;
    assert_eq!(DateTime::new(value).is_some(), is_moment, "{value}");
    is_moment
}

/// `by-value` of RFC 2852 §4.
fn is_deadline(value: &str) -> bool {
    let Some((time, mode)) = value.split_once(';') else { return false };
    let digits = time.strip_prefix(['+', '-']).unwrap_or(time);
    let is_past = time.starts_with('-') || digits.bytes().all(|digit| digit == b'0');
    let mode = mode.to_ascii_uppercase();
    is_number(digits, 9) && ["R", "RT", "N", "NT"].contains(&&mode[..]) && (mode.starts_with('N') || !is_past)
}
