//! What a server is given from outside.

use std::sync::atomic::{AtomicUsize, Ordering};

use mailwright_auth::{Checking, Inline, Offload, PasswordCheck};
use tokio::net::TcpListener;

use super::*;

/// `AUTH PLAIN` of `ann@a.example`, whose password is `secret`.
const LOGIN: &str = "AUTH PLAIN AGFubkBhLmV4YW1wbGUAc2VjcmV0";

/// Checks at once, and counts.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Offload for Counting {
    fn check(&self, check: PasswordCheck) -> Checking {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inline.check(check)
    }
}

fn server() -> Server {
    let cost = Cost::new(8, 1, 1).unwrap();
    Server::new("a.example").password_cost(cost).account("ann@a.example", "secret").without_tls()
}

/// Starts it on a socket that it is given, and gives the reply to EHLO as a whole.
async fn hello(server: Server) -> (Running, Client, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let running = server.listener(Service::Submission, listener).start().await.unwrap();
    assert_eq!(running.addrs(), [], "it has bound none");
    let mut client = Client(BufReader::new(TcpStream::connect(addr).await.unwrap()));
    assert!(client.reply().await.starts_with("220 "));
    client.0.write_all(b"EHLO client.example\r\n").await.unwrap();
    let mut told = String::new();
    while !told.lines().last().is_some_and(|line| line.starts_with("250 ")) {
        assert_ne!(client.0.read_line(&mut told).await.unwrap(), 0, "the connection is open");
    }
    (running, client, told)
}

#[tokio::test]
async fn passwords_are_checked_where_the_embedder_has_it() {
    let offload = Arc::new(Counting::default());
    let server = server().login_without_tls().offload(Arc::clone(&offload) as Arc<dyn Offload>);
    let (running, mut client, told) = hello(server).await;
    assert!(told.contains("AUTH ") && !told.contains("STARTTLS"), "{told}");
    assert!(client.ask(LOGIN).await.starts_with("235 "));
    assert_eq!(offload.0.load(Ordering::Relaxed), 1);
    drop(client);
    assert!(running.shutdown().await);
}

#[tokio::test]
async fn nobody_logs_in_without_tls_unless_told_so() {
    let (_running, mut client, told) = hello(server()).await;
    assert!(!told.contains("AUTH"), "{told}");
    let refused = client.ask(LOGIN).await;
    assert!(refused.starts_with('5'), "{refused}");
}
