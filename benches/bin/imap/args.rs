//! The command line.

use std::path::PathBuf;

use crate::ops::OPS;
use crate::server::Which;

const COUNT: usize = 10_000;
const COUNT_QUICK: usize = 1000;
/// Besides those of [`OPS`].
const MORE: [&str; 2] = ["growth", "idle"];

pub(crate) struct Args {
    pub(crate) servers: Vec<Which>,
    /// Messages of the mailbox.
    pub(crate) count: usize,
    /// Where files go: the disk that is measured.
    pub(crate) dir: PathBuf,
    /// Names of operations; all, if there is none.
    ops: Vec<String>,
}

impl Args {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut args = Self { servers: Vec::new(), count: COUNT, dir: std::env::temp_dir(), ops: Vec::new() };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word {
                "--quick" => args.count = COUNT_QUICK,
                "--only" => match value()? {
                    "ours" => args.servers = vec![Which::Ours],
                    "dovecot" => args.servers = vec![Which::Dovecot],
                    other => return Err(format!("--only ours or --only dovecot, and not {other}")),
                },
                "--dir" => args.dir = value()?.into(),
                "--ops" => args.ops = value()?.split(',').map(str::to_owned).collect(),
                _ => return Err(help()),
            }
        }
        if let Some(unknown) = args.ops.iter().find(|op| !names().any(|name| name == *op)) {
            return Err(format!("{unknown} is no operation\n\n{}", help()));
        }
        if args.servers.is_empty() {
            args.servers = vec![Which::Ours, Which::Dovecot];
        }
        Ok(args)
    }

    pub(crate) fn has(&self, op: &str) -> bool {
        self.ops.is_empty() || self.ops.iter().any(|one| one == op)
    }

    /// The sizes of mailboxes that are compared.
    pub(crate) fn growth(&self) -> [usize; 3] {
        [self.count / 10, self.count, self.count * 10]
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    OPS.iter().map(|op| op.name).chain(MORE)
}

fn help() -> String {
    let mut names: Vec<_> = names().collect();
    names.dedup();
    format!(
        "cargo xtask bench imap [--quick] [--only ours|dovecot] [--dir <folder>] [--ops <name>,...]

  --quick   {COUNT_QUICK} messages in the place of {COUNT}
  --only    one of the servers alone
  --dir     where the mail is while this runs; the default is the folder for temporary files
  --ops     of {}",
        names.join(", ")
    )
}
