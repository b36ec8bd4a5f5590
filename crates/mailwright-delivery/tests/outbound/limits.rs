//! What a server says that it takes at most (RFC 9422).

use crate::peer::{Does, Peer};
use crate::world::{World, outcomes_or_none};

const TO: [&str; 5] = ["a@example.net", "b@example.net", "c@example.net", "d@example.net", "e@example.net"];

/// `+` for each recipient that was served, `-` for a failure or delay, `.` for those that were not tried; and how many
/// messages and connections it took.
async fn send(peer: Peer) -> (String, usize, usize) {
    let mut world = World::with(peer.site());
    let delivery = world.deliver(&TO).await;
    let marks = outcomes_or_none(&delivery).into_iter().map(|outcome| match outcome {
        None => '.',
        Some(outcome) if outcome.starts_with("relayed") => '+',
        Some(_) => '-',
    });
    (marks.collect(), world.net.contents().len(), world.net.dialed().len())
}

#[tokio::test(start_paused = true)]
async fn more_recipients_are_more_transactions_on_the_connection() {
    for (limits, expected) in [
        ("LIMITS RCPTMAX=5", ("+++++", 1, 1)),
        ("LIMITS RCPTMAX=2", ("+++++", 3, 1)),
        ("LIMITS RCPTMAX=1 RCPTDOMAINMAX=1", ("+++++", 5, 1)),
        // The rest is for the next attempt, on another connection.
        ("LIMITS RCPTMAX=2 MAILMAX=2", ("++++.", 2, 1)),
        ("LIMITS RCPTMAX=1 MAILMAX=1", ("+....", 1, 1)),
    ] {
        let (marks, messages, connections) = send(Peer::offering(&[limits])).await;
        assert_eq!((&marks[..], messages, connections), expected, "{limits}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_refusal_is_for_those_who_were_named_with_it() {
    let peer = || Peer::offering(&["LIMITS RCPTMAX=2"]);
    assert_eq!(send(peer().says("RCPT TO:<b", "550 no")).await, ("+-+++".to_owned(), 3, 1));
    // The connection is gone: the others wait for the next.
    assert_eq!(send(peer().on("RCPT TO:<c", Does::Closes)).await, ("++--.".to_owned(), 1, 1));
    assert_eq!(send(peer().closing_after(1)).await, ("++...".to_owned(), 1, 1));
}
