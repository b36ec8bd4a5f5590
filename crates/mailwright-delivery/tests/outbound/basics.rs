//! The plain way: MX, connection, one message.

use crate::peer::Peer;
use crate::world::{World, outcomes};

const BOB: &str = "bob@example.net";

#[tokio::test(start_paused = true)]
async fn a_message_is_passed_on() {
    let mut world = World::with(Peer::offering(&["SIZE 1000", "PIPELINING"]).site());
    let delivery = world.deliver(&[BOB]).await;
    assert_eq!(outcomes(&delivery), ["relayed at end: mx1.example.net [192.0.2.1]: 250 2.0.0 taken"]);
    assert_eq!(delivery.remote.as_deref(), Some("mx1.example.net [192.0.2.1]"));
    assert_eq!(
        world.net.log(),
        [
            "192.0.2.1 EHLO us.example",
            "192.0.2.1 MAIL FROM:<ann@us.example> SIZE=28",
            "192.0.2.1 RCPT TO:<bob@example.net>",
            "192.0.2.1 DATA",
            "192.0.2.1 content 28",
        ]
    );
}
