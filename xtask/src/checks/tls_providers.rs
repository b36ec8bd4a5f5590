//! Invariant 3: libraries take a ready TLS configuration; none picks, installs or switches on a crypto provider.

use anyhow::Result;

use crate::finding::{Finding, line_of};
use crate::law::Tls;
use crate::source::Source;
use crate::tokens;
use crate::workspace::{Dependency, Member, Workspace};

const REMEDY: &str = "take an `Arc<ServerConfig>` or `Arc<ClientConfig>` from the caller";

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in workspace.published().filter(|member| member.name != workspace.law.tls.chooser) {
        let manifest = workspace.read(member.manifest())?;
        for (needle, what) in chosen_in_manifest(&workspace.law.tls, member) {
            findings.push(Finding::new(member.manifest(), line_of(&manifest, &needle), what, REMEDY));
        }
        let sources = workspace.published_sources();
        findings
            .extend(sources.filter(|source| source.path.starts_with(&member.dir)).flat_map(chosen_in_code));
    }
    Ok(findings)
}

/// What the manifest switches on: a word to find the line by, and the sentence.
fn chosen_in_manifest(tls: &Tls, member: &Member) -> Vec<(String, String)> {
    let declared = member.dependencies.iter().filter(|dep| !dep.dev && tls.crates.contains(&dep.name));
    let in_dependency = declared.flat_map(|dep| {
        let what = move |feature| format!("{} enables feature `{feature}` of {}", member.name, dep.name);
        enabled(dep)
            .filter(|feature| tls.provider_features.contains(feature))
            .map(what)
            .map(|what| (dep.name.clone(), what))
    });
    let values =
        member.features.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let in_feature = values.filter(|(_, value)| is_provider(tls, value)).map(|(name, value)| {
        (value.clone(), format!("feature `{name}` of {} enables `{value}`", member.name))
    });
    in_dependency.chain(in_feature).collect()
}

fn enabled(dep: &Dependency) -> impl Iterator<Item = String> {
    let default = dep.default_features.then(|| "default".to_owned());
    dep.features.iter().cloned().chain(default)
}

/// Whether a value of a `[features]` table is like `rustls/ring`.
fn is_provider(tls: &Tls, value: &str) -> bool {
    value.split_once('/').is_some_and(|(name, feature)| {
        let name = name.trim_end_matches('?');
        tls.crates.iter().any(|tls| tls == name)
            && tls.provider_features.iter().any(|provider| provider == feature)
    })
}

fn chosen_in_code(source: &Source) -> Vec<Finding> {
    let words = tokens::words(&source.text);
    let mut findings = Vec::new();
    for word in words.iter().filter(|word| !source.is_test(word.line)) {
        if matches!(word.text.as_str(), "install_default" | "default_provider") {
            let what = format!("`{}` picks a crypto provider in a library", word.text);
            findings.push(Finding::new(&source.path, word.line, what, REMEDY));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_enables_a_provider_is_known() {
        let tls = Tls {
            chooser: "server".into(),
            choices: vec!["ring".into()],
            crates: vec!["rustls".into()],
            provider_features: vec!["ring".into()],
        };
        assert!(is_provider(&tls, "rustls/ring"));
        assert!(is_provider(&tls, "rustls?/ring"));
        assert!(!is_provider(&tls, "rustls/tls12"));
        assert!(!is_provider(&tls, "dep:rustls"));
    }
}
