//! However a session is cut off, the outcome of each recipient is true: what is said to be taken was taken once, what
//! is said not to be sent was not, and in doubt it is said that there is doubt.

use mailwright_core::Machine as _;
use mailwright_smtp::client::{Config, Failure, Limits, Protocol};

use crate::app::config;
use crate::peer::{Model, OurServer, Peer};
use crate::sender::{Job, Sending, go, output, sending};

/// Carries at most `budget` octets between the two, in either direction, then cuts the wire. Gives how many were
/// carried.
pub(crate) fn converse(client: &mut Sending, peer: &mut dyn Peer, budget: usize) -> usize {
    let mut carried = 0;
    let mut carry = |bytes: &[u8]| {
        let count = bytes.len().min(budget - carried);
        carried += count;
        bytes[..count].to_vec()
    };
    loop {
        let there = output(&go(client));
        let back = peer.take(&carry(&there));
        let back = carry(&back);
        if there.is_empty() && back.is_empty() || client.is_over() {
            break;
        }
        client.input.extend_from_slice(&back);
    }
    peer.hang_up();
    client.machine.handle_eof();
    go(client);
    assert!(client.is_over());
    carried
}

const JOBS: [(&[&str], &str); 3] = [
    (
        &["<ann@example.org>", "<nobody@example.org>", "<full@example.org>"],
        "Subject: 1\r\n\r\n.\r\n..\r\nend",
    ),
    (&["<nobody@example.org>"], "Subject: 2\r\n"),
    (&["<bob@example.org>"], "Subject: 3\r\n\r\n0123456789\r\n0123456789\r\n0123456789\r\n"),
];

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    taken: bool,
    refused: bool,
    not_sent: bool,
    lost_and_taken: bool,
    lost_and_not_taken: bool,
}

fn check(client: &Sending, peer: &dyn Peer, jobs: &[Job], seen: &mut Seen) {
    for (job, outcomes) in jobs.iter().zip(&client.app.outcomes) {
        let mut recipients: Vec<usize> = outcomes.iter().map(|outcome| outcome.recipient).collect();
        recipients.sort_unstable();
        assert_eq!(recipients, (0..job.to.len()).collect::<Vec<_>>(), "one outcome each: {outcomes:?}");
        for outcome in outcomes {
            let to = job.to[outcome.recipient];
            let mut content = job.content.clone();
            if !content.ends_with(b"\r\n") {
                content.extend(b"\r\n");
            }
            let copies =
                peer.delivered().iter().filter(|mail| mail.to == to && mail.content == content).count();
            match &outcome.result {
                Ok(_) => {
                    assert_eq!(copies, 1, "{outcome:?}");
                    seen.taken = true;
                }
                Err(Failure::Refused(_)) => {
                    assert_eq!(copies, 0, "{outcome:?}");
                    seen.refused = true;
                }
                Err(Failure::NotSent(_)) => {
                    assert_eq!(copies, 0, "{outcome:?}");
                    seen.not_sent = true;
                }
                Err(Failure::AnswerLost(_)) => match copies {
                    0 => seen.lost_and_not_taken = true,
                    1 => seen.lost_and_taken = true,
                    _ => panic!("{copies} copies: {outcome:?}"),
                },
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    // Nothing was taken of which nothing is known.
    let may_be_taken = client.app.outcomes.iter().flatten().filter(|outcome| match &outcome.result {
        Ok(_) => true,
        Err(failure) => failure.may_be_taken(),
    });
    assert!(peer.delivered().len() <= may_be_taken.count());
}

fn cut_everywhere(name: &str, config: &Config, peer: impl Fn() -> Box<dyn Peer>) {
    let jobs = JOBS.map(|(to, content)| Job::new(to, content));
    let mut whole = sending(config.clone(), &jobs, 7);
    let mut far = peer();
    let total = converse(&mut whole, &mut *far, usize::MAX);
    assert_eq!(whole.app.outcomes.len(), jobs.len(), "{name}");
    check(&whole, &*far, &jobs, &mut Seen::default());
    let mut seen = Seen::default();
    for budget in 0..total {
        let (mut client, mut far) = (sending(config.clone(), &jobs, 7), peer());
        assert_eq!(converse(&mut client, &mut *far, budget), budget);
        check(&client, &*far, &jobs, &mut seen);
    }
    let all =
        Seen { taken: true, refused: true, not_sent: true, lost_and_taken: true, lost_and_not_taken: true };
    assert_eq!(seen, all, "{name}: each end was met");
}

#[test]
fn one_command_at_a_time() {
    let config = Config { pipelining: false, ..config() };
    cut_everywhere("plain", &config, || Box::new(OurServer::new()));
}

#[test]
fn in_groups() {
    cut_everywhere("pipelined", &config(), || Box::new(OurServer::new()));
}

fn small_chunks(protocol: Protocol) -> Config {
    let mut config = config();
    config.protocol = protocol;
    config.limits = Limits { chunk: 10, chunks_ahead: 2, ..Limits::default() };
    config
}

#[test]
fn in_chunks() {
    let config = small_chunks(Protocol::Smtp);
    cut_everywhere("chunks", &config, || Box::new(Model::new(false, "250 CHUNKING\r\n")));
    let offers = "250-PIPELINING\r\n250 CHUNKING\r\n";
    cut_everywhere("chunks ahead", &config, || Box::new(Model::new(false, offers)));
}

#[test]
fn lmtp() {
    let config = small_chunks(Protocol::Lmtp);
    for offers in ["250 x\r\n", "250 PIPELINING\r\n", "250-PIPELINING\r\n250 CHUNKING\r\n"] {
        cut_everywhere(offers, &config, || Box::new(Model::new(true, offers)));
    }
}
