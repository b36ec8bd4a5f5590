//! Debian's Exim.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;

use super::debian::{FIRST_ID, certify, etc, overlaid, unpacked};
use super::{Folder, Mta};

/// An Exim that listens there, and passes on mail for `a.example` to `next`.
pub(crate) fn exim(smtp: SocketAddr, next: SocketAddr) -> Option<Mta> {
    let folder = Folder::new();
    let etc = etc(&folder, &["Debian-exim"])?;
    let unpacked = unpacked("exim", &["exim4-daemon-light"])?;
    certify(&folder)?;
    let path = folder.path();
    for name in ["spool", "logs", "mail"] {
        fs::create_dir(path.join(name)).unwrap();
    }
    for name in ["spool", "logs", "mail", "key.pem"] {
        chown(path.join(name), Some(FIRST_ID), Some(FIRST_ID)).unwrap();
    }
    fs::create_dir(etc.join("exim4")).unwrap();
    let config = CONFIG.replace("FOLDER", &path.display().to_string());
    let config = config.replace("SMTP", &smtp.port().to_string()).replace("NEXT", &next.port().to_string());
    fs::write(etc.join("exim4/exim4.conf"), config).unwrap();
    let mut command = overlaid(&unpacked, &etc);
    command.args(["/usr/sbin/exim4", "-bdf", "-q1s"]);
    Some(Mta::run(&mut command, folder, "exim.example", smtp))
}

const CONFIG: &str = r"
primary_hostname = mx.exim.example
spool_directory = FOLDER/spool
log_file_path = FOLDER/logs/%slog
pid_file_path = FOLDER/spool/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = SMTP
domainlist local_domains = exim.example
hostlist relay_from_hosts = 127.0.0.1
acl_smtp_rcpt = acl_rcpt
tls_advertise_hosts = *
tls_certificate = FOLDER/ca.pem
tls_privatekey = FOLDER/key.pem
host_lookup =
rfc1413_query_timeout = 0s

begin acl
acl_rcpt:
  deny domains = +local_domains
    !verify = recipient
  accept domains = +local_domains
  accept hosts = +relay_from_hosts
  deny message = relay not permitted

begin routers
next:
  driver = manualroute
  domains = a.example
  route_list = a.example 127.0.0.1::NEXT
  self = send
  transport = smtp
mailbox:
  driver = accept
  domains = +local_domains
  local_parts = ann
  transport = maildir

begin transports
smtp:
  driver = smtp
  allow_localhost
  hosts_try_dane =
maildir:
  driver = appendfile
  directory = FOLDER/mail/$local_part_data
  maildir_format
  return_path_add
  user = Debian-exim

begin retry
* * F,1h,1s
";
