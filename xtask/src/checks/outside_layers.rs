//! Invariants 1 and 3: outside crates that bring a runtime, randomness or TLS are not reached below their layer,
//! be it through others.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::cargo;
use crate::finding::{Finding, line_of};
use crate::law::FromLayer;
use crate::workspace::{Member, Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in workspace.published() {
        let layer = workspace.law.layer(&member.name).unwrap_or(0);
        let rules = workspace.law.outside.from_layer.iter().filter(|rule| layer < rule.layer);
        let rules: Vec<&FromLayer> = rules.collect();
        if !rules.is_empty() {
            findings.extend(check_member(workspace, member, &rules)?);
        }
    }
    Ok(findings)
}

fn check_member(workspace: &Workspace, member: &Member, rules: &[&FromLayer]) -> Result<Vec<Finding>> {
    let reached = reached(workspace, member)?;
    let manifest = workspace.read(member.manifest())?;
    let mut findings = Vec::new();
    for rule in rules {
        for name in rule.crates.iter().filter(|name| reached.contains(*name)) {
            findings.push(Finding::new(
                member.manifest(),
                line_of(&manifest, name),
                format!("{} reaches `{name}`; {}", member.name, rule.reason),
                format!("find the way with `cargo tree -p {} -e normal -i {name}` and cut it", member.name),
            ));
        }
    }
    Ok(findings)
}

/// The names of all packages that a member reaches by normal dependencies, with all features but those for tests.
fn reached(workspace: &Workspace, member: &Member) -> Result<BTreeSet<String>> {
    let for_tests = &workspace.law.outside.test_features;
    let features: Vec<&str> =
        member.features.keys().filter(|name| !for_tests.contains(name)).map(String::as_str).collect();
    let features = features.join(",");
    let tree = cargo::output(
        &workspace.root,
        &[
            &["tree", "--package", &member.name, "--edges", "normal,no-proc-macro", "--prefix", "none"],
            &["--format", "{p}", "--no-default-features", "--features", &features][..],
        ]
        .concat(),
    )?;
    Ok(tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}
