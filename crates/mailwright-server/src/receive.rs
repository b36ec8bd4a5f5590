//! Receiving mail: SMTP's questions, answered from directory and store.

use std::sync::Arc;

use mailwright_access::{Authenticate as _, LoginError, User};
use mailwright_auth::{Credentials, LookUp, ScramKeys, ScramProof, Token, TokenRefusal};
use mailwright_core::{
    Address, Domain, ForwardPath, ReversePath, Stage, TraceEvent, TraceId, Verdict as TraceVerdict,
};
use mailwright_message::moment;
use mailwright_smtp::server::Etrn;
use mailwright_smtp::{Body as BodyType, MailParams, Protocol, Rejection};
use mailwright_store::{BlobHint, Cause, Directory, Health, Op, Rejected, Resolution, Store, canonical};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use tracing::warn;

use crate::arrival::{Arrived, Plan, Recipients};
use crate::binary::in_lines;
use crate::chaos::At;
use crate::content::{Arriving, Keeping, blob_refusal};
use crate::held::is_held;
use crate::listener::Listener;
use crate::queued;
use crate::received::trace_fields;
use crate::shared::Shared;
use crate::soliciting;

pub(crate) struct Receive<S, D> {
    pub(crate) shared: Arc<Shared<S, D>>,
    /// Where its clients come to.
    pub(crate) listener: Listener,
}

impl<S: Store, D: Directory> SmtpHandler for Receive<S, D> {
    async fn auth(&self, cx: &Ctx, credentials: Credentials) -> Verdict<String> {
        self.shared.login(cx.peer().ip(), credentials).await.map(login).map_err(login_refusal)
    }

    async fn scram(&self, cx: &Ctx, wanted: &LookUp) -> Verdict<Vec<ScramKeys>> {
        self.shared.scram(cx.peer().ip(), wanted).await.map_err(login_refusal)
    }

    async fn proof(&self, cx: &Ctx, proof: ScramProof) -> Verdict<String> {
        self.shared.proof(cx.peer().ip(), proof).await.map(login).map_err(login_refusal)
    }

    async fn token(&self, cx: &Ctx, token: Token) -> Verdict<Result<String, TokenRefusal>> {
        let known = self.shared.token(cx.peer().ip(), token).await;
        known.map(|known| known.map(login)).map_err(login_refusal)
    }

    async fn mail(&self, cx: &Ctx, from: &ReversePath, params: &MailParams) -> Verdict {
        // Before the client sends what could not be kept.
        match self.shared.store.health() {
            Health::Ok => {}
            Health::LowSpace => return Err(Rejection::insufficient_storage()),
            _ => return Err(Rejection::insufficient_storage().with_text("mail cannot be stored now")),
        }
        if let Some(user) = cx.user().filter(|_| self.shared.check_sender) {
            self.shared.check_senders(user, std::slice::from_ref(from)).await?;
        }
        if let (Some(unwanted), Some(said)) = (&self.listener.no_soliciting, &params.solicit) {
            soliciting::check(unwanted, said)?;
        }
        self.shared.check_hold(cx, params).await
    }

