//! Everything the checks look at, read once: the law, the manifests, the list of files, the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};
use ignore::WalkBuilder;

use crate::law::Law;
use crate::source::{self, Source};

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) law: Law,
    pub(crate) members: Vec<Member>,
    /// All files that are not ignored, relative to the root, sorted.
    pub(crate) files: Vec<PathBuf>,
    /// The Rust files of `crates/*/src` and `xtask/src`.
    pub(crate) sources: Vec<Source>,
}

/// A package of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Relative to the root.
    pub(crate) dir: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) front: Front,
}

/// What a registry shows of a package.
pub(crate) struct Front {
    pub(crate) description: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) readme: Option<PathBuf>,
    pub(crate) has_rust_version: bool,
}

/// A dependency as a manifest declares it.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) dev: bool,
    pub(crate) optional: bool,
    pub(crate) default_features: bool,
    pub(crate) features: Vec<String>,
}

impl Workspace {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let files = files(root)?;
        let law = Law::load(root)?;
        let sources = source::load(root, &files, &law.outside.test_features)?;
        Ok(Self { root: root.to_owned(), law, members: members(root)?, files, sources })
    }

    /// The text of a file of the repository.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Result<String> {
        let path = path.as_ref();
        std::fs::read_to_string(self.root.join(path)).with_context(|| path.display().to_string())
    }

    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.files.binary_search_by(|file| file.as_path().cmp(path)).is_ok()
    }

    /// The members under `crates/`: what is published.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.dir.starts_with("crates"))
    }

    /// The sources under `crates/`.
    pub(crate) fn published_sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.path.starts_with("crates"))
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The other members that `member` declares as normal (or as dev) dependencies.
    pub(crate) fn edges<'a>(&'a self, member: &'a Member, dev: bool) -> BTreeSet<&'a str> {
        let names = member.dependencies.iter().filter(|dep| dep.dev == dev).map(|dep| dep.name.as_str());
        names.filter(|name| *name != member.name && self.member(name).is_some()).collect()
    }

    /// Every member that `member` reaches by normal dependencies, itself left out.
    pub(crate) fn reachable<'a>(&'a self, member: &'a Member) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![member];
        while let Some(next) = open.pop() {
            for name in self.edges(next, false) {
                if reached.insert(name) {
                    open.extend(self.member(name));
                }
            }
        }
        reached
    }
}

impl Member {
    pub(crate) fn manifest(&self) -> PathBuf {
        self.dir.join("Cargo.toml")
    }
}

fn members(root: &Path) -> Result<Vec<Member>> {
    let manifest = root.join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
    let root = metadata.workspace_root.as_std_path();
    let member = |package: cargo_metadata::Package| {
        let dir = package.manifest_path.parent().context("a manifest without a folder")?;
        let dir = dir.as_std_path().strip_prefix(root)?.to_owned();
        let dependencies = package.dependencies.into_iter().map(dependency).collect();
        let front = Front {
            description: package.description,
            keywords: package.keywords,
            categories: package.categories,
            license: package.license,
            repository: package.repository,
            readme: package.readme.map(Into::into),
            has_rust_version: package.rust_version.is_some(),
        };
        Ok(Member { name: package.name.to_string(), dir, dependencies, features: package.features, front })
    };
    metadata.packages.into_iter().map(member).collect()
}

fn dependency(declared: cargo_metadata::Dependency) -> Dependency {
    Dependency {
        name: declared.name,
        dev: declared.kind == DependencyKind::Development,
        optional: declared.optional,
        default_features: declared.uses_default_features,
        features: declared.features,
    }
}

/// Works without git too, so that the checks run in an unpacked release.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .require_git(false)
        .git_global(false)
        .git_exclude(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let mut files = Vec::new();
    for entry in walk {
        let entry = entry?;
        // A link to a file is one too.
        if entry.path().is_file() {
            files.push(entry.path().strip_prefix(root)?.to_owned());
        }
    }
    files.sort();
    Ok(files)
}
