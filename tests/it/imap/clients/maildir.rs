//! Mail in files, as programs keep it: one a message, in `new` and `cur`, flags at the end of its name.

use std::fs;
use std::path::{Path, PathBuf};

use super::message;

#[derive(Debug)]
pub(super) struct Maildir(pub(super) PathBuf);

impl Maildir {
    /// `SUBJECT FLAGS` for each message.
    pub(super) fn messages(&self) -> Vec<String> {
        let mut messages: Vec<String> = self.files().iter().map(|file| shown(file)).collect();
        messages.sort();
        messages
    }

    /// Somebody writes a message here.
    pub(super) fn add(&self, subject: &str) {
        fs::write(self.0.join("new").join(format!("1.{subject}.client")), message(subject).replace('\r', ""))
            .unwrap();
    }

    /// Somebody gives the message these flags, and no others.
    pub(super) fn flag(&self, subject: &str, flags: &str) {
        let file = self.file(subject);
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let base = name.split_once(":2,").map_or(name.as_str(), |(base, _)| base);
        fs::rename(&file, self.0.join("cur").join(format!("{base}:2,{flags}"))).unwrap();
    }

    pub(super) fn remove(&self, subject: &str) {
        fs::remove_file(self.file(subject)).unwrap();
    }

    fn file(&self, subject: &str) -> PathBuf {
        self.files().into_iter().find(|file| self::subject(file) == subject).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = |part| fs::read_dir(self.0.join(part)).into_iter().flatten();
        files("new").chain(files("cur")).map(|entry| entry.unwrap().path()).collect()
    }
}

fn shown(file: &Path) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    let flags = name.split_once(":2,").map_or("", |(_, flags)| flags);
    format!("{} {flags}", subject(file)).trim_end().to_owned()
}

fn subject(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned()
}
