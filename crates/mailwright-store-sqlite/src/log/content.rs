//! What stands in a group, read and checked.

use std::io;

use mailwright_store::Checksum;
use mailwright_store::disk::DiskFile;

use super::damage::{Damage, DamageKind};
use super::format::{GroupHead, crc_of, decode_index};
use super::place::{LoggedBody, Position};
use super::segment;

/// A group of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which, and where.
    pub position: Position,
    /// Of the opening that has appended it.
    pub epoch: u64,
    /// What was appended.
    pub meta: Vec<u8>,
    /// What was appended with it. Their octets are not checked: who reads them compares the checksum.
    pub bodies: Vec<LoggedBody>,
}

/// Where it stands.
pub(super) fn position(head: &GroupHead) -> Position {
    Position { segment: head.segment, offset: head.offset, group: head.number, crc: head.crc() }
}

fn damage(head: &GroupHead, kind: DamageKind, offset: u64, len: u64, bodies: Vec<LoggedBody>) -> Damage {
    let groups = Some(head.number..=head.number);
    Damage { kind, segment: head.segment, offset, len, groups, bodies }
}

/// Its rows and its index, or what is wrong with these.
pub(super) fn read<F: DiskFile>(file: &F, head: &GroupHead) -> io::Result<Result<Group, Damage>> {
    let bodies = match index(file, head)? {
        Ok(bodies) => bodies,
        Err(damage) => return Ok(Err(damage)),
    };
    Ok(match bytes(file, head.meta_at(), head.meta, head.crc_meta)? {
        Some(meta) => Ok(Group { position: position(head), epoch: head.epoch, meta, bodies }),
        None => Err(damage(head, DamageKind::Meta, head.meta_at(), head.meta, bodies)),
    })
}

/// All that is wrong with a group whose header is good.
pub(super) fn check<F: DiskFile>(file: &F, head: &GroupHead) -> io::Result<Vec<Damage>> {
    let mut found = Vec::new();
    let bodies = match index(file, head)? {
        Ok(bodies) => bodies,
        Err(damage) => {
            found.push(damage);
            Vec::new()
        }
    };
    for body in &bodies {
        let place = body.place;
        if !matches(file, place.offset, place.len, place.crc)? {
            found.push(damage(head, DamageKind::Body, place.offset, place.len, vec![body.clone()]));
        }
    }
    if !matches(file, head.meta_at(), head.meta, head.crc_meta)? {
        found.push(damage(head, DamageKind::Meta, head.meta_at(), head.meta, bodies));
    }
    Ok(found)
}

fn index<F: DiskFile>(file: &F, head: &GroupHead) -> io::Result<Result<Vec<LoggedBody>, Damage>> {
    let index = bytes(file, head.index_at(), head.index_len(), head.crc_index)?;
    let bodies = index.and_then(|index| decode_index(&index, head));
    Ok(bodies.ok_or_else(|| damage(head, DamageKind::Index, head.index_at(), head.index_len(), Vec::new())))
}

/// Some bytes of a group, if they are as they were written.
fn bytes<F: DiskFile>(file: &F, offset: u64, len: u64, crc: u32) -> io::Result<Option<Vec<u8>>> {
    // The file may have become shorter: no memory for what cannot be there.
    if offset + len > file.len()? {
        return Ok(None);
    }
    let mut bytes = vec![0; len as usize];
    let whole = segment::read(file, &mut bytes, offset)? == bytes.len();
    Ok((whole && crc_of(&bytes) == crc).then_some(bytes))
}

/// The same without keeping them.
fn matches<F: DiskFile>(file: &F, offset: u64, len: u64, crc: u32) -> io::Result<bool> {
    let mut checksum = Checksum::default();
    let whole = segment::read_range(file, offset, len, |part, _| {
        checksum.update(part);
        Ok(())
    })?;
    Ok(whole && checksum.value() == crc)
}
