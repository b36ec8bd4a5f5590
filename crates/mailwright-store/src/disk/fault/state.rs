//! What is on the disk, what programs see, and the changes in between.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::content::Content;
use super::survivors::Survivors;

/// What reaches the disk as a whole or not at all.
pub const SECTOR_BYTES: u64 = 512;

/// A file, whatever its name; never used again.
pub(super) type FileId = u64;

/// The disk at a moment. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    next: FileId,
    files: BTreeMap<FileId, File>,
    seen_names: BTreeMap<String, FileId>,
    disk_names: BTreeMap<String, FileId>,
    /// In order. What is folded into the disk is no longer here.
    pending: Vec<Pending>,
}

#[derive(Debug, Clone, Default)]
struct File {
    seen: Content,
    disk: Content,
}

#[derive(Debug, Clone)]
struct Pending {
    change: Change,
    fate: Fate,
}

#[derive(Debug, Clone)]
enum Change {
    Write { file: FileId, offset: u64, bytes: Bytes },
    Resize { file: FileId, len: u64 },
    Link { name: String, file: FileId },
    Unlink { name: String },
}

/// Whether a change will be on the disk after a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Perhaps; certainly after the next sync.
    Open,
    /// Perhaps, and no later sync changes that: one has failed on it.
    Lost,
    /// Certainly; kept because something before it is not decided.
    Sure,
}

/// What a sync covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    File(FileId),
    Directory,
}

impl Change {
    fn scope(&self) -> Scope {
        match self {
            Self::Write { file, .. } | Self::Resize { file, .. } => Scope::File(*file),
            Self::Link { .. } | Self::Unlink { .. } => Scope::Directory,
        }
    }

    /// The parts that reach the disk each by itself: sectors of a write.
    fn pieces(&self) -> Vec<Self> {
        let Self::Write { file, offset, bytes } = self else { return vec![self.clone()] };
        let (mut rest, mut at, mut pieces) = (bytes.clone(), *offset, Vec::new());
        while !rest.is_empty() {
            let to_boundary = SECTOR_BYTES - at % SECTOR_BYTES;
            let bytes = rest.split_to(rest.len().min(to_boundary as usize));
            let len = bytes.len() as u64;
            pieces.push(Self::Write { file: *file, offset: at, bytes });
            at += len;
        }
        pieces
    }
}

impl State {
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.seen_names.keys()
    }

    pub(super) fn find(&self, name: &str) -> Option<FileId> {
        self.seen_names.get(name).copied()
    }

    pub(super) fn len(&self, file: FileId) -> u64 {
        self.files.get(&file).map_or(0, |file| file.seen.len())
    }

    /// The lengths of all files that have a name.
    pub(super) fn used(&self) -> u64 {
        self.seen_names.values().map(|file| self.len(*file)).sum()
    }

    pub(super) fn read(&self, file: FileId, buf: &mut [u8], offset: u64) -> usize {
        self.files.get(&file).map_or(0, |file| file.seen.read(buf, offset))
    }

    pub(super) fn create(&mut self, name: &str, len: u64) -> FileId {
        let file = self.next;
        self.next += 1;
        self.files.insert(file, File::default());
        self.change(Change::Link { name: name.to_owned(), file });
        self.set_len(file, len);
        file
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(Change::Unlink { name: name.to_owned() });
    }

    pub(super) fn set_len(&mut self, file: FileId, len: u64) {
        self.change(Change::Resize { file, len });
    }

    /// A write beyond the end is two changes: the length may reach the disk without the bytes.
    pub(super) fn write(&mut self, file: FileId, bytes: &[u8], offset: u64) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len() as u64;
        if end > self.len(file) {
            self.set_len(file, end);
        }
        self.change(Change::Write { file, offset, bytes: Bytes::copy_from_slice(bytes) });
    }

    /// Changes bytes as a failing medium does: for programs, on the disk, and in what is on its way there.
    pub(super) fn overwrite(&mut self, file: FileId, bytes: &[u8], offset: u64) {
        if let Some(file) = self.files.get_mut(&file) {
            file.seen.write(bytes, offset);
            file.disk.write(bytes, offset);
        }
        let change = Change::Write { file, offset, bytes: Bytes::copy_from_slice(bytes) };
        self.pending.push(Pending { change, fate: Fate::Sure });
        self.fold();
    }

    pub(super) fn sync(&mut self, scope: Scope) {
        self.decide(scope, Fate::Sure);
        self.fold();
    }

    pub(super) fn fail_sync(&mut self, scope: Scope) {
        self.decide(scope, Fate::Lost);
    }

    fn decide(&mut self, scope: Scope, fate: Fate) {
        for pending in &mut self.pending {
            if pending.change.scope() == scope && pending.fate == Fate::Open {
                pending.fate = fate;
            }
        }
    }

    fn change(&mut self, change: Change) {
        apply(&change, &mut self.files, &mut self.seen_names, |file| &mut file.seen);
        self.pending.push(Pending { change, fate: Fate::Open });
    }

    /// Moves to the disk what is certain and has nothing undecided before it.
    fn fold(&mut self) {
        let mut undecided: Vec<Scope> = Vec::new();
        let pending = std::mem::take(&mut self.pending);
        for pending in pending {
            let scope = pending.change.scope();
            if pending.fate == Fate::Sure && !undecided.contains(&scope) {
                apply(&pending.change, &mut self.files, &mut self.disk_names, |file| &mut file.disk);
            } else {
                undecided.push(scope);
                self.pending.push(pending);
            }
        }
    }

    /// How many pieces are undecided.
    pub(super) fn pieces(&self) -> usize {
        self.undecided().iter().sum()
    }

    /// The undecided changes, each with its number of pieces.
    fn undecided(&self) -> Vec<usize> {
        let undecided = self.pending.iter().filter(|pending| pending.fate != Fate::Sure);
        undecided.map(|pending| pending.change.pieces().len()).collect()
    }

    /// After a power cut. The order in which the pieces reached the disk adds nothing to which of them did: of two
    /// that overlap the later one is what the page held last, so that any result is that of a subset in order.
    pub(super) fn power_cut(&self, survivors: &Survivors) -> Self {
        let mut kept = survivors.choose(&self.undecided()).into_iter();
        let mut state = Self { pending: Vec::new(), ..self.clone() };
        for pending in &self.pending {
            for piece in pending.change.pieces() {
                if pending.fate == Fate::Sure || kept.next().unwrap_or(false) {
                    apply(&piece, &mut state.files, &mut state.disk_names, |file| &mut file.disk);
                }
            }
        }
        state.seen_names.clone_from(&state.disk_names);
        state.files.retain(|id, file| {
            file.seen = file.disk.clone();
            state.disk_names.values().any(|named| named == id)
        });
        state
    }
}

fn apply(
    change: &Change,
    files: &mut BTreeMap<FileId, File>,
    names: &mut BTreeMap<String, FileId>,
    side: impl Fn(&mut File) -> &mut Content,
) {
    match change {
        Change::Write { file, offset, bytes } => {
            if let Some(file) = files.get_mut(file) {
                side(file).write(bytes, *offset);
            }
        }
        Change::Resize { file, len } => {
            if let Some(file) = files.get_mut(file) {
                side(file).set_len(*len);
            }
        }
        Change::Link { name, file } => {
            names.insert(name.clone(), *file);
        }
        Change::Unlink { name } => {
            names.remove(name);
        }
    }
}
