//! A session is cut behind each octet of either side, once with our server and once with our client. Whoever has heard
//! no answer sends the message again: it is there twice only where the answer was on its way (RFC 5321 §4.5.3.2.6 and
//! §6.1, RFC 1047), and everywhere else once.

mod anatomy;
mod session;

use mailwright_core::testing::Budget;

use self::anatomy::Anatomy;
use self::session::{Role, Session, Story};
use crate::check::Fate;
use crate::net::Cut;
use crate::node::Sabotage;
use crate::{panics, trace};

/// Of so many cuts one is made, and those at which something changes. In a long run, all are.
const STEP: usize = 7;

/// Makes one cut of `step`, which ones is up to the seed. Gives how many, or what was wrong with the first bad one.
fn cut(seed: u64, session: Session, sabotage: Sabotage, step: usize) -> Result<usize, String> {
    let whole = session.tell(seed, sabotage, None);
    let copies = whole.fates.each_ref().map(|fate| fate.copies.len());
    if !whole.wrong.is_empty() || (copies, whole.tries) != ([1, 1], 1) {
        let (tail, Story { tries, wrong, .. }) = (trace::tail(&whole.trace), &whole);
        return Err(format!(
            "{tail}\n\nseed {seed}, {session:?}, not cut: {copies:?}, {tries} tries, {wrong:?}"
        ));
    }
    let anatomy = Anatomy::of(session, &whole.tape);
    let first = (seed % step as u64) as usize;
    let is_wanted = |(number, cut): &(usize, Cut)| number % step == first || anatomy.is_edge(*cut);
    let mut count = 0;
    for (_, cut) in anatomy.cuts().enumerate().filter(is_wanted) {
        let (story, panics) = panics::count(|| session.tell(seed, sabotage, Some(cut)));
        let mut wrong = judge(session, &anatomy, cut, &story);
        wrong.extend((panics > 0).then(|| format!("{panics} panics")));
        if !wrong.is_empty() {
            let (tail, wrong) = (trace::tail(&story.trace), wrong.join("\n"));
            return Err(format!("{tail}\n\nseed {seed}, {session:?}, {cut:?} of {anatomy:?}:\n{wrong}"));
        }
        count += 1;
    }
    Ok(count)
}

/// What is wrong with a session that was cut.
fn judge(session: Session, anatomy: &Anatomy, cut: Cut, story: &Story) -> Vec<String> {
    let mut wrong = story.wrong.clone();
    let (here, elsewhere) = (story.fates[0].copies.len(), story.fates[1].copies.len());
    let (copies, tries) = (anatomy.copies(cut), story.tries);
    let is_right = match session.role {
        // For both or for neither of them; and who has heard that it is taken does not send it again.
        Role::Server => {
            let due = if anatomy.is_heard(cut) { 1 } else { 2 };
            copies.contains(&here) && here == elsewhere && tries == due
        }
        Role::Client => here == 1 && copies.contains(&elsewhere) && tries == 1,
    };
    if !is_right {
        wrong.push(format!(
            "{here} here, {elsewhere} elsewhere, sent {tries} times, where {copies:?} are due"
        ));
    }
    let is_open = |fate: &&Fate| fate.bounces + fate.delays + fate.queued > 0;
    wrong.extend(story.fates.iter().find(is_open).map(|fate| format!("not as it should end: {fate:?}")));
    if !anatomy.begins_as(&story.tape) {
        wrong.push(format!("it began in another way: {:?}", story.tape));
    }
    wrong
}

fn cut_all(role: Role) {
    let step = if std::env::var_os("MAILWRIGHT_LONG").is_some() { 1 } else { STEP };
    Budget::new().floor(1).seconds(0).long(3).run(&format!("{role:?}, cut"), |seed| {
        for session in Session::all(role) {
            match cut(seed, session, Sabotage::None, step) {
                Ok(count) => eprintln!("{session:?}: {count} cuts"),
                Err(wrong) => panic!("{wrong}"),
            }
        }
    });
}

#[test]
fn a_server_that_is_cut_off_takes_a_message_once() {
    cut_all(Role::Server);
}

#[test]
fn a_client_that_is_cut_off_sends_a_message_once() {
    cut_all(Role::Client);
}

/// The control: the same checks find what they are to find.
#[test]
fn a_cut_that_does_harm_is_noticed() {
    for (sabotage, role, by_chunks) in [
        (Sabotage::HalfIsWhole, Role::Server, false),
        (Sabotage::BrokenIsDone, Role::Client, false),
        (Sabotage::BrokenIsDone, Role::Client, true),
        (Sabotage::Twice, Role::Client, true),
    ] {
        let session = Session { role, by_chunks, pipelines: true };
        let noticed = cut(1, session, sabotage, 16);
        assert!(noticed.is_err(), "{sabotage:?}, {session:?}");
    }
}
