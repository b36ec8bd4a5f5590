//! `docs/rfc/index.md` and the references `RFC NNNN §x` in code and tests.
//!
//! The index is a table: `| RFC | Title | Status | Where |`, where the status is Yes, Partial or No, and Where is a
//! comma separated list of paths in backticks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::finding::Finding;
use crate::source::Source;
use crate::workspace::Workspace;

const INDEX: &str = "docs/rfc/index.md";

/// Prints the report and says whether the index claims nothing that is not there.
pub(crate) fn print(root: &Path) -> Result<bool> {
    let workspace = Workspace::load(root)?;
    let report = Report::new(&workspace)?;
    println!("{:>6}  {:<8} {:>5} {:>6}  title", "RFC", "status", "code", "tests");
    for row in report.rows() {
        let References { code, tests } = report.references(row.number);
        println!("{:>6}  {:<8} {code:>5} {tests:>6}  {}", row.number, row.status.word(), row.title);
    }
    let unlisted = report.unlisted();
    if !unlisted.is_empty() {
        println!("\nreferred to, but not in {INDEX}: {}", unlisted.join(", "));
    }
    let findings = report.findings(&workspace);
    findings.iter().for_each(|finding| println!("{finding}"));
    Ok(findings.is_empty())
}

/// The index, and what the sources say.
pub(crate) struct Report {
    rows: Vec<Result<Row, Finding>>,
    references: BTreeMap<u32, References>,
    index_exists: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    number: u32,
    title: String,
    status: Status,
    paths: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Yes,
    Partial,
    No,
}

/// How often an RFC is referred to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct References {
    code: usize,
    tests: usize,
}

impl Report {
    pub(crate) fn new(workspace: &Workspace) -> Result<Self> {
        let index_exists = workspace.has_file(Path::new(INDEX));
        let index = if index_exists { workspace.read(INDEX)? } else { String::new() };
        let rows = index.lines().enumerate().filter_map(|(index, line)| parse_row(index + 1, line)).collect();
        Ok(Self { rows, references: count(workspace)?, index_exists })
    }

    /// What is wrong with the index.
    pub(crate) fn findings(self, workspace: &Workspace) -> Vec<Finding> {
        if !self.index_exists {
            let remedy = "write the table `| RFC | Title | Status | Where |`";
            return vec![Finding::new(INDEX, 1, "the index of RFCs is missing", remedy)];
        }
        let Self { rows, references, .. } = self;
        let judge = |row: Result<Row, Finding>| match row {
            Ok(row) => row.findings(references.get(&row.number).copied().unwrap_or_default(), workspace),
            Err(finding) => vec![finding],
        };
        rows.into_iter().flat_map(judge).collect()
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter_map(|row| row.as_ref().ok())
    }

    fn references(&self, number: u32) -> References {
        self.references.get(&number).copied().unwrap_or_default()
    }

    fn unlisted(&self) -> Vec<String> {
        let numbers = self.references.keys().filter(|number| self.rows().all(|row| row.number != **number));
        numbers.map(u32::to_string).collect()
    }
}

impl Status {
    fn parse(word: &str) -> Option<Self> {
        [Self::Yes, Self::Partial, Self::No].into_iter().find(|status| status.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Yes => "Yes",
            Self::Partial => "Partial",
            Self::No => "No",
        }
    }
}

impl Row {
    fn findings(&self, references: References, workspace: &Workspace) -> Vec<Finding> {
        let mut findings = Vec::new();
        let missing = self.paths.iter().filter(|path| !workspace.root.join(path).exists());
        for path in missing {
            let what = format!("RFC {}: there is no {}", self.number, path.display());
            findings.push(Finding::new(INDEX, self.line, what, "correct the path"));
        }
        if self.status == Status::No {
            return findings;
        }
        if self.paths.is_empty() {
            let what = format!("RFC {} is {}, but nowhere", self.number, self.status.word());
            findings.push(Finding::new(INDEX, self.line, what, "name the files that implement it"));
        }
        for (count, place) in [(references.code, "code"), (references.tests, "tests")] {
            if count == 0 {
                let what =
                    format!("RFC {} is {}, but {place} never refer to it", self.number, self.status.word());
                let remedy = format!(
                    "write `RFC {} §...` beside what it justifies, or set the status to No",
                    self.number
                );
                findings.push(Finding::new(INDEX, self.line, what, remedy));
            }
        }
        findings
    }
}

