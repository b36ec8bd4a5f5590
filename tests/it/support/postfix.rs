//! Debian's Postfix, which has its logins from Cyrus SASL.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use super::debian::{FIRST_ID, overlaid, unpacked};
use super::mta::{LOGIN, Peer, Site, Way, users};
use super::run;

pub(crate) const POSTFIX: Peer = Peer {
    domain: "postfix.example",
    users: &["postfix", "postdrop"],
    connected: ": connect from ",
    extensions: &["PIPELINING", "CHUNKING", "SMTPUTF8"],
    command: |site| command(site, "PLAIN", ""),
};

/// The same, which logs in by SCRAM-SHA-256 and lets nobody log in otherwise.
pub(crate) const POSTFIX_SCRAM: Peer = Peer {
    command: |site| command(site, "SCRAM-SHA-256", "smtp_sasl_mechanism_filter = scram-sha-256\n"),
    ..POSTFIX
};

/// Postfix, and what its logins need.
const PACKAGES: [&str; 5] = ["postfix", "libsasl2-2", "libsasl2-modules", "libsasl2-modules-db", "sasl2-bin"];

/// The folders of its queue that are its own.
const QUEUE: [&str; 14] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
    "public", "saved", "trace", "logs",
];

fn command(site: &Site<'_>, mechanism: &str, more: &str) -> Option<Command> {
    let unpacked = unpacked("postfix-sasl", &PACKAGES)?;
    fs::create_dir_all(site.folder.join("spool/pid")).unwrap();
    for name in QUEUE {
        fs::create_dir(site.folder.join("spool").join(name)).unwrap();
    }
    fs::create_dir(site.folder.join("data")).unwrap();
    let owned = QUEUE.iter().map(|name| format!("spool/{name}"));
    for name in owned.chain(["data", "mail"].map(str::to_owned)) {
        chown(site.folder.join(name), Some(FIRST_ID), None).unwrap();
    }
    site.configure("postfix/main.cf", &format!("{MAIN}{more}"));
    site.configure("postfix/master.cf", MASTER);
    site.configure("postfix/sasl/smtpd.conf", &format!("{SASL}mech_list: {mechanism}\n"));
    let mut domains = Way::ALL.map(|way| way.domain(POSTFIX.domain)).to_vec();
    domains.push(POSTFIX.domain.to_owned());
    let each = |(user, mailbox)| domains.iter().map(move |domain| format!("{user}@{domain} {mailbox}/\n"));
    site.configure("postfix/users", &users().flat_map(each).collect::<String>());
    let logins = site.folder.join("logins");
    let mut login = overlaid(&unpacked, site.etc);
    login.args(["/usr/sbin/saslpasswd2", "-p", "-c", "-u", POSTFIX.domain, "-f"]).arg(&logins).arg(LOGIN[0]);
    run(&mut login, LOGIN[1].as_bytes()).ok();
    chown(logins, Some(FIRST_ID), None).unwrap();
    let mut command = overlaid(&unpacked, site.etc);
    command.args(["/usr/lib/postfix/sbin/master", "-c", "/etc/postfix"]);
    Some(command)
}

const MAIN: &str = r"
compatibility_level = 3.6
queue_directory = FOLDER/spool
data_directory = FOLDER/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = FOLDER/logs/log
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
smtp_host_lookup = native
message_size_limit = 40000000
virtual_mailbox_limit = 0
virtual_mailbox_domains = regexp:{ { /(^|\.)postfix\.example$$/ yes } }
virtual_mailbox_base = FOLDER/mail
virtual_mailbox_maps = texthash:/etc/postfix/users
virtual_uid_maps = static:64100
virtual_gid_maps = static:64100
virtual_minimum_uid = 1
transport_maps = inline:{
    { a.example = smtp:[localhost]:THERE_STARTTLS }
    { plain.a.example = plain:[localhost]:THERE_PLAIN }
    { starttls.a.example = starttls:[localhost]:THERE_STARTTLS }
    { implicit.a.example = implicit:[localhost]:THERE_IMPLICIT }
    { login.a.example = login:[localhost]:THERE_LOGIN } }
default_destination_recipient_limit = 1000
default_destination_concurrency_limit = 4
smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt
smtp_tls_secure_cert_match = localhost
smtp_tls_security_level = may
smtp_tls_connection_reuse = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{ { [localhost]:THERE_LOGIN = ann@a.example:secret } }
smtpd_tls_security_level = may
smtpd_tls_cert_file = FOLDER/certificate.pem
smtpd_tls_key_file = FOLDER/key.pem
smtpd_tls_received_header = yes
smtpd_sasl_local_domain = postfix.example
smtpd_relay_restrictions = permit_mynetworks, reject
cyrus_sasl_config_path = /etc/postfix/sasl
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
";

const MASTER: &str = r"
127.0.0.1:HERE_PLAIN inet n - n - - smtpd
    -o smtpd_tls_security_level=none
127.0.0.1:HERE_STARTTLS inet n - n - - smtpd
127.0.0.1:HERE_IMPLICIT inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
127.0.0.1:HERE_LOGIN inet n - n - - smtpd
    -o smtpd_tls_security_level=encrypt
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
plain unix - - n - - smtp
    -o smtp_tls_security_level=none
starttls unix - - n - - smtp
    -o smtp_tls_security_level=secure
implicit unix - - n - - smtp
    -o smtp_tls_security_level=secure
    -o smtp_tls_wrappermode=yes
login unix - - n - - smtp
    -o smtp_tls_security_level=secure
    -o smtp_tls_wrappermode=yes
    -o smtp_sasl_auth_enable=yes
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000 1 tlsmgr
tlsproxy unix - - n - 0 tlsproxy
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

const SASL: &str = "
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: FOLDER/logins
";
