//! What a test is told that waited in vain.

#![expect(clippy::panic, reason = "that is how tests fail")]

use std::fmt::Write as _;
use std::panic::Location;
use std::time::Duration;

use crate::shared::Shared;

/// Messages that are named.
const MESSAGES: usize = 50;

/// Fails the test.
#[track_caller]
pub(crate) fn fail(server: &Shared, patience: Duration, caller: &Location<'_>) -> ! {
    panic!("{}", write(server, patience, caller))
}

fn write(server: &Shared, patience: Duration, caller: &Location<'_>) -> String {
    let mut text = format!("{caller}: no such mail within {patience:?}.\n");
    let messages = server.arrivals.all();
    match &messages[..] {
        [] => text += "No mail has arrived.\n",
        messages => {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "Others have arrived: {}", messages.len());
            messages.iter().take(MESSAGES).for_each(|message| text += &format!("  {message}\n"));
        }
    }
    let mut sessions: Vec<String> = Vec::new();
    let mut room = server.limits.report;
    let recordings = server.recordings();
    for recording in recordings.iter().rev() {
        let session = recording.to_string();
        let Some(left) = room.checked_sub(session.len()) else {
            // The beginning of one is better than nothing.
            let begin: String = session.chars().take(room).collect();
            sessions.push(format!("{begin}\n# and more\n"));
            break;
        };
        room = left;
        sessions.push(session);
    }
    let _ = match (recordings.len(), sessions.len()) {
        (0, _) => writeln!(text, "Nobody has connected."),
        (all, shown) if shown < all => writeln!(text, "The last {shown} of {all} sessions:"),
        (all, _) => writeln!(text, "Sessions: {all}"),
    };
    sessions.iter().rev().for_each(|session| text += &format!("\n{session}"));
    text
}
