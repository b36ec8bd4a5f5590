//! Messages to append, from a file as mail programs of old kept them.

/// A message, and when it was received, as APPEND wants it.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) date: String,
    pub(super) text: Vec<u8>,
}

/// The empty line in front of the next `From ` is part of the message before.
pub(super) fn messages(file: &[u8]) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for line in file.split_inclusive(|&octet| octet == b'\n') {
        if let Some(rest) = line.strip_prefix(b"From ") {
            let date = date(str::from_utf8(rest).unwrap());
            messages.push(Message { date, text: Vec::new() });
        } else {
            let text = &mut messages.last_mut().expect("a file begins with `From `").text;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            text.extend([line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat());
        }
    }
    messages
}

/// `user@domain  Fri Feb 22 17:06:23 2008 +0200`; without a zone it is in UTC.
fn date(from: &str) -> String {
    let words: Vec<&str> = from.split_whitespace().collect();
    let [_, _, month, day, time, year, zone @ ..] = words.as_slice() else { panic!("no date: {from}") };
    format!("{day:0>2}-{month}-{year} {time} {}", zone.first().unwrap_or(&"+0000"))
}
