//! A mailbox's owner.

#![expect(clippy::panic, reason = "that is how tests fail")]

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mailwright_store::AccountInfo;

use crate::content::Content;
use crate::engine::block_on;
use crate::mailboxes::{Failed, Mailboxes};
use crate::message::{Envelope, Message};

/// An account: what its owner sees by IMAP and POP3.
pub struct Account<'a> {
    mailboxes: &'a Mailboxes,
    info: AccountInfo,
}

impl fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("login", &self.login()).finish_non_exhaustive()
    }
}

/// A message in a mailbox.
#[derive(Debug, Clone)]
pub struct Kept {
    uid: u32,
    flags: Vec<String>,
    message: Message,
}

impl Kept {
    /// Its UID (RFC 9051 §2.3.1.1).
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Its flags and keywords, as `\Seen`.
    pub fn flags(&self) -> &[String] {
        &self.flags
    }

    /// Whether it has that flag or keyword, in any case.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known.eq_ignore_ascii_case(flag))
    }

    /// The message; its envelope was not kept.
    pub fn message(&self) -> &Message {
        &self.message
    }
}

impl<'a> Account<'a> {
    #[track_caller]
    pub(crate) fn of(mailboxes: &'a Mailboxes, login: &str) -> Self {
        let info = unless(block_on(mailboxes.account(login)), &format!("no account for {login:?}"));
        Self { mailboxes, info }
    }

    /// The name to log in with: its address. Any password does, unless [one was set](crate::Builder::password).
    pub fn login(&self) -> &str {
        &self.info.login
    }

    /// What is in INBOX, in the order of UIDs.
    ///
    /// # Panics
    /// If the store fails.
    #[track_caller]
    pub fn inbox(&self) -> Vec<Kept> {
        self.mailbox("INBOX")
    }

    /// What is in a mailbox, in the order of UIDs.
    ///
    /// # Panics
    /// If there is no such mailbox.
    #[track_caller]
    pub fn mailbox(&self, name: &str) -> Vec<Kept> {
        let rows = block_on(self.mailboxes.rows(self.info.id, name));
        let rows = unless(rows, &format!("{} has no mailbox {name:?}", self.login()));
        rows.into_iter()
            .map(|row| {
                let system = row.flags.system().map(|flag| flag.as_str().to_owned());
                let keywords = row.flags.keywords().iter().map(|keyword| keyword.as_str().to_owned());
                Kept {
                    uid: row.uid.0.get(),
                    flags: system.chain(keywords).collect(),
                    message: Message {
                        envelope: Arc::new(Envelope::default()),
                        content: Arc::new(Content::read(row.raw)),
                    },
                }
            })
            .collect()
    }

    /// The names of its mailboxes.
    ///
    /// # Panics
    /// If the store fails.
    #[track_caller]
    pub fn mailboxes(&self) -> Vec<String> {
        let names = unless(block_on(self.mailboxes.names(self.info.id)), "no mailboxes");
        names.iter().map(|name| name.as_str().to_owned()).collect()
    }

    /// Puts a message into INBOX, for a program to find by IMAP or POP3. LF becomes CRLF. For
    /// [`wait_for`](crate::MailServer::wait_for) it has not arrived.
    ///
    /// # Panics
    /// If the store does not take it.
    #[track_caller]
    pub fn receive(&self, message: impl AsRef<[u8]>) {
        let message = with_crlf(message.as_ref());
        let taken = block_on(self.mailboxes.deliver(&self.info.addresses, &message));
        unless(taken, "the message is not taken");
    }
}

#[track_caller]
fn unless<T>(result: Result<T, Failed>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}

fn with_crlf(message: &[u8]) -> Bytes {
    let mut whole = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                whole.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                whole.extend_from_slice(b"\r\n");
            }
            None => whole.extend_from_slice(line),
        }
    }
    whole.into()
}
