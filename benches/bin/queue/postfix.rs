//! Debian's Postfix.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use mailwright_benches::debian::{Daemon, free_addr, overlaid, unpacked};

/// Who owns its mail, and the group of its tools: any that own nothing else of it will do.
const OWNER: u32 = 8;
const GROUP: u32 = 4;

pub(crate) struct Postfix(Daemon);

impl Postfix {
    /// Passes all mail on to `sink`.
    pub(crate) fn start(dir: &Path, sink: SocketAddr) -> Self {
        let is_root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        assert!(is_root, "Postfix runs as root only: so must this");
        let prefix = unpacked("postfix", &["postfix"], "usr/lib/postfix/sbin/master");
        let addr = free_addr();
        lay_out(dir);
        fs::write(dir.join("etc/main.cf"), main_cf(dir, sink)).expect("written");
        fs::write(dir.join("etc/master.cf"), master_cf(addr.port())).expect("written");
        let exec = "setsid /usr/lib/postfix/sbin/master -c \"$1/etc\" -d";
        Self(Daemon::start(&mut overlaid(&prefix, dir, &[], exec), addr, &dir.join("log")))
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.addr()
    }
}

/// Its folders, which it does not make itself.
fn lay_out(dir: &Path) {
    let make = |path: PathBuf, owner: u32, group: u32, mode: u32| {
        fs::create_dir_all(&path).expect("a directory");
        chown(&path, Some(owner), Some(group)).expect("ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    // Its programs, which are not root, come through here.
    for above in dir.ancestors().take_while(|above| above.file_name().is_some()).take(2) {
        let _ = fs::create_dir_all(above);
        let _ = fs::set_permissions(above, fs::Permissions::from_mode(0o755));
    }
    make(dir.join("etc"), 0, 0, 0o755);
    make(dir.join("data"), OWNER, 0, 0o700);
    make(dir.join("queue"), 0, 0, 0o755);
    make(dir.join("queue/pid"), 0, 0, 0o755);
    for name in [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
        "trace",
    ] {
        make(dir.join("queue").join(name), OWNER, 0, 0o700);
    }
    make(dir.join("queue/maildrop"), OWNER, GROUP, 0o730);
    make(dir.join("queue/public"), OWNER, GROUP, 0o710);
}

/// As it is by default, but for what keeps it to this machine, and for what would slow it down: rate limits, TLS.
fn main_cf(dir: &Path, sink: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = mail
default_privs = nobody
setgid_group = adm
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
relayhost = [{}]:{}
maillog_file = {dir}/log
maillog_file_prefixes = /
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtpd_client_connection_count_limit = 1000
in_flow_delay = 0
default_destination_concurrency_limit = 20
",
        sink.ip(),
        sink.port()
    )
}

fn master_cf(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - 100 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    )
}
