//! How commands end: sysexits(3), so that scripts and service managers can tell what to do about it.

use std::fmt;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// Why a command did not do what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Exit {
    /// It was called in a wrong way.
    Usage = 64,
    /// What it was given is not what it should be.
    Data = 65,
    /// There is no such user.
    NoUser = 67,
    /// There is no such domain here.
    NoHost = 68,
    /// Something that is needed is not there, or busy.
    Unavailable = 69,
    /// A fault of ours.
    Software = 70,
    /// The operating system refuses something.
    OsError = 71,
    /// It cannot be created, or is there already.
    CantCreate = 73,
    /// Reading or writing failed.
    IoError = 74,
    /// It may work later.
    TempFail = 75,
    /// It may not be done by this user.
    NoPermission = 77,
    /// The configuration is wrong.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command has to say when it fails: a line, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), remedy: None }
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says it on stderr.
    pub(crate) fn print(&self) -> ExitCode {
        eprintln!("mailwright: {self}");
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, "\n  {remedy}"))
    }
}
