//! Every check and every test, in one command.

use std::path::Path;

use anyhow::Result;

use crate::cargo::{self, Counts};
use crate::law::Law;
use crate::packages;
use crate::report::Report;
use crate::workspace::Workspace;
use crate::{checks, planted};

/// What the names of the end-to-end tests in `mailwright-tests` begin with.
const INTEROP: &str = "interop::";

/// What the name of the test that replays the fuzz corpora contains.
const FUZZ_CORPUS: &str = "fuzz_corpus";

/// All but the installation of Debian packages.
pub(crate) fn ci(root: &Path, long: bool) -> Result<bool> {
    let mut report = Report::default();
    steps(&mut report, root, long)?;
    Ok(report.finish())
}

/// All, for a fresh machine.
pub(crate) fn test(root: &Path, long: bool) -> Result<bool> {
    let mut report = Report::default();
    report.step("packages", packages::provide);
    steps(&mut report, root, long)?;
    Ok(report.finish())
}

/// Replays the fuzz corpora.
pub(crate) fn fuzz_replay(root: &Path) -> Result<bool> {
    Ok(some_test(root, FUZZ_CORPUS)?.0)
}

/// Checks each published crate with each of its features alone: one must not need another that it does not switch on.
pub(crate) fn features(root: &Path) -> Result<bool> {
    let workspace = Workspace::load(root)?;
    let tls = &workspace.law.tls;
    let mut report = Report::default();
    for member in workspace.published() {
        let name = member.name.as_str();
        for feature in member.features.keys().filter(|feature| *feature != "default") {
            // One that chooses no provider needs one that does.
            let needs = Some(tls.choices.as_slice())
                .filter(|choices| name == tls.chooser && !choices.contains(feature));
            let with = needs
                .and_then(<[String]>::first)
                .map_or_else(|| feature.clone(), |one| format!("{feature},{one}"));
            let what = ["--package", name, "--no-default-features", "--features", with.as_str()];
            report.step(&format!("{name} {feature}"), || clippy(root, &what));
        }
    }
    Ok(report.finish())
}

/// Runs the end-to-end tests with foreign programs.
pub(crate) fn interop(root: &Path) -> Result<bool> {
    Ok(some_test(root, INTEROP)?.0)
}

fn steps(report: &mut Report, root: &Path, long: bool) -> Result<()> {
    report.step("format", || cargo::run(root, &["fmt", "--all", "--check"]));
    report.step("structure", || checks::run_all(root));
    report.step("planted violations", || planted::run(root));
    report.step("clippy", || clippy(root, &["--workspace", "--all-targets"]));
    for name in published(root)? {
        report.step(&format!("{name} alone"), || alone(root, &name));
    }
    report.step("documentation", || document(root));
    report.step("build", || cargo::run(root, &["build", "--workspace", "--bins"]));
    report.test_step("fuzz corpora", || some_test(root, FUZZ_CORPUS));
    report.test_step("tests", || all_tests(root, long));
    Ok(())
}

fn published(root: &Path) -> Result<Vec<String>> {
    Ok(Workspace::load(root)?.published().map(|member| member.name.clone()).collect())
}

fn clippy(root: &Path, what: &[&str]) -> Result<bool> {
    cargo::run(root, &[&["clippy"], what, &["--", "-D", "warnings"]].concat())
}

/// A crate must compile by itself, not only with the features that its neighbours switch on.
fn alone(root: &Path, name: &str) -> Result<bool> {
    let default = clippy(root, &["--package", name])?;
    let full = clippy(root, &["--package", name, "--all-features"])?;
    let tls = Law::load(root)?.tls;
    let bare = ["--package", name, "--no-default-features"];
    if name != tls.chooser {
        return Ok(default && full && clippy(root, &bare)?);
    }
    let choices =
        tls.choices.iter().map(|choice| clippy(root, &[&bare[..], &["--features", choice]].concat()));
    Ok(default && full && choices.collect::<Result<Vec<_>>>()?.into_iter().all(|ok| ok))
}

fn document(root: &Path) -> Result<bool> {
    println!("$ cargo doc --workspace --no-deps");
    let mut doc = cargo::command(root, &["doc", "--workspace", "--no-deps"]);
    Ok(doc.env("RUSTDOCFLAGS", "-D warnings").status()?.success())
}

fn all_tests(root: &Path, long: bool) -> Result<(bool, Counts)> {
    let env: &[(&str, &str)] = if long { &[("MAILWRIGHT_LONG", "1")] } else { &[] };
    cargo::test(root, &["test", "--workspace", "--no-fail-fast"], env)
}

/// The tests of `mailwright-tests` with this word in their name. That there is none counts as a failure: a test
/// that was renamed must not vanish in silence.
fn some_test(root: &Path, word: &str) -> Result<(bool, Counts)> {
    let (ok, counts) = cargo::test(root, &["test", "--package", "mailwright-tests", word], &[])?;
    let ran = counts.passed + counts.failed > 0;
    if !ran {
        println!(
            "tests/: no test has `{word}` in its name\n    remedy: name it so, or correct xtask/src/ci.rs"
        );
    }
    Ok((ok && ran, counts))
}
