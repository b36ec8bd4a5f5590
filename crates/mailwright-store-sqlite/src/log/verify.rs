//! A look at every byte of a log.

use mailwright_store::disk::Disk;

use super::content;
use super::damage::{Damage, DamageKind};
use super::error::LogError;
use super::format::GroupHead;
use super::place::{Position, StoreId};
use super::survey::survey;
use super::walk::{Step, Walk};

/// What a log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    /// Segments.
    pub segments: u64,
    /// Groups whose header is good.
    pub groups: u64,
    /// Bodies in these, as their headers say.
    pub bodies: u64,
    /// Bytes of these groups.
    pub bytes: u64,
    /// The last of these groups.
    pub last: Option<Position>,
    /// Whether that one is not whole. It is no damage: it will be cut when the log is opened.
    pub unfinished: bool,
    /// How often damage was told.
    pub damage: u64,
}

/// Checks everything in a log that is not open: headers, chain, rows and bodies. Changes nothing. Damage is told as
/// it is found.
///
/// Segments before the `proven` position that are not there count as reclaimed.
///
/// # Errors
/// If there is no log, it is another store's or of a later version, or the disk cannot be read.
pub fn verify<D: Disk>(
    disk: &D,
    store: Option<StoreId>,
    proven: Option<Position>,
    mut tell: impl FnMut(Damage),
) -> Result<Verified, LogError> {
    let survey = survey(disk, store)?;
    let (Some(store), Some(end)) = (survey.store, survey.chain.last().copied()) else {
        return Err(LogError::NoLog);
    };
    let mut verified = Verified { segments: survey.chain.len() as u64, ..Verified::default() };
    let mut tell = |damage: Damage, verified: &mut Verified| {
        let reclaimed = damage.kind == DamageKind::SegmentMissing
            && proven.is_some_and(|proven| damage.segment < proven.segment);
        if !reclaimed {
            verified.damage += 1;
            tell(damage);
        }
    };
    if let Some(proven) = proven {
        // Only the first step: whether it is there.
        if let Some(Step::Damage(damage)) = Walk::after(disk, store, survey.chain.clone(), &proven)?.next()?
            && damage.kind == DamageKind::Proven
        {
            tell(damage, &mut verified);
        }
    }
    let mut walk = Walk::new(disk, store, survey.chain);
    // The last group so far, and what is wrong with it.
    let mut last: Option<(GroupHead, Vec<Damage>)> = None;
    while let Some(step) = walk.next()? {
        match (step, walk.file()) {
            (Step::Group(head), Some(file)) => {
                verified.groups += 1;
                verified.bodies += u64::from(head.bodies);
                verified.bytes += head.total;
                let found = content::check(file, &head)?;
                for damage in last.replace((head, found)).into_iter().flat_map(|(_, damage)| damage) {
                    tell(damage, &mut verified);
                }
            }
            (Step::Damage(damage), _) => tell(damage, &mut verified),
            (Step::Group(_), None) => {}
        }
    }
    if let Some((head, found)) = last {
        let position = content::position(&head);
        verified.last = Some(position);
        let is_proven = head.segment != end.number
            || end.head.is_some_and(|start| start.carried && start.first_group == head.number)
            || proven.is_some_and(|proven| proven.group >= head.number);
        if is_proven {
            found.into_iter().for_each(|damage| tell(damage, &mut verified));
        } else {
            verified.unfinished = !found.is_empty();
        }
    }
    Ok(verified)
}
