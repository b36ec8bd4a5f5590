//! Passwords of users who stand in the configuration: a hash, here or elsewhere, and never the password.

use std::path::Path;

use mailwright_auth::Verifier;
use mailwright_core::Secret;

use super::file::{self, Readable};
use super::report::Problem;
use super::section::{Reading, Setting, nearest};
use super::span::Span;
use super::tree::{Kind, Node, Table};

/// What a password is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Password(pub(crate) Verifier);

/// Octets of a file with a hash in it.
const FILE_MAX: u64 = 4096;

const REMEDY: &str = "`mailwright config hash` asks for a password and prints its hash: put that here,\n\
                      or into a file and write { file = \"...\" }, or into a variable and write { env = \"...\" }";

impl Setting for Password {
    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        match node.kind {
            Kind::Text(text) => verifier(&text, &node.at, "here stands something else", cx),
            Kind::Table(table) => elsewhere(table, &node.at, REMEDY, verifier, cx),
            other => {
                let label = format!("this is {}", other.name());
                cx.problems.push(
                    Problem::error(&node.at, "the hash of a password is wanted here", label)
                        .with_help(REMEDY),
                );
                None
            }
        }
    }
}

/// What is read is never shown, whatever is wrong with it.
fn verifier(text: &str, at: &Span, place: &str, cx: &mut Reading) -> Option<Password> {
    let error = match Verifier::parse(text.trim()) {
        Ok(verifier) => return Some(Password(verifier)),
        Err(error) => error,
    };
    let problem = if text.trim_start().starts_with('$') {
        Problem::error(at, format!("the hash is of no use: {error}"), place)
    } else {
        Problem::error(at, "this is no hash of a password", place)
            .with_help(format!("the password itself is written down nowhere\n{REMEDY}"))
    };
    cx.problems.push(problem);
    None
}

/// A password for another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayPassword(pub(crate) Secret);

impl Setting for RelayPassword {
    fn read(node: Node, cx: &mut Reading) -> Option<Self> {
        const REMEDY: &str = "put it into a file of the server's user and write { file = \"...\" }, or into a \
                              variable and write { env = \"...\" }";
        match node.kind {
            // One that is wrong is one all the same: no other key is to be missed or blamed for it.
            Kind::Table(table) => {
                let read = elsewhere(table, &node.at, REMEDY, password, cx);
                Some(read.unwrap_or_else(|| Self(Secret::new(Vec::new()))))
            }
            // It is not shown.
            _ => {
                let problem =
                    Problem::error(&node.at, "a password does not stand in here", "may be a secret");
                cx.problems.push(problem.with_help(REMEDY));
                Some(Self(Secret::new(Vec::new())))
            }
        }
    }
}

/// A line, without its end.
fn password(text: &str, at: &Span, place: &str, cx: &mut Reading) -> Option<RelayPassword> {
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.contains(['\r', '\n', '\0']) {
        cx.problems.push(Problem::error(at, "this is no password: one line is wanted", place));
        return None;
    }
    Some(RelayPassword(line.into()))
}

/// How a secret is read from its text.
type Read<T> = fn(&str, &Span, &str, &mut Reading) -> Option<T>;

/// `{ file = "..." }` or `{ env = "..." }`
fn elsewhere<T>(table: Table, at: &Span, remedy: &str, read: Read<T>, cx: &mut Reading) -> Option<T> {
    let mut entries = table.entries.into_iter();
    let (Some((key, entry)), None) = (entries.next(), entries.next()) else {
        let problem =
            Problem::error(at, "one key is wanted here, `file` or `env`", "there are none or several");
        cx.problems.push(problem.with_help(remedy));
        return None;
    };
    let Kind::Text(value) = entry.value.kind else {
        let label = format!("this is {}", entry.value.kind.name());
        cx.problems.push(Problem::error(&entry.value.at, format!("text is wanted for `{key}`"), label));
        return None;
    };
    match key.as_str() {
        "file" => in_file(&cx.folder.join(value), &entry.value.at, read, cx),
        "env" => match cx.environment.get(&value).cloned() {
            Some(text) => read(&text, &entry.value.at, "in this variable stands something else", cx),
            None => {
                let message = format!("there is no variable {value}");
                cx.problems.push(Problem::error(&entry.value.at, message, "not in the environment"));
                None
            }
        },
        other => {
            let label = match nearest(other, ["file", "env"].into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "no such key".to_owned(),
            };
            let problem = Problem::error(&entry.key, format!("unknown key `{other}`"), label);
            cx.problems.push(problem.with_help("the keys here are: file, env"));
            None
        }
    }
}

fn in_file<T>(path: &Path, at: &Span, read: Read<T>, cx: &mut Reading) -> Option<T> {
    match file::read(path, FILE_MAX) {
        Ok(Readable { text, open_to_others }) => {
            if open_to_others {
                cx.problems.push(others_can_read(path, at));
            }
            read(&text, at, "in this file stands something else", cx)
        }
        Err(error) => {
            cx.problems.push(Problem::error(at, format!("{}: {error}", path.display()), "cannot be read"));
            None
        }
    }
}

/// What every user of the machine can read is no secret.
pub(crate) fn others_can_read(path: &Path, at: &Span) -> Problem {
    let message = format!("every user of this machine can read {}", path.display());
    Problem::warning(at, message, "a secret").with_help(format!("chmod o= {}", path.display()))
}
