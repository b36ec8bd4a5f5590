//! The Debian packages that the end-to-end tests need.

use std::env;
use std::process::{Command, Stdio};

use anyhow::Result;

const PACKAGES: [&str; 22] = [
    "bsdutils",
    "ca-certificates",
    "curl",
    "e2fsprogs",
    "fetchmail",
    "getmail6",
    "gsasl",
    "isync",
    // What Exim and Postfix are linked to, which are unpacked and not installed: they exclude each other.
    "libgnutls-dane0",
    "libicu-dev",
    "libio-socket-ssl-perl",
    "libnet-ssleay-perl",
    // The mechanisms of isync.
    "libsasl2-modules",
    "mount",
    "mpop",
    "msmtp",
    "neomutt",
    "offlineimap3",
    "openssl",
    "python3",
    "strace",
    "swaks",
];

/// Installs what is missing if it may. Says whether that is enough: in CI nothing may be missing, elsewhere the
/// tests that need it are skipped.
pub(crate) fn provide() -> Result<bool> {
    let missing = missing();
    if missing.is_empty() {
        println!("nothing to install");
        return Ok(true);
    }
    if let Some(prefix) = privilege() {
        install(prefix, &missing);
    }
    let missing = self::missing();
    for package in &missing {
        println!("skip: package {package} missing, install with `apt-get install {package}`");
    }
    Ok(missing.is_empty() || !is_ci())
}

fn missing() -> Vec<&'static str> {
    PACKAGES.into_iter().filter(|package| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    let query =
        Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    query.is_ok_and(|output| output.stdout == b"installed")
}

/// What to put before a command so that root runs it; none if it cannot be done without asking.
fn privilege() -> Option<&'static [&'static str]> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(&["env"]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status().ok()?;
    sudo.success().then_some(&["sudo", "-n", "env"])
}

/// Tries; what is still missing afterwards tells how it went.
fn install(prefix: &[&str], packages: &[&str]) {
    let steps: [&[&str]; 2] = [&["update"], &["install", "--yes", "--no-install-recommends"]];
    for (step, packages) in steps.into_iter().zip([&[], packages]) {
        let words =
            [prefix, &["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"], step, packages].concat();
        println!("$ {}", words.join(" "));
        let Some((program, args)) = words.split_first() else { return };
        if let Err(error) = Command::new(program).args(args).status() {
            println!("{program}: {error}");
        }
    }
}

fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}
