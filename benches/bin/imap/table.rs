//! What is printed.

use crate::measure::Times;
use crate::server::Which;

pub(crate) struct Table {
    /// Whether no goal is missed.
    pub(crate) is_good: bool,
}

impl Table {
    pub(crate) fn new() -> Self {
        println!("\n{:<32} {:>20} {:>20} {:>8} {:>6}", "", "ours", "Dovecot", "ratio", "goal");
        Self { is_good: true }
    }

    /// One operation. The ratio is how many times Dovecot takes what ours does.
    pub(crate) fn row(&mut self, title: &str, goal: Option<f64>, times: &[(Which, Times)]) {
        let of = |which| times.iter().find(|side| side.0 == which).map(|side| &side.1);
        let (ours, theirs) = (of(Which::Ours), of(Which::Dovecot));
        let ratio = ours.zip(theirs).map(|(ours, theirs)| theirs.median() / ours.median());
        let is_missed = ratio.zip(goal).is_some_and(|(ratio, goal)| ratio < goal);
        self.is_good &= !is_missed;
        let number = |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.3}"));
        println!(
            "{title:<32} {:>20} {:>20} {:>8} {:>6}{}",
            ours.map_or("-".to_owned(), text),
            theirs.map_or("-".to_owned(), text),
            number(ratio),
            number(goal),
            if is_missed { "  MISSED" } else { "" },
        );
    }

    /// Messages a second, and how many go to a bare file, `together` of them to a sync.
    pub(crate) fn rates(&self, times: &[(Which, Times)], bare: &Times, together: usize) {
        let rate = |times: &Times| format!("{:.0}", 1e3 / times.median());
        let sides: Vec<_> =
            times.iter().map(|(which, times)| which.name().to_owned() + " " + &rate(times)).collect();
        println!("  a second: {}; a bare file, {together} a sync, {}", sides.join(", "), rate(bare));
    }
}

fn text(times: &Times) -> String {
    format!("{:.3} ({:.3})", times.median(), times.p95())
}
