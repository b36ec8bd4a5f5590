//! CREATE, DELETE, RENAME, SUBSCRIBE, STATUS.

use mailwright_imap::server::MailboxStatus;
use mailwright_imap::types::Flag;
use mailwright_imap::{Rejection, ResponseCode};
use mailwright_store::{MailboxInfo, MailboxOp, MailboxStatus as Stored, Store};

use super::session::Session;
use super::stop::Stop;
use super::{flags, names};

impl<S: Store, A> Session<'_, S, A> {
    /// The mailbox of that name.
    pub(super) async fn find(&mut self, name: &str) -> Result<MailboxInfo, Stop> {
        let name = names::parse(name).map_err(|_| Rejection::no_such_mailbox())?;
        let account = self.account()?;
        Ok(self.driver.attend(self.shared.store.mailbox(account, &name)).await?)
    }

    pub(super) async fn create(&mut self, name: &str, uses: &[Flag]) -> Result<(), Stop> {
        let special_use = match uses {
            [] => None,
            [one] => Some(flags::special_use(one).ok_or_else(no_such_use)?),
            _ => return Err(no_such_use().into()),
        };
        let (account, name) = (self.account()?, names::parse_new(name)?);
        self.commit(MailboxOp::Create { account, name, special_use }).await?;
        Ok(())
    }

    pub(super) async fn delete(&mut self, name: &str) -> Result<(), Stop> {
        let mailbox = self.find(name).await?.id;
        self.commit(MailboxOp::Delete { mailbox }).await?;
        Ok(())
    }

    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<(), Stop> {
        let to = names::parse_new(to)?;
        let mailbox = self.find(from).await?.id;
        self.commit(MailboxOp::Rename { mailbox, to }).await?;
        Ok(())
    }

    pub(super) async fn subscribe(&mut self, name: &str, subscribe: bool) -> Result<(), Stop> {
        let (account, name) = (self.account()?, names::parse(name)?);
        let op = if subscribe {
            MailboxOp::Subscribe { account, name }
        } else {
            MailboxOp::Unsubscribe { account, name }
        };
        self.commit(op).await?;
        Ok(())
    }

    pub(super) async fn status(&mut self, name: &str) -> Result<MailboxStatus, Stop> {
        let mailbox = self.find(name).await?.id;
        let status = self.driver.attend(self.shared.store.status(&[mailbox])).await?;
        let status = status.first().copied().flatten().ok_or_else(Rejection::no_such_mailbox)?;
        Ok(shown(&status))
    }
}

fn no_such_use() -> Rejection {
    Rejection::new(ResponseCode::UseAttr, "no mailbox can be for that")
}

pub(super) fn shown(status: &Stored) -> MailboxStatus {
    MailboxStatus {
        messages: Some(status.messages),
        uid_next: Some(status.uid_next),
        uid_validity: Some(status.uid_validity),
        unseen: Some(status.unseen),
        deleted: Some(status.deleted),
        size: Some(status.size),
        highest_modseq: Some(status.highest_modseq),
    }
}
