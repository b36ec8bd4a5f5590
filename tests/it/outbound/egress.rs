//! From which address mail goes out, by which name, and through what.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::eventually;
use crate::support::{Folder, Installation, Serving, free_addrs, route, skip, unpacked};

/// A server that sends, with that in its `[outbound]` and these sources; and one that is sent to.
fn pair(outbound: &str, sources: &[(&str, &str)]) -> Option<[Installation; 2]> {
    let source = |(hostname, address): &(&str, &str)| {
        format!("[[source]]\nhostname = \"{hostname}\"\naddresses = [\"{address}\"]\n")
    };
    let sources: String = sources.iter().map(source).collect();
    let b = Installation::new("b.example", "")?;
    let to_b = route("b.example", b.smtp, "opportunistic");
    let a = Installation::new("a.example", &format!("{outbound}\n{to_b}{sources}"))?;
    Some([a, b])
}

/// A message arrives, and this is where it came from.
#[track_caller]
fn arrives([a, b]: &[Installation; 2], name: &str, address: &str) {
    let (_a, _b) = (a.serve(), b.serve());
    a.send("ann", &["ann@b.example"], "Subject: tea?\r\n\r\n");
    let mail = eventually("the message arrives", || b.inbox("ann").pop());
    let hop = mail.split("Received: from ").nth(1).unwrap();
    assert!(hop.starts_with(&format!("{name} ")) && hop.contains(&format!("[{address}]")), "{mail}");
}

/// It waits, and this is why.
#[track_caller]
fn waits(a: &Installation) -> (Serving<'_>, String) {
    let serving = a.serve();
    a.send("ann", &["ann@b.example"], "Subject: tea?\r\n\r\n");
    let why = eventually("it is deferred", || {
        let entry = a.queued().into_iter().next()?;
        entry["recipients"][0]["delay_reason"].as_str().map(ToOwned::to_owned)
    });
    (serving, why)
}

/// A program that runs until this goes out of scope.
struct Running(Child);

impl Running {
    /// Waits until it listens.
    fn start(command: &mut Command, listens: SocketAddr) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Self(command.spawn().unwrap());
        eventually("it listens", || {
            assert_eq!(running.0.try_wait().unwrap(), None, "{command:?} has ended");
            TcpStream::connect(listens).ok()
        });
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_source_has_an_address_and_a_name() {
    let Some(pair) = pair("", &[("out.a.example", "127.0.0.5")]) else { return };
    arrives(&pair, "out.a.example", "127.0.0.5");
}

#[test]
fn without_sources_it_is_the_server_itself() {
    let Some(pair) = pair("", &[]) else { return };
    arrives(&pair, "mx.a.example", "127.0.0.1");
}

#[test]
fn a_source_of_another_machine_is_passed_over() {
    let sources = [("out1.a.example", "192.0.2.99"), ("out2.a.example", "127.0.0.5")];
    let Some(pair) = pair("", &sources) else { return };
    arrives(&pair, "out2.a.example", "127.0.0.5");
}

#[test]
fn a_server_without_its_address_waits_and_says_so() {
    let Some([a, _]) = pair("", &[("out.a.example", "192.0.2.99")]) else { return };
    let (_serving, why) = waits(&a);
    let told =
        "our address 192.0.2.99 is not on this machine: add it to an interface, or send from another one";
    assert!(why.contains("4.3.5") && why.contains(told), "{why}");
    assert!(a.log().contains("a source of ours is passed over"), "{}", a.log());
}

/// Debian's microsocks, which wants a login and sends from `127.0.0.6`.
fn microsocks() -> Option<(SocketAddr, Running)> {
    let unpacked = unpacked("microsocks", &["microsocks"])?;
    let [addr] = free_addrs();
    let mut command = Command::new(unpacked.join("usr/bin/microsocks"));
    command.args(["-i", "127.0.0.1", "-p", &addr.port().to_string(), "-b", "127.0.0.6"]);
    let running = Running::start(command.args(["-u", "mx", "-P", "correct horse"]), addr);
    Some((addr, running))
}

fn by_socks(proxy: SocketAddr) -> String {
    format!("via = \"socks5://{proxy}\"\nvia_user = \"mx\"\nvia_password = {{ file = \"proxy\" }}\n")
}

#[test]
fn through_a_socks_server() {
    let Some((proxy, _running)) = microsocks() else { return };
    let Some(pair) = pair(&by_socks(proxy), &[("out.a.example", "127.0.0.6")]) else { return };
    std::fs::write(pair[0].path("proxy"), "correct horse\n").unwrap();
    arrives(&pair, "out.a.example", "127.0.0.6");
    assert!(!pair[0].log().contains("horse"));
}

#[test]
fn a_socks_server_that_does_not_know_us() {
    let Some((proxy, _running)) = microsocks() else { return };
    let Some([a, _]) = pair(&by_socks(proxy), &[]) else { return };
    std::fs::write(a.path("proxy"), "wrong horse\n").unwrap();
    let (_serving, why) = waits(&a);
    let told = format!("the SOCKS server at {proxy}: it refuses our login");
    assert!(why.contains("4.3.5") && why.contains(&told), "{why}");
}

#[test]
fn what_a_socks_server_says_of_a_host() {
    let Some((proxy, _running)) = microsocks() else { return };
    // The other one does not run.
    let Some([a, b]) = pair(&by_socks(proxy), &[]) else { return };
    std::fs::write(a.path("proxy"), "correct horse\n").unwrap();
    let (_serving, why) = waits(&a);
    let told = format!("[{}]: connection refused, says the SOCKS server at {proxy}", b.smtp.ip());
    assert!(why.contains("4.4.1") && why.contains(&told), "{why}");
}

/// Debian's haproxy, which connects from where it is told to.
fn haproxy(folder: &Path) -> Option<(SocketAddr, Running)> {
    const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
    let packages = ["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"];
    let unpacked = unpacked("haproxy", &packages)?;
    if !unpacked.join(LIBRARIES).is_dir() {
        skip("haproxy's libraries are those of another machine");
        return None;
    }
    let [addr] = free_addrs();
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, HAPROXY.replace("ADDR", &addr.to_string())).unwrap();
    let mut command = Command::new(unpacked.join("usr/sbin/haproxy"));
    command.env("LD_LIBRARY_PATH", unpacked.join(LIBRARIES)).arg("-db").arg("-f").arg(file);
    Some((addr, Running::start(&mut command, addr)))
}

const HAPROXY: &str = "
global
    maxconn 100
defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m
listen out
    bind ADDR accept-proxy
    source 0.0.0.0 usesrc clientip
    server any 0.0.0.0:0
";

#[test]
fn through_haproxy() {
    let folder = Folder::new();
    let Some((proxy, _running)) = haproxy(folder.path()) else { return };
    let via = format!("via = \"haproxy://{proxy}\"\n");
    let Some(pair) = pair(&via, &[("out.a.example", "127.0.0.7")]) else { return };
    arrives(&pair, "out.a.example", "127.0.0.7");
}
