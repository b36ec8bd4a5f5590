//! Each crate opens in the same way: a README that is a doc test, no unsafe code, no item without documentation,
//! the lints of the workspace.

use anyhow::Result;
use toml::Table;

use crate::finding::{Finding, line_of};
use crate::workspace::{Member, Workspace};

/// What stands in each `src/lib.rs`, and why.
const ATTRIBUTES: [(&str, &str); 3] = [
    ("#![forbid(unsafe_code)]", "no unsafe code"),
    ("#![warn(missing_docs)]", "nothing public without documentation"),
    ("include_str!(\"../README.md\")", "the README's examples compile"),
];

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in &workspace.members {
        findings.extend(lints(workspace, member)?);
    }
    for member in workspace.published() {
        findings.extend(readme(workspace, member));
        findings.extend(attributes(workspace, member));
    }
    Ok(findings)
}

fn lints(workspace: &Workspace, member: &Member) -> Result<Option<Finding>> {
    let text = workspace.read(member.manifest())?;
    let manifest: Table = text.parse()?;
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()).unwrap_or(false);
    let finding = || {
        let line = line_of(&text, "[lints");
        Finding::new(
            member.manifest(),
            line,
            "the lints of the workspace are off",
            "add `[lints] workspace = true`",
        )
    };
    Ok((!inherits).then(finding))
}

fn readme(workspace: &Workspace, member: &Member) -> Option<Finding> {
    let path = member.dir.join("README.md");
    let remedy = "say in one screen what it is, for whom, and what it is not, with 15 lines that run";
    (!workspace.has_file(&path)).then(|| Finding::new(path, 1, "a crate without README", remedy))
}

fn attributes(workspace: &Workspace, member: &Member) -> Vec<Finding> {
    let path = member.dir.join("src/lib.rs");
    let text = workspace.sources.iter().find(|source| source.path == path).map_or("", |source| &source.text);
    let missing = ATTRIBUTES.iter().filter(|(attribute, _)| !text.contains(attribute));
    let finding = |(attribute, why): &(&str, &str)| {
        Finding::new(&path, 1, format!("`{attribute}` is missing"), format!("add it: {why}"))
    };
    missing.map(finding).collect()
}
