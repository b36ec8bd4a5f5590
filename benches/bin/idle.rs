//! What an idle connection costs: memory of a server before and after a thousand of them.
#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that fails is over")]

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use mailwright_benches::client::{Client, trust};
use mailwright_benches::process::{Measured, check_open_files, settled};
use mailwright_server::{Server, Service};
use mailwright_tokio::GateLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CONNECTIONS: u64 = 1000;
/// Before them, so that what is made once is not counted.
const WARM_UP: u64 = 20;

const KIB: u64 = 1 << 10;

/// A kind of connection, and what it may cost: docs/benchmarks.md.
struct Kind {
    name: &'static str,
    service: Option<Service>,
    /// What the client says before it is idle; nothing for the echo.
    says: &'static str,
    answer: &'static str,
    limit: Option<u64>,
}

/// To measure another service, give it a row.
const KINDS: [Kind; 5] = [
    Kind { name: "echo", service: None, says: "250 hello", answer: "250 hello", limit: None },
    Kind {
        name: "SMTP",
        service: Some(Service::Smtp),
        says: "EHLO client.example",
        answer: "250 ",
        limit: Some(12 * KIB),
    },
    Kind {
        name: "SMTP in TLS",
        service: Some(Service::Smtps),
        says: "EHLO client.example",
        answer: "250 ",
        limit: Some(24 * KIB),
    },
    Kind { name: "POP3", service: Some(Service::Pop3), says: "NOOP", answer: "-ERR ", limit: Some(12 * KIB) },
    Kind {
        name: "POP3 in TLS",
        service: Some(Service::Pop3s),
        says: "NOOP",
        answer: "-ERR ",
        limit: Some(24 * KIB),
    },
];

fn main() -> ExitCode {
    match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => measure_all(),
        [role, name] if role == "serve" => {
            serve(KINDS.iter().find(|kind| kind.name == name).expect("a kind"));
            ExitCode::SUCCESS
        }
        other => panic!("no arguments are known, and not {other:?}"),
    }
}

fn measure_all() -> ExitCode {
    // Ours; the server has as many.
    check_open_files(CONNECTIONS + WARM_UP + 50);
    println!("{CONNECTIONS} connections on loopback, idle after the first command\n");
    println!("{:<14} {:>16} {:>10} {:>16}", "", "octets each", "limit", "x a bare task");
    let (mut base, mut good) = (0, true);
    for kind in &KINDS {
        let each = measure(kind);
        if kind.service.is_none() {
            base = each;
        }
        let within = kind.limit.is_none_or(|limit| each <= limit);
        good &= within;
        println!(
            "{:<14} {each:>16} {:>10} {:>16.1}{}",
            kind.name,
            kind.limit.map_or("-".to_owned(), |limit| limit.to_string()),
            each as f64 / base.max(1) as f64,
            if within { "" } else { "   OVER" },
        );
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Octets that the server occupies more for each connection.
fn measure(kind: &Kind) -> u64 {
    let mut server = Measured::this_program(&["serve", kind.name]);
    let addr: SocketAddr = server.line().parse().expect("an address");
    let mut authority = String::new();
    loop {
        match server.line() {
            line if line == "ready" => break,
            line => authority = authority + &line + "\n",
        }
    }
    let is_tls = matches!(kind.service, Some(Service::Smtps | Service::Pop3s));
    let tls = is_tls.then(|| trust(&authority));
    let connect = |count| -> Vec<Client> {
        let one = |_| {
            let mut client = Client::connect(addr, tls.as_ref());
            if kind.service.is_some() {
                client.reply();
            }
            let answer = client.ask(kind.says);
            assert!(answer.starts_with(kind.answer), "{answer}");
            client
        };
        (0..count).map(one).collect()
    };
    let warm = connect(WARM_UP);
    let before = settled(|| server.resident());
    let idle = connect(CONNECTIONS);
    let after = settled(|| server.resident());
    drop((warm, idle));
    after.saturating_sub(before) / CONNECTIONS
}

fn serve(kind: &Kind) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        match kind.service {
            None => echo().await,
            Some(service) => {
                let limits = GateLimits { per_address: 10_000, ..GateLimits::default() };
                let server =
                    Server::new("localhost").listen(service, (Ipv4Addr::LOCALHOST, 0)).connections(limits);
                let running = server.start().await.expect("a server");
                println!(
                    "{}\n{}\nready",
                    running.addr(service).expect("bound"),
                    running.authority_pem().trim()
                );
                std::future::pending::<()>().await;
            }
        }
    });
}

/// The least that a connection can cost: a task, a stream and a few octets.
async fn echo() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    println!("{}\nready", listener.local_addr().expect("bound"));
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut line = [0; 64];
            while let Ok(count @ 1..) = stream.read(&mut line).await {
                if stream.write_all(line.get(..count).unwrap_or_default()).await.is_err() {
                    break;
                }
            }
        });
    }
}
