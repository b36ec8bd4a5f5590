//! What happens in a session, and who answers it.

use mailwright_imap::Event;
use mailwright_store::Store;
use tracing::{debug, info};

use super::session::Session;
use super::stop::Ended;
use crate::authenticate::Authenticate;

impl<S: Store, A: Authenticate> Session<'_, S, A> {
    /// Borrows the session: a future that takes something keeps room for it twice.
    pub(super) async fn run(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.next().await? {
            // Boxed, so that who waits for the next event keeps no room for what it may take to answer it.
            Box::pin(self.event(event)).await?;
        }
        Ok(())
    }

    /// The next event; meanwhile, what changes in the mailbox in view.
    async fn next(&mut self) -> Result<Option<Event>, Ended> {
        loop {
            let Some(selected) = &mut self.selected else { return self.driver.next().await };
            tokio::select! {
                // Changes first: who asks after one is to be told of it.
                biased;
                hint = selected.hints.next() => match hint {
                    Some(_) => self.driver.machine.changed(),
                    // The store is gone. Whatever is asked next will tell.
                    None => return self.driver.next().await,
                },
                event = self.driver.next() => return event,
            }
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Login { user, password, ticket } => self.login(user, password, ticket).await,
            Event::Auth { mechanism, initial, ticket } => self.begin_auth(&mechanism, initial, ticket).await,
            Event::AuthResponse { response, ticket } => self.auth(Some(response), ticket).await,
            Event::Identified(program) => debug!(?program, "the client says what it is"),
            Event::Select { mailbox, read_only, ticket } => {
                return self.select(&mailbox, read_only, ticket).await;
            }
            Event::Resume { since, known, ticket } => {
                let done = self.resume(since, &known, &ticket).await;
                return self.conclude(ticket, done);
            }
            Event::Sync { rows_since, vanished_since, ticket, .. } => {
                return self.sync(rows_since, vanished_since, ticket).await;
            }
            Event::Closed => self.selected = None,
            Event::Close { uids, ticket } => {
                let done = self.expunge_deleted(&uids).await;
                self.selected = None;
                return self.conclude(ticket, done);
            }
            Event::Expunge { uids, ticket } => {
                let done = self.expunge_deleted(&uids).await;
                return self.conclude(ticket, done);
            }
            Event::Create { mailbox, special_use, ticket } => {
                let done = self.create(&mailbox, &special_use).await;
                return self.conclude(ticket, done);
            }
            Event::Delete { mailbox, ticket } => {
                let done = self.delete(&mailbox).await;
                return self.conclude(ticket, done);
            }
            Event::Rename { from, to, ticket } => {
                let done = self.rename(&from, &to).await;
                return self.conclude(ticket, done);
            }
            Event::Subscribe { mailbox, subscribe, ticket } => {
                let done = self.subscribe(&mailbox, subscribe).await;
                return self.conclude(ticket, done);
            }
            Event::Status { mailbox, ticket, .. } => {
                let status = self.status(&mailbox).await;
                return self.conclude(ticket, status);
            }
            Event::List { list, ticket } => {
                let done = self.list(&list, &ticket).await;
                return self.conclude(ticket, done);
            }
            Event::AppendBegin { mailbox } => self.append_begin(mailbox),
            Event::AppendMessage { size, flags, date, ticket, .. } => {
                let done = self.append_message(size, &flags, date).await;
                return self.conclude(ticket, done);
            }
            Event::Body(chunk) => self.append_body(chunk).await,
            Event::MessageEnd => self.append_message_end().await,
            Event::AppendCommit { ticket } => {
                let done = self.append_commit().await;
                return self.conclude(ticket, done);
            }
            Event::AppendAborted => self.appending = None,
            Event::Fetch { fetch, ticket } => {
                let done = self.fetch(&fetch, &ticket).await;
                return self.conclude(ticket, done);
            }
            Event::Store { uids, action, flags, unchanged_since, ticket } => {
                let done = self.store(&uids, action, &flags, unchanged_since, &ticket).await;
                return self.conclude(ticket, done);
            }
            Event::Copy { uids, mailbox, ticket } => {
                let done = self.copy(uids, &mailbox).await;
                return self.conclude(ticket, done);
            }
            Event::Move { uids, mailbox, ticket } => {
                let done = self.transfer(&uids, &mailbox, &ticket).await;
                return self.conclude(ticket, done);
            }
            Event::Search { search, ticket } => {
                let found = self.search(&search).await;
                return self.conclude(ticket, found);
            }
            Event::Refused(rejection) => info!(reply = %rejection, "refused"),
            _ => {}
        }
        Ok(())
    }
}
