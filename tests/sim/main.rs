//! Whole servers, their disks, peers, network and DNS in one thread and one virtual time, all of it driven by a seed.
//!
//! A seed that fails names the file with its trace; `MAILWRIGHT_SEED=n` runs it again, and it takes the same way to the
//! last octet.
#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how tests fail")]
#![expect(clippy::indexing_slicing, reason = "that is how tests fail")]

mod check;
mod client;
mod clock;
mod cuts;
mod dns;
mod ledger;
mod mail;
mod net;
mod node;
mod panics;
mod peer;
mod random;
mod reader;
mod scenario;
mod tally;
mod trace;
mod wire;
mod world;

use std::time::Instant;

use mailwright_core::testing::Budget;

use crate::check::check;
use crate::node::Sabotage;
use crate::tally::Tally;
use crate::world::run;

/// All that is wrong with a run, and how it went.
fn wrong(seed: u64, sabotage: Sabotage, tally: &mut Tally) -> (Vec<String>, String) {
    let (outcome, panics) = panics::count(|| run(seed, sabotage));
    let mut wrong = check(&outcome);
    tally.add(&outcome);
    wrong.extend((panics > 0).then(|| format!("{panics} panics")));
    (wrong, outcome.trace)
}

#[test]
fn every_message_is_delivered_once_bounced_once_or_still_queued() {
    let (mut tally, begun) = (Tally::default(), Instant::now());
    Budget::new().floor(300).seconds(60).long(10_000).run("whole servers", |seed| {
        let (wrong, text) = wrong(seed, Sabotage::None, &mut tally);
        if !wrong.is_empty() {
            let path = trace::save(seed, &text);
            let (tail, path, wrong) = (trace::tail(&text), path.display(), wrong.join("\n"));
            panic!("{tail}\nall of this: {path}\n\nseed {seed}:\n{wrong}");
        }
    });
    // A few seeds may have little of something, many have not.
    assert!(tally.runs < 100 || tally.has_everything(), "{tally:?}");
    let speed = tally.runs as f64 / begun.elapsed().as_secs_f64();
    eprintln!("{speed:.2} seeds a second, {tally:?}");
}

#[test]
fn the_same_seed_has_the_same_trace() {
    Budget::new().floor(10).seconds(5).long(300).run("whole servers, twice", |seed| {
        let [one, other] = [(); 2].map(|()| run(seed, Sabotage::None).trace);
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(one == other, "seed {seed}: {differs:?}");
    });
}

/// The control: the same checks find what they are to find.
#[test]
fn what_is_wrong_is_noticed() {
    for sabotage in Sabotage::ALL {
        let noticed = (0..60).find(|&seed| {
            let run = std::panic::catch_unwind(|| wrong(seed, sabotage, &mut Tally::default()).0);
            // A store may also find that it cannot be opened.
            run.map_or(true, |wrong| !wrong.is_empty())
        });
        assert!(noticed.is_some(), "{sabotage:?}");
    }
}
