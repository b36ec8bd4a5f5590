//! Quotas (RFC 9208): what is used of what is allowed, kept at a root by every batch.

/// What a quota is charged to. Each account gets its own; several may share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaRootId(pub u64);

/// What a quota counts (RFC 9208 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// STORAGE: bytes of all messages, a copy as much as its original.
    Storage,
    /// MESSAGE: messages.
    Messages,
    /// MAILBOX: mailboxes.
    Mailboxes,
}

/// How much is allowed; `None`: any. A lower limit than what is used refuses only what adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaLimits {
    /// Bytes. Default any.
    pub storage: Option<u64>,
    /// Messages. Default any.
    pub messages: Option<u64>,
    /// Mailboxes. Default any.
    pub mailboxes: Option<u64>,
}

/// How much is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes. Default any.
    pub storage: u64,
    /// Messages. Default any.
    pub messages: u64,
    /// Mailboxes. Default any.
    pub mailboxes: u64,
}

impl Usage {
    /// A message of `size` bytes.
    pub fn message(size: u64) -> Self {
        Self { storage: size, messages: 1, mailboxes: 0 }
    }

    /// A mailbox.
    pub fn mailbox() -> Self {
        Self { storage: 0, messages: 0, mailboxes: 1 }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            storage: self.storage.saturating_add(more.storage),
            messages: self.messages.saturating_add(more.messages),
            mailboxes: self.mailboxes.saturating_add(more.mailboxes),
        }
    }

    /// Without `less`.
    #[must_use]
    pub fn minus(self, less: Self) -> Self {
        Self {
            storage: self.storage.saturating_sub(less.storage),
            messages: self.messages.saturating_sub(less.messages),
            mailboxes: self.mailboxes.saturating_sub(less.mailboxes),
        }
    }
}

/// A quota root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// What is allowed.
    pub limits: QuotaLimits,
    /// What is used.
    pub usage: Usage,
}

impl Quota {
    /// The first resource of which adding `more` would exceed what is allowed.
    pub fn exceeded_by(&self, more: Usage) -> Option<Resource> {
        let over = |used: u64, more: u64, limit: Option<u64>| {
            more > 0 && limit.is_some_and(|limit| used.saturating_add(more) > limit)
        };
        let Self { limits, usage } = self;
        [
            (Resource::Storage, over(usage.storage, more.storage, limits.storage)),
            (Resource::Messages, over(usage.messages, more.messages, limits.messages)),
            (Resource::Mailboxes, over(usage.mailboxes, more.mailboxes, limits.mailboxes)),
        ]
        .into_iter()
        .find_map(|(resource, over)| over.then_some(resource))
    }
}
