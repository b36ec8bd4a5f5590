//! The fuzz targets are those of fuzz/README.md, each with wrapper, program and corpus; and each file that has a machine
//! or a parser stands there, beside the target that feeds it or the reason why there is none.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use toml::{Table, Value};

use crate::finding::{Finding, line_of};
use crate::fuzz;
use crate::source::Source;
use crate::tokens;
use crate::workspace::Workspace;

const README: &str = "fuzz/README.md";
const MANIFEST: &str = "fuzz/Cargo.toml";
const LIB: &str = "fuzz/src/lib.rs";

/// Traits by which octets or texts of others come in.
const TRAITS: [&str; 3] = ["Machine", "FromStr", "Decoder"];

/// How the names of functions begin that do.
const FUNCTIONS: [&str; 2] = ["parse", "decode"];

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let text = workspace.read(README)?;
    let readme = Readme::parse(&text);
    let targets: BTreeSet<&str> = readme.targets.iter().map(|row| row.name).collect();
    let mut findings = Vec::new();
    for (what, place, names) in lists(workspace)? {
        let here: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        for name in targets.symmetric_difference(&here) {
            let has = if here.contains(name) { "is not in the table of fuzz/README.md" } else { what };
            let line = line_of(&text, &format!("| `{name}` |"));
            let remedy = format!("see \"A new target\" in {README}; looked for in {place}");
            findings.push(Finding::new(README, line, format!("fuzz target `{name}` {has}"), remedy));
        }
    }
    findings.extend(readme.targets.iter().filter_map(|row| dictionary(workspace, &text, row)));
    findings.extend(places(workspace, &text, &readme));
    Ok(findings)
}

/// The tables of fuzz/README.md.
struct Readme<'a> {
    targets: Vec<Row<'a>>,
    /// Files that no target feeds.
    others: Vec<&'a str>,
}

/// ``| `name` | `file.dict` | `crates/...` `crates/...` what it is |``
struct Row<'a> {
    name: &'a str,
    dictionary: Option<&'a str>,
    files: Vec<&'a str>,
}

