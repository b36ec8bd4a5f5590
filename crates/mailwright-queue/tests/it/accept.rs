//! An accepted message becomes entries.

use mailwright_core::{BlobId, ReversePath, TraceId};
use mailwright_queue::{
    AcceptConfig, DeliverBy, Envelope, FutureRelease, Late, Outgoing, OutgoingRecipient, RecipientState,
    ReleaseRequest, RetryConfig, entries_behind,
};
use mailwright_store::Priority;

use crate::fixture::{ARRIVED, DAY, HOUR, address, after, claimed, domain, sender};

fn outgoing(sender: ReversePath, to: &[String]) -> Outgoing {
    let recipient = |to: &String| OutgoingRecipient::new(address(to), RecipientState::default()).unwrap();
    Outgoing {
        trace: TraceId::new(ARRIVED, [0; 4]),
        sender,
        envelope: Envelope { priority: Priority::new(3), ..Envelope::new(ARRIVED) },
        blob: BlobId([1; 16]),
        recipients: to.iter().map(recipient).collect(),
    }
}

#[test]
fn one_entry_for_each_route() {
    let to = ["a@x.example", "b@y.example", "c@X.example"].map(str::to_owned);
    let entries = outgoing(sender(), &to).entries(&AcceptConfig::default(), &RetryConfig::default());
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.id.entry,
                entry.route.as_str(),
                entry.recipients.iter().map(|to| to.address.to_string()).collect(),
            )
        })
        .collect::<Vec<(u32, &str, Vec<String>)>>();
    assert_eq!(
        shown,
        [
            (0, "x.example", vec!["a@x.example".to_owned(), "c@x.example".to_owned()]),
            (1, "y.example", vec!["b@y.example".to_owned()]),
        ]
    );
    let first = &entries[0];
    // RFC 6710 §4.1: as the client gave it.
    assert_eq!((first.due, first.expires, first.priority.get()), (ARRIVED, after(5 * DAY), 3));
    assert_eq!(Envelope::decode(&first.envelope).unwrap().arrived, ARRIVED);
    let again = outgoing(sender(), &to).entries(&AcceptConfig::default(), &RetryConfig::default());
    assert_eq!(entries, again, "the same message has the same entries");
}

/// RFC 5321 §4.5.3.1.8
#[test]
fn many_recipients_are_several_entries() {
    let to: Vec<String> = (0..250).map(|number| format!("r{number}@x.example")).collect();
    let entries = outgoing(sender(), &to).entries(&AcceptConfig::default(), &RetryConfig::default());
    let counts: Vec<usize> = entries.iter().map(|entry| entry.recipients.len()).collect();
    assert_eq!(counts, [100, 100, 50]);
    assert_eq!(entries.iter().map(|entry| entry.id.entry).collect::<Vec<_>>(), [0, 1, 2]);
}

/// RFC 5321 §4.5.4.1: reports may be given up sooner.
#[test]
fn what_has_no_sender_lives_shorter() {
    let entries = outgoing(ReversePath::Null, &["a@x.example".to_owned()])
        .entries(&AcceptConfig::default(), &RetryConfig::default());
    assert_eq!(entries[0].expires, after(2 * DAY));
}

#[test]
fn a_smarthost_takes_all() {
    let mut message = outgoing(sender(), &["a@x.example".to_owned(), "b@y.example".to_owned()]);
    message.recipients.iter_mut().for_each(|to| to.route = domain("relay.example"));
    let entries = message.entries(&AcceptConfig::default(), &RetryConfig::default());
    assert_eq!((entries.len(), entries[0].recipients.len()), (1, 2));
}

/// RFC 2852 §4.1.2: what is to be returned when it is late lives no longer; what is not, does.
#[test]
fn a_time_that_was_set_is_the_end() {
    for (at, late, expires) in [
        (after(HOUR), Late::Return, after(HOUR)),
        (after(9 * DAY), Late::Return, after(5 * DAY)),
        (after(HOUR), Late::Notify, after(5 * DAY)),
    ] {
        let mut message = outgoing(sender(), &["a@x.example".to_owned()]);
        message.envelope.by = Some(DeliverBy { at, late, trace: false });
        let entries = message.entries(&AcceptConfig::default(), &RetryConfig::default());
        assert_eq!(entries[0].expires, expires);
    }
}

/// RFC 4865 §4.2.5: it is not tried before, and its time runs from then on.
#[test]
fn what_is_held_begins_at_its_release() {
    let held = |millis| Some(FutureRelease { at: after(millis), request: ReleaseRequest::For(7) });
    for (at, by, due, expires) in [
        (9 * DAY, None, after(9 * DAY), after(14 * DAY)),
        (9 * DAY, Some(10 * DAY), after(9 * DAY), after(10 * DAY)),
        // Of a moment that is over there is nothing to wait for.
        (-DAY, None, ARRIVED, after(5 * DAY)),
    ] {
        let mut message = outgoing(sender(), &["a@x.example".to_owned()]);
        message.envelope.future_release = held(at);
        message.envelope.by = by.map(|at| DeliverBy { at: after(at), late: Late::Return, trace: false });
        let entries = message.entries(&AcceptConfig::default(), &RetryConfig::default());
        assert_eq!((entries[0].due, entries[0].expires), (due, expires));
    }
}

#[test]
fn what_comes_of_an_entry_is_of_the_same_message() {
    let entry =
        claimed(sender(), &Envelope::new(ARRIVED), vec![("all@here.example", RecipientState::default())], 3)
            .entry;
    let to = ["a@x.example", "b@y.example"]
        .map(|to| OutgoingRecipient::new(address(to), RecipientState::default()).unwrap());
    for (random, numbers) in [(5, [(1 << 31) + 5, (1 << 31) + 6]), (u32::MAX, [u32::MAX, 1 << 31])] {
        let behind = entries_behind(&entry, to.to_vec(), after(HOUR), random, &AcceptConfig::default());
        assert_eq!(behind.iter().map(|new| new.id.entry).collect::<Vec<_>>(), numbers);
        for new in &behind {
            assert_eq!((new.id.trace, &new.sender, new.blob), (entry.id.trace, &entry.sender, entry.blob));
            assert_eq!((new.due, new.expires, &new.envelope), (after(HOUR), entry.expires, &entry.envelope));
        }
    }
}
