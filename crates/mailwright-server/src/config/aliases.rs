//! Aliases: that each has an address to itself, leads somewhere, and not too far.

use std::collections::BTreeMap;

use mailwright_delivery::ALIAS_DEPTH;
use mailwright_server::AliasAddress;
use mailwright_store::{DirectoryConfig, fold_address};

use super::check::{is_of, is_written, once, our_domains, outside, user_addresses};
use super::keys::{Alias, Root};
use super::report::{Problem, Problems};
use super::span::Span;

/// How many aliases of a circle are named.
const NAMED: usize = 10;

/// Looks at all of them.
pub(super) fn check(root: &Root, problems: &mut Problems) {
    addresses(root, problems);
    for alias in &root.alias {
        targets(alias, root, problems);
    }
    Ways::new(root).check(root, problems);
}

fn addresses(root: &Root, problems: &mut Problems) {
    let folded = root.alias.iter().map(|alias| (folded(&alias.address.value), alias.address.at.clone()));
    once(folded.clone(), |address| format!("{address} is an alias twice"), problems);
    let users: BTreeMap<String, &Span> =
        user_addresses(root).map(|address| (fold_address(&address.value), &address.at)).collect();
    for (address, at) in folded.filter(|(_, at)| is_written(at)) {
        if let Some(user) = users.get(&address) {
            let problem = Problem::error(&at, format!("{address} is the address of a user"), "again");
            let help = "the user gets that mail: name another address, or take it from the user";
            problems.push(problem.also(user, "first here").with_help(help));
        }
    }
    let domains = root.alias.iter().map(|alias| {
        let domain = match &alias.address.value {
            AliasAddress::One(address) => address.domain(),
            AliasAddress::CatchAll(domain) => domain.as_str(),
        };
        (domain, &alias.address.at)
    });
    outside(domains, root, problems);
}

/// As it is compared.
fn folded(address: &AliasAddress) -> String {
    match address {
        AliasAddress::One(address) => fold_address(address),
        AliasAddress::CatchAll(domain) => format!("@{domain}"),
    }
}

fn targets(Alias { address, to }: &Alias, root: &Root, problems: &mut Problems) {
    if to.value.is_empty() && is_written(&to.at) && !problems.any_in(&to.at) {
        let problem = Problem::error(&to.at, format!("{} leads nowhere", address.value), "nobody");
        problems.push(problem.with_help("name at least one address"));
    }
    let each = to.value.iter().map(|to| (to.value.to_string(), to.at.clone()));
    once(each, |to| format!("{to} stands here twice"), problems);
    let Some(ours) = our_domains(root, problems).filter(|_| root.outbound.is_none()) else { return };
    for to in to.value.iter().filter(|to| is_written(&to.at)) {
        if !is_of(to.value.domain(), &ours) {
            let message = format!("mail for {} would not be passed on", to.value.domain());
            let problem = Problem::error(&to.at, message, "elsewhere");
            problems.push(problem.with_help(
                "write [outbound], so that there is mail for others; or if the domain is one of this server, put it \
                 into `domains`",
            ));
        }
    }
}

/// Which aliases lead to which. What a user has is followed no further; nor is an address that a catch-all may be
/// for, since it may be that of a user who is not in the configuration.
struct Ways<'a> {
    aliases: &'a [Alias],
    /// For each alias, its targets that are aliases: where they stand, and which they are.
    next: Vec<Vec<(&'a Span, usize)>>,
}

/// What an alias comes to.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    /// How many aliases are in a row at most.
    depth: usize,
    /// How many addresses it leads to, by whatever way.
    addresses: u64,
}

impl<'a> Ways<'a> {
    fn new(root: &'a Root) -> Self {
        let users = user_addresses(root).map(|address| (fold_address(&address.value), None));
        let aliases = root.alias.iter().enumerate();
        let aliases = aliases.map(|(index, alias)| (folded(&alias.address.value), Some(index)));
        // A user goes before an alias.
        let known: BTreeMap<String, Option<usize>> = aliases.chain(users).collect();
        let mut directory = DirectoryConfig::new([]);
        directory.separator = root.tag_separator.0;
        let next = root.alias.iter().map(|alias| {
            let next = alias.to.value.iter().filter_map(|to| {
                let mut look_ups = directory.look_ups(&to.value);
                let found = look_ups.find_map(|(address, _)| known.get(&fold_address(&address)));
                Some((&to.at, (*found?)?))
            });
            next.collect()
        });
        Self { aliases: &root.alias, next: next.collect() }
    }

