//! The groups of a log, given one after the other.

use std::io;

use mailwright_store::disk::Disk;

use super::content::{self, Group};
use super::damage::Damage;
use super::error::LogError;
use super::place::{Position, StoreId};
use super::survey::survey;
use super::walk::{Step, Walk};
use super::writer::Log;

/// What [`Log::groups_after`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged {
    /// A group.
    Group(Group),
    /// Here something is not as it was written. What is good behind it follows.
    Damage(Damage),
}

impl<D: Disk> Log<D> {
    /// The groups after `position`, or all: in order, each once. Ends with the first error.
    ///
    /// Right after opening this is what an index does not have that has come to `position`. The octets of bodies
    /// are not looked at.
    pub fn groups_after(
        &self,
        position: Option<Position>,
    ) -> impl Iterator<Item = Result<Logged, LogError>> + use<'_, D> {
        let mut chain = self.filled.clone();
        chain.push(self.current.segment);
        let walk = match position {
            Some(position) => Walk::after(&*self.disk, self.store, chain, &position),
            None => Ok(Walk::new(&*self.disk, self.store, chain)),
        };
        Replay(walk.map_err(Some))
    }
}

/// A walk, or the error that ends it, until that was told.
struct Replay<'a, D: Disk>(Result<Walk<'a, D>, Option<io::Error>>);

impl<D: Disk> Iterator for Replay<'_, D> {
    type Item = Result<Logged, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let logged = match &mut self.0 {
            Ok(walk) => logged(walk),
            Err(error) => Err(error.take()?),
        };
        if logged.is_err() {
            self.0 = Err(None);
        }
        logged.map_err(LogError::from).transpose()
    }
}

fn logged<D: Disk>(walk: &mut Walk<'_, D>) -> io::Result<Option<Logged>> {
    let head = match walk.next()? {
        Some(Step::Group(head)) => head,
        Some(Step::Damage(damage)) => return Ok(Some(Logged::Damage(damage))),
        None => return Ok(None),
    };
    let Some(file) = walk.file() else { return Ok(None) };
    let group = content::read(file, &head)?;
    Ok(Some(group.map_or_else(Logged::Damage, Logged::Group)))
}

/// The groups of a log that is not open, in order, as far as they are there. Changes nothing.
///
/// # Errors
/// If there is no log, it is another store's or of a later version, or the disk cannot be read.
pub fn each_group<D: Disk>(
    disk: &D,
    store: Option<StoreId>,
    mut to: impl FnMut(Logged),
) -> Result<(), LogError> {
    let survey = survey(disk, store)?;
    let store = survey.store.ok_or(LogError::NoLog)?;
    let mut walk = Walk::new(disk, store, survey.chain);
    while let Some(logged) = logged(&mut walk)? {
        to(logged);
    }
    Ok(())
}
