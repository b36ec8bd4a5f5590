//! A server at work.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mailwright_core::Domain;
use mailwright_delivery::Queue;
use mailwright_store::DynStore;

use crate::certificate::{Certificates, Current};
use crate::residents::{ResidentError, settle};
use crate::service::Service;
use crate::serving::Serving;
use crate::settings::{Settings, StaticUser};

/// A server that runs until it is shut down, or its runtime ends.
pub struct Running {
    pub(crate) addrs: Vec<(Service, SocketAddr)>,
    pub(crate) authority: String,
    pub(crate) own: Domain,
    pub(crate) users: Vec<StaticUser>,
    pub(crate) current: Option<Arc<Current>>,
    pub(crate) serving: Arc<Serving<Arc<dyn DynStore>>>,
    pub(crate) queue: Option<Queue<Arc<dyn DynStore>>>,
    pub(crate) patience: Duration,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addrs", &self.addrs).finish_non_exhaustive()
    }
}

impl Running {
    /// Where a service really listens: the first such socket.
    pub fn addr(&self, service: Service) -> Option<SocketAddr> {
        self.addrs.iter().find(|bound| bound.0 == service).map(|bound| bound.1)
    }

    /// The queue of mail for others, if it is [delivered](crate::Server::deliver).
    pub fn queue(&self) -> Option<&Queue<Arc<dyn DynStore>>> {
        self.queue.as_ref()
    }

    /// Where all services really listen.
    pub fn addrs(&self) -> &[(Service, SocketAddr)] {
        &self.addrs
    }

    /// The authority that signed the certificate, in PEM: for clients to trust. Empty if the certificate was given.
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// Serves connections by `settings` from now on; those that are open keep to what they began with.
    ///
    /// # Errors
    /// If the store has no place for a user; then all stays as it was.
    pub async fn reload(&self, settings: Settings) -> Result<(), ResidentError> {
        let settings = settings.with_own(&self.own, &self.users);
        let fixed = &self.serving.fixed;
        let residents = settle(&fixed.store, &settings, &*fixed.clock, &*fixed.entropy).await?;
        self.serving.replace(&settings, residents);
        Ok(())
    }

    /// Uses another certificate for handshakes from now on, also those of sessions that are open. Says whether it
    /// does: a server [without TLS](crate::Server::without_tls) gets none.
    pub fn replace_certificates(&self, certificates: &Certificates) -> bool {
        self.current.as_ref().inspect(|current| current.replace(certificates)).is_some()
    }

    /// Takes no more connections, finishes what is under way, then cuts off. Says whether all finished in time.
    pub async fn shutdown(self) -> bool {
        self.serving.fixed.shutdown.drain(self.patience).await
    }
}
