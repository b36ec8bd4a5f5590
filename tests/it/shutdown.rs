//! The server ends as it is asked to, and no message is lost by it.

use crate::support::{Dev, PATIENCE, Wire, stop, wait_until_closed};

#[test]
fn nothing_to_do() {
    let dev = Dev::start();
    let mut idle = Wire::smtp(dev.smtp);
    let mut reading = Wire::pop3(dev.pop3);
    let (status, _) = dev.stop();
    assert!(status.success(), "{status}");
    assert!(idle.reply().starts_with("421 "));
    assert_eq!(idle.rest(), b"");
    // POP3 has no word for it: a line that begins with -ERR, or nothing.
    let rest = reading.rest();
    assert!(rest.is_empty() || rest.starts_with(b"-ERR"), "{rest:?}");
}

/// A message that is under way is finished, and its sender knows what became of it.
#[test]
fn a_message_under_way() {
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    wire.begin_mail("ann@localhost");
    wire.send("Subject: under way\r\n\r\n");
    stop(dev.id());
    // From now on nobody is let in.
    wait_until_closed(dev.smtp, PATIENCE);
    wire.send("the rest\r\n.\r\n");
    let reply = wire.reply();
    assert!(reply.starts_with("250 ") || reply.starts_with("421 "), "{reply}");
    let (status, log) = dev.ended();
    assert!(status.success(), "{status}");
    assert_eq!(reply.starts_with("250 "), log.contains("accepted as"), "{log}");
}
