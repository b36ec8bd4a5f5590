//! Debian's servers to compare with, each an instance of its own: nothing is installed, and nothing outside of two
//! folders is written.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Until it listens, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(20);

/// The files of these packages, which are fetched once: where the tests have them, too. `program` is one of them.
///
/// # Panics
/// If they cannot be fetched.
pub fn unpacked(name: &str, packages: &[&str], program: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let place = cache.expect("a home").join("mailwright-tests").join(name);
    if !place.join(program).exists() {
        println!("fetching {}", packages.join(" and "));
        let fresh = place.with_extension(std::process::id().to_string());
        fs::create_dir_all(&fresh).expect("a directory");
        run(Command::new("apt-get").arg("download").args(packages).current_dir(&fresh));
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

/// A free port of loopback, for those who cannot tell which they got if the system chose.
///
/// # Panics
/// If there is none.
pub fn free_addr() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("bound")
}

/// A command that becomes `exec`, of the shell, in which `$1` is `dir`. The unpacked files lie over those of the system,
/// which only it sees: the paths are compiled in. `namespaces` are options of unshare, for who is not root.
pub fn overlaid(unpacked: &Path, dir: &Path, namespaces: &[&str], exec: &str) -> Command {
    let script = format!("mount -t overlay overlay -o ro,lowerdir=\"$0/usr:/usr\" /usr && exec {exec}");
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.arg("--mount").args(namespaces).args(["sh", "-c", &script]).arg(unpacked).arg(dir);
    command.stdin(Stdio::null());
    command
}

/// A server that is ended when it goes out of scope.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    addr: SocketAddr,
}

impl Daemon {
    /// Starts it, and waits until it listens at `addr`.
    ///
    /// # Panics
    /// If it does not, with what it has logged.
    pub fn start(command: &mut Command, addr: SocketAddr, log: &Path) -> Self {
        let mut daemon = Self { child: command.spawn().expect("unshare, of util-linux"), addr };
        let begun = Instant::now();
        while TcpStream::connect(addr).is_err() {
            let ended = daemon.child.try_wait().expect("our child");
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(log).unwrap_or_default();
                panic!("nobody listens at {addr}, {command:?} ended: {ended:?}\n{log}");
            }
            sleep(LOOK);
        }
        daemon
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process, whose children others may be.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked, so that it ends its own children.
        let _ = Command::new("kill").arg(self.id().to_string()).status();
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
