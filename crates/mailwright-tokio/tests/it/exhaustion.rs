//! Out of file descriptors in earnest, in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;

use crate::inbox::Inbox;

const CHILD: &str = "MAILWRIGHT_EXHAUSTION_CHILD";
const DESCRIPTORS: usize = 40;

/// The server; the process ends when its standard input does.
#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nPORT {}", listener.local_addr().unwrap().port());
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    tokio::select! {
        () = Inbox::new().server().serve(listener) => {}
        _ = end => {}
    }
}

struct Server {
    process: Child,
    at: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let limited = format!("ulimit -n {DESCRIPTORS}; exec \"$@\"");
        let mut process = Command::new("sh")
            .args(["-c", &limited, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "exhaustion::child", "--ignored", "--nocapture"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port =
            lines.find_map(|line| Some(line.unwrap().strip_prefix("PORT ")?.parse().unwrap())).unwrap();
        Self { process, at: ([127, 0, 0, 1], port).into() }
    }

    fn dial(&self) -> Line {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Line(BufReader::new(stream))
    }

    /// What it has had of the processor, in ticks of 10 ms.
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Line(BufReader<TcpStream>);

impl Line {
    fn read(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn ask(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        self.read()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn who_is_in_stays_in_and_the_others_are_told() {
    let server = Server::start();
    let (mut inside, mut outside) = (Vec::new(), 0);
    for _ in 0..2 * DESCRIPTORS {
        let mut line = server.dial();
        let greeting = line.read();
        match greeting.get(..3) {
            Some("220") => inside.push(line),
            Some("421") => outside += 1,
            _ => panic!("neither let in nor told: {greeting:?}"),
        }
    }
    assert!(inside.len() > DESCRIPTORS / 2, "{} were let in", inside.len());
    assert_eq!(inside.len() + outside, 2 * DESCRIPTORS);
    for line in &mut inside {
        assert!(line.ask("NOOP\r\n").starts_with("250"));
    }
    let ticks = server.ticks();
    assert!(ticks < 200, "{ticks} ticks for so few connections");

    for mut line in inside.split_off(10) {
        assert!(line.ask("QUIT\r\n").starts_with("221"));
    }
    let back = (0..1000).find(|_| server.dial().read().starts_with("220"));
    assert!(back.is_some(), "places come back");
    assert!(inside[0].ask("NOOP\r\n").starts_with("250"));
}