    fn check(&self, root: &Root, problems: &mut Problems) {
        let extents = self.extents();
        self.circles(&extents, problems);
        let most = root.limits.alias_targets.0;
        let extent = |index: usize| extents.get(index).copied().flatten();
        for (index, (alias, next)) in self.aliases.iter().zip(&self.next).enumerate() {
            let Some(Extent { depth, addresses }) = extent(index) else { continue };
            // Of aliases that lead to one another only the first that is too much is told.
            let of_next =
                |is: &dyn Fn(Extent) -> bool| next.iter().any(|(_, to)| extent(*to).is_some_and(is));
            let (to, name) = (&alias.to.at, &alias.address.value);
            if addresses > most && depth <= ALIAS_DEPTH && !of_next(&|next| next.addresses > most) {
                let message = format!("{name} leads to {addresses} addresses");
                let problem = Problem::error(to, message, format!("more than {most}"));
                problems.push(problem.with_help("`alias_targets` in [limits] says how many there may be"));
            }
            if depth > ALIAS_DEPTH && !of_next(&|next| next.depth > ALIAS_DEPTH) {
                let message = format!("{name} is the first of {depth} aliases that lead to one another");
                let problem = Problem::error(to, message, format!("more than {ALIAS_DEPTH}"));
                problems.push(problem.with_help("name the addresses that the last of them lead to"));
            }
        }
    }

    /// What each alias comes to; `None` for those that lead to a circle. From the ends backwards, each once.
    fn extents(&self) -> Vec<Option<Extent>> {
        let mut extents = vec![None; self.aliases.len()];
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.aliases.len()];
        for (index, next) in self.next.iter().enumerate() {
            for (_, to) in next {
                if let Some(before) = before.get_mut(*to) {
                    before.push(index);
                }
            }
        }
        let mut open: Vec<usize> = self.next.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..open.len()).filter(|&index| open.get(index) == Some(&0)).collect();
        while let Some(index) = ready.pop() {
            let extent = self.extent(index, &extents);
            if let Some(slot) = extents.get_mut(index) {
                *slot = extent;
            }
            for &alias in before.get(index).into_iter().flatten() {
                let Some(open) = open.get_mut(alias) else { continue };
                *open -= 1;
                if *open == 0 {
                    ready.push(alias);
                }
            }
        }
        extents
    }

    /// Of an alias of which those that it leads to are known.
    fn extent(&self, index: usize, known: &[Option<Extent>]) -> Option<Extent> {
        let targets = u64::try_from(self.aliases.get(index)?.to.value.len()).unwrap_or(u64::MAX);
        let own = Extent { depth: 1, addresses: targets };
        let next = self.next.get(index)?.iter().filter_map(|(_, to)| *known.get(*to)?);
        Some(next.fold(own, |sum, next| Extent {
            depth: sum.depth.max(next.depth.saturating_add(1)),
            addresses: sum.addresses.saturating_add(next.addresses),
        }))
    }

    /// Tells circles. From each alias one way is followed, so that those with several ways may need to be mended
    /// more than once.
    fn circles(&self, extents: &[Option<Extent>], problems: &mut Problems) {
        let endless = |index: usize| extents.get(index).is_some_and(Option::is_none);
        let step = |index: usize| self.next.get(index)?.iter().find(|(_, to)| endless(*to)).copied();
        let mut walked = vec![None; self.aliases.len()];
        for start in (0..self.aliases.len()).filter(|&index| endless(index)) {
            let (mut at, mut way) = (start, Vec::new());
            while let Some(walk @ None) = walked.get_mut(at) {
                *walk = Some(start);
                let Some((span, to)) = step(at) else { break };
                way.push((at, span));
                at = to;
            }
            // Where this walk, and no earlier one, has been before.
            if walked.get(at) == Some(&Some(start)) {
                let circle: Vec<(usize, &Span)> =
                    way.into_iter().skip_while(|(index, _)| *index != at).collect();
                self.circle(&circle, problems);
            }
        }
    }

    fn circle(&self, circle: &[(usize, &Span)], problems: &mut Problems) {
        let Some((_, span)) = circle.first() else { return };
        let names: Vec<String> = circle
            .iter()
            .filter_map(|(index, _)| Some(self.aliases.get(*index)?.address.value.to_string()))
            .collect();
        let Some(first) = names.first() else { return };
        let mut way = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(" → ");
        if names.len() > NAMED {
            way.push_str(" → ...");
        }
        let problem =
            Problem::error(span, format!("{first} leads to itself: {way} → {first}"), "in a circle");
        problems.push(problem.with_help("who has a mailbox is a user: name one, or leave this out"));
    }
}
