//! Passwords that people type, or programs send; never one on the command line, which others can read.

use std::io::{self, IsTerminal as _, Read as _};

use mailwright_auth::{Cost, ScramError, Verifier};
use mailwright_core::{Entropy as _, Secret};
use mailwright_server::Scram;
use mailwright_tokio::SystemEntropy;

use crate::exit::{Exit, Failure};

/// Octets of a password.
const MAX: u64 = 1024;

/// Where a password comes from.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Reads the password from stdin in the place of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArgs {
    /// Asks for a password, and hashes it here, for SCRAM too: nobody else ever has it, not even the server.
    pub(crate) fn hash(self, scram: &Scram) -> Result<Verifier, Failure> {
        let password = if self.password_stdin { from_stdin()? } else { from_terminal()? };
        check(&password)?;
        let verifier = Verifier::hash(password.expose(), salt(), Cost::default())
            .map_err(|error| Failure::new(Exit::OsError, error.to_string()))?;
        scram.keep(verifier, password.expose(), salt).map_err(|error| {
            let failure = Failure::new(Exit::Data, error.to_string());
            match error {
                ScramError::Password => failure
                    .with_remedy("choose another: clients would not agree on how it is written (RFC 4013)"),
                _ => failure,
            }
        })
    }
}

fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    SystemEntropy.fill(&mut salt);
    salt
}

fn from_stdin() -> Result<Secret, Failure> {
    let mut octets = Vec::new();
    io::copy(&mut io::stdin().lock().take(MAX + 2), &mut octets)
        .map_err(|error| Failure::new(Exit::IoError, format!("cannot read the password: {error}")))?;
    let octets = Secret::new(octets);
    let line = octets.expose();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    Ok(Secret::from(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn from_terminal() -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "there is no terminal to ask for the password on")
            .with_remedy("send it to stdin, with --password-stdin"));
    }
    let ask = |prompt| {
        let typed = rpassword::prompt_password(prompt);
        typed
            .map(|text| Secret::new(text.into_bytes()))
            .map_err(|error| Failure::new(Exit::IoError, format!("cannot read the password: {error}")))
    };
    let password = ask("Password: ")?;
    if ask("Once more: ")? != password {
        return Err(Failure::new(Exit::Data, "these are two different passwords"));
    }
    Ok(password)
}

fn check(password: &Secret) -> Result<(), Failure> {
    let octets = password.expose();
    let wrong = match octets {
        [] => "the password is empty",
        _ if octets.len() as u64 > MAX => "the password is longer than 1024 octets",
        _ if std::str::from_utf8(octets).is_err() => "the password is not UTF-8",
        _ if octets.iter().any(u8::is_ascii_control) => {
            "the password has a control character or a line break"
        }
        _ => return Ok(()),
    };
    Err(Failure::new(Exit::Data, wrong))
}
