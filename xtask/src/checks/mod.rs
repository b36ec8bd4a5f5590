//! The structural checks: what must hold for the text of the repository, found without compiling it.

mod bounded_reads;
mod codec_dependencies;
mod crate_fronts;
mod dev_circles;
mod edges;
mod features_only_add;
mod file_lengths;
mod fuzz_targets;
mod import_circles;
mod layers;
mod named_limits;
mod observed;
mod outside_layers;
mod private_parts;
mod protocols_alone;
mod publishable;
mod rfc_index;
mod tls_providers;
mod words;

use std::path::Path;

use anyhow::{Context, Result};

use crate::finding::Finding;
use crate::workspace::Workspace;

struct Check {
    name: &'static str,
    guards: &'static str,
    run: fn(&Workspace) -> Result<Vec<Finding>>,
}

/// The numbers are those of the invariants in ARCHITECTURE.md.
const CHECKS: &[Check] = &[
    Check { name: "edges", guards: "members depend on one another as edges.toml says", run: edges::run },
    Check {
        name: "dev-circles",
        guards: "no unit test uses what depends on its crate",
        run: dev_circles::run,
    },
    Check { name: "layers", guards: "1: layers 0-2 carry the sans-IO lints", run: layers::run },
    Check {
        name: "outside-layers",
        guards: "1, 3: no runtime, randomness or TLS low down",
        run: outside_layers::run,
    },
    Check {
        name: "protocols-alone",
        guards: "2: protocols know no storage, queue or policy",
        run: protocols_alone::run,
    },
    Check { name: "codec-dependencies", guards: "2: the codecs' short list", run: codec_dependencies::run },
    Check { name: "tls-providers", guards: "3: no library picks a crypto provider", run: tls_providers::run },
    Check {
        name: "features-only-add",
        guards: "4: features never change behaviour",
        run: features_only_add::run,
    },
    Check { name: "private-parts", guards: "5: replaceable parts stay replaceable", run: private_parts::run },
    Check { name: "named-limits", guards: "6: every limit tells its default", run: named_limits::run },
    Check { name: "bounded-reads", guards: "6: no unbounded buffer", run: bounded_reads::run },
    Check { name: "crate-fronts", guards: "README, lints and crate attributes", run: crate_fronts::run },
    Check { name: "publishable", guards: "what a registry shows, and ships", run: publishable::run },
    Check { name: "observed", guards: "docs/observability.md has all spans and events", run: observed::run },
    Check { name: "fuzz-targets", guards: "each parser and machine is fuzzed", run: fuzz_targets::run },
    Check { name: "file-lengths", guards: "no file over 1000 lines", run: file_lengths::run },
    Check { name: "import-circles", guards: "files form layers, as the crates do", run: import_circles::run },
    Check { name: "rfc-index", guards: "what docs/rfc/index.md claims is there", run: rfc_index::run },
    Check { name: "words", guards: "no path of one machine, no registry host", run: words::run },
];

/// One line a check, for the help text.
pub(crate) fn list() -> String {
    let line = |check: &Check| format!("  {:<20} {}", check.name, check.guards);
    CHECKS.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Runs all checks, prints what they find, and says whether that was nothing.
pub(crate) fn run_all(root: &Path) -> Result<bool> {
    let workspace = Workspace::load(root)?;
    let mut found = 0;
    for check in CHECKS {
        found += print(check, &workspace)?;
    }
    println!("{} structural checks, {found} findings", CHECKS.len());
    Ok(found == 0)
}

/// The same for one check.
pub(crate) fn run_one(root: &Path, name: &str) -> Result<bool> {
    Ok(print(by_name(name)?, &Workspace::load(root)?)? == 0)
}

/// What one check finds in the work tree at `root`.
pub(crate) fn findings(root: &Path, name: &str) -> Result<Vec<Finding>> {
    (by_name(name)?.run)(&Workspace::load(root)?)
}

/// The names of all checks.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|check| check.name)
}

fn by_name(name: &str) -> Result<&'static Check> {
    let unknown = || format!("no check `{name}`; there are:\n{}", list());
    CHECKS.iter().find(|check| check.name == name).with_context(unknown)
}

fn print(check: &Check, workspace: &Workspace) -> Result<usize> {
    let findings = (check.run)(workspace).with_context(|| format!("check {}", check.name))?;
    for finding in &findings {
        println!("[{}] {finding}", check.name);
    }
    Ok(findings.len())
}
