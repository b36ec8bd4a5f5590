//! Receiving mail: SMTP's questions, answered from directory and store.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_access::{Authenticate as _, LoginError};
use mailwright_auth::Credentials;
use mailwright_core::{
    Address, ForwardPath, ReversePath, Stage, Timestamp, TraceEvent, Verdict as TraceVerdict,
};
use mailwright_delivery::{Expanded, expand};
use mailwright_message::{Scan, ScanLimits, Scanner};
use mailwright_queue::{Outgoing, OutgoingRecipient, RecipientState};
use mailwright_smtp::{MailParams, Rejection};
use mailwright_store::{
    Append, BlobError, BlobHint, BlobWriter, Cause, Directory, Health, Op, Opaque, Rejected, Resolution,
    Store, Target,
};
use mailwright_tokio::smtp::{Body, BodyError, Ctx, Envelope, SmtpHandler, Verdict};
use tracing::warn;

use crate::chaos::At;
use crate::received::{Hops, trace_fields};
use crate::shared::Shared;

/// How many addresses are looked at for a message, with those that aliases lead to.
const ADDRESSES_MAX: usize = 10_000;

/// How many of the addresses that an alias leads to are looked at to find somebody, before it is taken on trust.
const TRIED_AT_RCPT: usize = 32;

pub(crate) struct Receive<S, D>(pub(crate) Arc<Shared<S, D>>);

impl<S: Store, D: Directory> SmtpHandler for Receive<S, D> {
    async fn auth(&self, cx: &Ctx, credentials: Credentials) -> Verdict<String> {
        match self.0.login(cx.peer().ip(), credentials).await {
            Ok(user) => Ok(user.login),
            Err(LoginError::Wrong) => Err(Rejection::auth_failed()),
            Err(LoginError::Locked) => {
                Err(Rejection::auth_unavailable().with_text("too many failed logins, try again later"))
            }
            Err(_) => Err(Rejection::auth_unavailable()),
        }
    }

    async fn mail(&self, cx: &Ctx, from: &ReversePath, _params: &MailParams) -> Verdict {
        // Before the client sends what could not be kept.
        match self.0.store.health() {
            Health::Ok => {}
            Health::LowSpace => return Err(Rejection::insufficient_storage()),
            _ => return Err(Rejection::insufficient_storage().with_text("mail cannot be stored now")),
        }
        let Some(user) = cx.user().filter(|_| self.0.check_sender) else { return Ok(()) };
        let known = self.0.directory.credentials(user).await?.ok_or_else(Rejection::auth_unavailable)?;
        if self.0.directory.may_send(known.account, from).await? {
            return Ok(());
        }
        Err(Rejection::new(550, (5, 7, 1), format!("{user} may not send as {from}"))?)
    }

    async fn rcpt(&self, cx: &Ctx, to: &Address) -> Verdict {
        if let Some((At::Rcpt, rejection)) = self.0.chaos.wanted(to) {
            return Err(rejection);
        }
        if self.0.chaos.wanted(to).is_some() {
            return Ok(());
        }
        match self.0.directory.resolve(&ForwardPath::Address(to.clone())).await? {
            Resolution::Local { .. } => Ok(()),
            // For anybody, wherever it leads: the address is ours.
            Resolution::Alias(_) if self.leads_somewhere(to).await? => Ok(()),
            // RFC 5321 §7.1, RFC 6409 §4.3: for others only from those we know.
            Resolution::Remote(_) if self.0.outgoing.is_some() && cx.user().is_some() => Ok(()),
            Resolution::Remote(domain) if self.0.outgoing.is_some() => Err(Rejection::relay_denied()
                .with_text(format!(
                    "relaying denied: {domain} is not a domain of this server, and you are not logged in"
                ))),
            Resolution::Remote(domain) => Err(Rejection::relay_denied().with_text(format!(
                "relaying denied: {domain} is not a domain of this server, and it passes on mail for nobody"
            ))),
            _ => Err(Rejection::no_such_user()),
        }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, mut body: Body) -> Verdict<String> {
        let now = self.0.now();
        let hint = BlobHint { now, size: envelope.params.size };
        let mut blob = self.0.store.blob_writer(hint).await.map_err(blob_refusal)?;
        let fields = trace_fields(&self.0.hostname, cx, envelope, now);
        let mut scanner = Scanner::new(ScanLimits::default());
        scanner.feed(fields.as_bytes());
        // Return-Path, which is not for other servers.
        let begin = fields.split_inclusive('\n').next().map_or(0, str::len);
        blob.write(Bytes::from(fields)).await.map_err(blob_refusal)?;
        let mut hops = Hops::new();
        while let Some(chunk) = body.chunk().await.map_err(|gone: BodyError| Rejection::from(gone))? {
            if hops.pass(&chunk) {
                return Err(Rejection::new(554, (5, 4, 6), "too many hops: this message is in a loop")?);
            }
            scanner.feed(&chunk);
            blob.write(unshared(chunk)).await.map_err(blob_refusal)?;
        }
        if let Some((_, rejection)) = envelope.to.iter().find_map(|to| self.0.chaos.wanted(to)) {
            return Err(rejection);
        }
        let to = self.expand(envelope).await?;
        let blob = blob.finish(now).await.map_err(blob_refusal)?;
        let scan = scanner.finish();
        let header = scan.header_range().end;
        let scan = scan.fit(self.0.store.limits().scan_bytes);
        let scan = Opaque { version: Scan::VERSION, bytes: scan.octets().clone() };
        let mut batch = self.0.batch();
        for &account in &to.accounts {
            let append = Append::new(Target::inbox(account), blob.id(), now);
            batch.ops.push(Op::Append(Append { scan: scan.clone(), ..append }));
        }
        if let Some(outgoing) = self.0.outgoing.as_ref().filter(|_| !to.remote.is_empty()) {
            let message = Outgoing {
                trace: cx.trace_id(),
                sender: envelope.from.clone(),
                envelope: queued(envelope, begin as u64..header, now),
                blob: blob.id(),
                recipients: recipients(to.remote)?,
            };
            let entries = message.entries(&outgoing.accept, &outgoing.retry);
            batch.ops.extend(entries.into_iter().map(Op::from));
        }
        let mut events = trace(cx, envelope, now);
        if let Some(lost) = to.unknown.first() {
            let count = to.unknown.len();
            warn!(address = %lost, count, trace = %cx.trace_id(), "an alias leads to nobody");
            let event =
                TraceEvent::new(now, Stage::Rcpt, TraceVerdict::Reject, format!("{lost} leads to nobody"));
            events.push(event.with_evidence("addresses", count.to_string()));
        }
        batch.ops.push(Op::Trace { id: cx.trace_id(), events });
        self.0.store.commit(batch).await.map_err(commit_refusal)?;
        Ok(format!("accepted as {}", cx.trace_id()))
    }
}

