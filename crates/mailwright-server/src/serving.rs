//! What serves: what stays as long as the server runs, and what a reload replaces.
//!
//! Generic over the store, though only one type comes: the compiler cannot see that a future over a boxed store can
//! be sent unless it sees it for every store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::{Buf, Bytes};
use mailwright_access::{ImapServer, Locks, Pop3Server};
use mailwright_auth::{Cost, Lockout, Mechanism, Offload};
use mailwright_core::{AccountId, Clock, Domain, Entropy, ForwardPath, Machine, ReversePath};
use mailwright_delivery::{DynDeliver, Queue, QueueConfig, QueueParts};
use mailwright_smtp::Protocol;
use mailwright_smtp::server::{Extensions, FutureRelease};
use mailwright_store::{AccountCredentials, Directory, Resolution, StaticAccount, Store, Unavailable};
use mailwright_tokio::proxy::{Proxied, ProxyConfig};
use mailwright_tokio::{DriverConfig, DynListen, Gate, Network, Shutdown, SmtpServer, Tls, accept_all};
use tokio::time::sleep;
use tracing::warn;

use crate::chaos::Chaos;
use crate::directories::Directories;
use crate::held::offering;
use crate::listener::Listener;
use crate::receive::Receive;
use crate::release::Releasing;
use crate::service::{Auth, Service};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::tokens::CheckToken;

/// How often the store drops what nothing refers to, and how much of it at once.
const RECLAIM: (Duration, usize) = (Duration::from_secs(60), 1000);

/// What stays.
pub(crate) struct Fixed<S> {
    pub(crate) hostname: Domain,
    /// What is served where. They go by number.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) store: S,
    pub(crate) lockout: Arc<Mutex<Lockout>>,
    pub(crate) cost: Cost,
    pub(crate) offload: Arc<dyn Offload>,
    pub(crate) decoy: [u8; 32],
    pub(crate) tokens: Option<Arc<dyn CheckToken>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) login_without_tls: bool,
    pub(crate) creates_unknown: bool,
    pub(crate) check_sender: bool,
    pub(crate) chaos: Chaos,
    /// Without, nothing is offered that needs it.
    pub(crate) tls: Option<Arc<dyn Tls>>,
    pub(crate) gate: Gate,
    pub(crate) shutdown: Shutdown,
    pub(crate) driver: Arc<DriverConfig>,
    pub(crate) locks: Locks,
    /// The way to others; without, there is none.
    pub(crate) outbound: Option<Outbound<S>>,
    /// What delivers that way, once it works.
    pub(crate) queue: Arc<OnceLock<Queue<S>>>,
}

/// The way to others.
pub(crate) struct Outbound<S> {
    pub(crate) deliver: Arc<dyn DynDeliver<S>>,
    pub(crate) queue: QueueConfig,
}

/// All services by one configuration. A session keeps to the one that it began with.
struct Services<S> {
    shared: Everything<S>,
    /// By the numbers of their listeners, each of which has rules of its own.
    smtp: BTreeMap<usize, SmtpServer<Receive<S, Directories<S>>>>,
    imap: ImapServer<S, Everything<S>>,
    imaps: ImapServer<S, Everything<S>>,
    pop3: Pop3Server<S, Everything<S>>,
    pop3s: Pop3Server<S, Everything<S>>,
}

/// What the sessions of all protocols share.
type Everything<S> = Arc<Shared<S, Directories<S>>>;

/// What serves new connections.
pub(crate) struct Serving<S> {
    pub(crate) fixed: Fixed<S>,
    services: RwLock<Arc<Services<S>>>,
}

impl<S: Store + Clone> Serving<S> {
    pub(crate) fn new(fixed: Fixed<S>, settings: &Settings, users: Vec<StaticAccount>) -> Self {
        let services = RwLock::new(Arc::new(fixed.services(settings, users)));
        Self { fixed, services }
    }

    /// From now on, connections are served so.
    pub(crate) fn replace(&self, settings: &Settings, users: Vec<StaticAccount>) {
        let services = Arc::new(self.fixed.services(settings, users));
        *self.services.write().unwrap_or_else(PoisonError::into_inner) = services;
    }

