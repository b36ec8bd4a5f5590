//! What commands print and ask.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// Of what `--json` prints.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a, R> {
    schema_version: u32,
    #[serde(flatten)]
    row: &'a R,
}

/// Prints a line.
pub(crate) fn print(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| Failure::new(Exit::IoError, error.to_string()))
}

/// Prints a row as a JSON object in a line.
pub(crate) fn print_json(row: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(&Versioned { schema_version: SCHEMA_VERSION, row });
    print(&line.map_err(|error| Failure::new(Exit::Software, error.to_string()))?)
}

/// Asks whether to do what cannot be taken back, unless that was said.
pub(crate) fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    /// Octets of an answer.
    const ANSWER_MAX: u64 = 16;
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, format!("{question} There is no terminal to ask on"))
            .with_remedy("if you are sure: --yes"));
    }
    eprint!("{question} [y/N] ");
    let mut answer = Vec::new();
    let read = io::stdin().lock().take(ANSWER_MAX).read_until(b'\n', &mut answer);
    match read {
        Ok(_) if matches!(answer.trim_ascii(), b"y" | b"Y" | b"yes") => Ok(()),
        _ => Err(Failure::new(Exit::Usage, "nothing was done")),
    }
}
