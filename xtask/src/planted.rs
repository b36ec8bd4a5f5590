//! A check that never fails guards nothing. So each is shown a violation, planted into a copy of the work tree,
//! and must find it.

mod plants;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use self::plants::{CLIPPY, Change, Plant, plants};
use crate::{cargo, checks, workspace};

/// Plants one violation after the other, prints a table, and says whether all were caught.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let mut copy = Copy::new(root)?;
    let plants = plants();
    println!("{:<62} {:<20} ok", "planted violation", "caught by");
    let mut all_caught = true;
    for plant in &plants {
        let caught = copy.try_plant(plant);
        all_caught &= matches!(caught, Ok(true));
        let verdict = match caught {
            Ok(true) => "yes".to_owned(),
            Ok(false) => format!("NO: nothing says `{}`", plant.says),
            Err(error) => format!("NO: {error:#}"),
        };
        println!("{:<62} {:<20} {verdict}", plant.what, plant.check);
    }
    for name in without_plant(&plants) {
        all_caught = false;
        println!("{:<62} {name:<20} NO: remedy: add one to xtask/src/planted/plants.rs", "(none)");
    }
    Ok(all_caught)
}

fn without_plant(plants: &[Plant]) -> Vec<&'static str> {
    let planted: BTreeSet<&str> = plants.iter().map(|plant| plant.check).collect();
    checks::names().filter(|name| !planted.contains(name)).collect()
}

/// A copy of the work tree, below the target folder: always at the same place, so that clippy finds what it
/// built the last time.
struct Copy {
    root: PathBuf,
    target: PathBuf,
    /// What each check says without a violation.
    before: BTreeMap<&'static str, String>,
}

impl Copy {
    fn new(original: &Path) -> Result<Self> {
        let manifest = original.join("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
        let target = metadata.target_directory.into_std_path_buf();
        let root = target.join("planted");
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| root.display().to_string())?;
        }
        for file in workspace::files(original)? {
            write(&root.join(&file), &fs::read(original.join(&file))?)?;
        }
        Ok(Self { root, target, before: BTreeMap::new() })
    }

    /// Changes the copy, looks whether the check complains as expected, and puts everything back.
    fn try_plant(&mut self, plant: &Plant) -> Result<bool> {
        if !self.before.contains_key(plant.check) {
            self.before.insert(plant.check, self.complaints(plant.check)?);
        }
        if self.before.get(plant.check).is_some_and(|before| before.contains(plant.says)) {
            bail!("it says so without the violation");
        }
        let mut before = Vec::new();
        let planted = plant.changes.iter().try_for_each(|(file, change)| {
            let path = self.root.join(file);
            let text = fs::read_to_string(&path).ok();
            before.push((path.clone(), text.clone()));
            apply(&path, text, change).with_context(|| file.to_string())
        });
        let complaints = planted.and_then(|()| self.complaints(plant.check));
        for (path, text) in before.into_iter().rev() {
            restore(&path, text)?;
        }
        Ok(complaints?.contains(plant.says))
    }

    fn complaints(&self, check: &str) -> Result<String> {
        if check == CLIPPY {
            return self.clippy();
        }
        let findings = checks::findings(&self.root, check)?;
        Ok(findings.iter().map(|finding| format!("{finding}\n")).collect())
    }

    /// What clippy says about the lowest crate.
    fn clippy(&self) -> Result<String> {
        let args = ["clippy", "--quiet", "--package", "mailwright-core", "--", "-D", "warnings"];
        let output = cargo::command(&self.root, &args).env("CARGO_TARGET_DIR", &self.target).output()?;
        Ok(if output.status.success() {
            String::new()
        } else {
            String::from_utf8_lossy(&output.stderr).into()
        })
    }
}

fn apply(path: &Path, text: Option<String>, change: &Change) -> Result<()> {
    match (change, text) {
        (Change::Write(new), None) => write(path, new.as_bytes()),
        (Change::Write(_), Some(_)) => bail!("is there already"),
        (_, None) => bail!("is not there"),
        (Change::Append(end), Some(text)) => write(path, format!("{text}{end}").as_bytes()),
        (Change::Replace(old, new), Some(text)) if text.contains(old) => {
            write(path, text.replacen(old, new, 1).as_bytes())
        }
        (Change::Replace(old, _), Some(_)) => bail!("does not contain `{old}`"),
        (Change::Remove, Some(_)) => Ok(fs::remove_file(path)?),
    }
}

fn restore(path: &Path, text: Option<String>) -> Result<()> {
    match text {
        Some(text) => write(path, text.as_bytes()),
        None if path.exists() => Ok(fs::remove_file(path)?),
        None => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}
