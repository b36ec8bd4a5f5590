//! Reading mail: POP3's questions, answered from a store.

use std::net::IpAddr;

use mailwright_auth::{Credentials, Exchange};
use mailwright_core::{BlobId, Causes, MailboxId, Secret, Ticket, Uid, UidSet};
use mailwright_pop3::server::{Error, Question, ask};
use mailwright_pop3::{AuthStep, Event, Flow, Maildrop, Message, Rejection, Server};
use mailwright_store::{BlobReader, Columns, Expunge, MailboxName, Op, Snapshot, Store};
use mailwright_tokio::{Driver, DriverError};
use tracing::{info, warn};

use super::locks::{Locked, Locks};
use crate::authenticate::{Authenticate, Known, LoginError, User, step};
use crate::setup::Setup;

pub(super) struct Session<'a, S, A> {
    store: &'a S,
    authenticate: &'a A,
    setup: &'a Setup,
    /// What is offered to log in with.
    mechanisms: &'a [String],
    locks: &'a Locks,
    driver: Driver<Server>,
    peer: IpAddr,
    /// Apart: it is large, and most sessions have none.
    exchange: Option<Box<Exchange>>,
    open: Option<Open>,
}

/// A maildrop in use.
struct Open {
    login: String,
    mailbox: MailboxId,
    /// The content of each message, by the index that the machine knows it by.
    blobs: Vec<BlobId>,
    _lock: Locked,
}

type Ended = DriverError<Error>;

impl<'a, S: Store, A: Authenticate> Session<'a, S, A> {
    pub(super) fn new(
        store: &'a S,
        authenticate: &'a A,
        setup: &'a Setup,
        mechanisms: &'a [String],
        locks: &'a Locks,
        driver: Driver<Server>,
        peer: IpAddr,
    ) -> Self {
        Self { store, authenticate, setup, mechanisms, locks, driver, peer, exchange: None, open: None }
    }

