//! What stands in the file and in the environment, each value with the place where it stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Problem, Problems};
use super::span::Span;

/// What begins the names of variables that stand for keys.
const PREFIX: &str = "MAILWRIGHT__";

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Span,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Text(String),
    /// `None`: larger than any that is wanted.
    Integer(Option<i64>),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no key takes, by its name.
    Other(&'static str),
}

impl Kind {
    /// As people call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

/// Keys and their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Span,
    pub(crate) value: Node,
}

/// Reads a TOML document as far as it can be read.
pub(crate) fn parse(text: &str, source: usize, problems: &mut Problems) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = Span::new(source, visible(text, error.span().unwrap_or_default()));
        problems.push(Problem::error(&at, format!("not TOML: {}", error.message()), "here"));
    }
    let place = Place { source, offset: 0 };
    Node { at: place.span(&table.span()), kind: Kind::Table(place.table(table.into_inner())) }
}

/// Something to point at: what is missing at the end of a line is missing behind its last character.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let on_line = |c: &char| *c != '\n' && *c != '\r';
    if text.get(span.clone()).is_some_and(|part| part.chars().any(|c| on_line(&c))) {
        return span;
    }
    let before = text.get(..span.start).and_then(|before| before.chars().next_back()).filter(on_line);
    span.start - before.map_or(0, char::len_utf8)..span.start
}

/// Reads a value as it stands behind `=`.
pub(crate) fn parse_value(text: &str, source: usize, offset: usize) -> Option<Node> {
    DeValue::parse(text).ok().map(|value| Place { source, offset }.node(value))
}

/// Where the spans of the parser count from.
#[derive(Clone, Copy)]
struct Place {
    source: usize,
    offset: usize,
}

impl Place {
    fn span(self, range: &Range<usize>) -> Span {
        Span::new(self.source, range.start + self.offset..range.end + self.offset)
    }

    fn table(self, table: DeTable<'_>) -> Table {
        let entries = table.into_iter().map(|(key, value)| {
            let at = self.span(&key.span());
            (key.into_inner().into_owned(), Entry { key: at, value: self.node(value) })
        });
        Table { entries: entries.collect() }
    }

    fn node(self, value: Spanned<DeValue<'_>>) -> Node {
        let at = self.span(&value.span());
        let kind = match value.into_inner() {
            DeValue::String(text) => Kind::Text(text.into_owned()),
            DeValue::Integer(number) => {
                Kind::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Array(items) => Kind::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Kind::Table(self.table(table)),
            DeValue::Float(_) => Kind::Other("a fraction"),
            DeValue::Boolean(value) => Kind::Boolean(value),
            DeValue::Datetime(_) => Kind::Other("a date"),
        };
        Node { at, kind }
    }
}

/// A variable that stands for a key, as it is shown: `NAME=VALUE`.
pub(crate) fn is_overlay(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Puts `MAILWRIGHT__A__B=VALUE` in the place of `b` in table `a`. The value is a TOML value if it can be read as
/// one, else text. Elements of lists go by number.
pub(crate) fn overlay(root: &mut Node, name: &str, value: &str, source: usize, problems: &mut Problems) {
    let key = Span::new(source, 0..name.len());
    let at = Span::new(source, name.len() + 1..name.len() + 1 + value.len());
    let node = parse_value(value, source, name.len() + 1)
        .unwrap_or_else(|| Node { at, kind: Kind::Text(value.to_owned()) });
    let path: Vec<String> =
        name.trim_start_matches(PREFIX).split("__").map(str::to_ascii_lowercase).collect();
    if !put(root, &path, &key, node) {
        let message = format!("{name} names no key");
        problems.push(
            Problem::error(&key, message, "leads nowhere")
                .with_help("keys are joined by two underscores: MAILWRIGHT__LIMITS__RECIPIENTS"),
        );
    }
}

/// Says whether there is such a place.
fn put(node: &mut Node, path: &[String], key: &Span, value: Node) -> bool {
    let Some((first, rest)) = path.split_first() else {
        *node = value;
        return true;
    };
    match &mut node.kind {
        Kind::Table(table) if !first.is_empty() => {
            let empty = || Node { at: key.clone(), kind: Kind::Table(Table::default()) };
            let entry = table
                .entries
                .entry(first.clone())
                .or_insert_with(|| Entry { key: key.clone(), value: empty() });
            if rest.is_empty() {
                // What the file says about it no longer counts, nor does where.
                *entry = Entry { key: key.clone(), value };
                return true;
            }
            put(&mut entry.value, rest, key, value)
        }
        Kind::List(items) => match first.parse().ok().and_then(|index: usize| items.get_mut(index)) {
            Some(item) => put(item, rest, key, value),
            None => false,
        },
        _ => false,
    }
}
