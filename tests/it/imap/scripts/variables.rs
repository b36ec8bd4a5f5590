//! The names of a script, and what they stand for.

use std::collections::HashMap;

use super::item::Item;

#[derive(Debug, Clone, Default)]
pub(super) struct Variables(HashMap<Vec<u8>, Item>);

/// A part of what is expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) octets: Vec<u8>,
    /// Its case counts.
    pub(super) exact: bool,
}

/// How `%{case:text}` begins, which may also be written as a variable.
const CASE: [&[u8]; 2] = [b"%{case:", b"${case:"];

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.bind(name.as_bytes(), &Item::Word(value.as_ref().to_vec()));
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Item> {
        self.0.get(name)
    }

    /// Binds a name, if that is consistent. `modseq7` is at least 2 more than `modseq5`.
    pub(super) fn bind(&mut self, name: &[u8], value: &Item) -> bool {
        let consistent = modseq(name).is_none_or(|own| {
            let Some(value) = value.number() else { return false };
            self.0.iter().all(|(other, item)| match (modseq(other), item.number()) {
                (Some(other), Some(item)) if other < own => value >= item + (own - other),
                (Some(other), Some(item)) if other > own => item >= value + (other - own),
                _ => true,
            })
        });
        if consistent {
            self.0.insert(name.to_vec(), value.clone());
        }
        consistent
    }

    /// The text with its variables replaced. `number` tells what has become of a message's number.
    pub(super) fn expand(
        &self,
        mut text: &[u8],
        number: impl Fn(u32) -> Option<u32>,
    ) -> Result<Vec<Segment>, String> {
        let mut segments = vec![Segment { octets: Vec::new(), exact: false }];
        while let Some((&first, behind)) = text.split_first() {
            if let Some(rest) = CASE.iter().find_map(|case| text.strip_prefix(*case)) {
                let end = rest.iter().position(|&octet| octet == b'}').ok_or("case: without end")?;
                segments.push(Segment { octets: rest[..end].to_vec(), exact: true });
                segments.push(Segment { octets: Vec::new(), exact: false });
                text = &rest[end + 1..];
                continue;
            }
            let plain = &mut segments.last_mut().unwrap().octets;
            match (first, behind) {
                (b'$', [b'$', rest @ ..]) => {
                    plain.push(b'$');
                    text = rest;
                }
                (b'$', _) => {
                    let (name, rest) = name(behind);
                    plain.extend(self.value(name, &number)?);
                    text = rest;
                }
                _ => {
                    plain.push(first);
                    text = behind;
                }
            }
        }
        Ok(segments)
    }

    fn value(&self, name: &[u8], number: impl Fn(u32) -> Option<u32>) -> Result<Vec<u8>, String> {
        let shown = String::from_utf8_lossy(name);
        if let Ok(message) = shown.parse() {
            let now = number(message).ok_or_else(|| format!("message {message} is gone"))?;
            return Ok(now.to_string().into_bytes());
        }
        let value = self.get(name).and_then(Item::octets);
        Ok(value.ok_or_else(|| format!("${shown} is not known"))?.to_vec())
    }

    /// The same in a command, where messages have the numbers that they have.
    pub(super) fn command(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let segments = self.expand(text, Some)?;
        Ok(segments.into_iter().flat_map(|segment| segment.octets).collect())
    }
}

/// The name that a word consists of, if it is a variable and no more.
pub(super) fn only_name(word: &[u8]) -> Option<&[u8]> {
    let (name, rest) = name(word.strip_prefix(b"$")?);
    (rest.is_empty() && !name.is_empty() && !name.starts_with(b"case:")).then_some(name)
}

/// The name behind a `$`, in braces or not, and what follows it.
fn name(text: &[u8]) -> (&[u8], &[u8]) {
    if let (Some(inner), Some(end)) = (text.strip_prefix(b"{"), text.iter().position(|&octet| octet == b'}'))
    {
        return (&inner[..end - 1], &text[end + 1..]);
    }
    let in_name = |&octet: &u8| octet.is_ascii_alphanumeric() || octet == b'_';
    text.split_at(text.iter().position(|octet| !in_name(octet)).unwrap_or(text.len()))
}

/// The number in `modseq7`.
fn modseq(name: &[u8]) -> Option<u64> {
    str::from_utf8(name.strip_prefix(b"modseq")?).ok()?.parse().ok()
}
