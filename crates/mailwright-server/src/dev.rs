//! `mailwright dev`

use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use mailwright_server::{Auth, Listener, Running, Server, Service, StartError};
use mailwright_store_sqlite::SqliteConfig;

use crate::data::{Opened, chain, close_off_thread, open_off_thread};
use crate::exit::{Exit, Failure};
use crate::signals::StopSignal;

/// The users that are there at the start; the password is the name.
const USERS: [&str; 2] = ["ann", "bob"];

/// What it serves. Whoever develops has one door for mail of other servers and of users, with TLS and without.
const SERVICES: [Service; 6] =
    [Service::Smtp, Service::Smtps, Service::Imap, Service::Imaps, Service::Pop3, Service::Pop3s];

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Where to listen, if a service has no address of its own.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// SMTP [default: port 1025, or the next free one].
    #[arg(long, env = "MAILWRIGHT_SMTP", value_name = "ADDR")]
    smtp: Option<SocketAddr>,
    /// SMTP inside TLS [default: port 1465, or the next free one].
    #[arg(long, env = "MAILWRIGHT_SMTPS", value_name = "ADDR")]
    smtps: Option<SocketAddr>,
    /// IMAP [default: port 1143, or the next free one].
    #[arg(long, env = "MAILWRIGHT_IMAP", value_name = "ADDR")]
    imap: Option<SocketAddr>,
    /// IMAP inside TLS [default: port 1993, or the next free one].
    #[arg(long, env = "MAILWRIGHT_IMAPS", value_name = "ADDR")]
    imaps: Option<SocketAddr>,
    /// POP3 [default: port 1110, or the next free one].
    #[arg(long, env = "MAILWRIGHT_POP3", value_name = "ADDR")]
    pop3: Option<SocketAddr>,
    /// POP3 inside TLS [default: port 1995, or the next free one].
    #[arg(long, env = "MAILWRIGHT_POP3S", value_name = "ADDR")]
    pop3s: Option<SocketAddr>,
    /// Keeps mail and accounts in this folder, which is created if it is missing. Without it all is in memory.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Writes the certificate to trust, in PEM, to this file. Without it no file is written at all.
    #[arg(long, value_name = "FILE")]
    write_ca: Option<PathBuf>,
}

impl Dev {
    pub(crate) async fn run(self) -> ExitCode {
        match self.serve().await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => Exit::Unavailable.into(),
            Err(failure) => failure.print(),
        }
    }

    /// Says whether all connections finished in time.
    async fn serve(self) -> Result<bool, Failure> {
        let begun = Instant::now();
        let opened = match &self.keep {
            Some(dir) => Some(open(dir).await?),
            None => None,
        };
        let mut server = Server::new("localhost").for_development();
        if let Some(opened) = &opened {
            server = server.store(Arc::clone(&opened.store));
        }
        for user in USERS {
            server = server.account(format!("{user}@localhost"), user);
        }
        for service in SERVICES {
            let listener = Listener::new(service).auth(Auth::Offered);
            server = match self.addr(service) {
                (Some(addr), _) => server.listen(listener, addr),
                (None, port) => server.listen_near(listener, (self.listen, port)),
            };
        }
        let running = server.start().await.map_err(|error| not_started(&error))?;
        if let Some(file) = &self.write_ca {
            std::fs::write(file, running.authority_pem()).map_err(|error| {
                Failure::new(Exit::OsError, format!("cannot write {}: {error}", file.display()))
            })?;
        }
        // Before anybody is told that the server is there, and may ask it to stop.
        let mut stop = StopSignal::listen()
            .map_err(|error| Failure::new(Exit::OsError, format!("cannot listen for signals: {error}")))?;
        let banner = self.banner(&running);
        // A closed stdout is no reason not to serve.
        let _ = writeln!(std::io::stdout(), "{banner}ready in {} ms", begun.elapsed().as_millis());
        stop.wait().await;
        let finished = running.shutdown().await;
        if let Some(opened) = opened {
            close_off_thread(opened).await?;
        }
        Ok(finished)
    }

    /// The address that was asked for, and the usual port.
    fn addr(&self, service: Service) -> (Option<SocketAddr>, u16) {
        match service {
            Service::Smtp => (self.smtp, 1025),
            Service::Smtps => (self.smtps, 1465),
            Service::Imap => (self.imap, 1143),
            Service::Imaps => (self.imaps, 1993),
            Service::Pop3 => (self.pop3, 1110),
            _ => (self.pop3s, 1995),
        }
    }

    /// What runs, and where it really listens.
    fn banner(&self, running: &Running) -> String {
        let show = |service| running.addr(service).map_or("-".to_owned(), |addr| addr.to_string());
        let (smtp, smtps) = (show(Service::Smtp), show(Service::Smtps));
        let (imap, imaps) = (show(Service::Imap), show(Service::Imaps));
        let (pop3, pop3s) = (show(Service::Pop3), show(Service::Pop3s));
        let users: Vec<String> = USERS.iter().map(|user| format!("{user}@localhost / {user}")).collect();
        let certificate = match &self.write_ca {
            Some(file) => format!("{}   trust it with SSL_CERT_FILE", file.display()),
            None => "self-signed, in memory only   --write-ca FILE saves what to trust".to_owned(),
        };
        let kept = match &self.keep {
            Some(dir) => format!("kept in {}", dir.display()),
            None => "gone when you press Ctrl-C  (--keep DIR to persist)".to_owned(),
        };
        let mut banner = String::new();
        // Writing to a `String` cannot fail.
        let _ = write!(
            banner,
            "mailwright {} dev - everything below is real, on this machine only, {kept}\n\
             \n  SMTP        {smtp:<22} any login, users @localhost; STARTTLS on; SMTPS {smtps}\
             \n  IMAP        {imap:<22} STARTTLS on; IMAPS {imaps}\
             \n  POP3        {pop3:<22} STLS on; POP3S {pop3s}\
             \n  Users       {}    any other user is created on login\
             \n  Certificate {certificate}\n\
             \n  Try    swaks --server {smtp} --to ann@localhost\
             \n         curl --user ann@localhost:ann imap://{imap}/INBOX?ALL\
             \n         curl --user ann@localhost:ann pop3://{pop3}/1\
             \n  Fail   rcpt-451@localhost  data-550@localhost   (stage-code)\n\n",
            env!("CARGO_PKG_VERSION"),
            users.join("    "),
        );
        banner
    }
}

/// Opens the folder, for its owner alone if it is new.
async fn open(dir: &Path) -> Result<Opened, Failure> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    created
        .map_err(|error| Failure::of_io(format!("cannot create {}: {error}", dir.display()), dir, &error))?;
    open_off_thread(SqliteConfig::at(dir)).await
}

fn not_started(error: &StartError) -> Failure {
    let failure = Failure::new(Exit::OsError, chain(error));
    match error {
        StartError::Listen { service, .. } => failure.with_remedy(format!(
            "is another server running? choose another address with --{} ADDR",
            service.name()
        )),
        _ => failure,
    }
}
