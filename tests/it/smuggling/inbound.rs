//! What comes in.

use super::{END, FAULTY, SEQUENCES, SMUGGLED, content, is_faulty};
use crate::support::{Dev, Wire, contains, without_trace};

#[test]
fn nothing_rides_behind_data() {
    ride(&SEQUENCES, unstuffed, |wire, content| {
        wire.expect("DATA", "354");
        wire.send([content, b".\r\n"].concat());
        wire.reply()
    });
}

/// RFC 3030 §2: a chunk has no end but its size, so that what ends a message behind DATA is one of its lines.
#[test]
fn nothing_rides_in_chunks() {
    let sequences = [&SEQUENCES[..], &[END]].concat();
    ride(&sequences, <[u8]>::to_vec, |wire, content| chunk(wire, " LAST", content));
    // With the sequence over the edge of a chunk: what is behind a fault is a chunk without a transaction.
    ride(&sequences, <[u8]>::to_vec, |wire, content| {
        let (begin, rest) = content.split_at(content.len() - SMUGGLED.len() - 2);
        let reply = chunk(wire, "", begin);
        let last = chunk(wire, " LAST", rest);
        if reply.starts_with("250 ") {
            last
        } else {
            assert!(last.starts_with("503 5.5.1 "), "{last}");
            reply
        }
    });
}

fn chunk(wire: &mut Wire, last: &str, content: &[u8]) -> String {
    wire.send([format!("BDAT {}{last}\r\n", content.len()).as_bytes(), content].concat());
    wire.reply()
}

/// Sends a message with each sequence, and sees what is kept of it, which is to be what `kept` makes of it. `send` gives
/// what becomes of a message.
fn ride(
    sequences: &[(&str, &[u8])],
    kept: impl Fn(&[u8]) -> Vec<u8>,
    send: impl Fn(&mut Wire, &[u8]) -> String,
) {
    let dev = Dev::start();
    for (number, (name, sequence)) in sequences.iter().enumerate() {
        let content = content(number, sequence);
        let mut wire = Wire::smtp(dev.smtp);
        wire.expect("MAIL FROM:<app@client.example>", "250");
        wire.expect("RCPT TO:<ann@localhost>", "250");
        let reply = send(&mut wire, &content);
        println!("{name:36} {reply}");
        // One reply, and no more: the next is the one to VRFY, which nothing else has.
        wire.expect("VRFY marker", "252");
        let faulty = is_faulty(sequence);
        let expected = if faulty { "550 5.5.2 " } else { "250 2.0.0 " };
        assert!(reply.starts_with(expected), "{name}: {reply}");
        wire.mail("ann@localhost", "Subject: afterwards\r\n\r\n");
        wire.expect("QUIT", "221");
        assert_eq!(wire.rest(), b"", "{name}");

        let messages = dev.messages("ann");
        let subject = format!("Subject: number {number}\r\n");
        let found: Vec<_> = messages.iter().filter(|message| contains(message, subject.as_bytes())).collect();
        assert_eq!(found.len(), usize::from(!faulty), "{name}");
        if let [found] = found[..] {
            assert_eq!(without_trace(found), kept(&content), "{name}: it is one message, and whole");
        }
        assert_eq!(dev.messages("bob").len(), 0, "{name}");
    }
    let all = dev.messages("ann");
    let afterwards = all.iter().filter(|message| contains(message, b"Subject: afterwards")).count();
    assert_eq!((afterwards, all.len()), (sequences.len(), 2 * sequences.len() - FAULTY));
    dev.works();
}

/// The content, with the dots undone that begin its lines.
fn unstuffed(content: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    for (at, &octet) in content.iter().enumerate() {
        if octet != b'.' || !content[..at].ends_with(b"\r\n") {
            result.push(octet);
        }
    }
    result
}
