//! What `mailwright dev` says is so, and it needs and leaves nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, id};

use crate::support::{ANY_PORTS, Dev, Folder, Program, Wire, binary, run, skip};

#[test]
fn addresses_are_those_really_bound() {
    let dev = Dev::start();
    let printed = BTreeSet::from([dev.smtp, dev.smtps, dev.imap, dev.imaps, dev.pop3, dev.pop3s]);
    assert_eq!(printed.len(), 6);
    assert_eq!(listening(dev.id()), printed);
    Wire::smtp(dev.smtp);
    Wire::pop3(dev.pop3);
    assert!(dev.banner.contains(&format!("swaks --server {} --to ann@localhost", dev.smtp)));
    assert!(dev.banner.contains(&dev.ca().display().to_string()));
}

/// The sockets on which a process listens (proc(5)).
fn listening(id: u32) -> BTreeSet<SocketAddr> {
    let links = fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    let links = links.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let sockets: BTreeSet<String> = links.map(|link| link.display().to_string()).collect();
    let table = fs::read_to_string(format!("/proc/{id}/net/tcp")).unwrap();
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    // 0A is LISTEN.
    rows.filter(|row| row[3] == "0A" && sockets.contains(&format!("socket:[{}]", row[9])))
        .map(|row| {
            let (ip, port) = row[1].split_once(':').unwrap();
            let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).unwrap().swap_bytes());
            SocketAddr::from((ip, u16::from_str_radix(port, 16).unwrap()))
        })
        .collect()
}

#[test]
fn the_start_is_timed() {
    let dev = Dev::start();
    let ready = dev.banner.lines().find_map(|line| line.strip_prefix("ready in ")).unwrap();
    let milliseconds: u64 = ready.strip_suffix(" ms").unwrap().parse().unwrap();
    println!("ready in {milliseconds} ms");
}

/// Addresses of this test alone: the default ports are the same on each.
fn lonely_address() -> Ipv4Addr {
    let [.., high, low] = id().to_be_bytes();
    Ipv4Addr::new(127, 83, high, low)
}

#[test]
fn the_next_port_is_tried_and_printed() {
    let ip = lonely_address();
    let taken = TcpListener::bind((ip, 1025)).expect("nobody else uses this address");
    let folder = Folder::new();
    let mut command = Command::new(binary());
    command.arg("dev").arg("--listen").arg(ip.to_string());
    let dev = Dev::run(command, folder);
    assert_eq!(dev.smtp, (ip, 1026).into());
    let printed = [dev.smtps, dev.imap, dev.imaps, dev.pop3, dev.pop3s];
    assert_eq!(printed, [1465, 1143, 1993, 1110, 1995].map(|port| (ip, port).into()));
    Wire::smtp(dev.smtp);
    drop(taken);
}

#[test]
fn an_address_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for name in ["smtp", "smtps", "imap", "imaps", "pop3", "pop3s"] {
        let mut command = Command::new(binary());
        command.arg("dev");
        for other in ["smtp", "smtps", "imap", "imaps", "pop3", "pop3s"] {
            command.arg(format!("--{other}")).arg(if other == name { &addr } else { "127.0.0.1:0" });
        }
        // EX_OSERR of sysexits(3).
        let ran = run(&mut command, b"").ended(71);
        let text = ran.text();
        for part in [format!("cannot listen on {addr} for {name}:"), format!("--{name} ADDR")] {
            assert!(text.contains(&part), "no {part:?} in:\n{text}");
        }
        assert!(ran.stdout.is_empty(), "{text}");
    }
}

#[test]
fn no_file_is_created() {
    let (folder, place) = (Folder::new(), Folder::new());
    let mut command = Command::new(binary());
    command.arg("dev").args(ANY_PORTS).current_dir(place.path());
    // `Dev` clears the environment: what is named here is set by a shell.
    let mut shell = Command::new("sh");
    let set = "export HOME=\"$PWD\" TMPDIR=\"$PWD\" XDG_CACHE_HOME=\"$PWD\"; exec \"$0\" \"$@\"";
    shell.arg("-c").arg(set).arg(command.get_program()).args(command.get_args()).current_dir(place.path());
    let dev = Dev::run(shell, folder);
    dev.works();
    assert!(open_files(dev.id()).is_empty(), "{:?}", open_files(dev.id()));
    let (status, _) = dev.stop();
    assert!(status.success(), "{status}");
    assert_eq!(place.all(), Vec::<std::path::PathBuf>::new());
}

