//! Data from outside, which is not in the repository; and a place to keep what was downloaded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, process};

use super::program::missing;

/// A folder of the data that `MAILWRIGHT_TEST_DATA` names.
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let Some(root) = env::var_os("MAILWRIGHT_TEST_DATA") else {
        missing(&format!("MAILWRIGHT_TEST_DATA names no folder that has {folder}"));
        return None;
    };
    let path = PathBuf::from(root).join(folder);
    if !path.is_dir() {
        missing(&format!("{} is no folder", path.display()));
        return None;
    }
    Some(path)
}

/// A folder with programs that are not installed, but downloaded for the tests, once. `fill` does that, and says
/// whether it could; `what` it is then.
pub(crate) fn cached(name: &str, what: &str, fill: impl FnOnce(&Path) -> bool) -> Option<PathBuf> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(".cache"));
    let place = cache.join("mailwright-tests").join(name);
    if place.is_dir() {
        return Some(place);
    }
    // Other processes may do the same at the same time: whoever is first wins.
    let fresh = place.with_file_name(format!("{name}-{}", process::id()));
    fs::create_dir_all(&fresh).unwrap();
    let filled = fill(&fresh);
    if filled {
        let _ = fs::rename(&fresh, &place);
    } else {
        missing(&format!("{what} cannot be downloaded"));
    }
    let _ = fs::remove_dir_all(&fresh);
    filled.then_some(place)
}
