//! What must be true when all is over.
//!
//! Every accepted message is, for each recipient, delivered once, bounced once, or still queued. It may be there twice
//! only where whoever took it first could not say so, or whoever heard so could not note it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::dns::{NO_MAIL, NOWHERE};
use crate::ledger::{Answer, Mishap, Pages, Seen, Sent, token};
use crate::mail::{Mail, Rest};
use crate::world::Outcome;

/// What became of a message for one recipient.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    /// By time.
    pub(crate) copies: Vec<Arrival>,
    /// Reports that it will never arrive, and reports that it is late.
    pub(crate) bounces: usize,
    pub(crate) delays: usize,
    pub(crate) queued: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival {
    at: Duration,
    pub(crate) host: IpAddr,
    /// Whether the sender surely knows. Nodes do not tell.
    confirmed: bool,
}

/// By token and recipient.
pub(crate) type Fates = BTreeMap<(String, String), Fate>;

/// Everything that is wrong.
pub(crate) fn check(outcome: &Outcome) -> Vec<String> {
    let pages = outcome.ledger.pages();
    let mut wrong = pages.wrong.clone();
    wrong.extend((outcome.rest.len() < outcome.hosts.len()).then(|| "a node does not run".to_owned()));
    let sent = by_token(&pages);
    let fates = fates(&pages, &outcome.rest, &sent, &mut wrong);
    for ((token, to), fate) in &fates {
        match sent.get(token.as_str()) {
            Some(sent) if sent.to.contains(to) => {}
            _ => wrong.push(format!("{token} for {to}: nobody was told that it is taken: {fate:?}")),
        }
    }
    for sent in sent.values() {
        one(sent, &fates, &pages, &outcome.hosts, &mut wrong);
    }
    for seen in &pages.seen {
        readers(seen, &sent, &outcome.rest, &mut wrong);
    }
    wrong
}

/// What users saw meanwhile is still there, and what had been taken for them by then was among it.
fn readers(seen: &Seen, sent: &BTreeMap<&str, &Sent>, rest: &[Rest], wrong: &mut Vec<String>) {
    let mail = rest.iter().flat_map(|rest| &rest.mail).filter(|mail| mail.user == seen.user);
    for read in &seen.mail {
        let is_it = |mail: &Mail| mail.content == read.content && mail.ids.contains(&read.id);
        wrong.extend((!mail.clone().any(is_it)).then(|| format!("{}: was there once: {read:?}", seen.user)));
    }
    for sent in sent.values().filter(|_| seen.is_all) {
        let is_local = seen.user.ends_with(&format!("@n{}.example", sent.message.node));
        let is_due = sent.answer == Answer::Taken && sent.ended <= seen.began && sent.to.contains(&seen.user);
        let is_there = || seen.mail.iter().any(|read| read.content.ends_with(&sent.message.content()));
        if is_local && is_due && !is_there() {
            wrong
                .push(format!("{} was not shown {} from {:?} on", seen.user, sent.message.token, seen.began));
        }
    }
}

fn by_token(pages: &Pages) -> BTreeMap<&str, &Sent> {
    pages.sent.iter().map(|sent| (sent.message.token.as_str(), sent)).collect()
}

/// What became of everything that was sent, and what is wrong with it by itself.
pub(crate) fn fates_of(pages: &Pages, rest: &[Rest], wrong: &mut Vec<String>) -> Fates {
    fates(pages, rest, &by_token(pages), wrong)
}

fn fates(pages: &Pages, rest: &[Rest], sent: &BTreeMap<&str, &Sent>, wrong: &mut Vec<String>) -> Fates {
    let mut fates = Fates::new();
    let mut arrived = |fates: &mut Fates, token: &str, to: &str, content: &str, arrival: Arrival| {
        if !sent.get(token).is_some_and(|sent| content.ends_with(&sent.message.content())) {
            wrong.push(format!("{token} for {to}: not what was sent: {content:?}"));
        }
        let fate = fates.entry((token.to_owned(), to.to_owned())).or_default();
        fate.copies.push(arrival);
    };
    for copy in &pages.copies {
        let arrival = Arrival { at: copy.at, host: copy.host, confirmed: copy.confirmed };
        arrived(&mut fates, &copy.token, &copy.to, &copy.content, arrival);
    }
    for rest in rest {
        for mail in &rest.mail {
            let token = token(&mail.content).unwrap_or_default();
            if is_report(mail) {
                for (to, failed) in told(mail) {
                    let fate = fates.entry((token.clone(), to)).or_default();
                    *(if failed { &mut fate.bounces } else { &mut fate.delays }) += 1;
                }
            } else {
                let arrival = Arrival { at: mail.at, host: rest.host, confirmed: false };
                arrived(&mut fates, &token, &mail.user, &mail.content, arrival);
            }
        }
        for (token, to) in &rest.queued {
            fates.entry((token.clone(), to.clone())).or_default().queued += 1;
        }
    }
    fates.values_mut().for_each(|fate| fate.copies.sort());
    fates
}