    /// Borrows the session: a future that takes something keeps room for it twice.
    pub(super) async fn run(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.driver.next().await? {
            // Boxed, so that who waits for the next event keeps no room for what it may take to answer it.
            Box::pin(self.event(event)).await?;
        }
        Ok(())
    }

    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Login { user, password, ticket } => {
                let answer = self.login(Credentials { user, authzid: None, password }).await;
                self.answer_login(ticket, answer);
            }
            Event::Auth { mechanism, initial, ticket } => {
                let (offered, tls) = (self.mechanisms, self.driver.machine.tls());
                let exchange = Exchange::begin(&mechanism, offered, tls, self.setup.nonce());
                self.exchange = exchange.ok().map(Box::new);
                self.auth(initial, ticket).await;
            }
            Event::AuthResponse { response, ticket } => self.auth(Some(response), ticket).await,
            Event::Retrieve { message, ticket, .. } => self.retrieve(message, ticket).await?,
            Event::Commit { deleted, ticket } => {
                let uids = deleted.messages().filter_map(|message| message.uid).collect();
                let answer = self.expunge(uids).await;
                // Free before the client is told, which may come back at once.
                self.open = None;
                self.answer(ticket, logged(answer));
            }
            Event::Abandoned => self.open = None,
            Event::Refused(rejection) => info!(reply = %rejection, "refused"),
            _ => {}
        }
        Ok(())
    }

    async fn auth(&mut self, response: Option<Secret>, ticket: Ticket<ask::Auth>) {
        let Some(exchange) = &mut self.exchange else {
            self.answer(ticket, Err(Rejection::auth_unavailable()));
            return;
        };
        let response = response.as_ref().map(Secret::expose);
        let step = step(self.authenticate, self.peer, exchange, response);
        let answer = match self.driver.attend(step).await {
            Ok(Known::NotYet(challenge)) => {
                self.answer(ticket, Ok(AuthStep::Challenge(challenge)));
                return;
            }
            Ok(Known::As(user)) => self.open(user).await,
            Err(error) => Err(login_refusal(error)),
        };
        self.exchange = None;
        self.answer_login(ticket, answer.map(|(open, maildrop)| (open, AuthStep::Done(maildrop))));
    }

    /// Checks the password, and opens the maildrop.
    async fn login(&mut self, credentials: Credentials) -> Result<(Open, Maildrop), Rejection> {
        let login = self.authenticate.login(self.peer, credentials);
        let user = self.driver.attend(login).await.map_err(login_refusal)?;
        self.open(user).await
    }

    /// Locks the maildrop, and lists it.
    async fn open(&mut self, user: User) -> Result<(Open, Maildrop), Rejection> {
        let lock = self.locks.lock(user.account).ok_or_else(Rejection::in_use)?;
        self.driver.attend(list(self.store, user, lock)).await
    }

    /// Answers; the maildrop is open only if the answer was in time.
    fn answer_login<Q, T>(&mut self, ticket: Ticket<Q>, answer: Result<(Open, T), Rejection>)
    where
        Q: Question<Answer = Result<T, Rejection>>,
    {
        match answer {
            Ok((open, yes)) => {
                let login = open.login.clone();
                if self.answer(ticket, Ok(yes)) {
                    info!(user = login, messages = open.blobs.len(), "logged in");
                    self.open = Some(open);
                }
            }
            Err(rejection) => {
                self.answer(ticket, logged(Err(rejection)));
            }
        }
    }

    async fn retrieve(&mut self, message: Message, ticket: Ticket<ask::Retrieve>) -> Result<(), Ended> {
        let blob = self.open.as_ref().and_then(|open| open.blobs.get(message.index)).copied();
        let Some(blob) = blob else {
            self.answer(ticket, Err(Rejection::local_error()));
            return Ok(());
        };
        let mut reader = match self.driver.attend(self.store.read_blob(blob, 0..message.size)).await {
            Ok(reader) => reader,
            Err(error) => {
                self.answer(ticket, logged(Err(error.into())));
                return Ok(());
            }
        };
        let answer = loop {
            match self.driver.attend(reader.next()).await {
                Ok(Some(piece)) => match self.driver.machine.retrieve(&ticket, piece) {
                    Ok(Flow::More) => self.driver.drained().await?,
                    Ok(_) => break Ok(()),
                    Err(_stale) => return Ok(()),
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        self.answer(ticket, logged(answer));
        Ok(())
    }

    async fn expunge(&mut self, uids: UidSet) -> Result<(), Rejection> {
        let Some(open) = &self.open else { return Err(Rejection::local_error()) };
        if uids.is_empty() {
            return Ok(());
        }
        let mut batch = self.setup.batch();
        info!(user = open.login, messages = uids.len(), "deleted");
        batch.ops.push(Op::Expunge(Expunge { mailbox: open.mailbox, uids, only_deleted: false }));
        self.driver.attend(self.store.commit(batch)).await?;
        Ok(())
    }

    /// Gives an answer, and says whether it was in time.
    fn answer<Q: Question>(&mut self, ticket: Ticket<Q>, answer: Q::Answer) -> bool {
        let in_time = self.driver.machine.answer(ticket, answer).is_ok();
        if !in_time {
            warn!("the answer came too late: the client was told to try again");
        }
        in_time
    }
}

/// Puts a failure of ours into the log: the client is told that there was one, and no more.
fn logged<T>(answer: Result<T, Rejection>) -> Result<T, Rejection> {
    answer.inspect_err(|rejection| {
        if let Some(cause) = rejection.cause() {
            warn!(reply = %rejection, cause = %Causes(cause), "failed");
        }
    })
}

/// The messages of an account's INBOX.
async fn list<S: Store>(store: &S, user: User, lock: Locked) -> Result<(Open, Maildrop), Rejection> {
    let inbox = store.mailbox(user.account, &MailboxName::inbox()).await?;
    let snapshot: Snapshot = store.open(inbox.id).await?;
    let mut maildrop = Maildrop::new(snapshot.status.uid_validity);
    let mut blobs = Vec::new();
    let all = UidSet::range(Uid::FIRST, Uid(std::num::NonZeroU32::MAX));
    let columns = Columns::SIZE.and(Columns::BLOB);
    let (mut after, limit) = (None, store.limits().rows_per_page);
    loop {
        let page = store.rows(&snapshot, &all, columns, after, limit).await?;
        maildrop.reserve(page.uids.len());
        for ((&uid, &size), &blob) in page.uids.iter().zip(&page.sizes).zip(&page.blobs) {
            maildrop.push(size, uid);
            blobs.push(blob);
        }
        match page.next {
            Some(_) => after = page.next,
            None => break,
        }
    }
    let open = Open { login: user.login, mailbox: inbox.id, blobs, _lock: lock };
    Ok((open, maildrop))
}

fn login_refusal(error: LoginError) -> Rejection {
    match error {
        LoginError::Wrong => Rejection::auth_failed(),
        LoginError::Locked => {
            Rejection::auth_unavailable().with_text("too many failed logins, try again later")
        }
        LoginError::Unavailable => Rejection::auth_unavailable(),
    }
}
