//! The configuration: one TOML file and variables of the environment over it, read and checked as a whole. All
//! mistakes are told at once, each with the place where it stands.

mod aliases;
mod check;
mod document;
mod egress;
mod file;
mod keys;
mod login;
mod mask;
mod network;
mod report;
mod secret;
mod section;
mod span;
mod tree;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mailwright_server::Certificates;
use mailwright_store_sqlite::SqliteConfig;

pub(crate) use document::document;
pub(crate) use egress::{sources, via};
pub(crate) use keys::{Listener, Outbound, OutboundTimeouts, Root, RouteTo, Storage};
pub(crate) use report::Report;
pub(crate) use section::{Change, When};
use section::{Reading, Setting};
pub(crate) use value::Format;

use report::{Problems, Source};
use tree::{overlay, parse};

/// Octets of a configuration.
const FILE_MAX: u64 = 4 << 20;

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) root: Root,
    /// If there is one.
    pub(crate) certificates: Option<Certificates>,
    /// What should be better.
    pub(crate) warnings: Report,
    folder: PathBuf,
}

/// The variables that there are. What is not Unicode is left out: no key and no hash has such a value.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let unicode = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.into_string().ok()?))
    });
    unicode.collect()
}

/// The text of a file.
pub(crate) fn read_file(path: &Path, max: u64) -> std::io::Result<String> {
    file::read(path, max).map(|found| found.text)
}

impl Config {
    /// Where relative paths begin.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads a file, and the environment over it.
    pub(crate) fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, Report> {
        let name = path.display().to_string();
        match file::read(path, FILE_MAX) {
            Ok(found) => Self::parse(&name, &found.text, path.parent().unwrap_or(Path::new("")), environment),
            Err(error) => {
                let help =
                    "name another one with -c FILE, or begin with what `mailwright config default` prints";
                Err(Report::of_file(&name, format!("{name}: {error}"), help))
            }
        }
    }

    /// Reads `text`, which stands in a file of this name in `folder`.
    pub(crate) fn parse(
        name: &str,
        text: &str,
        folder: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Report> {
        let mut problems = Problems::default();
        let mut tree = parse(text, 0, &mut problems);
        let torn = problems.errors();
        let mut texts = vec![(name.to_owned(), text.to_owned())];
        for (name, value) in environment.iter().filter(|(name, _)| tree::is_overlay(name)) {
            overlay(&mut tree, name, value, texts.len(), &mut problems);
            texts.push(("the environment".to_owned(), format!("{name}={value}")));
        }
        let show = |(index, (name, text)): (usize, (String, String))| Source {
            name,
            text: mask::masked(&text, index, &tree, torn == 0 || index > 0),
        };
        let sources = texts.into_iter().enumerate().map(show).collect();

        let (folder, environment) = (folder.to_owned(), environment.clone());
        let mut cx = Reading { problems, folder, environment, is_torn: torn > 0, all: Root::KEYS };
        let root = Root::read(tree, &mut cx);
        let certificates = root.as_ref().and_then(|root| {
            aliases::check(root, &mut cx.problems);
            egress::check(root, &mut cx.problems);
            check::check(root, &cx.folder, &mut cx.problems)
        });
        cx.problems.one_per_line(torn, text);
        match root {
            Some(root) if cx.problems.errors() == 0 => {
                let warnings = Report::new(cx.problems, sources);
                Ok(Self { root, certificates, warnings, folder: cx.folder })
            }
            _ => Err(Report::new(cx.problems, sources)),
        }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join(&self.root.data.value)
    }

    /// How the data directory is opened.
    pub(crate) fn storage(&self) -> SqliteConfig {
        let Storage { segment, reserve, watermark } = &self.root.storage;
        let mut storage = SqliteConfig::at(self.data());
        (storage.segment_bytes, storage.reserve_bytes, storage.watermark_bytes) =
            (segment.0, reserve.0, watermark.0);
        storage
    }

    /// This one as it is in force where `old` was: what needs a restart is as it was.
    pub(crate) fn in_place_of(mut self, old: &Self) -> Self {
        self.root.keep(&old.root, When::Reload);
        self
    }

    /// The keys that differ.
    pub(crate) fn changes(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.root.changes(&new.root, "", When::Restart, &mut changes);
        changes
    }
}

#[cfg(test)]
mod tests;
