//! Behind a proxy.

use std::time::Duration;

use mailwright_tokio::proxy::{Proxied, ProxyConfig};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{Gate, GateLimits, Io, Listen, Network, Peer, Shutdown, SmtpServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, peer_at, seconds};
use crate::inbox::{Inbox, Log};
use crate::listener::{Dial, Net, net};
use crate::proxy_header::v2;
use crate::tls;

const PROXY: &str = "10.0.0.7";
const HEADER: &str = "PROXY TCP4 203.0.113.9 192.0.2.80 5555 2525\r\n";

fn config() -> ProxyConfig {
    let trusted: Vec<Network> = vec!["10.0.0.0/28".parse().unwrap(), "fd00::1".parse().unwrap()];
    ProxyConfig { trusted, ..ProxyConfig::default() }
}

fn listener(config: ProxyConfig) -> (Proxied<Net>, Dial) {
    let (net, dial) = net();
    (Proxied::new(net, config), dial)
}

/// Tells who it thinks that the client is.
struct WhoIsIt;

impl SmtpHandler for WhoIsIt {
    async fn message(&self, cx: &Ctx, _envelope: &Envelope, body: Body) -> Verdict<String> {
        body.bytes().await?;
        Ok(format!("{} to {}", cx.peer(), cx.local()))
    }
}

fn serve(config: ProxyConfig, limits: GateLimits) -> (Dial, Shutdown, JoinHandle<()>) {
    let (listener, dial) = listener(config);
    let shutdown = Shutdown::new();
    let server =
        SmtpServer::new("mx.example.org", WhoIsIt).gate(Gate::new(limits)).shutdown(shutdown.clone());
    (dial, shutdown, tokio::spawn(server.serve(listener)))
}

/// A connection of a proxy that says this first.
async fn introduced(dial: &Dial, header: impl AsRef<[u8]>) -> Client<DuplexStream> {
    let mut client = dial.from(PROXY).await;
    client.send(header).await;
    client
}

