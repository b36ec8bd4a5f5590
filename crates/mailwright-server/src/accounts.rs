//! `mailwright user` and `mailwright domain`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use mailwright_server::Scram;
use serde::Serialize;

use crate::admin::{DomainRow, Hash, Office, PasswordIn, Reply, Request, UserRow};
use crate::config::Config;
use crate::configure::ConfigArgs;
use crate::exit::{Exit, Failure};
use crate::password::PasswordArgs;
use crate::terminal::{confirm, print, print_json};

/// Accounts that are kept beside the mail.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Adds an account. Its address is the name to log in with.
    Add {
        /// Its address.
        address: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Gives an account a new password.
    Passwd {
        /// Its address.
        address: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Removes an account with all its mail.
    Remove {
        /// Its address.
        address: String,
        /// Does not ask whether to.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Lists all accounts.
    List(ListArgs),
}

/// Domains that are kept beside the mail.
#[derive(Debug, Subcommand)]
pub(crate) enum Domains {
    /// Takes mail for a domain.
    Add {
        /// Which.
        domain: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Lists all domains.
    List(ListArgs),
}

/// How to list.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// A JSON object a line, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

impl User {
    pub(crate) async fn run(self) -> ExitCode {
        match self {
            Self::Add { address, password, config } => {
                let request = move |scram: &_| Ok(Request::UserAdd { address, hash: hash(password, scram)? });
                change(&config, request).await
            }
            Self::Passwd { address, password, config } => {
                let request =
                    move |scram: &_| Ok(Request::UserPasswd { address, hash: hash(password, scram)? });
                change(&config, request).await
            }
            Self::Remove { address, yes, config } => {
                let question = format!("Remove {address} with all its mail?");
                let request = move |_: &_| confirm(yes, &question).map(|()| Request::UserRemove { address });
                change(&config, request).await
            }
            Self::List(args) => args.run::<UserRow>().await,
        }
    }
}

impl Domains {
    pub(crate) async fn run(self) -> ExitCode {
        match self {
            Self::Add { domain, config } => change(&config, |_| Ok(Request::DomainAdd { domain })).await,
            Self::List(args) => args.run::<DomainRow>().await,
        }
    }
}

/// The server is not kept waiting while somebody types.
fn hash(password: PasswordArgs, scram: &Scram) -> Result<Hash, Failure> {
    Ok(Hash(password.hash(scram)?.as_text().to_owned()))
}

/// Does one thing, of which there is nothing to tell.
async fn change(config: &ConfigArgs, request: impl FnOnce(&Scram) -> Result<Request, Failure>) -> ExitCode {
    let config = match config.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let done = async {
        let request = request(&config.root.login.kept())?;
        let mut office = Office::reach(&config).await?;
        let done = office.ask(&config, request).await;
        office.close().await.and(done)
    };
    match done.await {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => failure.print(),
    }
}

impl ListArgs {
    async fn run<R: Row>(self) -> ExitCode {
        let config = match self.config.load() {
            Ok(config) => config,
            Err(code) => return code,
        };
        match self.list::<R>(&config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.print(),
        }
    }

    async fn list<R: Row>(&self, config: &Config) -> Result<(), Failure> {
        let mut office = Office::reach(config).await?;
        let listed = self.pages::<R>(config, &mut office).await;
        office.close().await.and(listed)
    }

    async fn pages<R: Row>(&self, config: &Config, office: &mut Office) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let reply = office.ask(config, R::request(after)).await?;
            let Some((rows, next)) = R::of_reply(reply) else {
                return Err(Failure::new(Exit::Software, "the server has answered something else"));
            };
            for row in rows {
                self.print(&row)?;
            }
            match next {
                Some(_) => after = next,
                None => return Ok(()),
            }
        }
    }

    fn print<R: Row>(&self, row: &R) -> Result<(), Failure> {
        if self.json { print_json(row) } else { print(&row.line()) }
    }
}

/// What can be listed.
trait Row: Serialize + Sized {
    /// Where a page begins.
    type After;

    fn request(after: Option<Self::After>) -> Request;

    fn of_reply(reply: Reply) -> Option<(Vec<Self>, Option<Self::After>)>;

    /// For people.
    fn line(&self) -> String;
}

impl Row for UserRow {
    type After = u64;

    fn request(after: Option<u64>) -> Request {
        Request::UserList { after }
    }

    fn of_reply(reply: Reply) -> Option<(Vec<Self>, Option<u64>)> {
        match reply {
            Reply::Users { rows, next } => Some((rows, next)),
            _ => None,
        }
    }

    fn line(&self) -> String {
        let mut notes = Vec::new();
        match self.password {
            PasswordIn::Configuration => notes.push("password in the configuration".to_owned()),
            PasswordIn::Store => {}
            PasswordIn::Nowhere => notes.push("no password".to_owned()),
        }
        if !self.enabled {
            notes.push("disabled".to_owned());
        }
        let more: Vec<&str> =
            self.addresses.iter().filter(|address| **address != self.login).map(String::as_str).collect();
        if !more.is_empty() {
            notes.push(format!("also {}", more.join(", ")));
        }
        format!("{:<39} {}", self.login, notes.join("; ")).trim_end().to_owned()
    }
}

impl Row for DomainRow {
    type After = String;

    fn request(after: Option<String>) -> Request {
        Request::DomainList { after }
    }

    fn of_reply(reply: Reply) -> Option<(Vec<Self>, Option<String>)> {
        match reply {
            Reply::Domains { rows, next } => Some((rows, next)),
            _ => None,
        }
    }

    fn line(&self) -> String {
        let note = if self.configured { "in the configuration" } else { "" };
        format!("{:<39} {note}", self.domain).trim_end().to_owned()
    }
}
