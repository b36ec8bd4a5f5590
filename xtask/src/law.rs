//! `xtask/edges.toml`, typed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The path of the law in the repository.
pub(crate) const PATH: &str = "xtask/edges.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Law {
    pub(crate) crates: BTreeMap<String, CrateLaw>,
    pub(crate) codecs: Codecs,
    pub(crate) outside: Outside,
    pub(crate) tls: Tls,
    pub(crate) private_parts: PrivateParts,
    pub(crate) exceptions: Exceptions,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrateLaw {
    pub(crate) layer: u8,
    pub(crate) normal: Allowed,
    pub(crate) dev: Allowed,
}

/// Which members a member may depend on.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Allowed {
    /// Exactly these.
    Listed(Vec<String>),
    /// A word instead of a list.
    Word(Word),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// Every member of a lower layer.
    Below,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Codecs {
    pub(crate) crates: Vec<String>,
    pub(crate) external: Vec<String>,
    pub(crate) optional: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Outside {
    pub(crate) test_features: Vec<String>,
    pub(crate) from_layer: Vec<FromLayer>,
}

/// Crates that may be reached from `layer` upwards only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromLayer {
    pub(crate) layer: u8,
    pub(crate) crates: Vec<String>,
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Tls {
    pub(crate) chooser: String,
    pub(crate) choices: Vec<String>,
    pub(crate) crates: Vec<String>,
    pub(crate) provider_features: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivateParts {
    pub(crate) crates: Vec<String>,
}

impl PrivateParts {
    /// Whether the first segment of a path, as in `mail_parser::Message`, names a private part.
    pub(crate) fn contains(&self, segment: &str) -> bool {
        self.crates.iter().any(|part| {
            let part = part.replace('-', "_");
            match part.strip_suffix('*') {
                Some(prefix) => segment.starts_with(prefix),
                None => segment == part,
            }
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Exceptions {
    pub(crate) features: Vec<Exception>,
    pub(crate) long_files: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    pub(crate) file: PathBuf,
    #[expect(
        dead_code,
        reason = "written for the reader of the law; required, so that it is never left out"
    )]
    pub(crate) reason: String,
}

impl Law {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let path = root.join(PATH);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| PATH.to_owned())
    }

    /// The layer of a member, if it has a row.
    pub(crate) fn layer(&self, member: &str) -> Option<u8> {
        self.crates.get(member).map(|law| law.layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_this_workspace_is_readable() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let law = Law::load(root).unwrap();
        assert_eq!(law.layer("mailwright-core"), Some(0));
    }

    #[test]
    fn private_parts_are_known_by_their_path_names() {
        let parts = PrivateParts { crates: vec!["mail-parser".into(), "hickory-*".into()] };
        assert!(parts.contains("mail_parser"));
        assert!(parts.contains("hickory_resolver"));
        assert!(!parts.contains("mail_parser2"));
    }
}