/// What the server thinks who it is, from the greeting on.
async fn who(mut client: Client<DuplexStream>) -> String {
    client.data("bob").await;
    let reply = client.ask("Hi\r\n.").await;
    client.expect("QUIT", "221").await;
    reply.strip_prefix("250 2.0.0 ").unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_client_is_who_the_proxy_says() {
    let (dial, ..) = serve(config(), GateLimits::default());
    let mut v6 = v2(0x21, 0x21, &[0; 36]);
    v6[16..20].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    for (header, says) in [
        (HEADER.as_bytes().to_vec(), "203.0.113.9:5555 to 192.0.2.80:2525"),
        (v2(0x21, 0x11, &[203, 0, 113, 9, 192, 0, 2, 80, 0, 1, 0, 2]), "203.0.113.9:1 to 192.0.2.80:2"),
        (v6, "[2001:db8::]:0 to [::]:0"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "10.0.0.7:40000 to 192.0.2.25:25"),
        (v2(0x20, 0x11, &[9; 12]), "10.0.0.7:40000 to 192.0.2.25:25"),
    ] {
        assert_eq!(who(introduced(&dial, header).await).await, says);
    }
}

#[tokio::test(start_paused = true)]
async fn networks_that_are_trusted() {
    let (dial, ..) = serve(config(), GateLimits::default());
    for address in ["10.0.0.0", "10.0.0.15", "::ffff:10.0.0.7", "fd00::1"] {
        let mut client = dial.from(address).await;
        client.send(HEADER).await;
        assert!(who(client).await.starts_with("203.0.113.9:5555"), "{address}");
    }
    for address in ["10.0.0.16", "9.255.255.255", "fd00::2", "::10.0.0.7"] {
        assert!(who(dial.from(address).await).await.starts_with(&peer_at(address).remote.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn from_elsewhere_a_header_is_not_believed() {
    let (dial, ..) = serve(config(), GateLimits::default());
    let mut client = dial.from("10.0.0.16").await;
    assert!(client.reply().await.starts_with("220"));
    client.expect(HEADER.trim_end(), "500").await;
    client.expect("EHLO c", "250").await;
    client.expect("MAIL FROM:<a@b>", "250").await;
    client.expect("RCPT TO:<bob@mx.example.org>", "250").await;
    client.expect("DATA", "354").await;
    client.expect("Hi\r\n.", "250 2.0.0 10.0.0.16:40000").await;
}

#[tokio::test(start_paused = true)]
async fn by_default_nobody_is_trusted() {
    let (dial, ..) = serve(ProxyConfig::default(), GateLimits::default());
    assert!(who(dial.from(PROXY).await).await.starts_with("10.0.0.7:40000"));
}

#[tokio::test(start_paused = true)]
async fn from_a_proxy_the_header_is_required() {
    let (dial, ..) = serve(config(), GateLimits::default());
    for (said, why) in [
        ("EHLO client.example\r\n", "this is no PROXY header"),
        ("\u{16}\u{3}\u{1}", "this is no PROXY header"),
        ("PROXY TCP4 203.0.113.9\r\n", "the PROXY header is malformed"),
        (&["PROXY UNKNOWN ", &"x".repeat(200)].concat(), "the PROXY header has more than 107 octets"),
    ] {
        let (log, _guard) = Log::keep();
        let (time, ()) = seconds(introduced(&dial, said).await.ended()).await;
        assert_eq!(time, 0, "{said}");
        assert!(log.has(&["WARN", "10.0.0.7:40000", why]), "{said}: {:?}", log.lines());
    }
    // It takes its time, or the end comes.
    let (log, _guard) = Log::keep();
    for said in ["", "PROXY TCP4 203.0.113.9 19"] {
        let (time, ()) = seconds(introduced(&dial, said).await.ended()).await;
        assert_eq!(time, 5, "{said}");
    }
    assert!(log.has(&["WARN", "10.0.0.7:40000", "took too long"]), "{:?}", log.lines());
    let mut client = introduced(&dial, "PROXY TCP4 203.0.113.9 19").await;
    client.io.shutdown().await.unwrap();
    client.ended().await;
    assert!(log.has(&["WARN", "has ended"]), "{:?}", log.lines());
    assert!(who(introduced(&dial, HEADER).await).await.starts_with("203.0.113.9"), "the next one is served");
}

#[tokio::test(start_paused = true)]
async fn who_only_knocks_is_no_fault() {
    let (log, _guard) = Log::keep();
    let (mut listener, dial) = listener(config());
    drop(dial.from(PROXY).await);
    assert!(timeout(Duration::from_secs(60), listener.accept()).await.is_err());
    assert!(!log.has(&["WARN"]), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_header_may_come_in_octets_if_they_hurry() {
    let header = v2(0x21, 0x11, &[9; 12]);
    for (octets, pause, comes) in [
        (HEADER.as_bytes(), 100, true),
        (&header, 170, true),
        (HEADER.as_bytes(), 120, false),
        (&header, 190, false),
    ] {
        let (dial, ..) = serve(config(), GateLimits::default());
        let mut client = dial.from(PROXY).await;
        for octet in octets {
            sleep(Duration::from_millis(pause)).await;
            // Nobody may listen any more.
            let _ = client.io.write_all(&[*octet]).await;
        }
        assert_eq!(client.line().await.starts_with("220"), comes, "{pause} ms each");
    }
}

/// The next connection, and what comes on it.
async fn accepts(listener: &mut impl Listen, octets: usize) -> (Peer, String) {
    let (mut io, peer): (Box<dyn Io>, Peer) = listener.accept().await.unwrap();
    let mut text = vec![0; octets];
    io.read_exact(&mut text).await.unwrap();
    (peer, String::from_utf8(text).unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_the_header_is_the_clients() {
    let (mut listener, dial) = listener(config());
    for long in [0, 1000] {
        let text = format!("EHLO {}\r\n", "x".repeat(long));
        let _client = introduced(&dial, format!("{HEADER}{text}")).await;
        let (peer, said) = accepts(&mut listener, text.len()).await;
        assert_eq!((peer.remote.to_string(), said), ("203.0.113.9:5555".to_owned(), text));
        // No TLVs, but a second header: it is not looked at.
        let _client = introduced(&dial, format!("{HEADER}PROXY UNKNOWN\r\n")).await;
        assert_eq!(accepts(&mut listener, 15).await.1, "PROXY UNKNOWN\r\n");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_header_of_another() {
    let (dial, ..) = serve(config(), GateLimits::default());
    let start = Instant::now();
    let _silent = dial.from(PROXY).await;
    let _slow = introduced(&dial, "PROXY T").await;
    assert!(who(introduced(&dial, HEADER).await).await.starts_with("203.0.113.9"));
    assert!(who(dial.from("192.0.2.1").await).await.starts_with("192.0.2.1"));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_gate_counts_clients() {
    let (dial, ..) = serve(config(), GateLimits { total: 9, per_address: 1 });
    let mut first = introduced(&dial, "PROXY TCP4 203.0.113.1 192.0.2.80 1 2\r\n").await;
    let mut second = introduced(&dial, "PROXY TCP4 203.0.113.2 192.0.2.80 1 2\r\n").await;
    assert!(first.line().await.starts_with("220") && second.line().await.starts_with("220"));
    let rest = introduced(&dial, "PROXY TCP4 203.0.113.1 192.0.2.80 9 2\r\n").await.rest().await;
    assert!(rest.starts_with("421"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn those_who_have_no_header_yet_are_counted() {
    let (log, _guard) = Log::keep();
    let (dial, ..) = serve(ProxyConfig { pending: 2, ..config() }, GateLimits::default());
    let first = dial.from(PROXY).await;
    let mut second = dial.from(PROXY).await;
    let (time, ()) = seconds(dial.from(PROXY).await.ended()).await;
    assert_eq!(time, 0);
    assert!(log.has(&["WARN", "10.0.0.7:40000", "too many wait"]), "{:?}", log.lines());
    assert!(dial.from("192.0.2.1").await.line().await.starts_with("220"), "others have nothing to wait for");
    second.send(HEADER).await;
    assert!(second.line().await.starts_with("220"));
    assert!(introduced(&dial, HEADER).await.line().await.starts_with("220"), "its place is free");
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_header_has_as_many_octets_as_it_may() {
    let v2_of = |octets: usize| v2(0x21, 0x11, &vec![9; octets - 16]);
    // Version 1 has its 107 octets in any case.
    let v1_of = |octets: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(octets - 16)).into_bytes();
    for (size, last, next) in
        [(200, v2_of(200), v2_of(201)), (200, v1_of(107), v1_of(108)), (0, v1_of(107), v2_of(108))]
    {
        let (mut listener, dial) = listener(ProxyConfig { header_size: size, ..config() });
        let _client = introduced(&dial, [&last[..], b"x"].concat()).await;
        assert_eq!(accepts(&mut listener, 1).await.1, "x");
        let mut client = introduced(&dial, [&next[..], b"x"].concat()).await;
        assert!(timeout(Duration::from_secs(1), listener.accept()).await.is_err());
        client.ended().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_all_waits_for_no_header() {
    let (dial, shutdown, serving) = serve(config(), GateLimits::default());
    let mut client = introduced(&dial, "PROXY T").await;
    sleep(Duration::from_millis(1)).await;
    let (time, finished) = seconds(shutdown.drain(Duration::from_secs(60))).await;
    assert!(finished && time == 0, "{time} s");
    serving.await.unwrap();
    client.ended().await;
}

#[tokio::test(start_paused = true)]
async fn tls_comes_behind_the_header() {
    let (server_tls, connector) = tls::tls();
    let (listener, dial) = listener(config());
    tokio::spawn(Inbox::new().server().implicit_tls(server_tls).serve(listener));
    let client = introduced(&dial, HEADER).await;
    let mut client = tls::shake(&connector, client).await;
    assert!(client.line().await.starts_with("220"));
    // In one piece with the first words of TLS, too.
    let client = introduced(&dial, &HEADER[..20]).await;
    let (near, far) = tokio::io::duplex(1 << 16);
    let mut piped = client.io;
    tokio::spawn(async move {
        let mut far = far;
        let mut hello = vec![0; 4096];
        let count = far.read(&mut hello).await.unwrap();
        piped.write_all(&[&HEADER.as_bytes()[20..], &hello[..count]].concat()).await.unwrap();
        tokio::io::copy_bidirectional(&mut far, &mut piped).await
    });
    let mut client = tls::shake(&connector, Client::new(near)).await;
    assert!(client.line().await.starts_with("220"));
}
