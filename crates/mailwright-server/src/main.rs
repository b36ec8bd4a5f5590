//! The binary `mailwright`.

mod accounts;
mod admin;
mod config;
mod configure;
mod data;
mod dev;
mod exit;
mod outbound;
mod password;
mod queue;
mod serve;
mod signals;
mod terminal;
mod verify;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::exit::Exit;

/// A mail server, and tools for mail.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

/// How the log is written, whatever a configuration says.
#[derive(Debug, clap::Args)]
struct LogArgs {
    /// The log on stderr: text for people, or a JSON object a line. Text on a terminal, else JSON.
    #[arg(long, global = true, env = "MAILWRIGHT_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged, as `level` or `target=level,...` [default: info].
    #[arg(long, global = true, env = "MAILWRIGHT_LOG", value_name = "FILTER")]
    log: Option<EnvFilter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A mail server for development: on this machine only, in memory unless a folder is named, gone with Ctrl-C.
    Dev(Box<dev::Dev>),
    /// The mail server, by a configuration. SIGHUP has it read that again, SIGTERM ends it.
    Serve(serve::Serve),
    /// Help with the configuration.
    #[command(subcommand)]
    Config(configure::Configure),
    /// Accounts that are kept beside the mail, for a running server or without one.
    #[command(subcommand)]
    User(accounts::User),
    /// Domains that are kept beside the mail, for a running server or without one.
    #[command(subcommand)]
    Domain(accounts::Domains),
    /// Mail that waits to be delivered elsewhere: what there is, and what is to become of it.
    #[command(subcommand)]
    Queue(queue::Queue),
    /// Looks at every octet of a data directory, while no server is at work in it.
    Verify(verify::Verify),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stream is no reason for another code.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    match cli.command {
        Command::Dev(dev) => {
            cli.log.start("info", config::Format::Auto);
            dev.run().await
        }
        Command::Serve(serve) => serve.run(cli.log).await,
        Command::Config(configure) => configure.run(),
        Command::Verify(verify) => verify.run(),
        Command::User(user) => {
            cli.log.start("warn", config::Format::Auto);
            user.run().await
        }
        Command::Queue(queue) => {
            cli.log.start("warn", config::Format::Auto);
            queue.run().await
        }
        Command::Domain(domain) => {
            cli.log.start("warn", config::Format::Auto);
            domain.run().await
        }
    }
}

impl LogArgs {
    /// Starts the log. What the command line says goes before `filter` and `format`.
    fn start(self, filter: &str, format: config::Format) {
        let terminal = std::io::stderr().is_terminal();
        let filter = self.log.unwrap_or_else(|| EnvFilter::new(filter));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let format = self.log_format.unwrap_or(match format {
            config::Format::Text => LogFormat::Text,
            config::Format::Json => LogFormat::Json,
            config::Format::Auto if terminal => LogFormat::Text,
            config::Format::Auto => LogFormat::Json,
        });
        match format {
            LogFormat::Text => log.with_ansi(terminal).init(),
            LogFormat::Json => log.json().flatten_event(true).init(),
        }
    }
}
