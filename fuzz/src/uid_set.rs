use std::collections::BTreeSet;

use mailwright_core::{Uid, UidSet};

/// Operations on two sets of UIDs, three octets each, beside two plain sets of numbers.
pub fn uid_set(data: &[u8]) {
    let (mut set, mut other) = (UidSet::new(), UidSet::new());
    let (mut model, mut other_model) = (BTreeSet::new(), BTreeSet::new());
    for &[operation, first, second] in data.as_chunks::<3>().0.iter().take(200) {
        let (from, to) = (number(first), number(second));
        let (uid, last) = (uid(from), uid(to));
        // Ranges from one end of the numbers to the other are too large for the plain set.
        let is_short = from.abs_diff(to) < 128;
        match operation % 8 {
            0 => {
                set.insert(uid);
                model.insert(from);
            }
            1 => {
                set.remove(uid);
                model.remove(&from);
            }
            2 if is_short => {
                set.insert_range(uid..=last);
                model.extend(from..=to);
            }
            3 if is_short && from <= to => {
                set = set.union(&UidSet::range(uid, last));
                model.extend(from..=to);
            }
            4 => {
                set = set.union(&other);
                model = &model | &other_model;
            }
            5 => {
                set = set.intersection(&other);
                model = &model & &other_model;
            }
            6 => {
                set = set.difference(&other);
                model = &model - &other_model;
            }
            _ => {
                std::mem::swap(&mut set, &mut other);
                std::mem::swap(&mut model, &mut other_model);
            }
        }
        assert_eq!(set.contains(last), model.contains(&to));
        check(&set, &model);
    }
}

/// The lowest 128 and the highest 128 of all UIDs.
fn number(octet: u8) -> u32 {
    if octet < 128 { u32::from(octet) + 1 } else { u32::MAX - u32::from(255 - octet) }
}

fn uid(number: u32) -> Uid {
    Uid::new(number).expect("not zero")
}

fn check(set: &UidSet, model: &BTreeSet<u32>) {
    assert_eq!((set.len(), set.is_empty()), (model.len() as u64, model.is_empty()));
    assert_eq!(set.first().map(Uid::get), model.first().copied());
    assert_eq!(set.last().map(Uid::get), model.last().copied());
    assert!(set.iter().map(Uid::get).eq(model.iter().copied()));
    let runs: Vec<_> = set.ranges().collect();
    assert!(runs.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()), "runs touch");
    let text = set.to_string();
    let shown = text.split(',').filter(|text| !text.is_empty()).map(|run| {
        let (first, last) = run.split_once(':').unwrap_or((run, run));
        first.parse().expect("a number")..=last.parse().expect("a number")
    });
    assert!(shown.eq(runs), "{text}");
    assert_eq!(set, &model.iter().copied().map(uid).collect());
}
