//! Invariant 6: no unbounded buffer. What reads "until the end" or queues without a cap is not used.

use anyhow::Result;

use crate::finding::Finding;
use crate::source::Source;
use crate::tokens;
use crate::workspace::Workspace;

/// Called as a method or by path; a function of ours may have the name.
const READS: [&str; 3] = ["read_line", "read_to_end", "read_to_string"];

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    Ok(workspace.published_sources().flat_map(check).collect())
}

fn check(source: &Source) -> Vec<Finding> {
    let words = tokens::words(&source.text);
    let mut found: Vec<(usize, &str)> = Vec::new();
    for name in READS {
        found.extend(tokens::find(&words, &[".", name]).map(|(line, _)| (line, name)));
        found.extend(tokens::find(&words, &[":", ":", name]).map(|(line, _)| (line, name)));
    }
    found.extend(tokens::find(&words, &["unbounded_channel"]).map(|(line, _)| (line, "unbounded_channel")));
    found.retain(|(line, _)| !source.is_test(*line));
    let finding = |(line, name)| {
        let what = format!("`{name}` has no bound");
        Finding::new(
            &source.path,
            line,
            what,
            "read at most a named limit (`take(limit)`, a bounded channel)",
        )
    };
    found.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    #[test]
    fn unbounded_calls_are_found_and_definitions_are_not() {
        let text = "fn a() {\n    x.read_to_end(&mut y);\n    io::read_to_string(z);\n    mpsc::unbounded_channel();\n}\n\
                    fn read_line() {}\n";
        let lines: Vec<usize> =
            check(&parse("crates/a/src/lib.rs", text)).iter().map(|found| found.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }
}
