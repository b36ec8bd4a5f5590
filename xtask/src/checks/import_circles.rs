//! Files inside a crate form layers, as the crates do: no circle of imports.
//!
//! File A imports file B if A has a `use`, or a path in its code, that leads to something B defines. A re-export
//! (`pub use`, or an import in a parent that a child takes from there) is followed to where the thing is defined
//! and is no import of its own: a `mod.rs` that only gathers names points nowhere. Test code is left out.

mod modules;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use self::modules::Modules;
use crate::finding::Finding;
use crate::graph::{Graph, circles};
use crate::source::Source;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in &workspace.members {
        let src = member.dir.join("src");
        let sources =
            workspace.sources.iter().filter(|source| source.path.starts_with(&src)).collect::<Vec<_>>();
        findings.extend(check(&sources));
    }
    Ok(findings)
}

fn check(sources: &[&Source]) -> Vec<Finding> {
    let modules = Modules::new(sources);
    let imports = modules.imports();
    let mut graph: Graph<&PathBuf> = Graph::new();
    for (from, to) in imports.keys() {
        graph.entry(from).or_default().insert(to);
    }
    circles(&graph).iter().map(|circle| finding(circle, &imports)).collect()
}

fn finding(circle: &[&PathBuf], imports: &BTreeMap<(PathBuf, PathBuf), usize>) -> Finding {
    let targets = circle.iter().cycle().skip(1);
    let steps = circle.iter().zip(targets).map(|(from, to)| {
        let line = imports.get(&((*from).clone(), (*to).clone())).copied().unwrap_or(1);
        (*from, line)
    });
    let steps: Vec<(&PathBuf, usize)> = steps.collect();
    let shown: Vec<String> = steps.iter().map(|(file, line)| format!("{}:{line}", file.display())).collect();
    let (file, line) = steps.first().map_or((PathBuf::new(), 1), |(file, line)| ((*file).clone(), *line));
    let what = format!("import circle: {} -> the first", shown.join(" -> "));
    Finding::new(file, line, what, "move what both need into a file of its own, below both")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    /// The files of the circles in a crate of these files.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| parse(&format!("crates/a/src/{path}"), text)).collect();
        check(&sources.iter().collect::<Vec<_>>()).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn two_files_that_import_one_another() {
        let circle = found(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use crate::b::B;\npub struct A;\n"),
            ("b.rs", "\nuse super::a::A;\npub struct B;\n"),
        ]);
        assert_eq!(circle, ["import circle: crates/a/src/a.rs:1 -> crates/a/src/b.rs:2 -> the first"]);
    }

    #[test]
    fn a_path_in_code_is_an_import_too() {
        let a = ("a.rs", "pub fn a() { crate::b::b() }");
        let b = ("b.rs", "use crate::a::a;\npub fn b() { a() }");
        assert_eq!(found(&[("lib.rs", "mod a; mod b;"), a, b]).len(), 1);
    }

    #[test]
    fn a_front_that_re_exports_is_no_circle() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use self::b::*;\n"),
            ("a.rs", "use crate::B;\npub struct A;\n"),
            ("b.rs", "pub(crate) struct B;\n"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn a_re_export_hides_no_circle() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use self::b::*;\n"),
            ("a.rs", "use crate::B;\npub struct A;\n"),
            ("b.rs", "use crate::A;\npub(crate) struct B;\n"),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn parent_and_child() {
        let child = ("a/child.rs", "use super::A;\npub struct Child;\n");
        let crate_root = ("lib.rs", "mod a;");
        let circle = found(&[
            crate_root,
            ("a/mod.rs", "mod child;\nuse child::Child;\npub struct A(Child);\n"),
            child,
        ]);
        assert_eq!(circle.len(), 1);
        let layers = found(&[crate_root, ("a.rs", "mod child;\npub struct A;\n"), child]);
        assert!(layers.is_empty());
    }

    #[test]
    fn tests_may_look_upwards() {
        let files = [
            ("lib.rs", "mod a;\nmod b;"),
            (
                "a.rs",
                "pub struct A;\n#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::b::B;\n}\n",
            ),
            ("b.rs", "use crate::a::A;\npub struct B;\n"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn visibility_is_no_import() {
        let files = [
            ("lib.rs", "mod a;\nuse a::A;\nstruct B(A);"),
            ("a.rs", "pub(crate) struct A;\npub(in crate::a) struct C;"),
        ];
        assert!(found(&files).is_empty());
    }
}
