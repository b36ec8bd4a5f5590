//! The binary `mailwright`.

mod dev;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

/// A mail server, and tools for mail.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    /// The log on stderr: text for people, or a JSON object a line. Text on a terminal, else JSON.
    #[arg(long, global = true, env = "MAILWRIGHT_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged, as `level` or `target=level,...`.
    #[arg(long, global = true, env = "MAILWRIGHT_LOG", default_value = "info", value_name = "FILTER")]
    log: EnvFilter,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A mail server for development: in memory, on this machine only, gone with Ctrl-C.
    Dev(dev::Dev),
}

/// sysexits(3): the operating system refuses something.
const EX_OSERR: u8 = 71;
/// sysexits(3): what a user wants cannot be done so.
const EX_UNAVAILABLE: u8 = 69;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.log_format, cli.log);
    match cli.command {
        Command::Dev(dev) => dev.run().await,
    }
}

fn start_log(format: Option<LogFormat>, filter: EnvFilter) {
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json }) {
        LogFormat::Text => log.with_ansi(terminal).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
