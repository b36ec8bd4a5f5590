//! The modules of a crate, one a file, and the imports between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

use crate::source::Source;

/// The segments of a path inside the crate, without `crate`.
type ModulePath = Vec<String>;

/// How many re-exports are followed one after the other: circles of re-exports end here.
const MAX_HOPS: usize = 8;

pub(super) struct Modules<'a> {
    by_path: BTreeMap<ModulePath, Module<'a>>,
}

struct Module<'a> {
    source: &'a Source,
    /// What is defined here.
    names: BTreeSet<String>,
    /// All `use` declarations: the name (none for `*`) and the path, as written.
    uses: Vec<Use>,
    /// Paths in the code that may lead out of the file.
    paths: Vec<Written>,
}

struct Use {
    name: Option<String>,
    path: Written,
    /// Re-exported, so not an import of its own.
    public: bool,
}

/// A path as written.
struct Written {
    segments: ModulePath,
    /// The inline modules it is written in.
    inline: ModulePath,
    line: usize,
}

impl<'a> Modules<'a> {
    pub(super) fn new(sources: &[&'a Source]) -> Self {
        let has_lib = sources.iter().any(|source| source.path.ends_with("src/lib.rs"));
        let in_crate = |source: &&&Source| {
            let is_program =
                source.path.ends_with("src/main.rs") || source.path.iter().any(|part| part == "bin");
            !(source.is_all_test() || (has_lib && is_program))
        };
        let sources = sources.iter().filter(in_crate);
        let by_path = sources.map(|source| (module_path(&source.path), Module::read(source))).collect();
        Self { by_path }
    }

    /// Each pair (importing file, imported file), with the first line that imports.
    pub(super) fn imports(&self) -> BTreeMap<(PathBuf, PathBuf), usize> {
        let mut imports = BTreeMap::new();
        for (here, module) in &self.by_path {
            let uses = module.uses.iter().filter(|item| !item.public).map(|item| &item.path);
            for path in uses.chain(&module.paths) {
                let target = self.absolute(here, path).and_then(|path| self.target(&path));
                if let Some(target) = target.filter(|target| target.source.path != module.source.path) {
                    let pair = (module.source.path.clone(), target.source.path.clone());
                    imports.entry(pair).or_insert(path.line);
                }
            }
        }
        imports
    }

    /// The path from the root of the crate, or none if it leads to another crate.
    fn absolute(&self, here: &[String], written: &Written) -> Option<ModulePath> {
        let mut base = [here, &written.inline].concat();
        let mut rest = written.segments.as_slice();
        let first = rest.first()?;
        if first == "crate" {
            base.clear();
            rest = rest.get(1..)?;
        } else if first == "self" {
            rest = rest.get(1..)?;
        } else if first != "super" && !self.is_module(&base, first) {
            return None;
        }
        while rest.first().is_some_and(|segment| segment == "super") {
            base.pop()?;
            rest = rest.get(1..)?;
        }
        Some([&base, rest].concat())
    }

    fn is_module(&self, base: &[String], name: &str) -> bool {
        self.by_path.contains_key(&[base, &[name.to_owned()]].concat())
    }

    /// The file that a path leads to: where its thing is defined, else the deepest file on the way.
    fn target(&self, path: &[String]) -> Option<&Module<'a>> {
        self.definition(path, MAX_HOPS).or_else(|| self.deepest(path).map(|(_, module)| module))
    }

    fn definition(&self, path: &[String], hops: usize) -> Option<&Module<'a>> {
        let (here, module) = self.deepest(path)?;
        let rest = path.get(here.len()..)?;
        let Some(name) = rest.first() else { return Some(module) };
        if module.names.contains(name) {
            return Some(module);
        }
        let hops = hops.checked_sub(1)?;
        let through = |item: &Use| {
            let behind = if item.name.is_some() { rest.get(1..)? } else { rest };
            let path = [&self.absolute(here, &item.path)?, behind].concat();
            self.definition(&path, hops)
        };
        let named = module.uses.iter().filter(|item| item.name.as_ref() == Some(name));
        let globs = module.uses.iter().filter(|item| item.name.is_none());
        named.chain(globs).find_map(through)
    }

    /// The file module that is the longest prefix of a path.
    fn deepest<'p>(&self, path: &'p [String]) -> Option<(&'p [String], &Module<'a>)> {
        (0..=path.len()).rev().find_map(|len| {
            let prefix = path.get(..len)?;
            Some((prefix, self.by_path.get(prefix)?))
        })
    }
}

/// `crates/a/src/b/c.rs` is `["b", "c"]`.
fn module_path(path: &Path) -> ModulePath {
    let parts = path.with_extension("");
    let mut segments: ModulePath = parts
        .iter()
        .skip_while(|part| *part != "src")
        .skip(1)
        .map(|part| part.to_string_lossy().into())
        .collect();
    segments.pop_if(|last| matches!(last.as_str(), "lib" | "main" | "mod"));
    segments
}

impl<'a> Module<'a> {
    fn read(source: &'a Source) -> Self {
        let mut reader = Reader::new(source);
        reader.visit_file(&source.ast);
        let Reader { names, uses, paths, .. } = reader;
        Self { source, names, uses, paths }
    }
}

/// Collects what a file defines, imports and mentions, outside its tests.
struct Reader<'a> {
    source: &'a Source,
    inline: ModulePath,
    names: BTreeSet<String>,
    uses: Vec<Use>,
    paths: Vec<Written>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Self {
        Self { source, inline: Vec::new(), names: BTreeSet::new(), uses: Vec::new(), paths: Vec::new() }
    }

    fn written(&self, segments: ModulePath, line: usize) -> Written {
        Written { segments, inline: self.inline.clone(), line }
    }

    fn add_use(&mut self, tree: &UseTree, mut before: ModulePath, public: bool) {
        let (name, ident) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                return self.add_use(&path.tree, before, public);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.add_use(tree, before.clone(), public));
            }
            UseTree::Name(item) if item.ident == "self" => (before.last().cloned(), &item.ident),
            UseTree::Name(item) => {
                before.push(item.ident.to_string());
                (Some(item.ident.to_string()), &item.ident)
            }
            UseTree::Rename(item) => {
                if item.ident != "self" {
                    before.push(item.ident.to_string());
                }
                (Some(item.rename.to_string()), &item.rename)
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans.first().map_or(1, |span| span.start().line);
                let path = self.written(before, line);
                return self.uses.push(Use { name: None, path, public });
            }
        };
        let path = self.written(before, ident.span().start().line);
        self.uses.push(Use { name, path, public });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !self.source.is_test(item.span().start().line) {
            self.names.extend(name(item));
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.inline.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inline.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_use(&item.tree, ModulePath::new(), !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first().filter(|_| path.segments.len() > 1) {
            let line = first.ident.span().start().line;
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.paths.push(self.written(segments, line));
        }
        visit::visit_path(self, path);
    }

    /// The path in `pub(in path)` is no import.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// The name an item defines. Modules in files of their own are known by their path.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) if item.content.is_some() => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
