//! `mailwright queue`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use mailwright_core::Timestamp;
use mailwright_message::moment;
use serde::Serialize;

use crate::admin::{Office, QueueChange, QueueRow, RecipientRow, Reply, Request, TraceRow};
use crate::config::Config;
use crate::configure::ConfigArgs;
use crate::exit::{Exit, Failure};
use crate::terminal::{confirm, print, print_json};

/// Mail that waits to be delivered elsewhere.
#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// Lists what waits.
    List {
        #[command(flatten)]
        which: Domain,
        /// A JSON object a line, for programs: with the keys of `postqueue -j`.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Shows a message, and all that has happened to it.
    Show {
        /// Its id.
        id: String,
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Tries messages now, those too that their senders have held until a time.
    Retry(ChangeArgs),
    /// Keeps messages back until they are released.
    Hold(ChangeArgs),
    /// Lets messages go again that were kept back; what its sender has held until a time waits for that.
    Release(ChangeArgs),
    /// Returns messages to their senders.
    Bounce(ChangeArgs),
    /// Deletes messages, and tells nobody.
    Delete(ChangeArgs),
}

/// Which messages.
#[derive(Debug, Args)]
pub(crate) struct Domain {
    /// Only those for this domain.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
}

/// Which messages are changed.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// Ids, as `queue list` shows them.
    #[arg(required_unless_present_any = ["domain", "all"])]
    ids: Vec<String>,
    #[command(flatten)]
    which: Domain,
    /// All messages.
    #[arg(long, conflicts_with = "domain")]
    all: bool,
    /// Does not ask whether to.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

impl Queue {
    pub(crate) async fn run(self) -> ExitCode {
        let (change, args) = match self {
            Self::List { which, json, config } => {
                return Session::run(&config, async |session| session.list(which.domain, json).await).await;
            }
            Self::Show { id, json, config } => {
                return Session::run(&config, async |session| session.show(id, json).await).await;
            }
            Self::Retry(args) => (QueueChange::Retry, args),
            Self::Hold(args) => (QueueChange::Hold, args),
            Self::Release(args) => (QueueChange::Release, args),
            Self::Bounce(args) => (QueueChange::Bounce, args),
            Self::Delete(args) => (QueueChange::Delete, args),
        };
        Session::run(&args.config, async |session| session.change(change, &args).await).await
    }
}

/// Whom the command asks.
struct Session {
    config: Config,
    office: Office,
}

impl Session {
    async fn run(
        config: &ConfigArgs,
        command: impl AsyncFnOnce(&mut Self) -> Result<(), Failure>,
    ) -> ExitCode {
        let config = match config.load() {
            Ok(config) => config,
            Err(code) => return code,
        };
        let done = async {
            let mut session = Self { office: Office::reach(&config).await?, config };
            let done = command(&mut session).await;
            session.office.close().await.and(done)
        };
        match done.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.print(),
        }
    }

    async fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        self.office.ask(&self.config, request).await
    }

    /// A page, and where the next one begins.
    async fn page(
        &mut self,
        route: Option<String>,
        after: Option<String>,
    ) -> Result<(Vec<QueueRow>, Option<String>), Failure> {
        match self.ask(Request::QueueList { route, after }).await? {
            Reply::Queue { rows, next } => Ok((rows, next)),
            _ => Err(something_else()),
        }
    }

    async fn list(&mut self, route: Option<String>, json: bool) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let (rows, next) = self.page(route.clone(), after).await?;
            for row in rows {
                if json { print_json(&row)? } else { print(&line(&row))? }
            }
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    async fn show(&mut self, entry: String, json: bool) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Shown {
            #[serde(flatten)]
            row: QueueRow,
            trace: Vec<TraceRow>,
        }
        let Reply::QueueEntry { row, trace } = self.ask(Request::QueueShow { entry }).await? else {
            return Err(something_else());
        };
        if json {
            return print_json(&Shown { row, trace });
        }
        print(&line(&row))?;
        print(&format!(
            "  {} attempts, the next at {}; given up at {}",
            row.attempts, row.next_attempt, row.expires
        ))?;
        for TraceRow { time, stage, verdict, text, evidence } in trace {
            let evidence: Vec<String> =
                evidence.iter().map(|(key, value)| format!("{key}={value}")).collect();
            print(format!("  {time} {stage:<8} {verdict:<7} {text} {}", evidence.join(" ")).trim_end())?;
        }
        Ok(())
    }

    async fn change(&mut self, change: QueueChange, args: &ChangeArgs) -> Result<(), Failure> {
        let mut ids = args.ids.clone();
        if args.all || args.which.domain.is_some() {
            // All of them first: what is changed may move in the list.
            let mut after = None;
            loop {
                let (rows, next) = self.page(args.which.domain.clone(), after).await?;
                ids.extend(rows.into_iter().map(|row| row.queue_id));
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        let question = match change {
            QueueChange::Bounce => Some(format!("Return {} to their senders?", many(ids.len()))),
            QueueChange::Delete => Some(format!("Delete {}?", many(ids.len()))),
            QueueChange::Retry | QueueChange::Hold | QueueChange::Release => None,
        };
        if let Some(question) = question {
            confirm(args.yes, &question)?;
        }
        for entry in ids {
            self.ask(Request::QueueChange { entry, change }).await?;
        }
        Ok(())
    }
}

fn many(messages: usize) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

fn something_else() -> Failure {
    Failure::new(Exit::Software, "the server has answered something else")
}

/// For people.
fn line(row: &QueueRow) -> String {
    let sender = if row.sender.is_empty() { "<>" } else { &row.sender };
    let mut line = format!("{} {:<8} {:>9} {sender}", row.queue_id, row.queue_name, row.message_size);
    // Unless it is over, or somebody has had it tried: what is released goes on by another way.
    let waits = row.attempts == 0 && row.route.ends_with(".held.invalid");
    let held = row.release_time.filter(|release| waits && row.next_attempt >= *release);
    line.extend(held.map(|at| format!(" held until {}", moment(Timestamp(at.saturating_mul(1000))))));
    for RecipientRow { address, delay_reason } in &row.recipients {
        line += &format!("\n    {address}");
        line.extend(delay_reason.iter().map(|reason| format!(": {reason}")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4865: what its sender has held, and nobody has tried yet.
    #[test]
    fn what_is_held_says_until_when() {
        let release = 1_795_420_800;
        let row = |attempts, next_attempt, release_time| QueueRow {
            queue_name: "deferred".to_owned(),
            queue_id: "06DQDPN8000G40R4-0".to_owned(),
            arrival_time: release - 60,
            message_size: 300,
            forced_expire: false,
            sender: "ann@a.example".to_owned(),
            recipients: Vec::new(),
            route: "7.held.invalid".to_owned(),
            attempts,
            next_attempt,
            expires: release + 432_000,
            release_time,
        };
        let plain = "06DQDPN8000G40R4-0 deferred       300 ann@a.example";
        let held = format!("{plain} held until 2026-11-23T08:00:00Z");
        for (row, expected) in [
            (row(0, release, Some(release)), held.as_str()),
            (row(0, release - 30, Some(release)), plain),
            (row(1, release + 60, Some(release)), plain),
            (row(0, release, None), plain),
        ] {
            assert_eq!(line(&row), expected);
        }
    }
}