impl<S: Store, D: Directory> Receive<S, D> {
    /// Whether an alias leads to anybody, as far as that is looked at.
    async fn leads_somewhere(&self, alias: &Address) -> Result<bool, Rejection> {
        let to = self.reach(expand(&self.0.directory, [alias.clone()], TRIED_AT_RCPT).await?);
        Ok(!to.is_empty() || to.left_out > 0)
    }

    /// Those of them that there is a way to.
    fn reach(&self, mut to: Expanded) -> Expanded {
        if self.0.outgoing.is_none() {
            to.unknown.append(&mut to.remote);
        }
        to
    }

    /// Whom the recipients lead to: one at least.
    async fn expand(&self, envelope: &Envelope) -> Result<Expanded, Rejection> {
        let to = self.reach(expand(&self.0.directory, envelope.to.iter().cloned(), ADDRESSES_MAX).await?);
        if to.left_out > 0 {
            // To some of them it would be lost. RFC 3463 §3.6: whoever sends may do so in parts.
            return Err(Rejection::new(554, (5, 5, 3), "too many addresses that the recipients lead to")?);
        }
        if to.is_empty() {
            // Whoever it was for has gone since RCPT.
            return Err(Rejection::no_such_user());
        }
        Ok(to)
    }
}

/// What is kept of the envelope for those who are elsewhere.
fn queued(envelope: &Envelope, header: Range<u64>, now: Timestamp) -> mailwright_queue::Envelope {
    let body = match envelope.params.body {
        Some(mailwright_smtp::Body::EightBitMime) => mailwright_queue::Body::EightBitMime,
        _ => mailwright_queue::Body::SevenBit,
    };
    mailwright_queue::Envelope {
        body,
        begin: header.start,
        header: header.end,
        ..mailwright_queue::Envelope::new(now)
    }
}

fn recipients(remote: BTreeSet<Address>) -> Result<Vec<OutgoingRecipient>, Rejection> {
    let each = remote.into_iter().map(|to| OutgoingRecipient::new(to, RecipientState::default()));
    each.collect::<Result<_, _>>().map_err(|_| Rejection::no_such_user())
}

/// A piece that is kept: a small one must not keep the whole buffer that it was read into.
fn unshared(chunk: Bytes) -> Bytes {
    const SMALL: usize = 8 << 10;
    if chunk.len() < SMALL { Bytes::copy_from_slice(&chunk) } else { chunk }
}

fn trace(cx: &Ctx, envelope: &Envelope, now: Timestamp) -> Vec<TraceEvent> {
    let connect =
        TraceEvent::new(now, Stage::Connect, TraceVerdict::Pass, format!("from {}", cx.peer().ip()))
            .with_evidence("tls", cx.tls().map_or("none", |tls| tls.version))
            .with_evidence("helo", cx.hello().map_or("", |hello| hello.name.as_str()))
            .with_evidence("user", cx.user().unwrap_or_default());
    let mail = TraceEvent::new(now, Stage::Mail, TraceVerdict::Pass, envelope.from.to_string());
    let rcpt =
        envelope.to.iter().map(|to| TraceEvent::new(now, Stage::Rcpt, TraceVerdict::Pass, to.to_string()));
    let commit = TraceEvent::new(now, Stage::Commit, TraceVerdict::Pass, "accepted");
    [connect, mail].into_iter().chain(rcpt).chain([commit]).collect()
}

fn blob_refusal(error: BlobError) -> Rejection {
    match error {
        BlobError::TooLarge => Rejection::too_big(),
        BlobError::NoSpace => Rejection::insufficient_storage(),
        error => Rejection::from(error),
    }
}

fn commit_refusal(rejected: Rejected) -> Rejection {
    match rejected.cause {
        Cause::OverQuota { .. } => Rejection::mailbox_full(),
        Cause::NoSpace => Rejection::insufficient_storage(),
        _ => Rejection::from(rejected),
    }
}
