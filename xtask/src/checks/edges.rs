//! Members depend on one another exactly as `edges.toml` says.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::law::{self, Allowed, CrateLaw};
use crate::workspace::{Member, Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let table = workspace.read(law::PATH)?;
    let mut findings = dead_rows(workspace, &table);
    for member in &workspace.members {
        match workspace.law.crates.get(&member.name) {
            Some(row) => findings.extend(compare_member(workspace, member, row, &table)?),
            None => findings.push(missing_row(member)),
        }
    }
    Ok(findings)
}

fn dead_rows(workspace: &Workspace, table: &str) -> Vec<Finding> {
    let dead = workspace.law.crates.keys().filter(|name| workspace.member(name).is_none());
    let finding = |name: &String| {
        let what = format!("there is no member `{name}`");
        Finding::new(law::PATH, row_line(table, name), what, "remove the row")
    };
    dead.map(finding).collect()
}

fn missing_row(member: &Member) -> Finding {
    let what = format!("member `{}` has no row in {}", member.name, law::PATH);
    Finding::new(member.manifest(), 1, what, "add a row with its layer and its edges")
}

fn compare_member(
    workspace: &Workspace,
    member: &Member,
    row: &CrateLaw,
    table: &str,
) -> Result<Vec<Finding>> {
    let manifest = workspace.read(member.manifest())?;
    let layer = |name: &str| workspace.law.layer(name);
    let mut findings = Vec::new();
    for (dev, allowed, kind) in [(false, &row.normal, "normal"), (true, &row.dev, "dev")] {
        let declared = workspace.edges(member, dev);
        for wrong in compare(row.layer, &declared, allowed, layer, dev) {
            let edge = format!("{} -> {} ({kind})", member.name, wrong.target());
            findings.push(match wrong {
                Wrong::NotAllowed(target) => Finding::new(
                    member.manifest(),
                    line_of(&manifest, target),
                    format!("edge {edge} is not in {}", law::PATH),
                    "do without it, or add it there with a decision record in docs/decisions/",
                ),
                Wrong::Stale(_) => Finding::new(
                    law::PATH,
                    row_line(table, &member.name),
                    format!("stale edge {edge}: no manifest has it"),
                    "remove it from the row",
                ),
                Wrong::Upward(_) => Finding::new(
                    law::PATH,
                    row_line(table, &member.name),
                    format!("edge {edge} points upwards"),
                    "depend on lower layers only; move what is needed down",
                ),
            });
        }
    }
    Ok(findings)
}

fn row_line(table: &str, name: &str) -> usize {
    line_of(table, &format!("{name} = "))
}

#[derive(Debug, PartialEq, Eq)]
enum Wrong<'a> {
    NotAllowed(&'a str),
    Stale(&'a str),
    Upward(&'a str),
}

impl<'a> Wrong<'a> {
    fn target(&self) -> &'a str {
        match self {
            Self::NotAllowed(name) | Self::Stale(name) | Self::Upward(name) => name,
        }
    }
}

/// Compares the edges a manifest declares with those its row allows. Dev edges may point upwards: what they
/// may not do is the matter of another check.
fn compare<'a>(
    own_layer: u8,
    declared: &BTreeSet<&'a str>,
    allowed: &'a Allowed,
    layer: impl Fn(&str) -> Option<u8>,
    dev: bool,
) -> Vec<Wrong<'a>> {
    match allowed {
        Allowed::Word(law::Word::Below) => {
            let below = |name: &&str| layer(name).is_some_and(|layer| layer < own_layer);
            declared.iter().filter(|name| !below(name)).map(|name| Wrong::NotAllowed(name)).collect()
        }
        Allowed::Listed(names) => {
            let listed: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let upward = |name: &&&str| !dev && layer(name).is_some_and(|layer| layer > own_layer);
            let not_allowed = declared.difference(&listed).map(|name| Wrong::NotAllowed(name));
            let stale = listed.difference(declared).map(|name| Wrong::Stale(name));
            not_allowed
                .chain(stale)
                .chain(listed.iter().filter(upward).map(|name| Wrong::Upward(name)))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str) -> Option<u8> {
        ["core", "smtp", "store", "tokio"].iter().position(|known| *known == name).map(|index| index as u8)
    }

    fn listed(names: &[&str]) -> Allowed {
        Allowed::Listed(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn an_edge_must_be_listed_and_a_listed_edge_must_exist() {
        let allowed = listed(&["core", "auth"]);
        let found = compare(1, &BTreeSet::from(["core", "store"]), &allowed, layer, false);
        assert_eq!(found, [Wrong::NotAllowed("store"), Wrong::Stale("auth")]);
    }

    #[test]
    fn even_a_listed_edge_may_not_point_upwards() {
        let allowed = listed(&["store"]);
        let declared = BTreeSet::from(["store"]);
        assert_eq!(compare(1, &declared, &allowed, layer, false), [Wrong::Upward("store")]);
        assert_eq!(compare(1, &declared, &allowed, layer, true), []);
    }

    #[test]
    fn below_is_every_lower_layer() {
        let below = Allowed::Word(law::Word::Below);
        let found = compare(3, &BTreeSet::from(["core", "tokio"]), &below, layer, false);
        assert_eq!(found, [Wrong::NotAllowed("tokio")]);
    }
}
