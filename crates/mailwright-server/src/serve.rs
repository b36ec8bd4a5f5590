//! `mailwright serve`

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use mailwright_auth::LockoutLimits;
use mailwright_server::{
    Alias, Listener, ResidentError, Running, Server, Service, Settings, StartError, StaticUser,
};
use mailwright_tokio::GateLimits;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::LogArgs;
use crate::admin::{Bound, Control, ReloadRequest, Reloaded};
use crate::config::{self, Change, Config, Root, When, environment};
use crate::configure::ConfigArgs;
use crate::data::{Opened, close_off_thread, decoy_secret, open_off_thread};
use crate::exit::{Exit, Failure};
use crate::outbound;
use crate::signals::StopSignal;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Reloads that wait for the one under way.
const RELOADS_MAX: usize = 8;

impl Serve {
    pub(crate) async fn run(self, log: LogArgs) -> ExitCode {
        let config = match self.config.load() {
            Ok(config) => config,
            Err(code) => return code,
        };
        log.start(&config.root.log.filter.0, config.root.log.format);
        warn_of(&config);
        match self.serve(config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.print(),
        }
    }

    async fn serve(self, config: Config) -> Result<(), Failure> {
        // Before anybody is told that the server is there, and may ask it for something.
        let signals =
            |error: io::Error| Failure::new(Exit::OsError, format!("cannot listen for signals: {error}"));
        let mut stop = StopSignal::listen().map_err(signals)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(signals)?;

        let opened = open_off_thread(config.storage()).await?;
        let started = start(&config, &opened).await;
        let (running, bound) = match started {
            Ok(started) => started,
            Err(failure) => return close_off_thread(opened).await.and(Err(failure)),
        };

        let (reload, mut reloads) = mpsc::channel::<ReloadRequest>(RELOADS_MAX);
        let (current, watched) = watch::channel(Arc::new(config));
        let listening: Vec<(String, String)> = running
            .addrs()
            .iter()
            .map(|(service, addr)| (service.name().to_owned(), addr.to_string()))
            .collect();
        for (service, addr) in &listening {
            info!(service, addr, "listening");
        }
        let store = Arc::clone(&opened.store);
        let queue = running.queue().cloned();
        let control = Arc::new(Control { store, config: watched, reload, listening, queue });
        let control = tokio::spawn(control.serve(bound));
        info!(version = env!("CARGO_PKG_VERSION"), "ready");

        loop {
            tokio::select! {
                () = stop.wait() => break,
                _ = hangup.recv() => {
                    // The log has what became of it.
                    let _ = self.reload(&running, &current).await;
                }
                Some(asks) = reloads.recv() => {
                    // Whoever asked may have gone.
                    let _ = asks.send(self.reload(&running, &current).await);
                }
            }
        }
        info!("stopping");
        control.abort();
        // Dropped, and so its socket removed.
        let _ = control.await;
        let finished = running.shutdown().await;
        close_off_thread(opened).await?;
        if finished {
            info!("stopped");
            return Ok(());
        }
        Err(Failure::new(Exit::Unavailable, "some connections did not finish in time and were cut off"))
    }

    /// Reads the configuration again. What is in force stays if anything is wrong.
    async fn reload(
        &self,
        running: &Running,
        current: &watch::Sender<Arc<Config>>,
    ) -> Result<Reloaded, Failure> {
        let refused = |report: String| {
            error!(report, "the configuration was not reloaded: the one before stays in force");
            Failure::new(Exit::Config, format!("the configuration was not reloaded:\n{report}"))
        };
        let new = match Config::load(&self.config.file, &environment()) {
            Ok(new) => new,
            Err(report) => return Err(refused(report.render(false))),
        };
        warn_of(&new);
        running.reload(settings(&new.root)).await.map_err(|error| refused(error.to_string()))?;
        if let Some(certificates) = &new.certificates {
            // Whether there is TLS at all was decided at the start.
            running.replace_certificates(certificates);
        }
        let changes = current.borrow().changes(&new);
        let (reloaded, restart): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| change.when == When::Reload);
        let keys = |changes: Vec<Change>| changes.into_iter().map(|change| change.key).collect::<Vec<_>>();
        let done = Reloaded { changed: keys(reloaded), restart: keys(restart) };
        info!(changed = done.changed.join(", "), "configuration and certificate reloaded");
        if !done.restart.is_empty() {
            warn!(keys = done.restart.join(", "), "changed keys that need a restart are not in force");
        }
        // What needs a restart stays as it is, and is told again at the next reload.
        let in_force = new.in_place_of(&current.borrow());
        current.send_replace(Arc::new(in_force));
        Ok(done)
    }
}

fn warn_of(config: &Config) {
    if !config.warnings.is_empty() {
        warn!(report = config.warnings.render(false), "the configuration could be better");
    }
}

