//! Through a SOCKS server, and through one that takes the PROXY protocol.

use std::net::SocketAddr;
use std::sync::Arc;

use mailwright_core::Secret;
use mailwright_delivery::outbound::{Dial as _, DialError, ProxyDial, SocksDial, Source, Via};
use mailwright_queue::Feedback;
use mailwright_tokio::Io;
use mailwright_tokio::proxy::{Header, parse};
use mailwright_tokio::socks::Login;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::net::{Net, Site};
use crate::peer::Peer;
use crate::world::{World, outcomes, seconds};

const BOB: &str = "bob@example.net";
const PROXY: &str = "203.0.113.9";
const PORT: u16 = 1080;

/// The first host, as failures name it.
const HOST: &str = "mx1.example.net [192.0.2.1]:";

fn proxy() -> SocketAddr {
    SocketAddr::new(PROXY.parse().unwrap(), PORT)
}

/// Puts a proxy into the network that does this with each connection.
fn put<F: Future<Output = ()> + Send + 'static>(
    net: &Net,
    does: impl Fn(Box<dyn Io>, Net) -> F + Send + Sync + 'static,
) {
    let inside = net.clone();
    let take = move |io| drop(tokio::spawn(does(io, inside.clone())));
    net.put_at(PROXY, PORT, [Site::Custom(Arc::new(take))]);
}

