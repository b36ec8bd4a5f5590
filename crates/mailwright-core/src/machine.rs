//! The one shape of all protocol machines, and why one stops.

use std::fmt;
use std::time::Instant;

use bytes::BytesMut;

use crate::output::Output;

/// A protocol endpoint that does no I/O: bytes and time in, events and bytes out.
///
/// The whole contract, which holds for each of mailwright's machines:
///
/// * **Poll until it is not an [`Event`](Progress::Event).** The machine takes what it can from the front
///   of `input`, a buffer that belongs to the caller, and leaves the rest for the next call.
/// * **After any `&mut` call look at [`output`](Self::output) and [`poll_timeout`](Self::poll_timeout)
///   again**: each may have changed. After an answer poll again: only a poll knows the time, so what the
///   answer began to wait for gets its deadline there.
/// * **An event may carry a [`Ticket`](crate::Ticket).** Until it is given back with an answer, polling says
///   [`NeedReply`](Progress::NeedReply).
/// * **`Closed` and `Err` are final and repeat**, and there is no deadline any more. Flush the output (the
///   last reply is in it), then close. They may come while a ticket is open, which is then stale.
/// * When several reasons to wait hold, the order is `Closed`, `Upgrade`, `NeedDrain`, `NeedReply`,
///   `NeedInput`.
///
/// The caller reads and writes concurrently, and goes on reading (up to a limit of its own) in `NeedReply`
/// and `NeedDrain`: so a peer that writes before it reads does not deadlock, and one that left is noticed.
///
/// For those who write a machine: what is queued is released at the latest with `NeedInput`, `NeedDrain`,
/// `Upgrade`, `Closed` and `Err`, since held bytes count in [`room`](Output::room). Only a protocol that
/// groups replies (RFC 2920 §3.2) holds any while it waits for an answer.
pub trait Machine {
    /// What the application is told, and asked.
    type Event;
    /// Why the conversation cannot go on. By whose fault, not by which text.
    type Error: std::error::Error;

    /// Takes what it can from the front of `input` and says what comes next.
    ///
    /// # Errors
    /// The conversation is over; the same error is returned by every later call.
    fn poll_event(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<Progress<Self::Event>, Self::Error>;

    /// The peer will send no more. What is in the input buffer is still to be polled. What the application
    /// of a server was asked is not cancelled: a commit under way is finished.
    fn handle_eof(&mut self);

    /// The transport was swapped as [`Progress::Upgrade`] asked. Another layer than the one that was asked for
    /// changes nothing.
    fn handle_upgrade(&mut self, done: Upgraded, now: Instant);

    /// The caller wants to close: finish what is under way, take no new work, say goodbye in the
    /// protocol's own words (421, BYE), then be `Closed`. While an upgrade is under way nothing can be said.
    fn handle_shutdown(&mut self);

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing else happens.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Lets deadlines that lie at or before `now` take effect. Too early is no error and does nothing.
    fn handle_timeout(&mut self, now: Instant);

    /// What is to be written to the peer.
    fn output(&mut self) -> &mut Output;
}

/// What [`Machine::poll_event`] comes to: an event, or the one reason to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Progress<E> {
    /// Handle it, poll again.
    Event(E),
    /// Nothing to do until there are more bytes, or [`Machine::handle_eof`].
    NeedInput,
    /// A ticket is open: no further event until it is answered.
    NeedReply,
    /// The output is over its high-water mark: no further event until some of it is written.
    NeedDrain,
    /// Stop reading, flush, swap the transport, start the new layer with what is left in the input
    /// buffer, then call [`Machine::handle_upgrade`].
    Upgrade(Upgrade),
    /// Flush, close.
    Closed,
}

/// The layer that a machine asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upgrade {
    /// TLS (STARTTLS, STLS).
    Tls,
    /// Raw DEFLATE, inside TLS if there is any (RFC 4978).
    Deflate,
}

/// The layer that the caller has put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upgraded {
    /// The TLS handshake is done.
    Tls(TlsInfo),
    /// DEFLATE is on in both directions.
    Deflate,
}

/// What was negotiated by TLS, for policy and for the Received field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The protocol's version as it is written in traces: `TLS1.3`.
    pub version: &'static str,
    /// The cipher suite's IANA name, or empty.
    pub cipher: String,
    /// The name that the client asked for (SNI).
    pub server_name: Option<String>,
    /// What a login can be bound to this connection by, if the layer tells.
    pub exporter: Option<TlsExporter>,
}

impl TlsInfo {
    /// Facts of a finished handshake.
    pub fn new(version: &'static str, cipher: impl Into<String>, server_name: Option<String>) -> Self {
        Self { version, cipher: cipher.into(), server_name, exporter: None }
    }

    /// With what a login can be bound to it by.
    pub fn with_exporter(self, exporter: Option<TlsExporter>) -> Self {
        Self { exporter, ..self }
    }
}

/// Which of a server's SASL mechanisms can be had on a connection of which `tls` tells. Those whose name ends in `-PLUS`
/// bind the login to the connection (RFC 5802 §4, §6), and so need an [exporter](TlsInfo::exporter).
///
/// ```
/// use mailwright_core::{TlsExporter, TlsInfo, mechanisms_on};
///
/// let all = ["scram-sha-256-plus".to_owned(), "SCRAM-SHA-256".to_owned()];
/// let tls = TlsInfo::new("TLS1.2", "", None);
/// assert!(mechanisms_on(Some(&tls), &all).eq(["SCRAM-SHA-256"]));
/// let tls = TlsInfo::new("TLS1.3", "", None).with_exporter(Some(TlsExporter::new([1; 32])));
/// assert!(mechanisms_on(Some(&tls), &all).eq(["scram-sha-256-plus", "SCRAM-SHA-256"]));
/// ```
pub fn mechanisms_on<'a>(
    tls: Option<&TlsInfo>,
    mechanisms: &'a [String],
) -> impl Iterator<Item = &'a str> + use<'a> {
    let can_bind = tls.is_some_and(|tls| tls.exporter.is_some());
    let binds =
        |name: &str| name.rsplit_once('-').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("PLUS"));
    mechanisms.iter().map(String::as_str).filter(move |name| can_bind || !binds(name))
}

/// What only the two ends of a TLS connection know of it: the channel binding `tls-exporter` (RFC 9266), 32 octets of
/// keying material, exported with the label `EXPORTER-Channel-Binding` and an empty context. Only where master secrets
/// are unique: in TLS 1.3, or with the extended master secret (RFC 7627).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TlsExporter([u8; 32]);

impl TlsExporter {
    /// The label to export with (RFC 9266 §2).
    pub const LABEL: &'static [u8] = b"EXPORTER-Channel-Binding";

    /// What was exported.
    pub fn new(material: [u8; 32]) -> Self {
        Self(material)
    }

    /// The channel binding data.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TlsExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsExporter(..)")
    }
}
