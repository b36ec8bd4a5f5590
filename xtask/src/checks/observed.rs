//! `docs/observability.md` has each span and event of the code, with level and fields, and no others: what somebody
//! searches a log for stands there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::source::Source;
use crate::tokens::{self, Word};
use crate::workspace::Workspace;

const PATH: &str = "docs/observability.md";

/// The macros of `tracing`, and what the first column of a row calls them.
const MACROS: [(&str, &str); 10] = [
    ("trace", "trace"),
    ("debug", "debug"),
    ("info", "info"),
    ("warn", "warn"),
    ("error", "error"),
    ("trace_span", "trace span"),
    ("debug_span", "debug span"),
    ("info_span", "info span"),
    ("warn_span", "warn span"),
    ("error_span", "error span"),
];

/// What would hide a name from this check.
const HIDING: [&[&str]; 4] = [
    &["#", "[", "instrument"],
    &["#", "[", "tracing", ":", ":", "instrument"],
    &["event", "!"],
    &["span", "!"],
];

/// A row of the document: the crate, then the row as it is written.
type Row = (String, String);

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let text = if workspace.has_file(PATH.as_ref()) { workspace.read(PATH)? } else { String::new() };
    let told = rows(&text);
    let (mut said, mut findings) = (BTreeMap::new(), Vec::new());
    for source in workspace.published_sources().filter(|source| !source.is_all_test()) {
        let words = tokens::words(&source.text);
        for (line, row) in calls(source, &words) {
            said.entry((crate_of(source), row)).or_insert((source, line));
        }
        findings.extend(hidden(source, &words));
    }
    let silent = said.iter().filter(|(row, _)| !told.contains(*row));
    findings.extend(silent.map(|((name, row), (source, line))| {
        let what = format!("{PATH} does not have this of {name}: {row}");
        Finding::new(&source.path, *line, what, format!("add it under `{name}`"))
    }));
    let gone = told.iter().filter(|row| !said.contains_key(*row));
    findings.extend(gone.map(|(name, row)| {
        Finding::new(PATH, line_of(&text, row), format!("{name} has no such: {row}"), "remove it, or mend it")
    }));
    Ok(findings)
}

/// `crates/NAME/src/...`.
fn crate_of(source: &Source) -> String {
    source.path.iter().nth(1).map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The rows of the tables below headings like ``### `mailwright-tokio` ``.
fn rows(text: &str) -> BTreeSet<Row> {
    let mut name = None;
    let mut rows = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('#') {
            name = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`'));
        }
        let kind = line.strip_prefix("| ").and_then(|rest| rest.split(" |").next());
        let is_row = kind.is_some_and(|kind| MACROS.iter().any(|(_, known)| kind == *known));
        if let (Some(name), true) = (name, is_row) {
            rows.insert((name.to_owned(), line.to_owned()));
        }
    }
    rows
}

/// Each call of a macro outside tests, as the document has it, with its line.
fn calls(source: &Source, words: &[Word]) -> Vec<(usize, String)> {
    let mut calls = Vec::new();
    for (name, kind) in MACROS {
        let pattern = [name, "!", "("];
        let found = tokens::find(words, &pattern).filter(|(line, _)| !source.is_test(*line));
        calls.extend(found.map(|(line, rest)| (line, row(kind, tokens::inside(rest)))));
    }
    calls
}

/// `| KIND | TEXT | FIELDS |`: the text is the one argument that is a string alone.
fn row(kind: &str, words: &[Word]) -> String {
    let (mut text, mut fields) = ("", Vec::new());
    for argument in arguments(words) {
        match argument {
            [word] if word.text.starts_with('"') => text = word.text.trim_matches('"'),
            _ => fields.extend(field(argument)),
        }
    }
    let fields: Vec<String> = fields.into_iter().map(|field| format!("`{field}`")).collect();
    // As it stands in Rust, where a backslash is two.
    format!("| {kind} | {} | {} |", text.replace("\\\\", "\\"), fields.join(" ")).replace("|  |", "| |")
}

/// What stands between commas that are in no brackets.
fn arguments(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    let mut depth = 0;
    words.split(move |word| {
        match word.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        depth == 0 && word.text == ","
    })
}

/// The name of a field: of `name = value` what is before, of `%path.to.name` all without its sign.
fn field(argument: &[Word]) -> Option<String> {
    let equals = argument.iter().position(|word| word.text == "=");
    let name = argument.get(..equals.unwrap_or(argument.len()))?;
    let name: String =
        name.iter().map(|word| word.text.as_str()).filter(|word| !"%?&".contains(word)).collect();
    (!name.is_empty()).then_some(name)
}

fn hidden(source: &Source, words: &[Word]) -> Vec<Finding> {
    let found = HIDING.iter().flat_map(|pattern| tokens::find(words, pattern));
    let found = found.filter(|(line, _)| !source.is_test(*line));
    let remedy = "use `info_span!` and its like, or `info!` and its like";
    found
        .map(|(line, _)| Finding::new(&source.path, line, "a span or event that no check sees", remedy))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    fn said(text: &str) -> Vec<String> {
        let source = parse("crates/mailwright-a/src/lib.rs", text);
        calls(&source, &tokens::words(text)).into_iter().map(|(_, row)| row).collect()
    }

    #[test]
    fn rows_are_made_of_calls() {
        let text = "fn a() { info!(%self.trace, code = \"a.b\", x = f(1, 2), ?why, \"it, \\\\Seen\"); }";
        assert_eq!(said(text), ["| info | it, \\Seen | `self.trace` `code` `x` `why` |"]);
        assert_eq!(
            said("fn a() { tracing::info_span!(\"smtp\", peer = %p); }"),
            ["| info span | smtp | `peer` |"]
        );
        assert_eq!(said("fn a() { debug!(\"closed\") }"), ["| debug | closed | |"]);
        assert!(said("#[cfg(test)]\nmod tests { fn a() { info!(\"x\") } }").is_empty());
    }

    #[test]
    fn rows_are_found_below_the_name_of_a_crate() {
        let text =
            "| info | none | |\n### `mailwright-a`\n|---|\n| info | one | |\n## Other\n| info | two | |\n";
        assert_eq!(rows(text), [("mailwright-a".into(), "| info | one | |".into())].into());
    }

    #[test]
    fn what_hides_a_name_is_found() {
        let text = "#[instrument]\nfn a() {}\nfn b() {\n    tracing::event!(Level::INFO, \"x\");\n}\n";
        let source = parse("crates/mailwright-a/src/lib.rs", text);
        let lines: Vec<usize> =
            hidden(&source, &tokens::words(text)).iter().map(|found| found.line).collect();
        assert_eq!(lines, [1, 4]);
    }
}
