//! Texts as they may be shown: a report prints lines, and secrets stand in lines.

use super::span::Span;
use super::tree::{Kind, Node};

/// What names of keys have in them whose values are secret.
const SECRET: [&str; 4] = ["pass", "secret", "pwd", "credential"];

/// Keys of a user that are not secret. A key that nobody knows may be a misspelt `password`.
const OPEN: [&str; 2] = ["address", "aliases"];

/// Keys that say where a secret stands, below one whose value is secret.
const ELSEWHERE: [&str; 2] = ["file", "env"];

/// The text of the source `index`, with as many asterisks as each secret has octets.
pub(crate) fn masked(text: &str, index: usize, root: &Node, is_whole: bool) -> String {
    let mut spans = Vec::new();
    collect(root, false, false, &mut spans);
    let mut octets = text.as_bytes().to_vec();
    for span in spans.iter().filter(|span| span.source == index) {
        blot(&mut octets, span.start, span.end);
    }
    if !is_whole {
        blot_lines(text, &mut octets);
    }
    // Only ASCII was put in, in the place of whole values.
    String::from_utf8_lossy(&octets).into_owned()
}

/// What cannot be parsed has no place in the tree: whatever follows such a name in its line is taken for a secret,
/// and all that follows if it is text of several lines.
fn blot_lines(text: &str, octets: &mut [u8]) {
    let folded = text.to_ascii_lowercase();
    let mut start = 0;
    for line in folded.split_inclusive('\n') {
        let end = start + line.len();
        let name = SECRET.iter().filter_map(|name| line.find(name)).min();
        let value = name.and_then(|name| Some(name + line.get(name..)?.find('=')? + 1));
        if let Some(value) = value {
            let rest = line.get(value..).unwrap_or_default().trim_start();
            let is_long = rest.starts_with("\"\"\"") || rest.starts_with("'''");
            blot(octets, start + value, if is_long { folded.len() } else { end });
        }
        start = end;
    }
}

fn blot(octets: &mut [u8], start: usize, end: usize) {
    for octet in octets.get_mut(start..end).unwrap_or_default() {
        if !octet.is_ascii_whitespace() {
            *octet = b'*';
        }
    }
}

fn collect(node: &Node, hidden: bool, in_user: bool, spans: &mut Vec<Span>) {
    match &node.kind {
        Kind::Table(table) => {
            for (name, entry) in &table.entries {
                let folded = name.to_ascii_lowercase();
                let is_secret = SECRET.iter().any(|part| folded.contains(part))
                    || (in_user && !OPEN.contains(&name.as_str()));
                let is_place = hidden && ELSEWHERE.contains(&name.as_str());
                collect(&entry.value, (hidden || is_secret) && !is_place, name == "user", spans);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| collect(item, hidden, in_user, spans)),
        _ if hidden => spans.push(node.at.clone()),
        // As in `socks5://user:password@host`, where it does not belong.
        Kind::Text(text) if text.split_once("://").is_some_and(|(_, rest)| rest.contains('@')) => {
            spans.push(node.at.clone());
        }
        _ => {}
    }
}
