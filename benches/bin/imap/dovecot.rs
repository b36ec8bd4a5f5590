//! Debian's Dovecot.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Command;

use mailwright_benches::debian::{Daemon, free_addr, overlaid, unpacked};

/// Whom root runs it as; root itself may have no mail.
const NOBODY: u32 = 65534;

#[derive(Debug)]
pub(crate) struct Dovecot(Daemon);

impl Dovecot {
    /// Runs with its mail in `dir`, which may have some.
    pub(crate) fn start(dir: &Path) -> Self {
        let prefix = unpacked("dovecot", &["dovecot-core", "dovecot-imapd"], "usr/sbin/dovecot");
        let me = fs::metadata("/proc/self").expect("Linux");
        let (user, group) = if me.uid() == 0 { (NOBODY, NOBODY) } else { (me.uid(), me.gid()) };
        let addr = free_addr();
        fs::create_dir_all(dir.join("run")).expect("a directory");
        fs::create_dir_all(dir.join("mail")).expect("a directory");
        fs::write(dir.join("users"), users(dir, user, group)).expect("written");
        fs::write(dir.join("dovecot.conf"), config(dir, addr.port(), user)).expect("written");
        for path in [dir.to_owned(), dir.join("run"), dir.join("mail")] {
            chown(path, Some(user), Some(group)).expect("the directory is ours");
        }
        let mut command = command(&prefix, dir, me.uid() == 0, user, group);
        Self(Daemon::start(&mut command, addr, &dir.join("log")))
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// Octets of memory of all its processes. What several have in common counts once.
    pub(crate) fn memory(&self) -> u64 {
        let processes = fs::read_dir("/proc").expect("Linux").filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse::<u32>().ok()
        });
        let ours = processes.filter(|&id| id == self.0.id() || parent_of(id) == Some(self.0.id()));
        ours.filter_map(shared_memory).sum::<u64>() << 10
    }
}

/// A user who is not root needs a user namespace to lay files over others, and another one to be himself again.
fn command(prefix: &Path, dir: &Path, is_root: bool, user: u32, group: u32) -> Command {
    let (namespaces, as_user) = if is_root {
        (&[][..], format!("setpriv --reuid {user} --regid {group} --clear-groups"))
    } else {
        let again = format!("unshare --user --map-user={user} --map-group={group}");
        (&["--user", "--map-root-user"][..], again)
    };
    let exec = format!("{as_user} /usr/sbin/dovecot -F -c \"$1/dovecot.conf\"");
    overlaid(prefix, dir, namespaces, &exec)
}

/// One mailbox under three names, which differ in what is synced. See [`crate::server::Role`].
fn users(dir: &Path, user: u32, group: u32) -> String {
    let line = |name, fsync| {
        let home = dir.join("mail");
        format!("{name}:{{PLAIN}}ann:{user}:{group}::{}::userdb_mail_fsync={fsync}\n", home.display())
    };
    line("ann", "optimized") + &line("ann-always", "always") + &line("ann-never", "never")
}

/// All of it runs as one user. The login is the quick one: its processes stay, and serve many.
fn config(dir: &Path, port: u16, user: u32) -> String {
    let dir = dir.display();
    let (user, group) = (name_of("-un", user), name_of("-gn", user));
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
listen = 127.0.0.1
protocols = imap
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_client_limit = 5000
mail_location = sdbox:~/sdbox
mail_max_userip_connections = 5000
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = passwd-file
  args = {dir}/users
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = 4000
  process_min_avail = 2
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service imap {{
  process_limit = 2000
}}
"
    )
}

fn name_of(what: &str, user: u32) -> String {
    let output = Command::new("id").args([what, &user.to_string()]).output().expect("id, of coreutils");
    assert!(output.status.success(), "user {user} has no name");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn parent_of(id: u32) -> Option<u32> {
    field(&format!("/proc/{id}/status"), "PPid:").map(|id| id as u32)
}

/// KiB, each divided by the number of processes that have it.
fn shared_memory(id: u32) -> Option<u64> {
    field(&format!("/proc/{id}/smaps_rollup"), "Pss:")
}

fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}
