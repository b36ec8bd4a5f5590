//! Running cargo, and counting the tests it runs.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A cargo that works on the work tree at `root`.
pub(crate) fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(args);
    command
}

/// Runs cargo in the open and says whether it succeeded.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<bool> {
    println!("$ cargo {}", args.join(" "));
    Ok(command(root, args).status().context("cargo")?.success())
}

/// What cargo prints. A failure is an error with what it complains about.
pub(crate) fn output(root: &Path, args: &[&str]) -> Result<String> {
    let output = command(root, args).output().context("cargo")?;
    if !output.status.success() {
        bail!("cargo {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// How many tests did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

impl Counts {
    /// Adds a line like `test result: ok. 3 passed; 0 failed; 1 ignored; ...`; others add nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Runs `cargo test` in the open, counts the tests, and says whether it succeeded.
pub(crate) fn test(root: &Path, args: &[&str], env: &[(&str, &str)]) -> Result<(bool, Counts)> {
    println!("$ cargo {}", args.join(" "));
    let mut command = command(root, args);
    let mut child = command.envs(env.iter().copied()).stdout(Stdio::piped()).spawn().context("cargo")?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            counts.add(&line);
        }
    }
    Ok((child.wait()?.success(), counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_test_harness_says() {
        let mut counts = Counts::default();
        counts.add("running 4 tests");
        counts.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
        );
        counts.add(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
        );
        assert_eq!(counts, Counts { passed: 4, failed: 2, ignored: 1 });
    }
}
