//! Debian's Exim.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use super::debian::{FIRST_ID, overlaid, unpacked};
use super::mta::{Peer, Site, users};

pub(crate) const EXIM: Peer = Peer {
    domain: "exim.example",
    users: &["Debian-exim"],
    connected: "SMTP connection from",
    extensions: &["PIPELINING", "CHUNKING", "SMTPUTF8"],
    command,
};

fn command(site: &Site<'_>) -> Option<Command> {
    let unpacked = unpacked("exim", &["exim4-daemon-light"])?;
    fs::create_dir(site.folder.join("spool")).unwrap();
    for name in ["spool", "logs", "mail", "key.pem"] {
        chown(site.folder.join(name), Some(FIRST_ID), Some(FIRST_ID)).unwrap();
    }
    site.configure("exim4/exim4.conf", CONFIG);
    let users: String = users().map(|(user, mailbox)| format!("{user}: {mailbox}\n")).collect();
    site.configure("exim4/users", &users);
    let mut command = overlaid(&unpacked, site.etc);
    command.args(["sh", "-c", RUN]).arg(site.folder.join("spool"));
    Some(command)
}

const RUN: &str = r#"mount -t tmpfs -o uid=64100,gid=64100 tmpfs "$0" && exec /usr/sbin/exim4 -bdf -qq3s"#;

const CONFIG: &str = r"
primary_hostname = mx.exim.example
spool_directory = FOLDER/spool
log_file_path = FOLDER/logs/%slog
log_selector = +8bitmime +pipelining +smtp_connection
pid_file_path = FOLDER/spool/pid
keep_environment =
disable_ipv6
local_interfaces = 127.0.0.1
daemon_smtp_ports = HERE_PLAIN : HERE_STARTTLS : HERE_IMPLICIT : HERE_LOGIN
tls_on_connect_ports = HERE_IMPLICIT
tls_advertise_hosts = ${if eq{$received_port}{HERE_PLAIN}{}{*}}
tls_certificate = FOLDER/certificate.pem
tls_privatekey = FOLDER/key.pem
dsn_advertise_hosts = *
pipelining_connect_advertise_hosts =
smtputf8_advertise_hosts = *
domainlist local_domains = exim.example : *.exim.example
acl_smtp_rcpt = acl_rcpt
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 200
queue_run_max = 1

begin acl
acl_rcpt:
  deny condition = ${if eq{$received_port}{HERE_LOGIN}}
    !authenticated = *
    message = log in first
  deny domains = +local_domains
    !verify = recipient
  accept domains = +local_domains
  accept hosts = 127.0.0.1
  deny message = relay not permitted

begin routers
ours:
  driver = manualroute
  domains = a.example
  route_list = * localhost::THERE_STARTTLS byname
  self = send
  transport = opportunistic
plain:
  driver = manualroute
  domains = plain.a.example
  route_list = * localhost::THERE_PLAIN byname
  self = send
  transport = plain
starttls:
  driver = manualroute
  domains = starttls.a.example
  route_list = * localhost::THERE_STARTTLS byname
  self = send
  transport = starttls
implicit:
  driver = manualroute
  domains = implicit.a.example
  route_list = * localhost::THERE_IMPLICIT byname
  self = send
  transport = implicit
login:
  driver = manualroute
  domains = login.a.example
  route_list = * localhost::THERE_LOGIN byname
  self = send
  transport = login
mailbox:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;/etc/exim4/users
  transport = maildir

begin transports
opportunistic:
  driver = smtp
  allow_localhost
  hosts_try_dane =
plain:
  driver = smtp
  allow_localhost
  hosts_try_dane =
  hosts_avoid_tls = *
  max_rcpt = 1000
starttls:
  driver = smtp
  allow_localhost
  hosts_try_dane =
  hosts_require_tls = *
  tls_verify_hosts = *
  max_rcpt = 1000
implicit:
  driver = smtp
  protocol = smtps
  allow_localhost
  hosts_try_dane =
  tls_verify_hosts = *
login:
  driver = smtp
  protocol = smtps
  allow_localhost
  hosts_try_dane =
  tls_verify_hosts = *
  hosts_require_auth = *
maildir:
  driver = appendfile
  directory = FOLDER/mail/$local_part_data
  maildir_format
  return_path_add
  envelope_to_add
  user = Debian-exim

begin authenticators
login:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${if and{{def:tls_in_cipher}{eq{$received_port}{HERE_LOGIN}}}}
  server_condition = ${if and{{eq{$auth2}{relay}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
  client_send = ^ann@a.example^secret

begin retry
* * F,1h,1s
";
