//! No Rust file over 1000 lines, unless `edges.toml` says why.

use std::path::Path;

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::law;
use crate::workspace::Workspace;

const MAX_LINES: usize = 1000;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let listed = &workspace.law.exceptions.long_files;
    let is_listed = |path: &Path| listed.iter().any(|exception| exception.file == path);
    let mut findings = Vec::new();
    let mut long = Vec::new();
    for path in workspace.files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let lines = workspace.read(path)?.lines().count();
        if lines > MAX_LINES {
            long.push(path);
            if !is_listed(path) {
                let what = format!("{lines} lines, over {MAX_LINES}");
                let remedy = format!("split it by subject, or list it with its reason in {}", law::PATH);
                findings.push(Finding::new(path, MAX_LINES + 1, what, remedy));
            }
        }
    }
    for exception in listed.iter().filter(|exception| !long.contains(&&exception.file)) {
        let file = exception.file.display().to_string();
        let line = line_of(&workspace.read(law::PATH)?, &file);
        findings.push(Finding::new(law::PATH, line, format!("{file} needs no exception"), "remove it"));
    }
    Ok(findings)
}
