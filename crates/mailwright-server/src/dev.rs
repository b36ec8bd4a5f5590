//! `mailwright dev`

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use mailwright_server::{Running, Server, Service, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{EX_OSERR, EX_UNAVAILABLE};

/// The users that are there at the start; the password is the name.
const USERS: [&str; 2] = ["ann", "bob"];

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
    /// POP3 [default: port 1110, or the next free one].
    #[arg(long, env = "MAILWRIGHT_POP3", value_name = "ADDR")]
    pop3: Option<SocketAddr>,
    /// POP3 inside TLS [default: port 1995, or the next free one].
    #[arg(long, env = "MAILWRIGHT_POP3S", value_name = "ADDR")]
    pop3s: Option<SocketAddr>,
    /// Writes the certificate to trust, in PEM, to this file. Without it no file is written at all.
    #[arg(long, value_name = "FILE")]
    write_ca: Option<PathBuf>,
}

impl Dev {
    pub(crate) async fn run(self) -> ExitCode {
        let begun = Instant::now();
        let mut server = Server::new("localhost").for_development();
        for user in USERS {
            server = server.account(format!("{user}@localhost"), user);
        }
        for service in Service::ALL {
            server = match self.addr(service) {
                (Some(addr), _) => server.listen(service, addr),
                (None, port) => server.listen_near(service, (self.listen, port)),
            };
        }
        let running = match server.start().await {
            Ok(running) => running,
            Err(error) => return fail(&error),
        };
        if let Some(file) = &self.write_ca
            && let Err(error) = std::fs::write(file, running.authority_pem())
        {
            eprintln!("mailwright: cannot write {}: {error}", file.display());
            return ExitCode::from(EX_OSERR);
        }
        // Before anybody is told that the server is there, and may ask it to stop.
        let stop = match StopSignal::listen() {
            Ok(stop) => stop,
            Err(error) => {
                eprintln!("mailwright: cannot listen for signals: {error}");
                return ExitCode::from(EX_OSERR);
            }
        };
        let banner = self.banner(&running);
        // A closed stdout is no reason not to serve.
        let _ = writeln!(std::io::stdout(), "{banner}ready in {} ms", begun.elapsed().as_millis());
        stop.wait().await;
        if running.shutdown().await { ExitCode::SUCCESS } else { ExitCode::from(EX_UNAVAILABLE) }
    }

    /// The address that was asked for, and the usual port.
    fn addr(&self, service: Service) -> (Option<SocketAddr>, u16) {
        match service {
            Service::Smtp => (self.smtp, 1025),
            Service::Smtps => (self.smtps, 1465),
            Service::Pop3 => (self.pop3, 1110),
            _ => (self.pop3s, 1995),
        }
    }

    /// What runs, and where it really listens.
    fn banner(&self, running: &Running) -> String {
        let show = |service| running.addr(service).map_or("-".to_owned(), |addr| addr.to_string());
        let (smtp, smtps) = (show(Service::Smtp), show(Service::Smtps));
        let (pop3, pop3s) = (show(Service::Pop3), show(Service::Pop3s));
        let users: Vec<String> = USERS.iter().map(|user| format!("{user}@localhost / {user}")).collect();
        let certificate = match &self.write_ca {
            Some(file) => format!("{}   trust it with SSL_CERT_FILE", file.display()),
            None => "self-signed, in memory only   --write-ca FILE saves what to trust".to_owned(),
        };
        let mut banner = String::new();
        // Writing to a `String` cannot fail.
        let _ = write!(
            banner,
            "mailwright {} dev - everything below is real, on this machine only, gone when you press Ctrl-C\n\
             \n  SMTP        {smtp:<22} any login, users @localhost; STARTTLS on; SMTPS {smtps}\
             \n  POP3        {pop3:<22} STLS on; POP3S {pop3s}\
             \n  Users       {}    any other user is created on login\
             \n  Certificate {certificate}\n\
             \n  Try    swaks --server {smtp} --to ann@localhost\
             \n         curl --user ann@localhost:ann pop3://{pop3}/1\
             \n  Fail   rcpt-451@localhost  data-550@localhost   (stage-code)\n\n",
            env!("CARGO_PKG_VERSION"),
            users.join("    "),
        );
        banner
    }
}

fn fail(error: &StartError) -> ExitCode {
    eprintln!("mailwright: {error}");
    if let StartError::Listen { service, .. } = error {
        eprintln!("  is another server running? choose another address with --{} ADDR", service.name());
    }
    ExitCode::from(EX_OSERR)
}

/// Ctrl-C, or what service managers send.
struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