    fn services(&self) -> Arc<Services<S>> {
        Arc::clone(&self.services.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes connections for the listener of this number until the shutdown.
    pub(crate) fn listen(self: &Arc<Self>, number: usize, socket: Box<dyn DynListen>) {
        let Some(Listener { service, proxies, .. }) = self.fixed.listeners.get(number) else { return };
        let (service, socket) = (*service, introduced(socket, proxies));
        let (gate, shutdown) = (self.fixed.gate.clone(), self.fixed.shutdown.clone());
        let turned = if service.is_tls() { Bytes::new() } else { self.fixed.turned_away(service) };
        let serving = Arc::clone(self);
        // A future for each protocol: one for all would be as large as the largest.
        match service {
            Service::Smtp | Service::Smtps | Service::Submission | Service::Submissions | Service::Lmtp => {
                let session = move |io, peer| {
                    let services = serving.services();
                    async move {
                        if let Some(smtp) = services.smtp.get(&number) {
                            smtp.session(io, peer).await;
                        }
                    }
                };
                self.fixed.shutdown.spawn(accept_all(socket, gate, shutdown, turned, session));
            }
            Service::Imap | Service::Imaps => {
                let session = move |io, peer| {
                    let services = serving.services();
                    async move {
                        let imap = if service.is_tls() { &services.imaps } else { &services.imap };
                        imap.session(io, peer).await;
                    }
                };
                self.fixed.shutdown.spawn(accept_all(socket, gate, shutdown, turned, session));
            }
            Service::Pop3 | Service::Pop3s => {
                let session = move |io, peer| {
                    let services = serving.services();
                    async move {
                        let pop3 = if service.is_tls() { &services.pop3s } else { &services.pop3 };
                        pop3.session(io, peer).await;
                    }
                };
                self.fixed.shutdown.spawn(accept_all(socket, gate, shutdown, turned, session));
            }
        }
    }

    /// Delivers what is for others, until the shutdown.
    pub(crate) fn deliver(self: &Arc<Self>) -> Option<Queue<S>> {
        let Fixed { outbound, store, clock, entropy, shutdown, .. } = &self.fixed;
        let Outbound { deliver, queue } = outbound.as_ref()?;
        let release = Releasing {
            elsewhere: Arc::clone(deliver),
            directory: Present(Arc::clone(self)),
            accept: queue.settle.accept.clone(),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
        };
        let parts = QueueParts {
            store: Arc::new(store.clone()),
            deliver: release,
            directory: Present(Arc::clone(self)),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
        };
        Some(self.fixed.queue.get_or_init(|| Queue::start(parts, queue.clone(), shutdown)).clone())
    }

    /// Keeps the store tidy until the shutdown.
    pub(crate) fn tidy(self: &Arc<Self>) {
        let (serving, (period, limit)) = (Arc::clone(self), RECLAIM);
        self.fixed.shutdown.spawn(async move {
            let fixed = &serving.fixed;
            loop {
                tokio::select! {
                    biased;
                    () = fixed.shutdown.token().cancelled() => return,
                    () = sleep(period) => {}
                }
                if let Err(error) = fixed.store.reclaim(fixed.clock.wall(), limit).await {
                    warn!(%error, "the store could not be tidied");
                }
            }
        });
    }
}

/// Who there is by the configuration that is in force.
struct Present<S>(Arc<Serving<S>>);

impl<S: Store + Clone> Directory for Present<S> {
    async fn resolve(&self, path: &ForwardPath) -> Result<Resolution, Unavailable> {
        self.0.services().shared.directory.resolve(path).await
    }

    async fn credentials(&self, login: &str) -> Result<Option<AccountCredentials>, Unavailable> {
        self.0.services().shared.directory.credentials(login).await
    }

    async fn may_send(&self, account: AccountId, sender: &ReversePath) -> Result<bool, Unavailable> {
        self.0.services().shared.directory.may_send(account, sender).await
    }
}

impl<S: Store + Clone> Fixed<S> {
    fn services(&self, settings: &Settings, users: Vec<StaticAccount>) -> Services<S> {
        let mut directory = settings.directory();
        if self.creates_unknown {
            directory = directory.creating_unknown();
        }
        let home = settings.domains.first().unwrap_or(&self.hostname);
        let shared = Arc::new(Shared {
            hostname: self.hostname.clone(),
            home: home.to_string(),
            directory: Directories::new(directory, users, self.store.clone(), self.hostname.clone(), home),
            store: self.store.clone(),
            lockout: Arc::clone(&self.lockout),
            cost: self.cost,
            offload: Arc::clone(&self.offload),
            decoy: self.decoy,
            scram: settings.scram.clone(),
            tokens: self.tokens.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            creates_unknown: self.creates_unknown,
            check_sender: self.check_sender,
            check_from: self.check_sender && settings.check_from,
            header_limits: settings.header_limits.clone(),
            hold_max: settings.longest_hold(),
            hold_messages: settings.hold_messages,
            chaos: self.chaos,
            outgoing: self.outbound.as_ref().map(|outbound| Arc::new(outbound.queue.settle.clone())),
            queue: Arc::clone(&self.queue),
        });
        Services {
            shared: Arc::clone(&shared),
            smtp: self.smtp_servers(&shared, settings),
            imap: self.imap(&shared, settings, Service::Imap),
            imaps: self.imap(&shared, settings, Service::Imaps),
            pop3: self.pop3(&shared, settings, Service::Pop3),
            pop3s: self.pop3(&shared, settings, Service::Pop3s),
        }
    }

    fn smtp_servers(
        &self,
        shared: &Everything<S>,
        settings: &Settings,
    ) -> BTreeMap<usize, SmtpServer<Receive<S, Directories<S>>>> {
        let listeners = self.listeners.iter().enumerate();
        let mail = listeners.filter(|(_, listener)| listener.service.takes_mail());
        mail.map(|(number, listener)| (number, self.smtp(shared, settings, listener))).collect()
    }

    fn smtp(
        &self,
        shared: &Everything<S>,
        settings: &Settings,
        listener: &Listener,
    ) -> SmtpServer<Receive<S, Directories<S>>> {
        let mut limits = settings.smtp_limits.clone();
        limits.message_size = listener.message_size.unwrap_or(limits.message_size);
        limits.recipients = listener.recipients.unwrap_or(limits.recipients);
        let receive = Receive { shared: Arc::clone(shared), listener: listener.clone() };
        let config = mailwright_smtp::Config {
            auth_mechanisms: if listener.auth == Auth::Off { Vec::new() } else { self.mechanisms(settings) },
            auth_required: listener.auth == Auth::Required,
            protocol: if listener.service == Service::Lmtp { Protocol::Lmtp } else { Protocol::Smtp },
            extensions: self.extensions(settings, listener),
            limits,
            timeouts: settings.smtp_timeouts.clone(),
            ..self.smtp_config()
        };
        let server = SmtpServer::with_config(config, receive)
            .driver(Arc::clone(&self.driver))
            .shutdown(self.shutdown.clone())
            .environment(Arc::clone(&self.clock), Arc::clone(&self.entropy));
        let xclient = listener.xclient.clone();
        let server = server.trust_xclient(move |peer| xclient.iter().any(|trusted| trusted.contains(peer)));
        let server = offering(server, Arc::clone(&self.clock), settings.longest_hold());
        match &self.tls {
            Some(tls) if listener.service.is_tls() => server.implicit_tls(Arc::clone(tls)),
            Some(tls) => server.start_tls(Arc::clone(tls)),
            None => server,
        }
    }

    /// What this server can keep. RRVS cannot be promised, which needs to know since when addresses are whose they are.
    fn extensions(&self, settings: &Settings, listener: &Listener) -> Extensions {
        // RFC 4865 §4.2.2: for submission alone.
        let submits = listener.auth == Auth::Required && listener.service != Service::Lmtp;
        let max_interval = settings.longest_hold();
        Extensions {
            binary_mime: true,
            smtp_utf8: true,
            require_tls: true,
            // Reports need a way to their readers.
            dsn: self.outbound.is_some(),
            // Mail for users is in their mailboxes at once; the queue keeps to it for others.
            deliver_by: Some(Duration::ZERO),
            // What is held waits in the queue.
            future_release: (submits && self.outbound.is_some() && max_interval.as_secs() > 0)
                .then_some(FutureRelease { max_interval }),
            // RFC 6710 §3: for submission and LMTP.
            mt_priority: (listener.auth != Auth::Off || listener.service == Service::Lmtp).then(String::new),
            no_soliciting: listener.no_soliciting.as_ref().map(ToString::to_string),
            etrn: !listener.etrn.is_empty() && self.outbound.is_some(),
            vrfy: listener.lookups,
            expn: listener.lookups,
            ..Extensions::default()
        }
    }

    /// What users log in with, the best first. What binds is told only where there is something to bind to.
    fn mechanisms(&self, settings: &Settings) -> Vec<String> {
        let hashes = settings.scram.hashes.iter().copied();
        let scram = hashes.clone().map(Mechanism::ScramPlus).chain(hashes.map(Mechanism::Scram));
        let tokens = self.tokens.as_ref().map_or(&[][..], |_| Mechanism::TOKEN);
        let all = scram.chain(tokens.iter().copied()).chain(Mechanism::PASSWORD.iter().copied());
        all.map(|mechanism| mechanism.name().to_owned()).collect()
    }

    fn smtp_config(&self) -> mailwright_smtp::Config {
        mailwright_smtp::Config {
            hostname: self.hostname.to_string(),
            auth_without_tls: self.login_without_tls,
            ..mailwright_smtp::Config::default()
        }
    }

    fn imap(
        &self,
        shared: &Everything<S>,
        settings: &Settings,
        service: Service,
    ) -> ImapServer<S, Everything<S>> {
        let config = mailwright_imap::Config {
            auth_mechanisms: self.mechanisms(settings),
            limits: settings.imap_limits.clone(),
            timeouts: settings.imap_timeouts.clone(),
            ..self.imap_config()
        };
        let server = ImapServer::with_config(config, self.store.clone(), Arc::clone(shared))
            .driver(Arc::clone(&self.driver))
            .shutdown(self.shutdown.clone())
            .environment(Arc::clone(&self.clock), Arc::clone(&self.entropy));
        match &self.tls {
            Some(tls) if service.is_tls() => server.implicit_tls(Arc::clone(tls)),
            Some(tls) => server.start_tls(Arc::clone(tls)),
            None => server,
        }
    }

    fn imap_config(&self) -> mailwright_imap::Config {
        mailwright_imap::Config {
            hostname: self.hostname.to_string(),
            login_without_tls: self.login_without_tls,
            ..mailwright_imap::Config::default()
        }
    }

    fn pop3(
        &self,
        shared: &Everything<S>,
        settings: &Settings,
        service: Service,
    ) -> Pop3Server<S, Everything<S>> {
        let config = mailwright_pop3::Config {
            auth_mechanisms: self.mechanisms(settings),
            limits: settings.pop3_limits.clone(),
            timeouts: settings.pop3_timeouts.clone(),
            ..self.pop3_config()
        };
        let server = Pop3Server::with_config(config, self.store.clone(), Arc::clone(shared))
            .locks(self.locks.clone())
            .driver(Arc::clone(&self.driver))
            .shutdown(self.shutdown.clone())
            .environment(Arc::clone(&self.clock), Arc::clone(&self.entropy));
        match &self.tls {
            Some(tls) if service.is_tls() => server.implicit_tls(Arc::clone(tls)),
            Some(tls) => server.start_tls(Arc::clone(tls)),
            None => server,
        }
    }

    fn pop3_config(&self) -> mailwright_pop3::Config {
        mailwright_pop3::Config {
            hostname: self.hostname.to_string(),
            login_without_tls: self.login_without_tls,
            ..mailwright_pop3::Config::default()
        }
    }

    /// What a client is told that cannot be let in.
    fn turned_away(&self, service: Service) -> Bytes {
        match service {
            Service::Smtp | Service::Smtps | Service::Submission | Service::Submissions | Service::Lmtp => {
                let rejection = mailwright_smtp::Rejection::too_many_connections();
                said(&mut mailwright_smtp::Server::turn_away(Arc::new(self.smtp_config()), &rejection))
            }
            Service::Imap | Service::Imaps => {
                let rejection = mailwright_imap::Rejection::too_many_connections();
                said(&mut mailwright_imap::Server::turn_away(Arc::new(self.imap_config()), &rejection))
            }
            Service::Pop3 | Service::Pop3s => {
                let rejection = mailwright_pop3::Rejection::too_many_connections();
                said(&mut mailwright_pop3::Server::turn_away(Arc::new(self.pop3_config()), &rejection))
            }
        }
    }
}

/// With the clients of these proxies in their place.
fn introduced(socket: Box<dyn DynListen>, proxies: &[Network]) -> Box<dyn DynListen> {
    match proxies {
        [] => socket,
        trusted => {
            let config = ProxyConfig { trusted: trusted.to_vec(), ..ProxyConfig::default() };
            Box::new(Proxied::new(socket, config))
        }
    }
}

fn said(machine: &mut impl Machine) -> Bytes {
    let output = machine.output();
    output.release();
    output.copy_to_bytes(output.remaining())
}
