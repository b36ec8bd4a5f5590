//! A closure as a handler, and an address to listen at.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailwright_tokio::Shutdown;
use mailwright_tokio::smtp::{Mail, SmtpServer, on_message};
use tokio::net::TcpStream;

use crate::client::{Client, connect};

#[tokio::test(start_paused = true)]
async fn a_closure_is_a_server() {
    let mails: Arc<Mutex<Vec<Mail>>> = Arc::default();
    let kept = Arc::clone(&mails);
    let keep = on_message(move |mail| {
        kept.lock().unwrap().push(mail);
        async { Ok(()) }
    });
    let (mut client, _session) = connect(SmtpServer::new("mx.example.org", keep));
    client.data("bob").await;
    let reply = client.ask("Hi\r\n..\r\n.").await;
    let mails = mails.lock().unwrap();
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!(reply, format!("250 2.0.0 accepted as {}", mail.cx.trace_id()));
    assert_eq!(mail.from.to_string(), "<ann@client.example>");
    assert_eq!(format!("{:?}", mail.to), "[<bob@mx.example.org>]");
    assert_eq!(mail.body, "Hi\r\n.\r\n");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_closure_leaves_the_mail_with_the_client() {
    let fail = on_message(|_| async { Err(io::Error::other("the hook is down"))? });
    let (mut client, _session) = connect(SmtpServer::new("mx.example.org", fail));
    client.data("bob").await;
    client.expect("Hi\r\n.", "451 4.3.0 local error, try again later (").await;
    client.expect("QUIT", "221").await;
}

#[tokio::test]
async fn it_listens_where_it_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap();
    let print = || on_message(|_| async { Ok(()) });
    let taken = SmtpServer::new("mx.example.org", print()).listen(addr).await;
    assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AddrInUse);

    drop(free);
    let shutdown = Shutdown::new();
    let server = SmtpServer::new("mx.example.org", print()).shutdown(shutdown.clone());
    let client = async {
        let mut client = Client::new(TcpStream::connect(addr).await.unwrap());
        let greeting = client.reply().await;
        drop(client);
        shutdown.drain(Duration::from_secs(60)).await;
        greeting
    };
    // In this order: it has bound the address once it was polled.
    let (listened, greeting) = tokio::join!(biased; server.listen(addr), client);
    listened.unwrap();
    assert!(greeting.starts_with("220 mx.example.org"), "{greeting}");
}
