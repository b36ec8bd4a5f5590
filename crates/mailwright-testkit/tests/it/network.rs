//! Delivery by MX, without a network.

use std::sync::Arc;

use mailwright_delivery::outbound::Route;
use mailwright_delivery::{Envelope, Queue};
use mailwright_store::MemoryStore;
use mailwright_testkit::network::Zones;
use mailwright_testkit::{MailServer, Stage};

#[tokio::test]
async fn a_queue_delivers_by_mx_to_the_test() {
    let mail = MailServer::start().await;
    let zones: Zones = "example.net. MX 10 mx.example.net.\nmx.example.net. A 192.0.2.25".parse().unwrap();
    mail.fail_next(Stage::Data, "554 5.7.1 not that");
    let queue = Queue::on(Arc::new(MemoryStore::default()))
        .route(Route::mx())
        .hostname("app.example.org".parse().unwrap())
        .dns(zones)
        .dial(mail.dial())
        .without_tls()
        .start()
        .unwrap();
    for subject in ["one", "two"] {
        let envelope = Envelope::new("app@example.org", ["ann@example.net"]).unwrap();
        let text = format!("From: app@example.org\nTo: ann@example.net\nSubject: {subject}\n\nhello\n");
        queue.submit(envelope, text).await.unwrap();
    }
    let m = mail.wait_for(|m| m.to("ann@example.net")).await;
    assert_eq!(m.text(), "hello");
    assert!(mail.transcript().contains("C: EHLO app.example.org\n"), "{}", mail.transcript());
    queue.shutdown().await;
}