/// The files that a process has open, but for its standard streams and devices.
fn open_files(id: u32) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{id}/fd")).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        (number > 2).then(|| fs::read_link(path).ok())?
    });
    let files = links.filter(|link| link.is_absolute() && !link.starts_with("/dev"));
    files.map(|link| link.display().to_string()).collect()
}

#[test]
fn the_authority_is_written_where_it_is_wanted() {
    let dev = Dev::start();
    let pem = fs::read_to_string(dev.ca()).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE KEY"));
}

/// In a network namespace where there is nothing but loopback.
#[test]
fn no_network_is_needed() {
    let (Some(unshare), Some(python)) =
        (Program::find("unshare", "util-linux"), Program::find("python3", "python3"))
    else {
        return;
    };
    // A user who is not root becomes root of a namespace of his own, where the kernel lets him.
    let ways: [&[&str]; 2] = [&["--net"], &["--map-root-user", "--net"]];
    let Some(way) = ways.into_iter().find(|way| unshare.run(way.iter().chain(&["true"])).code == Some(0))
    else {
        skip("this user may not create a network namespace");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/python/lonely.py");
    let mut command = unshare.command();
    command.args(way).arg(python.command().get_program()).arg("-IB").arg(script).arg(binary());
    run(&mut command, b"").ok();
}

/// Neither a name server nor anybody else is asked anything.
#[test]
fn no_connection_is_made() {
    let Some(strace) = Program::find("strace", "strace") else { return };
    if strace.run(["--quiet=all", "true"]).code != Some(0) {
        skip("this user may not trace processes");
        return;
    }
    let folder = Folder::new();
    let calls = folder.path().join("calls");
    let mut command = strace.command();
    command.args(["-f", "--trace=bind,connect,sendto,sendmsg,sendmmsg", "--output"]).arg(&calls);
    command.arg(binary()).arg("dev").args(ANY_PORTS);
    let dev = Dev::run(command, folder);
    dev.works();
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", dev.id())).unwrap();
    let server = children.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(listening(server).len(), 6);
    // The folder goes with the server.
    let traced = File::open(&calls).unwrap();
    let (status, _) = dev.stop_process(server);
    assert!(status.success(), "{status}");
    let calls = std::io::read_to_string(traced).unwrap();
    assert_eq!(calls.matches(" bind(").count(), 6, "{calls}");
    let asks = |line: &&str| {
        line.contains(" connect(") || (line.contains(" send") && line.contains("sa_family=AF_INET"))
    };
    assert_eq!(calls.lines().find(asks), None);
}

/// What the banner says of failures.
#[test]
fn failures_can_be_had() {
    let dev = Dev::start();
    assert!(dev.banner.contains("rcpt-451@localhost  data-550@localhost"));
    let mut wire = Wire::smtp(dev.smtp);
    wire.expect("MAIL FROM:<app@client.example>", "250");
    wire.expect("RCPT TO:<rcpt-451@localhost>", "451");
    wire.expect("RCPT TO:<rcpt-550@localhost>", "550");
    wire.expect("RSET", "250");
    wire.begin_mail("data-550@localhost");
    wire.expect("Subject: refused\r\n\r\n.", "550");
    wire.begin_mail("data-452@localhost");
    wire.expect("Subject: refused\r\n\r\n.", "452");
    dev.works();
}

#[test]
fn help_names_every_option() {
    let help = run(Command::new(binary()).args(["dev", "--help"]), b"").ok().text();
    for option in [
        "--listen",
        "--smtp",
        "--smtps",
        "--imap",
        "--imaps",
        "--pop3",
        "--pop3s",
        "--write-ca",
        "--log",
        "--log-format",
    ] {
        assert!(help.contains(option), "no {option} in:\n{help}");
    }
}
