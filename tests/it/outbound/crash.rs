//! `kill -9` again and again while mail is passed on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::scope;
use std::time::Instant;

use super::eventually;
use super::sink::{Sink, Taken};
use crate::support::{Installation, Wire, route};

const CYCLES: u32 = 50;
const SENDERS: u32 = 2;
/// Messages that a sender sends in a cycle, at most: what waits is to stay within bounds.
const EACH: u32 = 40;
/// Deliveries at once.
const CONCURRENCY: usize = 8;

/// A message that was sent, and whether its sender knows that it was taken.
struct Sent {
    id: String,
    content: String,
    acknowledged: bool,
}

fn send(wire: &mut Wire, id: String) -> Sent {
    let line = format!("..{id} and what makes a line of it\r\n");
    let content = format!("X-Id: {id}\r\n\r\n{}", line.repeat(10));
    let to = format!("x@d{}.example", content.len() % 3);
    let mut taken = true;
    for (command, reply) in [
        ("MAIL FROM:<ann@a.example>".to_owned(), "250"),
        (format!("RCPT TO:<{to}>"), "250"),
        ("DATA".to_owned(), "354"),
        (format!("{content}."), "250"),
    ] {
        let said = wire.try_ask(&command);
        assert!(said.as_ref().is_none_or(|said| said.starts_with(reply)), "{said:?}");
        taken &= said.is_some();
    }
    Sent { id, content: content.replace("\r\n..", "\r\n."), acknowledged: taken }
}

/// Counts in `acknowledged` what was.
fn send_until_the_end(a: &Installation, sender: &str, acknowledged: &AtomicU32) -> Vec<Sent> {
    let mut all: Vec<Sent> = Vec::new();
    let Some(mut wire) = a.try_login("ann") else { return all };
    for number in 0..EACH {
        all.push(send(&mut wire, format!("{sender}.{number}")));
        if all.last().is_some_and(|sent| !sent.acknowledged) {
            break;
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    all
}

fn id_of(taken: &Taken) -> String {
    let id = taken.message.lines().find_map(|line| line.strip_prefix("X-Id: "));
    id.unwrap_or_else(|| panic!("{}", taken.message)).to_owned()
}

#[test]
fn nothing_acknowledged_is_lost() {
    let sink = Sink::start();
    let outbound = format!("concurrency = {CONCURRENCY}\n{}", route("*", sink.smtp, "never"));
    let Some(a) = Installation::new("a.example", &outbound) else { return };
    let mut sent = BTreeMap::new();
    let mut kills = Vec::new();
    for cycle in 0..CYCLES {
        let serving = a.serve();
        let acknowledged = AtomicU32::new(0);
        let all: Vec<Sent> = scope(|scope| {
            let start = |sender| {
                let (a, acknowledged) = (&a, &acknowledged);
                scope.spawn(move || send_until_the_end(a, &format!("{cycle}.{sender}"), acknowledged))
            };
            let senders: Vec<_> = (0..SENDERS).map(start).collect();
            // How far everybody is by then is never the same.
            eventually("some are acknowledged", || {
                (acknowledged.load(Ordering::Relaxed) > cycle * 7 % EACH).then_some(())
            });
            serving.crash();
            kills.push(Instant::now());
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
        });
        sent.extend(all.into_iter().map(|sent| (sent.id.clone(), sent)));
    }
    let serving = a.serve();
    eventually("the queue is empty", || {
        a.queue(&["retry", "--all"]);
        a.queued().is_empty().then_some(())
    });
    serving.stop();

    let mut arrived: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for taken in sink.taken() {
        let id = id_of(&taken);
        assert!(
            taken.message.ends_with(&sent[&id].content),
            "{id} is not as it was sent:\n{}",
            taken.message
        );
        // Between which kills.
        arrived.entry(id).or_default().push(kills.partition_point(|kill| *kill < taken.since));
    }
    let acknowledged: Vec<&Sent> = sent.values().filter(|sent| sent.acknowledged).collect();
    let lost: Vec<&str> =
        acknowledged.iter().map(|sent| sent.id.as_str()).filter(|id| !arrived.contains_key(*id)).collect();
    let doubles: usize = arrived.values().map(|cycles| cycles.len() - 1).sum();
    println!(
        "{CYCLES} kills: {} sent, {} acknowledged, {} arrived, {doubles} of them again, {} lost",
        sent.len(),
        acknowledged.len(),
        arrived.len(),
        lost.len()
    );
    assert_eq!(lost, [""; 0]);
    assert!(acknowledged.len() > 500, "hardly anything was sent");
    assert!(arrived.values().any(|cycles| cycles[0] < CYCLES as usize), "nothing was passed on under way");
    // RFC 1047: what the sink has taken and the server has not noted, because it was killed, comes again; so there is
    // a kill between the two, and no more of them than were under way.
    for (id, cycles) in &arrived {
        assert!(
            cycles.windows(2).all(|pair| pair[0] < pair[1]),
            "{id} came twice without a kill: {cycles:?}"
        );
    }
    assert!(doubles <= CYCLES as usize * CONCURRENCY, "{doubles} came again");
}
