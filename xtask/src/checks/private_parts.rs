//! Invariant 5: types of replaceable parts never appear in a public signature.
//!
//! The check reads one file at a time: a name is followed through the `use` declarations of its file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Fields, Generics, ImplItem, Item, ItemImpl, ItemMod, ItemTrait, ItemUse, Path, Signature, Type, UseTree,
    Visibility,
};

use crate::finding::Finding;
use crate::law::PrivateParts;
use crate::source::Source;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    let parts = &workspace.law.private_parts;
    Ok(workspace.published_sources().flat_map(|source| check(source, parts)).collect())
}

fn check(source: &Source, parts: &PrivateParts) -> Vec<Finding> {
    let mut names = Names::default();
    names.visit_file(&source.ast);
    let mut surface = Surface { parts, names: &names, found: Vec::new() };
    surface.items(&source.ast.items);
    let found = surface.found.into_iter().filter(|(line, _)| !source.is_test(*line));
    let finding = |(line, path): (usize, String)| {
        let what = format!("`{path}`, of a private part, is in a public signature");
        Finding::new(&source.path, line, what, "wrap it in a type of ours, or make the item `pub(crate)`")
    };
    found.map(finding).collect()
}

/// What the names of a file stand for.
#[derive(Default)]
struct Names {
    /// An imported name and the first segment of its path.
    imports: BTreeMap<String, String>,
    /// Types declared here that are not `pub`.
    hidden: BTreeSet<String>,
}

