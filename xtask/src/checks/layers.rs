//! Invariant 1: layers 0-2 have no runtime, sockets, threads, clock or randomness. Clippy looks; this check
//! makes sure that it looks for the same things everywhere.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::finding::Finding;
use crate::workspace::Workspace;

/// The one list of what a sans-IO crate does not call.
const MASTER: &str = "xtask/sans-io.clippy.toml";

/// The highest layer without input and output.
const TOP: u8 = 2;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let master = workspace.read(MASTER)?;
    let mut findings = Vec::new();
    for member in &workspace.members {
        if workspace.law.layer(&member.name).is_some_and(|layer| layer <= TOP) {
            findings.extend(compare(workspace, &master, member.dir.join("clippy.toml"))?);
            findings.extend(hidden_config(workspace, &member.dir));
        }
    }
    Ok(findings)
}

fn compare(workspace: &Workspace, master: &str, copy: PathBuf) -> Result<Option<Finding>> {
    let remedy = format!("cp {MASTER} {}", copy.display());
    if !workspace.has_file(&copy) {
        return Ok(Some(Finding::new(copy, 1, "the sans-IO lints are missing", remedy)));
    }
    let text = workspace.read(&copy)?;
    if text == master {
        return Ok(None);
    }
    let line = text.lines().zip(master.lines()).take_while(|(own, other)| own == other).count() + 1;
    Ok(Some(Finding::new(copy, line, format!("differs from {MASTER}"), remedy)))
}

/// Clippy reads `.clippy.toml` before `clippy.toml`.
fn hidden_config(workspace: &Workspace, dir: &Path) -> Option<Finding> {
    let path = dir.join(".clippy.toml");
    let what = "hides the sans-IO lints of clippy.toml";
    workspace.has_file(&path).then(|| Finding::new(path, 1, what, "remove it"))
}