/// A SOCKS server: it wants this login if there is one, and answers with that.
async fn socks(mut io: Box<dyn Io>, net: Net, login: Option<&'static [u8]>, says: u8) {
    let mut said = [0; 2];
    io.read_exact(&mut said).await.unwrap();
    let mut methods = vec![0; usize::from(said[1])];
    io.read_exact(&mut methods).await.unwrap();
    let method = if login.is_some() { 2 } else { 0 };
    if said[0] != 5 || !methods.contains(&method) {
        let _ = io.write_all(&[5, 0xFF]).await;
        return;
    }
    io.write_all(&[5, method]).await.unwrap();
    if let Some(login) = login {
        let mut said = vec![0; login.len()];
        io.read_exact(&mut said).await.unwrap();
        io.write_all(&[1, u8::from(said != login)]).await.unwrap();
    }
    let mut request = [0; 4];
    let Ok(_) = io.read_exact(&mut request).await else { return };
    assert_eq!(request[..3], [5, 1, 0]);
    let to: SocketAddr = match request[3] {
        1 => {
            let mut rest = [0; 6];
            io.read_exact(&mut rest).await.unwrap();
            ([rest[0], rest[1], rest[2], rest[3]], u16::from_be_bytes([rest[4], rest[5]])).into()
        }
        _ => panic!("{request:?}"),
    };
    io.write_all(&[5, says, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    if says == 0 {
        join(io, to, &net).await;
    }
}

/// What is said here is said there.
async fn join(mut io: Box<dyn Io>, to: SocketAddr, net: &Net) {
    if let Ok(mut host) = net.dial(to, None).await {
        let _ = tokio::io::copy_bidirectional(&mut io, &mut host).await;
    }
}

fn world(login: Option<Login>) -> World {
    let mut world = World::with(Peer::offering(&["PIPELINING"]).site());
    world.config.via = Some(Via::Socks { proxy: proxy(), login });
    world
}

#[tokio::test(start_paused = true)]
async fn through_a_socks_server() {
    let login = || Login::new("ann", Secret::from("secret")).unwrap();
    for (wanted, login) in
        [(None, None), (None, Some(login())), (Some(&b"\x01\x03ann\x06secret"[..]), Some(login()))]
    {
        let mut world = world(login);
        put(&world.net, move |io, net| socks(io, net, wanted, 0));
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!(outcomes(&delivery), ["relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"]);
        assert_eq!(world.net.dialed(), [9, 1]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_socks_server_says_of_hosts_and_of_itself() {
    // Each is asked for both hosts.
    for (says, told, feedback) in [
        (1, "4.3.5 HOST the SOCKS server at #: general failure", false),
        (2, "4.3.5 HOST the SOCKS server at #: connection not allowed by its rules", false),
        (3, "4.4.1 HOST network unreachable, says the SOCKS server at #", true),
        (4, "4.4.1 HOST host unreachable, says the SOCKS server at #", true),
        (5, "4.4.1 HOST connection refused, says the SOCKS server at #", true),
        (6, "4.4.1 HOST TTL expired, says the SOCKS server at #", true),
        (
            8,
            "4.4.1 HOST no way from here: it has no addresses of this family, says the SOCKS server at #",
            true,
        ),
        (99, "4.3.5 HOST the SOCKS server at #: failure 99, which has no meaning", false),
    ] {
        let mut world = world(None);
        put(&world.net, move |io, net| socks(io, net, None, says));
        let delivery = world.deliver(&[BOB]).await;
        let told = told.replace("HOST", HOST).replace('#', &proxy().to_string());
        let told = format!("deferred at connect: {told}");
        assert_eq!((outcomes(&delivery), world.net.dialed()), (vec![told], vec![9, 9]));
        assert_eq!(
            matches!(delivery.feedback, Feedback::Unreachable(_)),
            feedback,
            "{:?}",
            delivery.feedback
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_socks_server_that_is_none_is_our_own_fault() {
    let at = proxy();
    for (says, told) in [
        (None, format!("4.3.0 HOST the proxy at {at}: connection refused")),
        (
            Some(&b""[..]),
            format!(
                "4.3.5 HOST the SOCKS server at {at}: it closed the connection in the middle of its reply"
            ),
        ),
        (
            Some(b"HTTP/1.1 400"),
            format!("4.3.5 HOST the SOCKS server at {at}: it does not speak SOCKS version 5"),
        ),
        (
            Some(b"\x05\x02"),
            format!(
                "4.3.5 HOST the SOCKS server at {at}: it takes nobody without a login that we do not have"
            ),
        ),
        (
            Some(b"\x05\xFF"),
            format!(
                "4.3.5 HOST the SOCKS server at {at}: it takes nobody without a login that we do not have"
            ),
        ),
    ] {
        let mut world = world(None);
        if let Some(says) = says {
            put(&world.net, move |mut io, _| async move {
                let mut said = [0; 3];
                io.read_exact(&mut said).await.unwrap();
                let _ = io.write_all(says).await;
            });
        }
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!(outcomes(&delivery), [format!("deferred at connect: {}", told.replace("HOST", HOST))]);
        assert_eq!(delivery.feedback, Feedback::Neutral);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_proxy_costs_the_time_to_connect() {
    let mut world = world(None);
    world.net.put_at(PROXY, PORT, [Site::Silent]);
    let (took, delivery) = seconds(world.deliver(&[BOB])).await;
    // Two hosts, one behind the other.
    assert_eq!(took, 60);
    assert!(outcomes(&delivery)[0].ends_with("timed out: connect"));
}

/// What the proxy was told, and the connection that it has made.
#[tokio::test(start_paused = true)]
async fn a_proxy_is_told_from_where_and_to_whom() {
    for (source, told) in [(None, "0.0.0.0:0"), (Some("192.0.2.101"), "192.0.2.101:0")] {
        let mut world = World::with(Peer::default().site());
        world.config.via = Some(Via::Proxy { proxy: proxy() });
        let sources = source.map(|address| Source {
            address: address.parse().unwrap(),
            hostname: "out.us.example".parse().unwrap(),
        });
        world.config.sources = sources.into_iter().collect();
        put(&world.net, |mut io, net| async move {
            let mut header = [0; 28];
            io.read_exact(&mut header).await.unwrap();
            let Ok(Some((Header::Client(ends), 28))) = parse(&header, 28) else { panic!("{header:?}") };
            net.note(format!("PROXY {} to {}", ends.remote, ends.local));
            join(io, ends.local, &net).await;
        });
        let delivery = world.deliver(&[BOB]).await;
        assert_eq!(outcomes(&delivery), ["relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"]);
        assert_eq!(world.net.log()[0], format!("PROXY {told} to 192.0.2.1:25"));
        // Nothing is bound here: the address is the proxy's.
        assert_eq!(world.net.from()[0], "?");
        assert_eq!(world.net.heard("EHLO out.us.example"), usize::from(source.is_some()));
    }
}

/// They are dials upon dials.
#[tokio::test(start_paused = true)]
async fn one_upon_the_other() {
    let net = Net::default();
    put(&net, |io, net| socks(io, net, None, 0));
    net.put("192.0.2.1", [Peer::default().site()]);
    net.put_at(
        "192.0.2.1",
        2000,
        [Site::Custom(Arc::new(|mut io: Box<dyn Io>| {
            drop(tokio::spawn(async move {
                let mut header = [0; 28];
                io.read_exact(&mut header).await.unwrap();
                io.write_all(&header[16..]).await.unwrap();
            }));
        }))],
    );
    let socks = SocksDial::new(Arc::new(net.clone()), proxy(), None);
    let through_both = ProxyDial::new(Arc::new(socks), "192.0.2.1:2000".parse().unwrap());
    let to = "198.51.100.25:25".parse().unwrap();
    let mut io = through_both.dial(to, Some([192, 0, 2, 101].into())).await.unwrap();
    let mut said = [0; 12];
    io.read_exact(&mut said).await.unwrap();
    assert_eq!(said, [192, 0, 2, 101, 198, 51, 100, 25, 0, 0, 0, 25]);

    let nobody = ProxyDial::new(Arc::new(net), "192.0.2.77:2000".parse().unwrap());
    let Err(error) = nobody.dial(to, None).await else { panic!("nobody is there") };
    assert!(matches!(error, DialError::Proxy { .. }) && error.is_ours(), "{error}");
}