    async fn rcpt(&self, cx: &Ctx, to: &Address) -> Verdict {
        let Some(to) = &canonical(to) else {
            return Err(Rejection::new(550, (5, 1, 2), "the domain of that address is none")?);
        };
        if let Some((At::Rcpt, rejection)) = self.shared.chaos.wanted(to) {
            return Err(rejection);
        }
        if self.shared.chaos.wanted(to).is_some() {
            return Ok(());
        }
        match self.shared.directory.resolve(&ForwardPath::Address(to.clone())).await? {
            Resolution::Local { .. } => Ok(()),
            // For anybody, wherever it leads: the address is ours.
            Resolution::Alias(_) if self.shared.leads_somewhere(to).await? => Ok(()),
            // It is where mail waits that is held, and no name of a host.
            Resolution::Remote(domain) if is_held(&domain) => {
                Err(Rejection::new(550, (5, 1, 2), "there is no such domain")?)
            }
            // RFC 5321 §7.1, RFC 6409 §4.3: for others only from those we know.
            Resolution::Remote(domain) if self.shared.outgoing.is_some() && cx.user().is_some() => {
                is_qualified(&domain)
            }
            Resolution::Remote(domain) if self.shared.outgoing.is_some() => Err(Rejection::relay_denied()
                .with_text(format!(
                    "relaying denied: {domain} is not a domain of this server, and you are not logged in"
                ))),
            Resolution::Remote(domain) => Err(Rejection::relay_denied().with_text(format!(
                "relaying denied: {domain} is not a domain of this server, and it passes on mail for nobody"
            ))),
            _ => Err(Rejection::no_such_user()),
        }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Verdict<String> {
        let (arrived, completed) = self.keep(cx, envelope, body, Protocol::Smtp).await?;
        if let Some((_, rejection)) = envelope.to.iter().find_map(|to| self.shared.chaos.wanted(to)) {
            return Err(rejection);
        }
        let to = Recipients::all(envelope);
        self.deliver(cx, &arrived, &to, trace(cx, envelope, &completed, &arrived)).await?;
        Ok(format!("{} as {}", accepted(envelope, &arrived), cx.trace_id()))
    }

    /// In LMTP each recipient has a commit of its own: what keeps one from the message is no matter of the others.
    async fn deliveries(&self, cx: &Ctx, envelope: &Envelope, body: Body) -> Vec<Verdict<String>> {
        let (mut arrived, completed) = match self.keep(cx, envelope, body, Protocol::Lmtp).await {
            Ok(kept) => kept,
            Err(rejection) => return vec![Err(rejection); envelope.to.len()],
        };
        let mut events = trace(cx, envelope, &completed, &arrived);
        let mut verdicts = Vec::with_capacity(envelope.to.len());
        for to in Recipients::all(envelope).each() {
            let delivered = self.deliver(cx, &arrived, &to, std::mem::take(&mut events)).await;
            verdicts.push(delivered.map(|()| format!("delivered as {}", cx.trace_id())));
            // Entries of the queue are counted from zero for each.
            arrived.trace = TraceId::new(arrived.now, self.shared.random());
        }
        verdicts
    }

    async fn vrfy(&self, cx: &Ctx, name: &str) -> Verdict<Vec<String>> {
        self.shared.verify(cx, name).await
    }

    async fn expn(&self, cx: &Ctx, list: &str) -> Verdict<Vec<String>> {
        self.shared.expand_alias(cx, list).await
    }

    async fn etrn(&self, cx: &Ctx, node: &str) -> Verdict<Etrn> {
        self.shared.send_what_waits(cx, &self.listener, node).await
    }
}

impl<S: Store, D: Directory> Receive<S, D> {
    /// Stores a message as it comes, and tells what was added to it.
    async fn keep(
        &self,
        cx: &Ctx,
        envelope: &Envelope,
        body: Body,
        protocol: Protocol,
    ) -> Result<(Arrived, String), Rejection> {
        let now = self.shared.now();
        let hint = BlobHint { now, size: envelope.params.size };
        let blob = self.shared.store.blob_writer(hint).await.map_err(blob_refusal)?;
        let (mut arriving, mut keeping) = (Arriving::new(body), Keeping::new(blob));
        let fields = trace_fields(&self.shared.hostname, cx, envelope, protocol, now);
        // Return-Path, which is not for other servers.
        let begin = fields.split_inclusive('\n').next().map_or(0, str::len);
        keeping.write(fields.into()).await?;
        // Who has logged in submits; what others send is kept as it is (RFC 5321 §6.4).
        let completed = match cx.user() {
            Some(user) => {
                self.shared.submit_header(user, &envelope.from, now, &mut arriving, &mut keeping).await?
            }
            None => String::new(),
        };
        while let Some(piece) = arriving.next().await? {
            keeping.write(piece).await?;
        }
        let (mut blob, mut scan) = keeping.finish(now).await?;
        if envelope.params.body == Some(BodyType::BinaryMime) {
            (blob, scan) = in_lines(&self.shared.store, (blob, scan), hint).await?;
        }
        let header = begin as u64..scan.header_range().end;
        if let Some(unwanted) = &self.listener.no_soliciting {
            soliciting::check_header(&self.shared.store, blob.id(), header.clone(), unwanted).await?;
        }
        let held = match (cx.user(), &envelope.params.hold) {
            (Some(user), Some(_)) => Some(self.shared.held_route(user).await?),
            _ => None,
        };
        Ok((
            Arrived {
                trace: cx.trace_id(),
                begun: cx.trace_id().time(),
                now,
                blob: blob.id(),
                header,
                scan,
                is_known: cx.user().is_some(),
                auth: self.submitter(cx, envelope).await?,
                held,
            },
            completed,
        ))
    }

