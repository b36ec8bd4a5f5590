//! The measurements of package `mailwright-benches`.

use std::path::Path;

use anyhow::Result;

use crate::cargo;

/// Without a name all benchmarks; with one the program `bench-<name>`, which gets the rest of the arguments.
pub(crate) fn run(root: &Path, name_and_args: &[&str]) -> Result<bool> {
    let Some((name, args)) = name_and_args.split_first() else {
        return cargo::run(root, &["bench", "--package", "mailwright-benches"]);
    };
    let program = format!("bench-{name}");
    let start = ["run", "--release", "--package", "mailwright-benches", "--bin", &program, "--"];
    cargo::run(root, &[&start, args].concat())
}
