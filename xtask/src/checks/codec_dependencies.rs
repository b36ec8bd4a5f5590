//! The codecs' whole list of outside dependencies: short, so that embedding one costs little.

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::law::{self, Codecs};
use crate::workspace::{Dependency, Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let codecs = &workspace.law.codecs;
    let mut findings = Vec::new();
    for name in &codecs.crates {
        let Some(member) = workspace.member(name) else {
            let line = line_of(&workspace.read(law::PATH)?, "[codecs]");
            findings.push(Finding::new(law::PATH, line, format!("no codec `{name}`"), "remove it"));
            continue;
        };
        let outside = member.dependencies.iter().filter(|dep| workspace.member(&dep.name).is_none());
        for dep in outside.filter(|dep| !is_allowed(codecs, dep)) {
            findings.push(Finding::new(
                member.manifest(),
                line_of(&workspace.read(member.manifest())?, &dep.name),
                format!("codec {name} depends on `{}`", dep.name),
                format!(
                    "the list is {}; optional: {}",
                    codecs.external.join(", "),
                    codecs.optional.join(", ")
                ),
            ));
        }
    }
    Ok(findings)
}

fn is_allowed(codecs: &Codecs, dep: &Dependency) -> bool {
    let listed = codecs.external.contains(&dep.name);
    let optional = dep.optional && codecs.optional.contains(&dep.name);
    dep.dev || listed || optional
}
