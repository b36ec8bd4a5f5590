//! LIST, LSUB.

use std::collections::BTreeMap;

use mailwright_core::{MailboxId, Ticket};
use mailwright_imap::server::{ListRow, ask};
use mailwright_imap::types::{List, Pattern};
use mailwright_store::{MailboxInfo, MailboxName, SpecialUse, Store};

use super::mailboxes::shown;
use super::names::nfc;
use super::session::Session;
use super::stop::Stop;

const SEPARATOR: char = MailboxName::SEPARATOR;

/// A name that may be listed.
#[derive(Debug, Default)]
struct Named {
    /// If there is such a mailbox.
    mailbox: Option<MailboxId>,
    special_use: Option<SpecialUse>,
    subscribed: bool,
    /// Mailboxes lie below it.
    has_children: bool,
    /// A subscribed name lies below it that matches no pattern itself.
    hidden_child_subscribed: bool,
}

impl<S: Store, A> Session<'_, S, A> {
    pub(super) async fn list(&mut self, list: &List, ticket: &Ticket<ask::List>) -> Result<(), Stop> {
        if list.patterns.iter().any(|pattern| pattern.0.is_empty()) {
            // RFC 9051 §6.3.9: the separator and the root are asked for.
            let root = ListRow { no_select: true, ..ListRow::default() };
            self.driver.machine.list(ticket, &root)?;
        }
        let patterns: Vec<Pattern> = list
            .patterns
            .iter()
            .filter(|pattern| !pattern.0.is_empty())
            .map(|pattern| Pattern(nfc(&pattern.behind(&list.reference).0).into_owned()))
            .collect();
        if patterns.is_empty() {
            return Ok(());
        }
        let names = self.names(list, &patterns).await?;
        let mut rows = Vec::new();
        for (turn, (name, named)) in (1_usize..).zip(&names) {
            if matches(&patterns, name) {
                rows.extend(row(list, name, named).map(|row| (named.mailbox, row)));
            }
            if turn % self.shared.limits.names_per_turn.max(1) == 0 {
                self.tell_list(list, &mut rows, ticket).await?;
            }
        }
        self.tell_list(list, &mut rows, ticket).await
    }

    /// The names of all mailboxes, of what lies above them, and of what is subscribed to.
    async fn names(&mut self, list: &List, patterns: &[Pattern]) -> Result<BTreeMap<String, Named>, Stop> {
        let (store, account) = (self.shared.store, self.account()?);
        let limit = store.limits().items_per_page;
        let by_subscription = list.lsub || list.select.subscribed;
        let mut names = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.driver.attend(store.mailboxes(account, after, limit)).await?;
            page.items.iter().for_each(|info| add_mailbox(&mut names, info));
            if page.next.is_none() {
                break;
            }
            after = page.next;
            self.pause().await?;
        }
        if !by_subscription && !list.returns.subscribed {
            return Ok(names);
        }
        let mut after = None;
        loop {
            let page = self.driver.attend(store.subscriptions(account, after, limit)).await?;
            for name in &page.items {
                // One of no mailbox is listed only to those who ask for subscriptions.
                if by_subscription || names.get(name.as_str()).is_some_and(|named| named.mailbox.is_some()) {
                    let is_hidden = !matches(patterns, name.as_str());
                    add_subscription(&mut names, name.as_str(), is_hidden);
                }
            }
            if page.next.is_none() {
                return Ok(names);
            }
            after = page.next;
            self.pause().await?;
        }
    }

    async fn tell_list(
        &mut self,
        list: &List,
        rows: &mut Vec<(Option<MailboxId>, ListRow)>,
        ticket: &Ticket<ask::List>,
    ) -> Result<(), Stop> {
        if list.returns.status.is_some() {
            let ids: Vec<MailboxId> = rows.iter().filter_map(|(id, _)| *id).collect();
            let status = self.driver.attend(self.shared.store.status(&ids)).await?;
            let with_status = rows.iter_mut().filter(|(id, _)| id.is_some());
            for ((_, row), status) in with_status.zip(status) {
                row.status = status.as_ref().map(shown);
            }
        }
        for (_, row) in rows.drain(..) {
            self.drained().await?;
            self.driver.machine.list(ticket, &row)?;
        }
        Ok(self.pause().await?)
    }
}

fn matches(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name, SEPARATOR))
}

/// The names above, the lowest first.
fn above(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.rsplit_once(SEPARATOR).map(|(above, _)| above)).skip(1)
}

fn add_mailbox(names: &mut BTreeMap<String, Named>, info: &MailboxInfo) {
    let name = info.name.as_str();
    for above in above(name) {
        named(names, above).has_children = true;
    }
    let named = named(names, name);
    (named.mailbox, named.special_use) = (Some(info.id), info.special_use);
}

fn add_subscription(names: &mut BTreeMap<String, Named>, name: &str, is_hidden: bool) {
    for above in above(name) {
        named(names, above).hidden_child_subscribed |= is_hidden;
    }
    named(names, name).subscribed = true;
}

fn named<'n>(names: &'n mut BTreeMap<String, Named>, name: &str) -> &'n mut Named {
    if !names.contains_key(name) {
        names.insert(name.to_owned(), Named::default());
    }
    names.entry(name.to_owned()).or_default()
}

/// A name that matches as it is listed, if it is what was asked for.
fn row(list: &List, name: &str, named: &Named) -> Option<ListRow> {
    let exists = named.mailbox.is_some();
    if list.lsub {
        // RFC 3501 §6.3.9: "a" stands for "a/b" if "%" was asked for, and cannot be selected.
        let stands_for_child = !named.subscribed && named.hidden_child_subscribed;
        return (named.subscribed || stands_for_child).then(|| ListRow {
            name: name.to_owned(),
            no_select: stands_for_child,
            subscribed: named.subscribed,
            ..ListRow::default()
        });
    }
    let select = &list.select;
    let child_subscribed = select.subscribed && select.recursive_match && named.hidden_child_subscribed;
    if select.subscribed && !named.subscribed && !child_subscribed {
        return None;
    }
    if select.special_use && named.special_use.is_none() {
        return None;
    }
    if !exists && !select.subscribed && !named.has_children {
        return None;
    }
    Some(ListRow {
        name: name.to_owned(),
        nonexistent: !exists,
        no_select: !exists,
        no_inferiors: false,
        subscribed: named.subscribed && (list.returns.subscribed || select.subscribed),
        has_children: Some(named.has_children),
        special_use: named.special_use.and_then(|special| special.as_str().parse().ok()),
        child_subscribed,
        status: None,
    })
}
