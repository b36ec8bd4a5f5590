//! A run of several steps: all of them, whatever fails, and one table at the end.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cargo::Counts;

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    counts: Counts,
}

struct Row {
    name: String,
    took: Duration,
    ok: bool,
}

impl Report {
    /// Runs one step. An error counts as a failure of this step.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Result<bool>) {
        println!("\n== {name}");
        let start = Instant::now();
        let ok = run().unwrap_or_else(|error| {
            println!("{name}: {error:#}");
            false
        });
        self.rows.push(Row { name: name.to_owned(), took: start.elapsed(), ok });
    }

    /// The same for a step that runs tests.
    pub(crate) fn test_step(&mut self, name: &str, run: impl FnOnce() -> Result<(bool, Counts)>) {
        let mut total = self.counts;
        self.step(name, || {
            let (ok, counts) = run()?;
            total.passed += counts.passed;
            total.failed += counts.failed;
            total.ignored += counts.ignored;
            Ok(ok)
        });
        self.counts = total;
    }

    /// Prints the table and the number of tests, and says whether all steps were well.
    pub(crate) fn finish(self) -> bool {
        println!("\n{:<32} {:>9}  verdict", "step", "time");
        for Row { name, took, ok } in &self.rows {
            let verdict = if *ok { "ok" } else { "FAILED" };
            println!("{name:<32} {:>7.1} s  {verdict}", took.as_secs_f64());
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        println!("{:<32} {:>7.1} s\n", "all", total.as_secs_f64());
        let Counts { passed, failed, ignored } = self.counts;
        println!("tests: {passed} passed, {failed} failed, {ignored} skipped");
        self.rows.iter().all(|row| row.ok)
    }
}
