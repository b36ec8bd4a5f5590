//! File systems of our own.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, process};

use super::{Folder, Program, skip};

/// Something that is mounted until this goes out of scope: whoever uses it must have ended by then.
#[derive(Debug)]
pub(crate) struct Mount {
    point: PathBuf,
    umount: Program,
    /// The image, if there is one.
    _image: Folder,
}

impl Mount {
    /// Mounts an ext4 file system of so many octets there. Only root may; otherwise the test is skipped.
    pub(crate) fn small(octets: u64, point: &Path) -> Option<Self> {
        let (mount, umount) = programs()?;
        let mkfs = Program::find("mkfs.ext4", "e2fsprogs")?;
        let folder = Folder::new();
        let image = folder.path().join("image");
        File::create(&image).and_then(|file| file.set_len(octets)).unwrap();
        mkfs.run([Path::new("-q"), Path::new("-F"), &image]).ok();
        let mounted = mount.run([Path::new("-o"), Path::new("loop"), &image, point]);
        if mounted.code != Some(0) {
            skip(&format!("this user may not mount a file: {}", mounted.text().trim()));
            return None;
        }
        Some(Self { point: point.to_owned(), umount, _image: folder })
    }

    /// Makes a folder one that cannot be written. Only root may; otherwise the test is skipped.
    pub(crate) fn read_only(point: &Path) -> Option<Self> {
        let (mount, umount) = programs()?;
        let mounted = mount.run([Path::new("--bind"), point, point]);
        if mounted.code != Some(0) {
            skip(&format!("this user may not mount a folder: {}", mounted.text().trim()));
            return None;
        }
        let bound = Self { point: point.to_owned(), umount, _image: Folder::new() };
        mount.run([Path::new("-o"), Path::new("remount,bind,ro"), point]).ok();
        Some(bound)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.umount.run([&self.point]).code != Some(0) {
            // It goes when the last that uses it has ended.
            self.umount.run([Path::new("--lazy"), &self.point]);
        }
    }
}

fn programs() -> Option<(Program, Program)> {
    if fs::metadata(format!("/proc/{}", process::id())).unwrap().uid() != 0 {
        skip("this user may not mount file systems");
        return None;
    }
    Some((Program::find("mount", "mount")?, Program::find("umount", "mount")?))
}
