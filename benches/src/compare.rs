//! Several ways to do the same over the same bytes, in turns, so that what else the machine does hits them
//! alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds, of which the fastest counts.
const ROUNDS: usize = 15;
/// What a way runs for in a round, at least.
const ROUND: Duration = Duration::from_millis(20);

/// One way: its name, and a function that does all of the work once and says how long that took.
pub type Way<'a> = (&'a str, &'a mut dyn FnMut() -> Duration);

/// How long `work` takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    black_box(work());
    begun.elapsed()
}

/// How long `work` takes with what `prepare` has made for it, which takes no time.
pub fn prepared<S, T>(prepare: impl FnOnce() -> S, work: impl FnOnce(&mut S) -> T) -> Duration {
    let mut made = prepare();
    timed(|| work(&mut made))
}

/// Measures all ways and prints a table: units per second, and the time relative to the first way.
///
/// `units` is what there is to do in one call, `octets` over how many octets.
pub fn compare(title: &str, (units, unit): (u64, &str), octets: u64, ways: &mut [Way<'_>]) {
    // `cargo bench -- --test` and `cargo test --benches` only ask whether it runs.
    let once = std::env::args().any(|arg| arg == "--test") || !std::env::args().any(|arg| arg == "--bench");
    let mut best = vec![Duration::MAX; ways.len()];
    for _ in 0..if once { 1 } else { ROUNDS } {
        for ((_, way), best) in ways.iter_mut().zip(&mut best) {
            let begun = Instant::now();
            loop {
                *best = (*best).min(way());
                if once || begun.elapsed() >= ROUND {
                    break;
                }
            }
        }
    }
    println!("\n{title}");
    let first = best.first().map_or(1.0, Duration::as_secs_f64);
    for ((name, _), best) in ways.iter().zip(&best) {
        let seconds = best.as_secs_f64();
        println!(
            "  {name:<34} {:>10.2} M {unit}/s {:>9.0} MB/s   {:>6.2} x the time of the first",
            units as f64 / seconds / 1e6,
            octets as f64 / seconds / 1e6,
            seconds / first,
        );
    }
}
