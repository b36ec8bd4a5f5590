//! By the network of this machine.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use mailwright_delivery::outbound::{Dial, Environment, Outbound, TcpDial};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{Shutdown, SmtpServer, SystemClock, SystemEntropy};
use tokio::net::TcpListener;

use crate::world::{Mail, World, outcomes};

#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    from: String,
    content: Vec<u8>,
}

impl SmtpHandler for Inbox {
    async fn message(&self, cx: &Ctx, _: &Envelope, body: Body) -> Verdict<String> {
        let content = body.bytes().await?;
        let from = cx.peer().ip().to_string();
        self.0.lock().unwrap().push(Kept { from, content: content.to_vec() });
        Ok("kept".to_owned())
    }
}

#[tokio::test]
async fn two_messages_to_our_own_server() {
    let (inbox, shutdown) = (Inbox::default(), Shutdown::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = SmtpServer::new("mx1.example.net", inbox.clone()).shutdown(shutdown.clone());
    let serving = tokio::spawn(server.serve(listener));

    let mut world = World::new();
    world.config.port = port;
    world.zones.load("example.net. A 127.0.0.1").unwrap();
    let environment = Environment {
        resolver: Arc::new(world.zones.clone()),
        dial: Arc::new(TcpDial { source_v4: Some(Ipv4Addr::new(127, 0, 0, 2)), source_v6: None }),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let outbound = Outbound::new(world.config.clone(), environment);
    for _ in 0..2 {
        let delivery = world.send(&outbound, &Mail::to(&["bob@example.net"])).await;
        assert!(
            outcomes(&delivery)[0].starts_with("relayed at end: example.net [127.0.0.1]: 250 2.0.0 kept")
        );
    }
    outbound.close(std::time::Duration::from_secs(10)).await;
    shutdown.drain(std::time::Duration::from_secs(10)).await;
    serving.await.unwrap();
    let mail = Kept { from: "127.0.0.2".to_owned(), content: Mail::to(&[]).content.to_vec() };
    assert_eq!(*inbox.0.lock().unwrap(), [mail.clone(), mail]);
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let dialed = TcpDial::default().dial(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()).await;
    assert_eq!(dialed.err().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
}
