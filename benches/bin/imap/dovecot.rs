//! Debian's Dovecot, an instance of its own: nothing is installed, and nothing outside of two folders is written.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PACKAGES: [&str; 2] = ["dovecot-core", "dovecot-imapd"];
/// Until it listens, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(20);
/// Whom root runs it as; root itself may have no mail.
const NOBODY: u32 = 65534;

#[derive(Debug)]
pub(crate) struct Dovecot {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Dovecot {
    /// Runs with its mail in `dir`, which may have some.
    pub(crate) fn start(dir: &Path) -> Self {
        let prefix = unpacked();
        let me = fs::metadata("/proc/self").expect("Linux");
        let (user, group) = if me.uid() == 0 { (NOBODY, NOBODY) } else { (me.uid(), me.gid()) };
        let port = free_port();
        fs::create_dir_all(dir.join("run")).expect("a directory");
        fs::create_dir_all(dir.join("mail")).expect("a directory");
        fs::write(dir.join("users"), users(dir, user, group)).expect("written");
        fs::write(dir.join("dovecot.conf"), config(dir, port, user)).expect("written");
        for path in [dir.to_owned(), dir.join("run"), dir.join("mail")] {
            chown(path, Some(user), Some(group)).expect("the directory is ours");
        }
        let mut command = command(&prefix, dir, me.uid() == 0, user, group);
        let child = command.stdin(Stdio::null()).spawn().expect("unshare, of util-linux");
        let dovecot = Self { child, addr: (Ipv4Addr::LOCALHOST, port).into() };
        dovecot.wait_until_it_listens(dir)
    }

    fn wait_until_it_listens(mut self, dir: &Path) -> Self {
        let begun = Instant::now();
        while TcpStream::connect(self.addr).is_err() {
            let ended = self.child.try_wait().expect("our child");
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
                panic!("Dovecot does not listen at {}, ended: {ended:?}\n{log}", self.addr);
            }
            sleep(LOOK);
        }
        self
    }

    /// Octets of memory of all its processes. What several have in common counts once.
    pub(crate) fn memory(&self) -> u64 {
        let processes = fs::read_dir("/proc").expect("Linux").filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse::<u32>().ok()
        });
        let ours = processes.filter(|&id| id == self.child.id() || parent_of(id) == Some(self.child.id()));
        ours.filter_map(shared_memory).sum::<u64>() << 10
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Asked, so that it ends its own children.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its files lie over those of the system, which only it sees: the paths are compiled in. A user who is not root
/// needs a user namespace for that, and another one to be himself again.
fn command(prefix: &Path, dir: &Path, is_root: bool, user: u32, group: u32) -> Command {
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg("--mount");
    let as_user = if is_root {
        format!("setpriv --reuid {user} --regid {group} --clear-groups")
    } else {
        command.args(["--user", "--map-root-user"]);
        format!("unshare --user --map-user={user} --map-group={group}")
    };
    let script = format!(
        "mount -t overlay overlay -o ro,lowerdir=\"$0/usr:/usr\" /usr && \
         exec {as_user} /usr/sbin/dovecot -F -c \"$1/dovecot.conf\"",
    );
    command.args(["sh", "-c", &script]).arg(prefix).arg(dir);
    command
}

/// Its files, which are fetched once: where the tests have them, too.
fn unpacked() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let place = cache.expect("a home").join("mailwright-tests/dovecot");
    if !place.join("usr/sbin/dovecot").exists() {
        println!("fetching {}", PACKAGES.join(" and "));
        let fresh = place.with_extension(std::process::id().to_string());
        fs::create_dir_all(&fresh).expect("a directory");
        run(Command::new("apt-get").arg("download").args(PACKAGES).current_dir(&fresh));
        for entry in fs::read_dir(&fresh).expect("a directory").flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "deb") {
                run(Command::new("dpkg").arg("-x").arg(entry.path()).arg(&fresh));
            }
        }
        // Somebody may have been quicker.
        let _ = fs::rename(&fresh, &place);
        let _ = fs::remove_dir_all(&fresh);
    }
    place
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
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

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound").port()
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
