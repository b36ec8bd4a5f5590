//! Invariant 2: protocol crates ask by event and the caller answers. They know neither storage, queue nor
//! policy, nor one another: of the members they reach nothing above layer 0.

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let law = &workspace.law;
    let mut findings = Vec::new();
    for member in law.codecs.crates.iter().filter_map(|name| workspace.member(name)) {
        for name in workspace.reachable(member) {
            if law.layer(name) != Some(0) {
                findings.push(Finding::new(
                    member.manifest(),
                    line_of(&workspace.read(member.manifest())?, name),
                    format!("protocol crate {} knows {name}", member.name),
                    "emit an event instead and let the caller answer",
                ));
            }
        }
    }
    Ok(findings)
}
