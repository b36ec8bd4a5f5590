//! What a registry shows of a crate, and what is in the archive that it hands out: found, read, tried, and nothing that
//! nobody wants.

use std::path::Path;

use anyhow::Result;

use crate::cargo;
use crate::finding::{Finding, line_of};
use crate::workspace::{Member, Workspace};

/// Of the registry's categories, those that fit here: it refuses any other word.
const CATEGORIES: [&str; 13] = [
    "asynchronous",
    "authentication",
    "command-line-utilities",
    "database",
    "database-implementations",
    "development-tools",
    "development-tools::testing",
    "email",
    "encoding",
    "network-programming",
    "parser-implementations",
    "simulation",
    "text-processing",
];

/// The registry takes no more of either.
const MOST: usize = 5;

/// Octets in a keyword.
const KEYWORD_MAX: usize = 20;

/// What each archive has besides its sources.
const SHIPPED: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What cargo puts there by itself.
const CARGOS: [&str; 4] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in workspace.published() {
        let manifest = workspace.read(member.manifest())?;
        findings.extend(words(member).map(|(key, what, remedy)| {
            Finding::new(member.manifest(), line_of(&manifest, key), what, remedy)
        }));
        findings.extend(readme(workspace, member)?);
        findings.extend(archive(workspace, member)?);
    }
    Ok(findings)
}

/// A key of the manifest, what is wrong with it, and the remedy.
type Wrong = (&'static str, String, &'static str);

fn words(member: &Member) -> impl Iterator<Item = Wrong> {
    let (name, front) = (&member.name, &member.front);
    let missing = |is_there: bool, key: &'static str, remedy| {
        (!is_there).then(|| (key, format!("{name} has no {key}"), remedy))
    };
    let inherit = "inherit it from the workspace";
    let told = front.description.as_ref().is_some_and(|text| !text.trim().is_empty());
    let missing = [
        missing(told, "description", "say in a line what it is for"),
        missing(front.license.is_some(), "license", inherit),
        missing(front.repository.is_some(), "repository", inherit),
        missing(front.has_rust_version, "rust-version", inherit),
        missing(front.readme.as_deref() == Some(Path::new("README.md")), "readme", "readme = \"README.md\""),
        missing(!front.keywords.is_empty(), "keywords", "up to five words that people search for"),
        missing(!front.categories.is_empty(), "categories", "up to five of the registry's"),
    ];
    let lists = [("keywords", &front.keywords), ("categories", &front.categories)];
    let too_many = lists.into_iter().filter(|(_, list)| list.len() > MOST);
    let too_many =
        too_many.map(move |(key, _)| (key, format!("{name} has over {MOST} {key}"), "leave some out"));
    let odd = front.keywords.iter().filter(|word| !is_keyword(word));
    let odd =
        odd.map(|word| ("keywords", format!("`{word}` is no keyword"), "letters, digits, `-`, at most 20"));
    let unknown = front.categories.iter().filter(|slug| !CATEGORIES.contains(&slug.as_str()));
    let unknown = unknown.map(|slug| {
        ("categories", format!("`{slug}` is no category"), "see the list in xtask/src/checks/publishable.rs")
    });
    missing.into_iter().flatten().chain(too_many).chain(odd).chain(unknown)
}

fn is_keyword(word: &str) -> bool {
    let begins = word.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    begins && word.len() <= KEYWORD_MAX && word.chars().all(rest)
}

/// At least one example that is compiled, and none that is not.
fn readme(workspace: &Workspace, member: &Member) -> Result<Vec<Finding>> {
    let path = member.dir.join("README.md");
    if !workspace.has_file(&path) {
        return Ok(Vec::new()); // `crate-fronts` says so
    }
    let text = workspace.read(&path)?;
    let blocks = blocks(&text);
    let ignored = blocks.iter().filter(|(_, block)| *block == Block::Ignored).map(|(line, _)| {
        Finding::new(&path, *line, "an example that is not compiled", "compile it; `no_run` if it cannot run")
    });
    let mut findings: Vec<Finding> = ignored.collect();
    if !blocks.iter().any(|(_, block)| *block == Block::Compiled) {
        let what = "a README without an example that compiles";
        findings.push(Finding::new(&path, 1, what, "add one of 15 lines"));
    }
    Ok(findings)
}

#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// Rust, as rustdoc sees it.
    Compiled,
    Ignored,
    /// Another language, or what must not compile.
    Other,
}

/// The fenced blocks, each with the line where it begins.
fn blocks(text: &str) -> Vec<(usize, Block)> {
    let fences = text.lines().enumerate().filter_map(|(index, line)| {
        let words = line.trim_start().strip_prefix("```")?;
        Some((index + 1, words))
    });
    fences.step_by(2).map(|(line, words)| (line, block(words))).collect()
}

fn block(words: &str) -> Block {
    let mut words = words.split([',', ' ']).filter(|word| !word.is_empty());
    let is_rust =
        |word: &str| matches!(word, "rust" | "no_run" | "should_panic") || word.starts_with("edition");
    if words.clone().any(|word| word.starts_with("ignore")) {
        Block::Ignored
    } else if words.all(is_rust) {
        Block::Compiled
    } else {
        Block::Other
    }
}

fn archive(workspace: &Workspace, member: &Member) -> Result<Vec<Finding>> {
    let list =
        cargo::output(&workspace.root, &["package", "--package", &member.name, "--list", "--allow-dirty"])?;
    let files: Vec<&str> = list.lines().collect();
    let wanted = |file: &str| file.starts_with("src/") || SHIPPED.contains(&file) || CARGOS.contains(&file);
    let finding = |what: String, remedy: &str| Finding::new(member.manifest(), 1, what, remedy);
    let unwanted = files.iter().filter(|file| !wanted(&file.replace('\\', "/")));
    let unwanted =
        unwanted.map(|file| finding(format!("{} ships {file}", member.name), "`include.workspace = true`"));
    let missing = SHIPPED.iter().filter(|name| !files.contains(*name));
    let missing = missing.map(|name| {
        finding(format!("{} ships no {name}", member.name), "a licence: link it to the one of the repository")
    });
    Ok(unwanted.chain(missing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_apart() {
        let text =
            "```\na\n```\n```sh\n```\n```rust,no_run\n```\n```ignore\n```\n```rust,compile_fail\n```\n";
        use Block::{Compiled, Ignored, Other};
        assert_eq!(blocks(text), [(1, Compiled), (4, Other), (6, Compiled), (8, Ignored), (10, Other)]);
    }

    #[test]
    fn keywords_are_short_words() {
        assert!(["smtp", "sans-io", "rfc5322"].into_iter().all(is_keyword));
        assert!(!["", "3d", "e mail", "SMTP", "a-word-of-21-letters-x"].into_iter().any(is_keyword));
    }
}
