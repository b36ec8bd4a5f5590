//! Debian's Dovecot: what an IMAP client may expect of a server.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use super::debian::{certify, free_addrs, unpacked};
use super::program::skip;
use super::{Folder, PATIENCE, stop, wait};

/// A server with the users of `mailwright dev`, until this goes out of scope.
#[derive(Debug)]
pub(crate) struct Dovecot {
    child: Child,
    folder: Folder,
    pub(crate) imap: SocketAddr,
    pub(crate) imaps: SocketAddr,
}

impl Dovecot {
    /// It is not installed, where it would be started, but laid over `/usr` of its own process: only root may.
    pub(crate) fn start() -> Option<Self> {
        let folder = Folder::new();
        // A Dovecot of 2.3 will not run its login as root.
        let nobody = fs::read_to_string("/etc/passwd").ok()?.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields[0] == "nobody").then(|| fields[2].parse().unwrap())
        })?;
        let mail = folder.path().join("mail");
        fs::create_dir(&mail).unwrap();
        if chown(&mail, Some(nobody), None).is_err() {
            skip("this user may not start Dovecot");
            return None;
        }
        let usr = unpacked("dovecot", &["dovecot-core", "dovecot-imapd"])?.join("usr");
        certify(&folder)?;
        let [imap, imaps] = free_addrs();
        let path = folder.path().display().to_string();
        let config = CONFIG.replace("FOLDER", &path);
        let config =
            config.replace("IMAPS", &imaps.port().to_string()).replace("IMAP", &imap.port().to_string());
        let config = folder.write("dovecot.conf", config);
        let mut command = Command::new("unshare");
        let script = r#"mount -t overlay overlay -o "lowerdir=$0:/usr" /usr && exec dovecot -F -c "$1""#;
        command.args(["--mount", "sh", "-c", script]).arg(usr).arg(config).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(File::create(folder.path().join("errors")).unwrap());
        let child = command.spawn().unwrap();
        let mut dovecot = Self { child, folder, imap, imaps };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(imap).is_err() {
            let ended = dovecot.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "Dovecot does not start: {}", dovecot.log());
            sleep(Duration::from_millis(10));
        }
        Some(dovecot)
    }

    /// The file with the certificate to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn log(&self) -> String {
        let read = |name| fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("errors"), read("log")].concat()).into_owned()
    }
}

impl Drop for Dovecot {
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
            println!("Dovecot has logged:\n{}", self.log());
        }
    }
}

const CONFIG: &str = r#"
base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/log
info_log_path = /dev/null
protocols = imap
listen = 127.0.0.1
default_internal_user = root
default_internal_group = root
default_login_user = nobody
first_valid_uid = 1
mail_max_userip_connections = 1000
auth_failure_delay = 0
auth_mechanisms = plain login
disable_plaintext_auth = no
ssl = yes
ssl_cert = <FOLDER/ca.pem
ssl_key = <FOLDER/key.pem
mail_location = sdbox:FOLDER/mail/%n
passdb {
  driver = static
  args = password=%n
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=FOLDER/mail/%n
}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  chroot =
  inet_listener imap {
    port = IMAP
  }
  inet_listener imaps {
    port = IMAPS
    ssl = yes
  }
}
service anvil {
  chroot =
}
"#;
