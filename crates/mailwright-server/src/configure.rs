//! `mailwright config`

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use mailwright_auth::ScramHash;
use mailwright_server::Scram;

use crate::config::{Config, Report, document, environment};
use crate::exit::Exit;
use crate::password::PasswordArgs;

/// Which configuration.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration.
    #[arg(
        short = 'c',
        long = "config",
        env = "MAILWRIGHT_CONFIG",
        value_name = "FILE",
        default_value = "/etc/mailwright/mailwright.toml"
    )]
    pub(crate) file: PathBuf,
}

impl ConfigArgs {
    /// Reads it, and says on stderr what is wrong with it.
    pub(crate) fn load(&self) -> Result<Config, ExitCode> {
        Config::load(&self.file, &environment()).map_err(|report| {
            show(&report);
            Exit::Config.into()
        })
    }

    /// The iterations of new keys for SCRAM. A configuration that is not there, or waits for the very hash that is to be
    /// made, wants those that are the default, and the operator hears of it.
    pub(crate) fn scram_iterations(&self) -> u32 {
        match Config::load(&self.file, &environment()) {
            Ok(config) => config.root.login.kept().iterations,
            Err(_) => {
                let default = Scram::default().iterations;
                eprintln!(
                    "mailwright: there is no configuration in {} that can be used\n  \
                     the keys get {default} iterations; if it is to have others, name them with --scram-iterations",
                    self.file.display()
                );
                default
            }
        }
    }
}

fn show(report: &Report) {
    if !report.is_empty() {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        eprintln!("{}", report.render(colours));
    }
}

/// Help with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Configure {
    /// Reads the configuration and what it names, and says all that is wrong with it.
    Check(ConfigArgs),
    /// Prints a configuration with all keys, their defaults, and what they mean.
    Default,
    /// Asks for a password and prints its hash, for a user of the configuration.
    Hash {
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        config: ConfigArgs,
        /// Adds keys for SCRAM by this hash, as `[login] scram` of the configuration wants them.
        #[arg(long, value_name = "HASH")]
        scram: Vec<HashName>,
        /// Iterations of these keys, in the place of those of the configuration.
        #[arg(long, value_name = "NUMBER")]
        scram_iterations: Option<u32>,
    },
}

/// A hash of SCRAM, as the configuration has it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum HashName {
    /// SCRAM-SHA-256.
    #[value(name = "sha-256")]
    Sha256,
    /// SCRAM-SHA-1, for clients that know no other.
    #[value(name = "sha-1")]
    Sha1,
}

impl HashName {
    fn hash(self) -> ScramHash {
        match self {
            Self::Sha256 => ScramHash::Sha256,
            Self::Sha1 => ScramHash::Sha1,
        }
    }
}

impl Configure {
    pub(crate) fn run(self) -> ExitCode {
        let text = match self {
            Self::Check(args) => match args.load() {
                Ok(config) => {
                    show(&config.warnings);
                    return ExitCode::SUCCESS;
                }
                Err(code) => return code,
            },
            Self::Default => document(),
            Self::Hash { password, config, scram, scram_iterations } => {
                let hashes: Vec<_> = scram.into_iter().map(HashName::hash).collect();
                let scram = if hashes.is_empty() {
                    Scram::default()
                } else {
                    Scram {
                        hashes,
                        iterations: scram_iterations.unwrap_or_else(|| config.scram_iterations()),
                    }
                };
                match password.hash(&scram) {
                    Ok(verifier) => format!("{}\n", verifier.as_text()),
                    Err(failure) => return failure.print(),
                }
            }
        };
        match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => Exit::IoError.into(),
        }
    }
}
