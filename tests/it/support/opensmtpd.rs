//! Debian's OpenSMTPD.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Program;
use super::data::cached;
use super::debian::{FIRST_ID, overlaid};
use super::mta::{LOGIN, Peer, Site};

pub(crate) const OPENSMTPD: Peer = Peer {
    domain: "opensmtpd.example",
    users: &["opensmtpd", "opensmtpq", "vmail"],
    connected: " smtp connected ",
    extensions: &[],
    command,
};

fn command(site: &Site<'_>) -> Option<Command> {
    let unpacked = cached("opensmtpd-backports", "Debian's opensmtpd", unpack)?;
    let openssl = Program::find("openssl", "openssl")?;
    for name in ["run", "lib/opensmtpd/empty", "spool/smtpd"] {
        fs::create_dir_all(site.folder.join("var").join(name)).unwrap();
    }
    let spool = site.folder.join("var/spool/smtpd");
    fs::set_permissions(spool, fs::Permissions::from_mode(0o711)).unwrap();
    let key = site.folder.join("key.pem");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    chown(site.folder.join("mail"), Some(FIRST_ID + 2), Some(FIRST_ID + 2)).unwrap();
    let hash = openssl.run(["passwd", "-6", LOGIN[1]]).ok().stdout;
    let hash = String::from_utf8(hash).unwrap();
    site.configure("smtpd/here", &format!("{} {hash}", LOGIN[0]));
    site.configure("smtpd/there", "ours ann@a.example:secret\n");
    for name in ["smtpd/here", "smtpd/there"] {
        let file = site.etc.join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        chown(file, Some(0), Some(FIRST_ID)).unwrap();
    }
    // It asks for the name of each address, and nobody else than this machine is to answer.
    site.configure("resolv.conf", "lookup file\n");
    site.configure("smtpd.conf", CONFIG);
    let mut command = overlaid(&unpacked, site.etc);
    // Where it works is compiled in.
    command.args(["sh", "-c", "mount --bind \"$0/var\" /var && exec smtpd -d"]).arg(site.folder);
    Some(command)
}

/// That of Debian 12 cannot sign as a server with the OpenSSL there is (its issue 1171): the backport can.
fn unpack(folder: &Path) -> bool {
    let mut unpack = Command::new("sh");
    unpack.args(["-c", UNPACK]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    unpack.status().is_ok_and(|status| status.success())
}

const UNPACK: &str = r#"
. /etc/os-release
if test "$VERSION_CODENAME" = bookworm; then
    mkdir -p apt/lists/partial
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
    echo "deb [signed-by=$key] $mirror bookworm-backports main" > apt/sources.list
    set -- -o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" -o Acquire::Languages=none
    apt-get "$@" update && apt-get "$@" download opensmtpd && apt-get download libevent-2.1-7
else
    apt-get download opensmtpd libevent-2.1-7t64
fi || exit
rm -rf apt
for file in *.deb; do dpkg -x "$file" . || exit; done
"#;

const CONFIG: &str = r#"
pki localhost cert "FOLDER/certificate.pem"
pki localhost key "FOLDER/key.pem"
table here file:/etc/smtpd/here
table there file:/etc/smtpd/there
smtp limit max-mails 1000
mta limit conn-delay-route 0 conn-delay-source 0 conn-delay-relay 0

listen on 127.0.0.1 port HERE_PLAIN hostname mx.opensmtpd.example
listen on 127.0.0.1 port HERE_STARTTLS tls pki localhost hostname mx.opensmtpd.example
listen on 127.0.0.1 port HERE_IMPLICIT smtps pki localhost hostname mx.opensmtpd.example
listen on 127.0.0.1 port HERE_LOGIN tls-require pki localhost auth <here> hostname mx.opensmtpd.example

action ann maildir "FOLDER/mail/ann" virtual { "@" = vmail }
action many maildir "FOLDER/mail/many" virtual { "@" = vmail }
action ours relay host smtp://127.0.0.1:THERE_STARTTLS helo mx.opensmtpd.example
action plain relay host smtp+notls://127.0.0.1:THERE_PLAIN helo mx.opensmtpd.example
action starttls relay host smtp+tls://localhost:THERE_STARTTLS helo mx.opensmtpd.example
action implicit relay host smtps://localhost:THERE_IMPLICIT helo mx.opensmtpd.example
action login relay host smtps://ours@localhost:THERE_LOGIN auth <there> helo mx.opensmtpd.example

match from any for rcpt-to regex "^ann@(.*\.)?opensmtpd\.example$" action ann
match from any for rcpt-to regex "^u[0-9]+@(.*\.)?opensmtpd\.example$" action many
match from local for domain a.example action ours
match from local for domain plain.a.example action plain
match from local for domain starttls.a.example action starttls
match from local for domain implicit.a.example action implicit
match from local for domain login.a.example action login
"#;
