//! The real disk: a directory of a file system.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailwright_store::disk::{Disk, DiskFile};
use thiserror::Error;

/// How much is written at once where room is set aside by writing zeros.
const ZEROS_BYTES: u64 = 1 << 20;

/// A directory of the file system. Its files can be read by their owner only.
#[derive(Debug, Clone)]
pub struct StdDisk(Arc<Path>);

/// A file in it.
#[derive(Debug)]
pub struct StdFile {
    file: File,
    path: PathBuf,
}

/// What went wrong, and with which file. It is the inner error of each [`io::Error`] that comes from here, whose
/// kind is that of the cause.
#[derive(Debug, Error)]
#[error("{}", path.display())]
pub struct DiskError {
    /// The file, or the directory.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Says with which file it went wrong.
fn at<T>(path: &Path, done: io::Result<T>) -> io::Result<T> {
    done.map_err(|source| io::Error::new(source.kind(), DiskError { path: path.to_owned(), source }))
}

impl StdDisk {
    /// The directory at `path`, which is created if it is not there; what it lies in must be.
    ///
    /// # Errors
    /// If it can be neither found nor created.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                sync_dir(parent.unwrap_or(Path::new(".")))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => return at(path, Err(error)),
        }
        Ok(Self(path.into()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file, whose name must be one: nothing outside of the directory.
    fn file(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let is_name = path.file_name().is_some_and(|file| file == name) && path.parent() == Some(&*self.0);
        if is_name { Ok(path) } else { at(&path, Err(io::ErrorKind::InvalidFilename.into())) }
    }
}

impl Disk for StdDisk {
    type File = StdFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let names = at(&self.0, std::fs::read_dir(&self.0))?
            .map(|entry| Ok(entry?.file_name().into_string().ok()))
            .collect::<io::Result<Vec<_>>>();
        // What has another name is not ours.
        Ok(at(&self.0, names)?.into_iter().flatten().collect())
    }

    fn create(&self, name: &str, len: u64) -> io::Result<StdFile> {
        let path = self.file(name)?;
        let mut options = OpenOptions::new();
        let file = at(&path, options.read(true).write(true).create_new(true).mode(0o600).open(&path))?;
        if let Err(error) = allocate(&file, len) {
            let _ = std::fs::remove_file(&path);
            return at(&path, Err(error));
        }
        Ok(StdFile { file, path })
    }

    fn open(&self, name: &str) -> io::Result<StdFile> {
        let path = self.file(name)?;
        let file = at(&path, OpenOptions::new().read(true).write(true).open(&path))?;
        Ok(StdFile { file, path })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.file(name)?;
        at(&path, std::fs::remove_file(&path))
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_dir(&self.0)
    }
}

fn sync_dir(path: &Path) -> io::Result<()> {
    at(path, File::open(path).and_then(|dir| dir.sync_all()))
}

impl DiskFile for StdFile {
    fn len(&self) -> io::Result<u64> {
        Ok(at(&self.path, self.file.metadata())?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(buf, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return at(&self.path, done),
            }
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        at(&self.path, self.file.write_all_at(bytes, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        at(&self.path, self.file.set_len(len))
    }

    fn sync(&self) -> io::Result<()> {
        at(&self.path, self.file.sync_data())
    }
}

/// Sets room aside, for a file that is empty.
#[cfg(target_os = "linux")]
fn allocate(file: &File, len: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    if len == 0 {
        return Ok(());
    }
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, len) {
            Err(Errno::INTR) => {}
            // Not every file system can.
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return write_zeros(file, len),
            done => return Ok(done?),
        }
    }
}

/// Sets room aside, for a file that is empty.
#[cfg(not(target_os = "linux"))]
fn allocate(file: &File, len: u64) -> io::Result<()> {
    write_zeros(file, len)
}

fn write_zeros(file: &File, len: u64) -> io::Result<()> {
    let zeros = vec![0; len.min(ZEROS_BYTES) as usize];
    let mut at = 0;
    while at < len {
        let part = (len - at).min(ZEROS_BYTES) as usize;
        file.write_all_at(zeros.get(..part).unwrap_or_default(), at)?;
        at += part as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own, gone with the value.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("mailwright-disk-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn it_is_a_disk() {
        let scratch = Scratch::new("all");
        let disk = StdDisk::open(&scratch.0).unwrap();
        let file = disk.create("a", 100_000).unwrap();
        assert_eq!(file.len().unwrap(), 100_000);
        assert_eq!(disk.create("a", 0).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        file.write_at(b"some", 99_998).unwrap();
        file.sync().unwrap();
        disk.sync_dir().unwrap();
        let again = StdDisk::open(&scratch.0).unwrap().open("a").unwrap();
        assert_eq!(again.len().unwrap(), 100_002);
        let mut buf = [9; 8];
        assert_eq!(again.read_at(&mut buf, 99_996).unwrap(), 6);
        assert_eq!(buf, *b"\0\0some\x09\x09");
        again.set_len(3).unwrap();
        assert_eq!(file.len().unwrap(), 3);
        assert_eq!(disk.list().unwrap(), ["a"]);
        disk.remove("a").unwrap();
        assert!(disk.list().unwrap().is_empty());
    }

    #[test]
    fn room_is_set_aside() {
        use std::os::unix::fs::MetadataExt;
        let scratch = Scratch::new("room");
        let disk = StdDisk::open(&scratch.0).unwrap();
        let file = disk.create("a", 3 << 20).unwrap();
        assert!(file.file.metadata().unwrap().blocks() * 512 >= 3 << 20);
        let other = disk.create("b", 0).unwrap();
        write_zeros(&other.file, (2 << 20) + 5).unwrap();
        assert_eq!(other.len().unwrap(), (2 << 20) + 5);
        assert!(other.file.metadata().unwrap().blocks() * 512 >= 2 << 20);
    }

    #[test]
    fn an_error_names_the_file() {
        let scratch = Scratch::new("errors");
        let disk = StdDisk::open(&scratch.0).unwrap();
        let error = disk.open("b").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<DiskError>()).unwrap();
        assert_eq!(inner.path, scratch.0.join("b"));
        assert_eq!(error.to_string(), scratch.0.join("b").display().to_string());
        for outside in ["../b", "/b", "b/c", "", ".", "..", "b/"] {
            assert_eq!(
                disk.create(outside, 0).unwrap_err().kind(),
                io::ErrorKind::InvalidFilename,
                "{outside}"
            );
        }
        assert!(StdDisk::open(scratch.0.join("no/where")).is_err());
    }

    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = Scratch::new("modes");
        let disk = StdDisk::open(&scratch.0).unwrap();
        disk.create("a", 1).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
        assert_eq!((mode(&scratch.0), mode(&scratch.0.join("a"))), (0, 0));
    }
}
