//! Invariant 6: every limit is a named field whose documentation tells its default.

use anyhow::Result;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Field, ItemStruct, Lit, Meta, Type, Visibility};

use crate::finding::Finding;
use crate::source::Source;
use crate::workspace::Workspace;

/// How the names of structs end whose fields are limits and other settings.
const SETTINGS: [&str; 3] = ["Config", "Limits", "Timeouts"];

pub(super) fn run(workspace: &Workspace) -> Result<Vec<Finding>> {
    Ok(workspace.published_sources().flat_map(check).collect())
}

fn check(source: &Source) -> Vec<Finding> {
    let mut silent = SilentFields::default();
    silent.visit_file(&source.ast);
    let silent = silent.found.into_iter().filter(|(line, _)| !source.is_test(*line));
    let finding = |(line, name): (usize, String)| {
        let what = format!("the documentation of `{name}` does not tell its default");
        Finding::new(
            &source.path,
            line,
            what,
            "say what it limits, its unit, `Default: ...`, its cost and RFC section",
        )
    };
    silent.map(finding).collect()
}

/// The public fields of settings without "Default" in their documentation.
#[derive(Default)]
struct SilentFields {
    found: Vec<(usize, String)>,
}

impl<'ast> Visit<'ast> for SilentFields {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        let name = item.ident.to_string();
        if is_settings(&name) && matches!(item.vis, Visibility::Public(_)) {
            self.found
                .extend(item.fields.iter().filter(|field| is_silent(field)).map(|field| place(&name, field)));
        }
        visit::visit_item_struct(self, item);
    }
}

fn is_settings(name: &str) -> bool {
    SETTINGS.iter().any(|end| name.ends_with(end))
}

/// A field that is settings again has no default of its own: its fields have.
fn is_silent(field: &Field) -> bool {
    let holds_settings = match &field.ty {
        Type::Path(ty) => ty.path.segments.last().is_some_and(|last| is_settings(&last.ident.to_string())),
        _ => false,
    };
    matches!(field.vis, Visibility::Public(_)) && !holds_settings && !docs(&field.attrs).contains("Default")
}

fn place(owner: &str, field: &Field) -> (usize, String) {
    let name = field.ident.as_ref().map_or_else(|| "0".to_owned(), ToString::to_string);
    (field.ty.span().start().line, format!("{owner}::{name}"))
}

fn docs(attrs: &[Attribute]) -> String {
    attrs.iter().filter_map(doc_line).collect::<Vec<_>>().join("\n")
}

fn doc_line(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    #[test]
    fn each_public_field_tells_its_default() {
        let text = "pub struct Limits {\n\
                    /// Octets in a line. Default: 512.\n\
                    pub line: usize,\n\
                    /// Recipients.\n\
                    pub recipients: usize,\n\
                    secret: usize,\n\
                    pub timeouts: Timeouts,\n\
                    }\n\
                    pub struct Other { pub a: u8 }\n";
        let found = check(&parse("crates/a/src/lib.rs", text));
        let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [5]);
    }
}
