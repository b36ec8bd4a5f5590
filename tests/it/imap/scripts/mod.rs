//! Scripts that say what an IMAP server answers, run against any server.

pub(super) mod item;
mod matching;
mod mbox;
mod run;
mod script;
mod variables;

use std::fs;
use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::path::Path;

use run::Target;
use script::Script;

use super::server::Server;
use crate::support::{Dovecot, data, skip};

/// A script and a line of it that contradicts the others: seven octets are there, and it has six.
const ODD: [(&str, usize); 1] = [("append-binary", 36)];

/// Scripts that want \Recent at a line, which our server does not keep: they are run up to there, and not counted as
/// passed.
const RECENT: [(&str, usize); 3] = [("copy", 30), ("search-flags", 40), ("select", 9)];

/// Each script that the server has the capabilities for.
fn all(addr: SocketAddr) {
    let target = Target { addr, login: "ann@localhost", password: "ann" };
    let Some(folder) = data("imap-scripts") else { return };
    let offered = run::capabilities(target).unwrap();
    let (mut passed, mut failed) = (0, Vec::new());
    for name in names(&folder) {
        let read = |name: &str| fs::read(folder.join(name)).ok();
        let file = read(&name).unwrap();
        let script = Script::parse(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let missing = script.capabilities.iter().find(|name| !offered.contains(&name.to_ascii_uppercase()));
        if let Some(missing) = missing {
            skip(&format!("script {name}: the server has no {missing}"));
            continue;
        }
        let mbox = read(&format!("{name}.mbox")).or_else(|| read("default.mbox")).unwrap();
        let mbox = mbox::messages(&mbox);
        // It panics if the server says nothing for long.
        match catch_unwind(|| run::run(target, &script, &file, &mbox)) {
            Ok(Ok(())) => passed += 1,
            Ok(Err((line, _))) if ODD.contains(&(&name, line)) => passed += 1,
            Ok(Err((line, _))) if RECENT.contains(&(&name, line)) => {
                skip(&format!("script {name}: from line {line} on it needs \\Recent"));
            }
            Ok(Err((_, error))) => failed.push(format!("{name}, {error}")),
            Err(_) => failed.push(format!("{name}: the server hangs")),
        }
    }
    println!("{passed} scripts passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), failed.len() + passed, failed.join("\n"));
}

/// The scripts, without the messages that lie beside them.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    // In a folder are those that ask for more than the protocol does.
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.ends_with(".mbox"));
    names.sort();
    names
}

#[test]
fn our_server_follows_the_scripts() {
    let Some(server) = Server::start() else { return };
    all(server.imap());
}

/// What fails here is wrong in the scripts' interpreter, or known to be wrong in Dovecot.
#[test]
fn dovecot_follows_the_scripts() {
    let Some(dovecot) = Dovecot::start() else { return };
    all(dovecot.imap);
}
