//! What has arrived, and who waits for more.

use tokio::sync::watch;

use crate::message::Message;

/// What has arrived.
#[derive(Debug)]
pub(crate) struct Arrivals {
    log: watch::Sender<Log>,
    /// How many are kept.
    limit: usize,
}

#[derive(Debug, Default)]
struct Log {
    /// How many were there before.
    forgotten: usize,
    messages: Vec<Message>,
}

impl Arrivals {
    pub(crate) fn new(limit: usize) -> Self {
        Self { log: watch::Sender::new(Log::default()), limit }
    }

    /// Whether there is no room for another one.
    pub(crate) fn are_full(&self) -> bool {
        self.log.borrow().messages.len() >= self.limit
    }

    pub(crate) fn push(&self, message: Message) {
        self.log.send_modify(|log| log.messages.push(message));
    }

    pub(crate) fn all(&self) -> Vec<Message> {
        self.log.borrow().messages.clone()
    }

    pub(crate) fn forget(&self) {
        self.log.send_modify(|log| {
            log.forgotten += log.messages.len();
            log.messages.clear();
        });
    }

    /// The first message that is `wanted`, now or when it arrives. Each is looked at once.
    pub(crate) async fn first(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        let mut arrivals = self.log.subscribe();
        let mut seen: usize = 0;
        loop {
            // Copied, so that who looks at them may ask for more.
            let new: Vec<Message> = {
                let log = arrivals.borrow_and_update();
                let known = seen.saturating_sub(log.forgotten);
                seen = log.forgotten + log.messages.len();
                log.messages.get(known..).unwrap_or_default().to_vec()
            };
            match new.into_iter().find(|message| wanted(message)) {
                Some(message) => return message,
                // The sender is ours, and so there.
                None => drop(arrivals.changed().await),
            }
        }
    }
}