/// Serves, and opens the control socket.
async fn start(config: &Config, opened: &Opened) -> Result<(Running, Bound), Failure> {
    let bound = Bound::open(&config.data()).await?;
    let limits = &config.root.limits;
    let mut server = Server::new(config.root.hostname.to_string())
        .settings(settings(&config.root))
        .decoy_secret(decoy_secret(&config.data())?)
        .store(Arc::clone(&opened.store))
        .connections(GateLimits {
            total: count(limits.connections.0),
            per_address: count(limits.connections_per_address.0),
        })
        .lockout(LockoutLimits {
            failures: limits.failed_logins.0.try_into().unwrap_or(u32::MAX),
            ..LockoutLimits::default()
        })
        .patience(limits.shutdown.0);
    server = match &config.certificates {
        Some(certificates) => server.certificates(certificates.clone()),
        None => server.without_tls(),
    };
    if let Some(outbound) = &config.root.outbound {
        let (way, queue, dns) = outbound::parts(&config.root, outbound, config.folder())?;
        server = server.outbound(way, queue, dns);
    }
    for each in &config.root.listener {
        server = server.listen(listener(each), each.address.value);
    }
    Ok((server.start().await.map_err(not_started)?, bound))
}

fn listener(config: &config::Listener) -> Listener {
    let mut listener = Listener::new(config.service.value);
    listener.auth = config.auth.as_ref().map_or(listener.auth, |auth| auth.value);
    listener.message_size = config.message_size.as_ref().map(|size| size.value.0);
    listener.proxies = config.proxy_from.iter().map(|network| network.value).collect();
    listener.xclient = config.xclient_from.iter().map(|network| network.value).collect();
    listener.lookups = config.lookups.as_ref().is_some_and(|lookups| lookups.value);
    listener.etrn = config.etrn_from.iter().map(|network| network.value).collect();
    listener.no_soliciting = config.no_soliciting.as_ref().map(|classes| classes.value.clone());
    listener.recipients = config.recipients.as_ref().map(|recipients| count(recipients.value.0));
    listener
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What a reload reaches.
fn settings(root: &Root) -> Settings {
    let mut settings = Settings::new(root.domains.value.iter().map(|domain| domain.value.clone()));
    settings.users.extend(root.user.iter().map(|user| StaticUser {
        address: user.address.value.clone(),
        aliases: user.aliases.iter().map(|alias| alias.value.clone()).collect(),
        verifier: user.password.0.clone(),
    }));
    settings.aliases.extend(root.alias.iter().map(|alias| Alias {
        address: alias.address.value.clone(),
        targets: alias.to.value.iter().map(|to| to.value.clone()).collect(),
    }));
    settings.tag_separator = root.tag_separator.0;
    settings.scram = root.login.kept();
    settings.check_from = root.submission.check_from;
    settings.header_limits.octets = count(root.submission.header_size.0);
    settings.hold_max = root.submission.hold_max.0;
    settings.hold_messages = root.submission.hold_messages.0;
    let limits = &root.limits;
    settings.smtp_limits.message_size = limits.message_size.0;
    settings.smtp_limits.recipients = count(limits.recipients.0);
    settings.smtp_timeouts.command = limits.smtp_idle.0;
    settings.imap_limits.message = limits.message_size.0;
    settings.imap_timeouts.command = limits.imap_idle.0;
    settings.pop3_timeouts.command = limits.pop3_idle.0;
    settings
}

fn not_started(error: StartError) -> Failure {
    let message = error.to_string();
    match error {
        StartError::Listen { service, addr, cause } => not_listening(message, service, addr, &cause),
        StartError::Resident(ResidentError::AddressTaken { address, owner }) => Failure::new(
            Exit::Config,
            message,
        )
        .with_remedy(format!(
            "take {address} out of the configuration, or remove the account: mailwright user remove {owner}"
        )),
        StartError::Resident(_) => Failure::new(Exit::Unavailable, message),
        StartError::Hostname { .. } | StartError::Account { .. } | StartError::Certificate(_) => {
            Failure::new(Exit::Config, message)
        }
        _ => Failure::new(Exit::OsError, message),
    }
}

fn not_listening(message: String, service: Service, addr: SocketAddr, cause: &io::Error) -> Failure {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    match cause.kind() {
        AddrInUse => Failure::new(Exit::OsError, message).with_remedy(format!(
            "another program listens there (ss -ltnp 'sport = :{}' shows which): stop it, or change the address of \
             the listener for {}",
            addr.port(),
            service.name(),
        )),
        PermissionDenied => Failure::new(Exit::NoPermission, message).with_remedy(
            "ports below 1024 need a capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit of systemd",
        ),
        AddrNotAvailable => Failure::new(Exit::OsError, message)
            .with_remedy("this machine does not have that address: `ip address` lists those that it has"),
        _ => Failure::new(Exit::OsError, message),
    }
}
