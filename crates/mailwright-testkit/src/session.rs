//! One connection, of whatever protocol.

use std::sync::{Arc, Mutex};

use mailwright_access::{ImapServer, Pop3Server};
use mailwright_auth::Mechanism;
use mailwright_core::Clock;
use mailwright_smtp::Rejection;
use mailwright_tokio::{Driver, DriverConfig, Io, Peer, Shutdown, SmtpServer, handshake};
use tokio::time::sleep;

use crate::fault::{Fault, Stage};
use crate::handler::Handler;
use crate::protocol::Protocol;
use crate::shared::{Encryption, Shared};
use crate::tape::{Tap, TappedTls, Wire};

/// Serves a connection. Each has a server of its own, which knows the wire that it may have to break.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    shutdown: Shutdown,
    protocol: Protocol,
    io: Box<dyn Io>,
    peer: Peer,
) {
    let cut = shared.take_cut(protocol);
    let wire = Wire::new(protocol, peer.remote, cut, shared.limits.transcript);
    shared.connected(Arc::clone(&wire));
    let io = Box::new(Tap::new(io, Arc::clone(&wire)));
    match protocol {
        Protocol::Smtp => Box::pin(smtp(shared, shutdown, wire, io, peer)).await,
        Protocol::Imap => Box::pin(imap(&shared, shutdown, wire, io, peer)).await,
        Protocol::Pop3 => Box::pin(pop3(&shared, shutdown, wire, io, peer)).await,
    }
}

/// Puts TLS where it belongs.
macro_rules! encrypt {
    ($server:expr, $shared:expr, $wire:expr) => {{
        let tapped = |tls: &_| Arc::new(TappedTls { tls: Arc::clone(tls), wire: Arc::clone(&$wire) });
        match &$shared.encryption {
            Encryption::None => $server,
            Encryption::Offered(tls) => $server.start_tls(tapped(tls)),
            Encryption::Implicit(tls) => $server.implicit_tls(tapped(tls)),
        }
    }};
}

async fn smtp(shared: Arc<Shared>, shutdown: Shutdown, wire: Arc<Wire>, io: Box<dyn Io>, peer: Peer) {
    let config = mailwright_smtp::Config {
        hostname: shared.hostname.clone(),
        auth_mechanisms: mechanisms(),
        auth_without_tls: true,
        auth_required: shared.login_required,
        ..mailwright_smtp::Config::default()
    };
    let mailboxes = &shared.logins.mailboxes;
    let (clock, entropy) = (Arc::clone(mailboxes.clock()), Arc::clone(mailboxes.entropy()));
    match shared.faults.take(Stage::Connect) {
        None => {}
        Some(Fault::Delay(time)) => sleep(time).await,
        Some(Fault::Refuse(rejection)) => {
            let Ok(io) = begin(&shared, &wire, io).await else { return };
            return refuse(config, &rejection, io, clock).await;
        }
        Some(Fault::Disconnect | Fault::LoseReply) => {
            return wire.disconnect("the connection breaks here, as it was told to");
        }
    }
    let handler = Handler { shared: Arc::clone(&shared), wire: Arc::clone(&wire), from: Mutex::default() };
    let server = SmtpServer::with_config(config, handler).shutdown(shutdown).environment(clock, entropy);
    encrypt!(server, shared, wire).session(io, peer).await;
}

/// TLS first, where it comes first.
async fn begin(shared: &Shared, wire: &Arc<Wire>, io: Box<dyn Io>) -> std::io::Result<Box<dyn Io>> {
    let Encryption::Implicit(tls) = &shared.encryption else { return Ok(io) };
    let tls = TappedTls { tls: Arc::clone(tls), wire: Arc::clone(wire) };
    Ok(handshake(&tls, io, &DriverConfig::default()).await?.0)
}

/// Says no in the place of the greeting (RFC 5321 §3.1).
async fn refuse(
    config: mailwright_smtp::Config,
    rejection: &Rejection,
    io: Box<dyn Io>,
    clock: Arc<dyn Clock>,
) {
    let machine = mailwright_smtp::Server::turn_away(Arc::new(config), rejection);
    let mut driver = Driver::new(machine, io, clock, Arc::new(DriverConfig::default()));
    // Nothing is asked by who only takes leave.
    while let Ok(Some(_)) = driver.next().await {}
}

async fn imap(shared: &Shared, shutdown: Shutdown, wire: Arc<Wire>, io: Box<dyn Io>, peer: Peer) {
    let config = mailwright_imap::Config {
        hostname: shared.hostname.clone(),
        auth_mechanisms: mechanisms(),
        login_without_tls: true,
        ..mailwright_imap::Config::default()
    };
    let store = shared.logins.mailboxes.store.clone();
    let server = ImapServer::with_config(config, store, Arc::clone(&shared.logins)).shutdown(shutdown);
    encrypt!(server, shared, wire).session(io, peer).await;
}

async fn pop3(shared: &Shared, shutdown: Shutdown, wire: Arc<Wire>, io: Box<dyn Io>, peer: Peer) {
    let config = mailwright_pop3::Config {
        hostname: shared.hostname.clone(),
        auth_mechanisms: mechanisms(),
        login_without_tls: true,
        ..mailwright_pop3::Config::default()
    };
    let store = shared.logins.mailboxes.store.clone();
    let server = Pop3Server::with_config(config, store, Arc::clone(&shared.logins))
        .locks(shared.locks.clone())
        .shutdown(shutdown);
    encrypt!(server, shared, wire).session(io, peer).await;
}

fn mechanisms() -> Vec<String> {
    Mechanism::PASSWORD.iter().map(|mechanism| mechanism.name().to_owned()).collect()
}
