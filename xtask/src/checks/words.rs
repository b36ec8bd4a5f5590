//! What no file may contain: paths of one machine, and the hosts of package registries (a mirror or an offline
//! build must be able to replace them).

use anyhow::Result;

use crate::finding::Finding;
use crate::workspace::Workspace;

/// Written in pieces, so that this file passes.
const REGISTRIES: [&str; 4] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".org"),
    concat!("deb.debian", ".org"),
];

/// Where people keep their work trees.
const MACHINE_PATHS: [&str; 2] = [concat!("/", "work"), concat!("/", "Users")];

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    // Lock files are cargo's, and name the registry on each line.
    for path in workspace.files.iter().filter(|path| !path.ends_with("Cargo.lock")) {
        let bytes = std::fs::read(workspace.root.join(path))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (index, line) in text.lines().enumerate() {
            findings.extend(judge(line).map(|(what, remedy)| Finding::new(path, index + 1, what, remedy)));
        }
    }
    Ok(findings)
}

fn judge(line: &str) -> Option<(String, &'static str)> {
    let registry = REGISTRIES.iter().find(|host| line.contains(*host));
    let machine = MACHINE_PATHS.iter().find(|path| contains_path(line, path));
    let registry = registry.map(|host| (format!("names the registry host {host}"), "say `the registry`"));
    registry.or_else(|| machine.map(|path| (format!("names the absolute path {path}"), "make it relative")))
}

/// Whether `path` stands in the line as the beginning of an absolute path, ending at a whole segment.
fn contains_path(line: &str, path: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || "._~-".contains(c);
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + path.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(|c| in_word(c) || c == '}' || c == ')') && !after.is_some_and(in_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_told_from_others() {
        let path = concat!("/", "work");
        assert!(contains_path(&format!("cd {path}/main"), path));
        assert!(contains_path(&format!("\"{path}\""), path));
        assert!(!contains_path(&format!("{path}space/a"), path));
        assert!(!contains_path(&format!("team{path}/a"), path));
        assert!(!contains_path(&format!("~{path}/a"), path));
    }

    #[test]
    fn registry_hosts_are_found() {
        assert!(judge(concat!("https://static.crates", ".io/a")).is_some());
        assert!(judge("https://example.org/crates").is_none());
    }
}