impl<'a> Readme<'a> {
    fn parse(text: &'a str) -> Self {
        let mut readme = Self { targets: Vec::new(), others: Vec::new() };
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let quoted = |cell: &'a str| cell.split('`').skip(1).step_by(2);
            let [first, rest @ ..] = cells.as_slice() else { continue };
            match (quoted(first).next(), rest) {
                (Some(file), _) if file.starts_with("crates/") => readme.others.extend(quoted(first)),
                (Some(name), [dictionary, files]) => readme.targets.push(Row {
                    name,
                    dictionary: quoted(dictionary).next(),
                    files: quoted(files).filter(|file| file.starts_with("crates/")).collect(),
                }),
                _ => {}
            }
        }
        readme
    }
}

/// What a target must have: what is said if it has not, where to look, and who has it.
fn lists(workspace: &Workspace) -> Result<[(&'static str, &'static str, Vec<String>); 4]> {
    let manifest: Table = workspace.read(MANIFEST)?.parse()?;
    let programs = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    let programs = programs.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect();
    let lib = workspace.read(LIB)?;
    let (_, table) = lib.split_once("TARGETS").unwrap_or_default();
    let functions = table.split("(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    let below = |folder: &str| {
        workspace.files.iter().filter_map(|file| file.strip_prefix(folder).ok()).collect::<Vec<_>>()
    };
    let wrappers = below("fuzz/fuzz_targets").into_iter().filter_map(Path::file_stem);
    let corpora: BTreeSet<_> =
        below("fuzz/corpus").into_iter().filter_map(|file| file.iter().next()).collect();
    let owned = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    Ok([
        ("has no `[[bin]]`", MANIFEST, programs),
        ("is not in `TARGETS`", LIB, functions.collect()),
        ("has no wrapper", "fuzz/fuzz_targets", wrappers.map(owned).collect()),
        ("has no corpus", "fuzz/corpus", corpora.into_iter().map(owned).collect()),
    ])
}

fn dictionary(workspace: &Workspace, text: &str, row: &Row<'_>) -> Option<Finding> {
    let used = fuzz::dictionary(row.name);
    let is_there = used.is_none_or(|file| workspace.has_file(&Path::new("fuzz/dict").join(file)));
    (used != row.dictionary || !is_there).then(|| {
        let line = line_of(text, &format!("| `{}` |", row.name));
        let what = format!("`{}` is fed with {} of fuzz/dict", row.name, used.unwrap_or("nothing"));
        Finding::new(README, line, what, "say so in the table, or mend `dictionary` in xtask/src/fuzz.rs")
    })
}

/// Each file with a machine or a parser is in one of the tables, and each file in them is there.
fn places(workspace: &Workspace, text: &str, readme: &Readme<'_>) -> Vec<Finding> {
    let fed = readme.targets.iter().flat_map(|row| &row.files).copied();
    let named: BTreeSet<&Path> = fed.chain(readme.others.iter().copied()).map(Path::new).collect();
    let untold = workspace.published_sources().filter(|source| !named.contains(source.path.as_path()));
    let untold = untold.filter_map(|source| {
        let (line, what) = entrance(source)?;
        let remedy = "fuzz it, and name the file beside the target in fuzz/README.md; or say there why not";
        Some(Finding::new(
            &source.path,
            line,
            format!("{what}, and fuzz/README.md does not know of it"),
            remedy,
        ))
    });
    let gone = named.iter().filter(|path| !workspace.has_file(path)).map(|path| {
        let path = path.display().to_string();
        Finding::new(README, line_of(text, &path), format!("there is no {path}"), "mend the table")
    });
    untold.chain(gone).collect()
}

/// The first place of a file, outside tests, at which what others wrote comes in.
fn entrance(source: &Source) -> Option<(usize, String)> {
    if source.is_all_test() {
        return None;
    }
    let words = tokens::words(&source.text);
    let traits = TRAITS.iter().flat_map(|name| {
        let found = tokens::find(&words, std::slice::from_ref(name));
        let found = found.filter(|(_, rest)| rest.first().is_some_and(|word| word.text == "for"));
        found.map(|(line, _)| (line, format!("a `{name}`"))).collect::<Vec<_>>()
    });
    let functions = tokens::find(&words, &["pub", "fn"]).filter_map(|(line, rest)| {
        let name = &rest.first()?.text;
        let begins = |start: &&str| {
            name.strip_prefix(*start).is_some_and(|end| end.is_empty() || end.starts_with('_'))
        };
        FUNCTIONS.iter().any(begins).then(|| (line, format!("a function `{name}`")))
    });
    traits.chain(functions).find(|(line, _)| !source.is_test(*line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    #[test]
    fn both_tables_are_read() {
        let text = "| target | dictionary | what |\n|---|---|---|\n\
                    | `smtp_server` | `smtp.dict` | `crates/a/src/b.rs`: `Server`, `crates/a/src/c.rs` |\n\
                    | `uid_set` | | `crates/a/src/d.rs` |\n\
                    | `crates/a/src/e.rs` | our own file |\n";
        let readme = Readme::parse(text);
        let rows: Vec<_> =
            readme.targets.iter().map(|row| (row.name, row.dictionary, row.files.len())).collect();
        assert_eq!(rows, [("smtp_server", Some("smtp.dict"), 2), ("uid_set", None, 1)]);
        assert_eq!(readme.others, ["crates/a/src/e.rs"]);
    }

    #[test]
    fn entrances_are_found() {
        let line = |text: &str| entrance(&parse("crates/a/src/lib.rs", text)).map(|(line, _)| line);
        assert_eq!(line("use std::str::FromStr;\nimpl<T> FromStr for A<T> {}\n"), Some(2));
        assert_eq!(line("impl A { pub fn decode_header(octets: &[u8]) {} }"), Some(1));
        assert_eq!(line("impl A { pub fn decoded(&self) {} fn parse(a: &str) {} }"), None);
        assert_eq!(line("#[cfg(test)]\nmod tests { impl Machine for A {} }"), None);
    }
}
