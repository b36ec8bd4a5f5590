//! Other people's mail servers.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use super::{Folder, PATIENCE, stop, wait};

/// A server with a mailbox for ann at its domain, which passes on mail for `a.example`, until this goes out of scope.
#[derive(Debug)]
pub(crate) struct Mta {
    child: Child,
    folder: Folder,
    pub(crate) domain: &'static str,
    pub(crate) smtp: SocketAddr,
}

impl Mta {
    /// Runs the command and waits until somebody listens there. `folder` has `mail/ann`, a Maildir, and `logs`.
    pub(crate) fn run(command: &mut Command, folder: Folder, domain: &'static str, smtp: SocketAddr) -> Self {
        let errors = File::create(folder.path().join("errors")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(errors).spawn().unwrap();
        let mut mta = Self { child, folder, domain, smtp };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(smtp).is_err() {
            let ended = mta.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{domain} does not start, {ended:?}");
            sleep(Duration::from_millis(10));
        }
        mta
    }

    /// What is in ann's mailbox.
    pub(crate) fn mail(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("mail/ann/new")).into_iter().flatten();
        entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    pub(crate) fn log(&self) -> String {
        let files = self.folder.all().into_iter();
        let files = files.filter(|path| path.ends_with("errors") || path.parent().unwrap().ends_with("logs"));
        files.map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
    }
}

impl Drop for Mta {
    fn drop(&mut self) {
        // It ends its own children; none is ended that is not ours.
        if matches!(self.child.try_wait(), Ok(None)) {
            stop(self.child.id());
        }
        if wait(&mut self.child, PATIENCE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if panicking() {
            println!("{} has logged:\n{}", self.domain, self.log());
        }
    }
}
