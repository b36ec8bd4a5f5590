//! Debian's servers. They exclude each other as packages: so they are not installed, but unpacked, and laid over `/usr`
//! of their own processes.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::data::cached;
use super::program::{Program, skip};
use super::{Folder, run};

/// Where these packages are unpacked, once.
pub(crate) fn unpacked(name: &str, packages: &[&str]) -> Option<PathBuf> {
    cached(name, &format!("Debian's {}", packages.join(" and ")), |folder| unpack(folder, packages))
}

fn unpack(folder: &Path, packages: &[&str]) -> bool {
    let ok = |command: &mut Command| {
        command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ok(Command::new("apt-get").arg("download").args(packages))
        && ok(Command::new("sh").args(["-c", "for file in *.deb; do dpkg -x \"$file\" . || exit; done"]))
}

/// Free ports, for those who cannot tell which they got if the system chose. None of them is one that the system gives to
/// whoever connects, or to another test: it is still free when it is needed.
pub(crate) fn free_addrs<const N: usize>() -> [SocketAddr; N] {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    [(); N].map(|()| {
        // Other processes may do the same at the same time: each begins somewhere else.
        let begin = process::id().wrapping_mul(500);
        let mut numbers = (0..COUNT).map(|_| begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)));
        let free = numbers.find_map(|number| {
            let port = u16::try_from(FIRST + number % COUNT).unwrap();
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            TcpListener::bind(addr).is_ok().then_some(addr)
        });
        free.expect("a port is free")
    })
}

/// Makes a certificate for loopback, `ca.pem`, and its key, `key.pem`.
pub(crate) fn certify(folder: &Folder) -> Option<PathBuf> {
    let openssl = Program::find("openssl", "openssl")?;
    let certificate = folder.path().join("ca.pem");
    let mut certify = openssl.command();
    certify.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    certify.args(["-days", "2", "-subj", "/CN=localhost", "-addext"]);
    certify.args(["subjectAltName=DNS:localhost,IP:127.0.0.1", "-out"]).arg(&certificate);
    run(certify.arg("-keyout").arg(folder.path().join("key.pem")), b"").ok();
    Some(certificate)
}

/// The id of the first user in [`etc`], and of its group; those after it follow.
pub(crate) const FIRST_ID: u32 = 64_100;

/// What is laid over `/etc` of a process: besides the users of this machine those that a package would have made, each
/// with a group of its name. `None` if we are not root, who alone may go on.
pub(crate) fn etc(folder: &Folder, users: &[&str]) -> Option<PathBuf> {
    let etc = folder.path().join("etc");
    fs::create_dir(&etc).unwrap();
    let mut passwd = fs::read_to_string("/etc/passwd").unwrap();
    let mut group = fs::read_to_string("/etc/group").unwrap();
    for (id, user) in (FIRST_ID..).zip(users) {
        passwd += &format!("{user}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin\n");
        group += &format!("{user}:x:{id}:\n");
    }
    fs::write(etc.join("passwd"), passwd).unwrap();
    fs::write(etc.join("group"), group).unwrap();
    if fs::metadata(&etc).unwrap().uid() != 0 {
        skip("this user may not start other servers");
        return None;
    }
    Some(etc)
}

/// A command that becomes the one whose words are added to it, with its own `/usr` and `/etc`.
pub(crate) fn overlaid(unpacked: &Path, etc: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = r#"mount -t overlay overlay -o "lowerdir=$0:/usr" /usr && \
        mount -t overlay overlay -o "lowerdir=$1:/etc" /etc && shift && exec "$@""#;
    command.args(["--mount", "sh", "-c", script]).arg(unpacked.join("usr")).arg(etc);
    command.stdin(Stdio::null());
    command
}