    /// RFC 4954 §5: of what a client says of the submitter that is believed which its user may say of himself.
    async fn submitter(&self, cx: &Ctx, envelope: &Envelope) -> Verdict<Option<ReversePath>> {
        let Some(said) = &envelope.params.auth else { return Ok(None) };
        let is_believed = match cx.user() {
            Some(user) => self.shared.check_senders(user, std::slice::from_ref(said)).await.is_ok(),
            None => false,
        };
        Ok(Some(if is_believed { said.clone() } else { ReversePath::Null }))
    }

    /// One commit, for all of them.
    async fn deliver(
        &self,
        cx: &Ctx,
        arrived: &Arrived,
        to: &Recipients<'_>,
        mut events: Vec<TraceEvent>,
    ) -> Verdict {
        let Plan { ops, unknown } = self.shared.plan(arrived, to).await?;
        if let Some(lost) = unknown.first() {
            let count = unknown.len();
            warn!(address = %lost, count, trace = %cx.trace_id(), "an alias leads to nobody");
            let what = format!("{lost} leads to nobody");
            let event = TraceEvent::new(arrived.now, Stage::Rcpt, TraceVerdict::Reject, what);
            events.push(event.with_evidence("addresses", count.to_string()));
        }
        let mut batch = self.shared.batch();
        batch.ops = ops;
        if !events.is_empty() {
            batch.ops.push(Op::Trace { id: cx.trace_id(), events });
        }
        self.shared.store.commit(batch).await.map(drop).map_err(commit_refusal)
    }
}

fn login(user: User) -> String {
    user.login
}

fn login_refusal(error: LoginError) -> Rejection {
    match error {
        LoginError::Wrong => Rejection::auth_failed(),
        LoginError::Locked => {
            Rejection::auth_unavailable().with_text("too many failed logins, try again later")
        }
        _ => Rejection::auth_unavailable(),
    }
}

/// RFC 6409 §4.2: a name that says something only where it was written goes nowhere.
fn is_qualified(domain: &Domain) -> Verdict {
    if domain.is_literal() || domain.as_str().contains('.') {
        return Ok(());
    }
    Err(Rejection::new(550, (5, 1, 2), format!("{domain} is not a fully-qualified domain"))?)
}

/// What becomes of a message that was taken, in a word.
fn accepted(envelope: &Envelope, arrived: &Arrived) -> String {
    let hold = envelope.params.hold.as_ref().filter(|_| arrived.held.is_some());
    match hold.and_then(|hold| queued::future_release(hold, arrived.begun)) {
        Some(release) => format!("held until {}", moment(release.at)),
        None => "accepted".to_owned(),
    }
}

fn trace(cx: &Ctx, envelope: &Envelope, completed: &str, arrived: &Arrived) -> Vec<TraceEvent> {
    let now = arrived.now;
    let connect =
        TraceEvent::new(now, Stage::Connect, TraceVerdict::Pass, format!("from {}", cx.peer().ip()))
            .with_evidence("tls", cx.tls().map_or("none", |tls| tls.version))
            .with_evidence("helo", cx.hello().map_or("", |hello| hello.name.as_str()))
            .with_evidence("user", cx.user().unwrap_or_default());
    let mail = TraceEvent::new(now, Stage::Mail, TraceVerdict::Pass, envelope.from.to_string());
    let rcpt =
        envelope.to.iter().map(|to| TraceEvent::new(now, Stage::Rcpt, TraceVerdict::Pass, to.to_string()));
    let data = (!completed.is_empty()).then(|| {
        TraceEvent::new(now, Stage::Data, TraceVerdict::Pass, "completed").with_evidence("fields", completed)
    });
    let commit = TraceEvent::new(now, Stage::Commit, TraceVerdict::Pass, accepted(envelope, arrived));
    [connect, mail].into_iter().chain(rcpt).chain(data).chain([commit]).collect()
}

fn commit_refusal(rejected: Rejected) -> Rejection {
    match rejected.cause {
        Cause::OverQuota { .. } => Rejection::mailbox_full(),
        Cause::NoSpace => Rejection::insufficient_storage(),
        _ => Rejection::from(rejected),
    }
}