/// One message.
fn one(sent: &Sent, fates: &Fates, pages: &Pages, hosts: &[IpAddr], wrong: &mut Vec<String>) {
    let node = hosts[sent.message.node];
    let nothing = Fate::default();
    let mut there = BTreeSet::new();
    for to in &sent.to {
        let key = (sent.message.token.clone(), to.clone());
        let fate = fates.get(&key).unwrap_or(&nothing);
        let what = format!("{} for {to}, {:?}: {fate:?}", key.0, sent.answer);
        let count = fate.copies.len() + fate.bounces + fate.queued;
        there.insert(count > 0);
        match sent.answer {
            Answer::Taken if count == 0 => wrong.push(format!("lost: {what}")),
            // What could not be made durable may be there all the same, if the disk has failed.
            Answer::Refused if count > 0 && !had_mishap(pages, sent.began, sent.ended, &[node]) => {
                wrong.push(format!("refused, and there: {what}"));
            }
            _ => {}
        }
        let goes_nowhere = [NOWHERE, NO_MAIL].iter().any(|domain| to.ends_with(&format!("@{domain}")));
        if goes_nowhere && (fate.copies.len() + fate.queued + fate.delays > 0) {
            wrong.push(format!("it can never arrive, and was not bounced at once: {what}"));
        }
        if fate.delays > 1 {
            wrong.push(format!("the delay is told twice: {what}"));
        }
        if fate.bounces + fate.queued > 1 {
            wrong.push(format!("bounced twice: {what}"));
        }
        let ends = if fate.bounces + fate.queued > 0 { Some(Duration::MAX) } else { None };
        let later = fate.copies.iter().skip(1).map(|copy| copy.at).chain(ends);
        for (copy, later) in fate.copies.iter().zip(later) {
            let has_settled = !had_mishap(pages, copy.at, later.min(copy.at + SETTLING), &[node]);
            let confirmed = match hosts.contains(&copy.host) {
                // Before it was there it was on its way.
                true => {
                    let from = copy.at.saturating_sub(TRANSACTION);
                    !had_mishap(pages, from, later.min(copy.at + TRANSACTION), &[node, copy.host])
                }
                false => copy.confirmed,
            };
            if confirmed && has_settled {
                wrong.push(format!("twice, and nothing was lost: {what}"));
            }
        }
    }
    if there.len() > 1 {
        wrong.push(format!("by halves: {sent:?}"));
    }
}

/// How long a transaction may have been under way when it was over for one of both.
const TRANSACTION: Duration = Duration::from_secs(1200);

/// How long after an answer its commit may be under way: the disk may be full, or fail and be noticed only then.
const SETTLING: Duration = Duration::from_secs(180);

/// Whether something has happened to one of them, or between them.
fn had_mishap(pages: &Pages, from: Duration, to: Duration, hosts: &[IpAddr]) -> bool {
    let concerns = |mishap: &Mishap| mishap.hosts.iter().all(|host| hosts.contains(host));
    pages.mishaps.iter().any(|mishap| mishap.from <= to && mishap.to >= from && concerns(mishap))
}

fn is_report(mail: &Mail) -> bool {
    let header = mail.content.split("\r\n\r\n").next().unwrap_or_default();
    header.contains("multipart/report")
}

/// The recipients of whom a report tells, and whether it is that they will never have it (RFC 3464 §2.3).
fn told(mail: &Mail) -> Vec<(String, bool)> {
    let mut told = Vec::new();
    for group in mail.content.split("\r\n\r\n") {
        let field = |name: &str| {
            let lines = || group.split("\r\n");
            lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
        };
        if let (Some(to), Some(action)) = (field("Final-Recipient: rfc822;"), field("Action:")) {
            told.push((to, action.eq_ignore_ascii_case("failed")));
        }
    }
    told
}
