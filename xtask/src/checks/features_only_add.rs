//! Invariant 4: features add API and never change behaviour. So a feature stands before an item, never inside a
//! function, and never negated: with one more feature on, everything that compiled does the same as before.

use anyhow::Result;
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block};

use crate::finding::{Finding, line_of};
use crate::law;
use crate::source::{Source, cfg_tokens};
use crate::tokens::{self, Word};
use crate::workspace::Workspace;

const REMEDY: &str = "make it run-time configuration, or an item of its own; else an exception with its reason in \
                      xtask/edges.toml, [exceptions] features";

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let exceptions = &workspace.law.exceptions.features;
    let mut findings: Vec<Finding> = workspace.published_sources().flat_map(check).collect();
    for exception in exceptions {
        if !findings.iter().any(|finding| finding.file == exception.file) {
            let file = exception.file.display().to_string();
            let line = line_of(&workspace.read(law::PATH)?, &file);
            findings.push(Finding::new(law::PATH, line, format!("{file} needs no exception"), "remove it"));
        }
    }
    findings.retain(|finding| !exceptions.iter().any(|exception| exception.file == finding.file));
    Ok(findings)
}

fn check(source: &Source) -> Vec<Finding> {
    let words = tokens::words(&source.text);
    let mut wrong: Vec<(usize, &str)> = Vec::new();
    wrong.extend(asked_at_run_time(&words).map(|line| (line, "`cfg!(feature)` changes behaviour")));
    let mut attributes = Attributes { depth: 0, wrong };
    attributes.visit_file(&source.ast);
    let wrong = attributes.wrong.into_iter().filter(|(line, _)| !source.is_test(*line));
    wrong.map(|(line, what)| Finding::new(&source.path, line, what, REMEDY)).collect()
}

fn asked_at_run_time(words: &[Word]) -> impl Iterator<Item = usize> {
    tokens::find(words, &["cfg", "!", "("])
        .filter(|(_, rest)| has_feature(tokens::inside(rest)))
        .map(|(line, _)| line)
}

fn has_feature(words: &[Word]) -> bool {
    words.iter().any(|word| word.text == "feature")
}

/// Looks at each `#[cfg(...)]` and counts in how many blocks it stands.
struct Attributes {
    depth: usize,
    wrong: Vec<(usize, &'static str)>,
}

impl<'ast> Visit<'ast> for Attributes {
    fn visit_block(&mut self, block: &'ast Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_attribute(&mut self, attr: &'ast Attribute) {
        if let Some(what) = cfg_tokens(attr).and_then(|tokens| judge(tokens, self.depth > 0)) {
            self.wrong.push((attr.span().start().line, what));
        }
    }
}

fn judge(cfg: TokenStream, in_block: bool) -> Option<&'static str> {
    let words = tokens::flatten(cfg);
    let negated = tokens::find(&words, &["not", "("]).any(|(_, rest)| has_feature(tokens::inside(rest)));
    if negated {
        Some("`cfg(not(feature))` takes away what is there without the feature")
    } else if in_block && has_feature(&words) {
        Some("`cfg(feature)` inside a function changes behaviour")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    fn lines(text: &str) -> Vec<usize> {
        check(&parse("crates/a/src/lib.rs", text)).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn items_may_stand_behind_a_feature() {
        assert!(lines("#[cfg(feature = \"server\")]\npub mod server {}\n").is_empty());
        assert!(lines("#[cfg(all(unix, feature = \"x\"))]\npub fn a() {}\n").is_empty());
        assert!(lines("#[cfg(not(unix))]\npub fn a() {}\n").is_empty());
    }

    #[test]
    fn behaviour_may_not() {
        assert_eq!(lines("fn a() -> bool {\n    cfg!(any(unix, feature = \"x\"))\n}"), [2]);
        assert_eq!(lines("#[cfg(any(unix, not(feature = \"x\")))]\nfn a() {}\n"), [1]);
        assert_eq!(lines("fn a() {\n    #[cfg(feature = \"x\")]\n    b();\n}"), [2]);
        assert_eq!(
            lines("fn a() {\n    match b {\n        #[cfg(feature = \"x\")]\n        C => {}\n    }\n}"),
            [3]
        );
        assert_eq!(lines("fn a() {\n    B {\n        #[cfg(feature = \"x\")]\n        c: 1,\n    }\n}"), [3]);
    }

    #[test]
    fn tests_may_do_as_they_like() {
        assert!(
            lines("#[cfg(test)]\nmod tests {\n    fn a() -> bool { cfg!(feature = \"x\") }\n}").is_empty()
        );
    }
}