/// A row of the table; none if the line is something else, a finding if it is a row that cannot be read.
fn parse_row(line: usize, text: &str) -> Option<Result<Row, Finding>> {
    let inner = text.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let is_frame =
        cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':')) || cells.first() == Some(&"RFC");
    if is_frame {
        return None;
    }
    let row = read_cells(line, &cells);
    let what = || format!("not a row `| RFC | Title | Status | Where |`: {text}");
    Some(
        row.ok_or_else(|| {
            Finding::new(INDEX, line, what(), "a number; a title; Yes, Partial or No; `paths`")
        }),
    )
}

fn read_cells(line: usize, cells: &[&str]) -> Option<Row> {
    let [number, title, status, places] = cells else { return None };
    Some(Row {
        line,
        number: leading_number(number.trim_start_matches(|c: char| !c.is_ascii_digit()))?.0,
        title: (*title).to_owned(),
        status: Status::parse(status)?,
        // What stands in backticks is every second piece.
        paths: places.split('`').skip(1).step_by(2).map(PathBuf::from).collect(),
    })
}

/// The references in all sources, and in all files of `tests` folders.
fn count(workspace: &Workspace) -> Result<BTreeMap<u32, References>> {
    let mut counted: BTreeMap<u32, References> = BTreeMap::new();
    for source in workspace.published_sources() {
        count_source(source, &mut counted);
    }
    for path in workspace.files.iter().filter(|path| is_test_file(path)) {
        let text = String::from_utf8_lossy(&std::fs::read(workspace.root.join(path))?).into_owned();
        for number in text.lines().flat_map(references) {
            counted.entry(number).or_default().tests += 1;
        }
    }
    Ok(counted)
}

fn count_source(source: &Source, counted: &mut BTreeMap<u32, References>) {
    for (index, line) in source.text.lines().enumerate() {
        for number in references(line) {
            let references = counted.entry(number).or_default();
            if source.is_test(index + 1) {
                references.tests += 1;
            } else {
                references.code += 1;
            }
        }
    }
}

fn is_test_file(path: &Path) -> bool {
    let mut parts = path.iter();
    match parts.next().and_then(|part| part.to_str()) {
        Some("tests") => true,
        Some("crates") => parts.nth(1).is_some_and(|part| part == "tests"),
        _ => false,
    }
}

/// The numbers in a line of all references of the form `RFC NNNN §x`.
fn references(line: &str) -> Vec<u32> {
    let pieces = line.split("RFC ").skip(1).filter_map(leading_number);
    pieces.filter(|(_, rest)| rest.starts_with(" §")).map(|(number, _)| number).collect()
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_need_a_section() {
        assert_eq!(
            references("// RFC 5321 §4.5.2 and RFC 2920 §3.2, not RFC 1047 nor RFC X §1"),
            [5321, 2920]
        );
    }

    #[test]
    fn rows_are_read() {
        let row = parse_row(7, "| [5321](x) | SMTP | Partial | `crates/a/src/b.rs`, `crates/a/src/c.rs` |");
        let paths = ["crates/a/src/b.rs", "crates/a/src/c.rs"].map(PathBuf::from).to_vec();
        let expected = Row { line: 7, number: 5321, title: "SMTP".into(), status: Status::Partial, paths };
        assert_eq!(row.unwrap().unwrap(), expected);
    }

    #[test]
    fn frames_and_prose_are_no_rows() {
        assert!(parse_row(1, "| RFC | Title | Status | Where |").is_none());
        assert!(parse_row(2, "|-----|:------|--------|-------|").is_none());
        assert!(parse_row(3, "Some prose.").is_none());
    }

    #[test]
    fn a_bad_row_is_a_finding() {
        assert!(parse_row(1, "| 5321 | SMTP | Maybe | |").unwrap().is_err());
        assert!(parse_row(1, "| 5321 | SMTP | Yes |").unwrap().is_err());
    }

    #[test]
    fn test_folders_are_known() {
        assert!(is_test_file(Path::new("tests/scripts/a.txt")));
        assert!(is_test_file(Path::new("crates/a/tests/b.rs")));
        assert!(!is_test_file(Path::new("crates/a/src/tests/b.rs")));
    }
}
