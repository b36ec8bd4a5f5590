//! Debian's Postfix.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;

use super::debian::{FIRST_ID, certify, etc, overlaid, unpacked};
use super::{Folder, Mta};

/// The folders of its queue that are its own.
const QUEUE: [&str; 14] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
    "public", "saved", "trace", "logs",
];

/// A Postfix that listens there, and passes on mail for `a.example` to `next`.
pub(crate) fn postfix(smtp: SocketAddr, next: SocketAddr) -> Option<Mta> {
    let folder = Folder::new();
    let etc = etc(&folder, &["postfix", "postdrop"])?;
    let unpacked = unpacked("postfix", &["postfix"])?;
    certify(&folder)?;
    let path = folder.path();
    fs::create_dir_all(path.join("spool/pid")).unwrap();
    for name in QUEUE.map(|name| format!("spool/{name}")).iter().map(String::as_str).chain(["data", "mail"]) {
        fs::create_dir(path.join(name)).unwrap();
        chown(path.join(name), Some(FIRST_ID), None).unwrap();
    }
    let conf = etc.join("postfix");
    fs::create_dir(&conf).unwrap();
    let fill = |text: &str| {
        let text = text.replace("FOLDER", &path.display().to_string()).replace("SMTP", &smtp.to_string());
        text.replace("NEXT", &format!("[127.0.0.1]:{}", next.port())).replace("ID", &FIRST_ID.to_string())
    };
    fs::write(conf.join("main.cf"), fill(MAIN)).unwrap();
    fs::write(conf.join("master.cf"), fill(MASTER)).unwrap();
    let mut command = overlaid(&unpacked, &etc);
    command.args(["/usr/lib/postfix/sbin/master", "-c", "/etc/postfix"]);
    Some(Mta::run(&mut command, folder, "postfix.example", smtp))
}

const MAIN: &str = r"
compatibility_level = 3.6
queue_directory = FOLDER/spool
data_directory = FOLDER/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = FOLDER/spool/logs/log
maillog_file_prefixes = FOLDER
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtp_dns_support_level = disabled
virtual_mailbox_domains = postfix.example
virtual_mailbox_base = FOLDER/mail
virtual_mailbox_maps = inline:{ { ann@postfix.example = ann/ } }
virtual_uid_maps = static:ID
virtual_gid_maps = static:ID
virtual_minimum_uid = 1
transport_maps = inline:{ { a.example = smtp:NEXT } }
smtp_tls_security_level = may
smtpd_tls_security_level = may
smtpd_tls_cert_file = FOLDER/ca.pem
smtpd_tls_key_file = FOLDER/key.pem
smtpd_tls_received_header = yes
smtpd_relay_restrictions = permit_mynetworks, reject
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
";

const MASTER: &str = r"
SMTP inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
";
