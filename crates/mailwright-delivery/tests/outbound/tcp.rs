//! By the network of this machine.

use std::sync::{Arc, Mutex};

use mailwright_delivery::outbound::{Dial, DialError, Environment, Outbound, Source, TcpDial};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{Shutdown, SmtpServer, SystemClock, SystemEntropy};
use tokio::net::TcpListener;

use crate::world::{Mail, World, outcomes};

#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    from: String,
    hello: String,
    content: Vec<u8>,
}

impl SmtpHandler for Inbox {
    async fn message(&self, cx: &Ctx, _: &Envelope, body: Body) -> Verdict<String> {
        let content = body.bytes().await?;
        let from = cx.peer().ip().to_string();
        let hello = cx.hello().map(|hello| hello.name.to_string()).unwrap_or_default();
        self.0.lock().unwrap().push(Kept { from, hello, content: content.to_vec() });
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
    let source =
        |address: [u8; 4]| Source { address: address.into(), hostname: "out.us.example".parse().unwrap() };
    // Whichever comes first, that of another machine is passed over.
    world.config.sources = vec![source([127, 0, 0, 2]), source([192, 0, 2, 99])];
    world.zones.load("example.net. A 127.0.0.1").unwrap();
    let environment = Environment {
        resolver: Arc::new(world.zones.clone()),
        dial: Arc::new(TcpDial),
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
    let [from, hello] = ["127.0.0.2", "out.us.example"].map(str::to_owned);
    let mail = Kept { from, hello, content: Mail::to(&[]).content.to_vec() };
    assert_eq!(*inbox.0.lock().unwrap(), [mail.clone(), mail]);
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let dialed = TcpDial.dial(address, None).await;
    let Err(DialError::Host(error)) = dialed else { panic!("a closed port") };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn whose_fault_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dialed = TcpDial.dial(address, Some([192, 0, 2, 99].into())).await;
    let error = dialed.err().unwrap();
    assert!(matches!(error, DialError::Source { .. }) && error.is_ours());
    let told =
        "our address 192.0.2.99 is not on this machine: add it to an interface, or send from another one";
    assert_eq!(error.to_string(), told);
    // An address of the other family is none to connect from.
    let dialed = TcpDial.dial(address, Some("::1".parse().unwrap())).await;
    assert!(matches!(dialed.err().unwrap(), DialError::Source { .. }));
    assert!(TcpDial.dial(address, Some([127, 0, 0, 2].into())).await.is_ok());
}
