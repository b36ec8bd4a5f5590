//! Libraries of Python and of JavaScript.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Implicit, Plain, Server, StartTls, Transport};
use crate::support::{Program, cached, python, run};

/// The arguments of our scripts.
fn args(server: &Server, transport: Transport) -> [String; 5] {
    let (addr, ca) = (transport.addr(server).to_string(), server.ca().display().to_string());
    [transport.name().to_owned(), addr, ca, "ann@localhost".to_owned(), "ann".to_owned()]
}

fn imaplib(transport: Transport) {
    let Some(server) = Server::start() else { return };
    if let Some(ran) = python("imap_imaplib.py", args(&server, transport), b"") {
        ran.ok();
    }
}

#[test]
fn imaplib_in_plain_text() {
    imaplib(Plain);
}

#[test]
fn imaplib_with_starttls() {
    imaplib(StartTls);
}

#[test]
fn imaplib_inside_tls() {
    imaplib(Implicit);
}

/// A package for Python, and what it needs.
fn from_pypi(name: &str, version: &str) -> Option<PathBuf> {
    let package = format!("{name}=={version}");
    cached(&format!("pypi-{name}-{version}"), &format!("{package} (pip install)"), |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]).arg(folder);
        succeeds(pip.arg(package))
    })
}

/// A package for Node.js, and what it needs.
fn from_npm(name: &str, version: &str) -> Option<PathBuf> {
    let package = format!("{name}@{version}");
    cached(&format!("npm-{name}-{version}"), &format!("{package} (npm install)"), |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder);
        succeeds(npm.arg(package))
    })
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn imapclient(transport: Transport) {
    let Some(server) = Server::start() else { return };
    let Some(folder) = from_pypi("imapclient", "4.1.0") else { return };
    let args = [&[folder.display().to_string()], &args(&server, transport)[..]].concat();
    if let Some(ran) = python("imap_imapclient.py", args, b"") {
        ran.ok();
    }
}

#[test]
fn imapclient_with_starttls() {
    imapclient(StartTls);
}

#[test]
fn imapclient_inside_tls() {
    imapclient(Implicit);
}

fn imapflow(transport: Transport) {
    let Some(server) = Server::start() else { return };
    let Some(node) = Program::find("node", "nodejs") else { return };
    let Some(folder) = from_npm("imapflow", "2.10.2") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/imap/clients/imapflow.cjs");
    run(node.command().arg(script).arg(folder).args(args(&server, transport)), b"").ok();
}

#[test]
fn imapflow_with_starttls() {
    imapflow(StartTls);
}

#[test]
fn imapflow_inside_tls() {
    imapflow(Implicit);
}
