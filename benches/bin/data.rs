//! How fast content comes in, beside the same octets over a bare socket; and that none of it is kept.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use mailwright_benches::client::Client;
use mailwright_benches::process::Measured;
use mailwright_smtp::Config;
use mailwright_smtp::server::Limits;
use mailwright_tokio::SmtpServer;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Octets of content, as lines of 78 and CRLF.
const CONTENT: usize = 100_000_000;
const ROUNDS: usize = 3;
const GROWTH_MAX: u64 = 8 << 20;

/// Counts and forgets.
struct Sink;

impl SmtpHandler for Sink {
    async fn message(&self, _cx: &Ctx, _envelope: &Envelope, mut body: Body) -> Verdict<String> {
        let mut size = 0;
        while let Some(chunk) = body.chunk().await? {
            size += chunk.len();
        }
        Ok(format!("took {size}"))
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => measure(),
        Some("serve") => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(serve());
            ExitCode::SUCCESS
        }
        Some(other) => panic!("no arguments are known, and not {other}"),
    }
}

async fn serve() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let bare = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    println!("{}\n{}", listener.local_addr().expect("bound"), bare.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = bare.accept().await {
            tokio::spawn(async move {
                let (mut buffer, mut left) = (vec![0; 16 << 10], CONTENT);
                while left > 0 {
                    match stream.read(&mut buffer).await {
                        Ok(count @ 1..) => left = left.saturating_sub(count),
                        _ => return,
                    }
                }
                let _ = stream.try_write(b"!");
            });
        }
    });
    let limits = Limits { message_size: 2 * CONTENT as u64, ..Limits::default() };
    let config = Config { hostname: "localhost".to_owned(), limits, ..Config::default() };
    SmtpServer::with_config(config, Sink).serve(listener).await;
}

fn measure() -> ExitCode {
    let mut server = Measured::this_program(&["serve"]);
    let smtp: SocketAddr = server.line().parse().expect("an address");
    let bare: SocketAddr = server.line().parse().expect("an address");
    let line = format!("{}\r\n", "x".repeat(78));
    let block = line.repeat(800);
    let block = block.as_bytes();

    // Once before, so that what is made once is not counted.
    through_smtp(smtp, block, block.len());
    let before = server.resident();
    let (mut by_smtp, mut by_socket) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        by_socket = by_socket.min(through_socket(bare, block));
        by_smtp = by_smtp.min(through_smtp(smtp, block, CONTENT));
    }
    let growth = server.most_resident().saturating_sub(before);
    let speed = |seconds: f64| CONTENT as f64 / seconds / 1e6;
    println!("{} MB of content, best of {ROUNDS}", CONTENT / 1_000_000);
    println!("  a bare socket  {:>8.0} MB/s", speed(by_socket));
    println!("  DATA           {:>8.0} MB/s   {:.2} x the time", speed(by_smtp), by_smtp / by_socket);
    println!("  the server grew by {} KiB at most; limit {} KiB", growth >> 10, GROWTH_MAX >> 10);
    if growth <= GROWTH_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn through_smtp(addr: SocketAddr, block: &[u8], content: usize) -> f64 {
    let mut client = Client::connect(addr, None);
    client.reply();
    for (line, code) in [
        ("EHLO client.example", "250"),
        ("MAIL FROM:<a@b.example>", "250"),
        ("RCPT TO:<c@localhost>", "250"),
        ("DATA", "354"),
    ] {
        let reply = client.ask(line);
        assert!(reply.starts_with(code), "{reply}");
    }
    let begun = Instant::now();
    for _ in 0..content / block.len() {
        client.send(block);
    }
    let reply = client.ask(".");
    assert!(reply.starts_with("250"), "{reply}");
    begun.elapsed().as_secs_f64()
}

fn through_socket(addr: SocketAddr, block: &[u8]) -> f64 {
    let mut stream = TcpStream::connect(addr).expect("a server that listens");
    let begun = Instant::now();
    for _ in 0..CONTENT.div_ceil(block.len()) {
        stream.write_all(block).expect("a server that reads");
    }
    stream.read_exact(&mut [0]).expect("an answer");
    begun.elapsed().as_secs_f64()
}