impl Names {
    /// The crate, or else the name, that a first segment leads to.
    fn root<'a>(&'a self, segment: &'a str) -> &'a str {
        let mut root = segment;
        for _ in 0..8 {
            match self.imports.get(root) {
                Some(next) if next != root => root = next,
                _ => break,
            }
        }
        root
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (name, root) in imported(&item.tree, None) {
            self.imports.insert(name, root);
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let declared = match item {
            Item::Struct(item) => Some((&item.vis, &item.ident)),
            Item::Enum(item) => Some((&item.vis, &item.ident)),
            Item::Type(item) => Some((&item.vis, &item.ident)),
            _ => None,
        };
        let hidden = declared.filter(|(vis, _)| !is_pub(vis));
        self.hidden.extend(hidden.map(|(_, name)| name.to_string()));
        visit::visit_item(self, item);
    }
}

/// The names that a `use` brings in, each with the first segment of its path.
fn imported(tree: &UseTree, root: Option<&str>) -> Vec<(String, String)> {
    let name = |name: &syn::Ident| (name.to_string(), root.map_or_else(|| name.to_string(), str::to_owned));
    match tree {
        UseTree::Path(path) => {
            let segment = path.ident.to_string();
            let mut names = imported(&path.tree, Some(root.unwrap_or(&segment)));
            if let UseTree::Group(group) = &*path.tree {
                let is_self = |tree: &UseTree| matches!(tree, UseTree::Name(name) if name.ident == "self");
                if group.items.iter().any(is_self) {
                    names.push((segment.clone(), root.unwrap_or(&segment).to_owned()));
                }
            }
            names
        }
        UseTree::Name(item) => vec![name(&item.ident)],
        UseTree::Rename(item) => {
            let root = root.map_or_else(|| item.ident.to_string(), str::to_owned);
            vec![(item.rename.to_string(), root)]
        }
        UseTree::Group(group) => group.items.iter().flat_map(|tree| imported(tree, root)).collect(),
        UseTree::Glob(_) => root.map(|root| ("*".to_owned(), root.to_owned())).into_iter().collect(),
    }
}

fn is_pub(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// Walks over what other crates can see of a file.
struct Surface<'a> {
    parts: &'a PrivateParts,
    names: &'a Names,
    found: Vec<(usize, String)>,
}

impl Surface<'_> {
    fn items(&mut self, items: &[Item]) {
        items.iter().for_each(|item| self.item(item));
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_pub(&item.vis) => self.signature(&item.sig),
            Item::Struct(item) if is_pub(&item.vis) => {
                self.visit_generics(&item.generics);
                self.fields(&item.fields, false);
            }
            Item::Enum(item) if is_pub(&item.vis) => {
                self.visit_generics(&item.generics);
                item.variants.iter().for_each(|variant| self.fields(&variant.fields, true));
            }
            Item::Type(item) if is_pub(&item.vis) => self.generic_type(&item.generics, &item.ty),
            Item::Const(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
            Item::Static(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
            Item::Trait(item) if is_pub(&item.vis) => self.public_trait(item),
            Item::Use(item) if is_pub(&item.vis) => self.public_use(item),
            Item::Impl(item) => self.implementation(item),
            Item::Mod(ItemMod { content: Some((_, items)), .. }) => self.items(items),
            _ => {}
        }
    }

    fn signature(&mut self, sig: &Signature) {
        self.visit_signature(sig);
    }

    fn generic_type(&mut self, generics: &Generics, ty: &Type) {
        self.visit_generics(generics);
        self.visit_type(ty);
    }

    fn fields(&mut self, fields: &Fields, all: bool) {
        for field in fields.iter().filter(|field| all || is_pub(&field.vis)) {
            self.visit_type(&field.ty);
        }
    }

    fn public_trait(&mut self, item: &ItemTrait) {
        self.visit_generics(&item.generics);
        item.supertraits.iter().for_each(|bound| self.visit_type_param_bound(bound));
        for item in &item.items {
            match item {
                syn::TraitItem::Fn(item) => self.signature(&item.sig),
                other => self.visit_trait_item(other),
            }
        }
    }

    fn public_use(&mut self, item: &ItemUse) {
        for (name, root) in imported(&item.tree, None) {
            if self.parts.contains(self.names.root(&root)) {
                self.found.push((item.span().start().line, format!("{root}::{name}")));
            }
        }
    }

    fn implementation(&mut self, item: &ItemImpl) {
        if self.is_hidden(&item.self_ty) {
            return;
        }
        let of_trait = item.trait_.is_some();
        if let Some((_, path, _)) = &item.trait_ {
            self.visit_generics(&item.generics);
            self.visit_path(path);
        }
        for item in &item.items {
            match item {
                ImplItem::Fn(item) if of_trait || is_pub(&item.vis) => self.signature(&item.sig),
                ImplItem::Const(item) if of_trait || is_pub(&item.vis) => self.visit_type(&item.ty),
                ImplItem::Type(item) => self.generic_type(&item.generics, &item.ty),
                _ => {}
            }
        }
    }

    /// Whether the type is declared in this file and not `pub`.
    fn is_hidden(&self, ty: &Type) -> bool {
        match ty {
            Type::Path(ty) => {
                ty.path.get_ident().is_some_and(|name| self.names.hidden.contains(&name.to_string()))
            }
            _ => false,
        }
    }
}

impl<'ast> Visit<'ast> for Surface<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(first) = path.segments.first() {
            let name = first.ident.to_string();
            let root = self.names.root(&name);
            if self.parts.contains(root) {
                let shown: Vec<String> =
                    path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                self.found.push((path.span().start().line, shown.join("::")));
            }
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let parts = PrivateParts { crates: vec!["rusqlite".into(), "mail-parser".into()] };
        let source = crate::source::parse("crates/a/src/lib.rs", text);
        check(&source, &parts).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn parts_may_be_used_inside() {
        assert!(
            lines("use rusqlite::Error;\nfn a() -> Error { todo!() }\npub struct B { c: Error }").is_empty()
        );
        assert!(lines("pub(crate) fn a() -> rusqlite::Error { todo!() }").is_empty());
        assert!(lines("pub fn a() { let x: rusqlite::Error; }").is_empty());
        assert!(
            lines("struct A;\nimpl From<rusqlite::Error> for A { fn from(_: rusqlite::Error) -> A { A } }")
                .is_empty()
        );
    }

    #[test]
    fn parts_may_not_be_seen_outside() {
        assert_eq!(lines("pub fn a() -> rusqlite::Error { todo!() }"), [1]);
        assert_eq!(lines("use rusqlite as sql;\nuse sql::Error as E;\npub fn a(_: Vec<E>) {}"), [3]);
        assert_eq!(lines("use mail_parser::{self, Message};\npub struct A { pub b: Message<'static> }"), [2]);
        assert_eq!(lines("pub enum A { B(rusqlite::Error) }"), [1]);
        assert_eq!(lines("pub type A = ::rusqlite::Error;"), [1]);
        assert_eq!(lines("pub trait A {\n    fn b() -> rusqlite::Error;\n}"), [2]);
        assert_eq!(lines("pub trait A {\n    type B: rusqlite::ToSql;\n}"), [2]);
        assert_eq!(lines("pub use rusqlite::Error;"), [1]);
        assert_eq!(lines("pub struct A;\nimpl A {\n    pub fn b() -> rusqlite::Error { todo!() }\n}"), [3]);
        assert_eq!(lines("pub struct A;\nimpl From<rusqlite::Error> for A { }"), [2]);
        assert_eq!(lines("mod a {\n    pub fn b<T: rusqlite::ToSql>() {}\n}"), [2]);
    }
}
