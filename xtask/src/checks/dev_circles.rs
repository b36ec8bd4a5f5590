//! No unit test uses a crate that depends on its own crate: cargo would build that crate twice, and the types
//! of the two would not be the same. A crate's dev edge to itself, to switch on a feature, is fine.

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in &workspace.members {
        for name in workspace.edges(member, true) {
            let closes =
                workspace.member(name).is_some_and(|dev| workspace.reachable(dev).contains(&*member.name));
            if closes {
                findings.push(Finding::new(
                    member.manifest(),
                    line_of(&workspace.read(member.manifest())?, name),
                    format!("dev edge {} -> {name} closes a circle", member.name),
                    "move the test to `tests/`, or what it needs into a crate below",
                ));
            }
        }
    }
    Ok(findings)
}
