//! S9: too much of everything.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Dev, PATIENCE, Wire, cpu_time};

const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[test]
fn unknown_commands() {
    let dev = Dev::start();
    for (mut wire, refusal, end) in
        [(Wire::smtp(dev.smtp), "500 5.5.1", "421 "), (Wire::pop3(dev.pop3), "-ERR", "-ERR")]
    {
        wire.try_send("XYZZY plugh\r\n".repeat(200));
        let replies: Vec<String> = std::iter::from_fn(|| wire.try_line()).take(300).collect();
        let (last, refused) = replies.split_last().unwrap();
        assert!(refused.iter().all(|reply| reply.starts_with(refusal)), "{replies:?}");
        assert!(last.starts_with(end), "{replies:?}");
        assert!(replies.len() <= 101, "{} replies", replies.len());
    }
    dev.works();
}

#[test]
fn noops() {
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    wire.try_send("RSET\r\n".repeat(3000));
    let replies: Vec<String> = std::iter::from_fn(|| wire.try_line()).take(3001).collect();
    assert!(replies.len() <= 102, "{} replies", replies.len());
    assert!(replies.last().unwrap().starts_with("421 "), "{replies:?}");
    dev.works();
}

/// RFC 5321 §4.5.3.1.8 and §4.5.3.1.10: so many recipients and no more; those who were taken get the message.
#[test]
fn recipients() {
    const COUNT: usize = 5000;
    const TAKEN: usize = 1000;
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    wire.expect("MAIL FROM:<app@client.example>", "250");
    let mut writer = wire.second();
    let replies: Vec<String> = thread::scope(|scope| {
        scope.spawn(move || writer.try_send("RCPT TO:<ann@localhost>\r\n".repeat(COUNT)));
        std::iter::from_fn(|| wire.try_reply()).take(COUNT).collect()
    });
    let taken = replies.iter().take_while(|reply| reply.starts_with("250 ")).count();
    assert_eq!(taken, TAKEN);
    let refused = replies[taken..].iter().take_while(|reply| reply.starts_with("452 4.5.3")).count();
    println!("{taken} taken, {refused} refused, then {:?}", replies.get(taken + refused));
    assert!(refused > 0);
    let then = &replies[taken + refused..];
    assert!(then.is_empty() || (then.len() == 1 && then[0].starts_with("421 ")), "{then:?}");
    dev.works();
}

/// A client that says all it has to say at once, with some more recipients than are taken, can still send to
/// the others.
#[test]
fn some_recipients_too_many() {
    let dev = Dev::start();
    let mut wire = Wire::smtp(dev.smtp);
    wire.expect("MAIL FROM:<app@client.example>", "250");
    let mut writer = wire.second();
    let recipients = 1100;
    let replies: Vec<String> = thread::scope(|scope| {
        scope.spawn(move || {
            writer.try_send("RCPT TO:<ann@localhost>\r\n".repeat(recipients));
            writer.try_send("DATA\r\n");
        });
        std::iter::from_fn(|| wire.try_reply()).take(recipients + 1).collect()
    });
    assert_eq!(replies.iter().filter(|reply| reply.starts_with("250 ")).count(), 1000);
    assert!(replies.last().unwrap().starts_with("354 "), "{:?}", replies.last());
    wire.expect("Subject: to a thousand\r\n\r\n.", "250");
    assert_eq!(dev.messages("ann").len(), 1);
}

#[test]
fn idle_connections_from_one_address() {
    const CONNECTIONS: usize = 200;
    const LIMIT: usize = 50;
    let dev = Dev::start();
    let mut idle: Vec<Wire> = (0..CONNECTIONS).map(|_| Wire::connect(dev.smtp)).collect();
    let greetings: Vec<String> = idle.iter_mut().map(Wire::reply).collect();
    let greeted = greetings.iter().filter(|greeting| greeting.starts_with("220 ")).count();
    let turned = greetings.iter().filter(|greeting| greeting.starts_with("421 ")).count();
    assert_eq!((greeted, turned), (LIMIT, CONNECTIONS - LIMIT), "{greetings:?}");

    // Somebody else does not notice. The best of three: this machine has other things to do, too.
    let send = || {
        let begun = Instant::now();
        let mut wire = Wire::connect_from(OTHER, None, dev.smtp);
        wire.hello();
        wire.mail("ann@localhost", "Subject: from another address\r\n\r\n");
        wire.expect("QUIT", "221");
        begun.elapsed()
    };
    let fastest = (0..3).map(|_| send()).min().unwrap();
    println!("another address is served in {fastest:?}");
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");

    // Those who were let in are served, and when they go, others may come.
    for (wire, greeting) in idle.iter_mut().zip(&greetings) {
        if greeting.starts_with("220 ") {
            wire.expect("QUIT", "221");
        }
    }
    drop(idle);
    greet_at_last(&dev, Ipv4Addr::LOCALHOST);
    dev.works();
}

/// Connects until it is let in: that others have gone is known to the server a little later.
fn greet_at_last(dev: &Dev, from: Ipv4Addr) {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut wire = Wire::connect_from(from, None, dev.smtp);
        let greeting = wire.try_reply();
        if greeting.as_ref().is_some_and(|greeting| greeting.starts_with("220 ")) {
            return;
        }
        assert!(Instant::now() < until, "{greeting:?}");
    }
}

/// 2c: without a file descriptor left, those who are connected go on, others are told so or wait, and the
/// server does not spin.
#[test]
fn file_descriptors() {
    const DESCRIPTORS: u32 = 64;
    const CONNECTIONS: u8 = 100;
    const WINDOW: Duration = Duration::from_secs(1);
    let dev = Dev::start_limited(DESCRIPTORS);
    let mut existing = Wire::smtp(dev.smtp);
    // From several addresses, so that no other limit is met.
    let address = |number: u8| Ipv4Addr::new(127, 0, 0, 2 + number % 4);
    let mut others: Vec<Wire> =
        (0..CONNECTIONS).map(|number| Wire::connect_from(address(number), None, dev.smtp)).collect();

    // Nobody has anything to say, and the server nothing to do.
    let last = others.last_mut().unwrap().within(PATIENCE).unwrap();
    assert!(last.is_empty() || last.starts_with(b"421 "), "the limit is not met");
    let before = cpu_time(dev.id());
    assert_eq!(existing.within(WINDOW), None);
    let busy = cpu_time(dev.id()) - before;
    println!("busy for {busy:?} of {WINDOW:?}");
    assert!(busy <= WINDOW / 2, "{busy:?}");
    existing.mail("ann@localhost", "Subject: while none is left\r\n\r\n");

    // As the first ones leave, the others are served, or are told to try again.
    let mut greeted = 0;
    for mut wire in others {
        match wire.try_reply() {
            Some(reply) if reply.starts_with("220 ") => {
                greeted += 1;
                wire.expect("QUIT", "221");
            }
            Some(reply) => assert!(reply.starts_with("421 "), "{reply}"),
            None => {}
        }
    }
    println!("{greeted} of {CONNECTIONS} were served");
    assert!(greeted >= 30, "only {greeted}");
    existing.expect("NOOP", "250");
    greet_at_last(&dev, OTHER);
    dev.works();
}
