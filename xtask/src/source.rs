//! A parsed Rust file that knows which of its lines are test code.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta};

use crate::tokens;

pub(crate) struct Source {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) ast: syn::File,
    test: TestCode,
}

enum TestCode {
    All,
    Lines(Vec<RangeInclusive<usize>>),
}

impl Source {
    fn parse(path: &Path, text: String, test_features: &[String]) -> Result<Self> {
        let ast = syn::parse_file(&text).map_err(|error| {
            anyhow!("{}:{}: does not parse: {error}", path.display(), error.span().start().line)
        })?;
        let mut lines = TestLines { features: test_features, ranges: Vec::new() };
        lines.visit_file(&ast);
        Ok(Self { path: path.to_owned(), text, ast, test: TestCode::Lines(lines.ranges) })
    }

    /// Whether the line is inside an item that exists in tests, or by a feature for tests, only.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        match &self.test {
            TestCode::All => true,
            TestCode::Lines(ranges) => ranges.iter().any(|range| range.contains(&line)),
        }
    }

    pub(crate) fn is_all_test(&self) -> bool {
        matches!(self.test, TestCode::All)
    }
}

/// Parses the Rust files of `crates/*/src` and `xtask/src`.
pub(crate) fn load(root: &Path, files: &[PathBuf], test_features: &[String]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in files.iter().filter(|path| is_source(path)) {
        let text = std::fs::read_to_string(root.join(path)).with_context(|| path.display().to_string())?;
        sources.push(Source::parse(path, text, test_features)?);
    }
    mark_test_files(&mut sources, test_features);
    Ok(sources)
}

fn is_source(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
    let in_src = matches!(parts.as_slice(), ["crates", _, "src", ..] | ["xtask", "src", ..]);
    in_src && path.extension().is_some_and(|extension| extension == "rs")
}

/// A file behind `#[cfg(test)] mod name;` is test code as a whole, and so is what lies below it.
fn mark_test_files(sources: &mut [Source], test_features: &[String]) {
    let modules: BTreeSet<PathBuf> =
        sources.iter().flat_map(|source| test_modules(source, test_features)).collect();
    for source in sources {
        let stem = source.path.with_extension("");
        if stem.ancestors().any(|ancestor| modules.contains(ancestor)) {
            source.test = TestCode::All;
        }
    }
}

/// The paths, without `.rs`, of the files declared by `#[cfg(test)] mod name;`.
fn test_modules(source: &Source, test_features: &[String]) -> Vec<PathBuf> {
    let dir = module_dir(&source.path);
    let declared = source.ast.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() && is_test(&module.attrs, test_features) => {
            Some(&module.ident)
        }
        _ => None,
    });
    declared.map(|name| dir.join(name.to_string())).collect()
}

/// The folder in which the submodules of a file lie.
fn module_dir(path: &Path) -> PathBuf {
    let stem = path.with_extension("");
    let is_root = stem.file_name().is_some_and(|name| name == "lib" || name == "main" || name == "mod");
    if is_root { path.parent().map_or_else(PathBuf::new, Path::to_path_buf) } else { stem }
}

struct TestLines<'a> {
    features: &'a [String],
    ranges: Vec<RangeInclusive<usize>>,
}

impl<'ast> Visit<'ast> for TestLines<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(item_attrs(item), self.features) {
            let span = item.span();
            self.ranges.push(span.start().line..=span.end().line);
        } else {
            visit::visit_item(self, item);
        }
    }
}

/// Whether the attributes say `cfg(test)` or `cfg(feature = "testing")`, but not `cfg(not(test))`.
fn is_test(attrs: &[Attribute], test_features: &[String]) -> bool {
    attrs.iter().filter_map(cfg_tokens).any(|tokens| {
        let words = tokens::flatten(tokens);
        let is_test =
            |word: &str| word == "test" || test_features.iter().any(|name| word == format!("\"{name}\""));
        words.iter().any(|word| is_test(&word.text)) && words.iter().all(|word| word.text != "not")
    })
}

/// What stands between the parentheses of `#[cfg(...)]`.
pub(crate) fn cfg_tokens(attr: &Attribute) -> Option<proc_macro2::TokenStream> {
    match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.clone()),
        _ => None,
    }
}

fn item_attrs(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
pub(crate) fn parse(path: &str, text: &str) -> Source {
    Source::parse(Path::new(path), text.to_owned(), &["testing".to_owned()]).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_test_lines() {
        let source = parse("crates/a/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n");
        let test: Vec<usize> = (1..=5).filter(|line| source.is_test(*line)).collect();
        assert_eq!(test, [2, 3, 4, 5]);
    }

    #[test]
    fn a_test_module_in_its_own_file_is_all_test() {
        let mut sources = [
            parse("crates/a/src/machine.rs", "#[cfg(test)]\nmod tests;\nmod state;\n"),
            parse("crates/a/src/machine/tests.rs", "fn a() {}"),
            parse("crates/a/src/machine/tests/deep.rs", "fn a() {}"),
            parse("crates/a/src/machine/state.rs", "fn a() {}"),
        ];
        mark_test_files(&mut sources, &[]);
        let test: Vec<bool> = sources.iter().map(Source::is_all_test).collect();
        assert_eq!(test, [false, true, true, false]);
    }

    #[test]
    fn a_feature_for_tests_is_test() {
        let source = parse("crates/a/src/lib.rs", "#[cfg(feature = \"testing\")]\nfn a() {}\n");
        assert!(source.is_test(2));
    }

    #[test]
    fn not_test_is_not_test() {
        let source = parse("crates/a/src/lib.rs", "#[cfg(not(test))]\nfn a() {}\n");
        assert!(!source.is_test(2));
    }
}
