//! A service that is given connections.

use std::fmt::{self, Display};
use std::future::poll_fn;

use tower_service::Service;
use tracing::info;

use crate::gate::Gate;
use crate::listener::{Listen, Peer, Turned, accept_all};
use crate::shutdown::Shutdown;
use crate::transport::Io;

/// A connection that was taken, as a service is given it. Who drops it closes it.
pub struct Connection {
    /// What is read from and written to.
    pub io: Box<dyn Io>,
    /// Its ends.
    pub peer: Peer,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Takes connections as [`accept_all`] does, and gives each that `gate` lets in to a clone of `service`. An
/// `Arc<SmtpServer>` is such a service; of anything else, `tower::service_fn` makes one.
///
/// A connection waits in its own task, and in its place of the gate, until the service is ready. So a limit of
/// concurrency leaves clients without a greeting; with shedding in front of it, they are let go. An error closes the
/// connection without a word, and is in the log (INFO); to the client it is as if nobody had been there, so it comes again.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use mailwright_tokio::{Gate, GateLimits, Shutdown, SmtpServer, smtp, tower};
/// use ::tower::ServiceBuilder;
///
/// # async fn main_() -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:2525").await?;
/// let (gate, shutdown) = (Gate::new(GateLimits::default()), Shutdown::new());
/// let print = smtp::on_message(|mail| async move { Ok(println!("{} octets", mail.body.len())) });
/// let server = Arc::new(SmtpServer::new("mx.example.org", print).shutdown(shutdown.clone()));
/// let service = ServiceBuilder::new().load_shed().concurrency_limit(100).service(server);
/// tower::serve(listener, gate, shutdown, "421 4.7.0 too many connections\r\n".into(), service).await;
/// # Ok(()) }
/// ```
pub async fn serve<L, S>(listener: L, gate: Gate, shutdown: Shutdown, turned: Turned, service: S)
where
    L: Listen,
    S: Service<Connection> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Display + Send,
{
    let session = move |io, peer: Peer| {
        // Each its own: what one was told of readiness is not for another.
        let mut service = service.clone();
        async move {
            let served = async {
                poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(Connection { io, peer }).await
            };
            if let Err(error) = served.await {
                info!(peer = %peer.remote, %error, "connection closed by a service");
            }
        }
    };
    accept_all(listener, gate, shutdown, turned, session).await;
}
