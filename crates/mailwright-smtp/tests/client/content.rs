//! No content makes the client write a bare CR, a bare LF or a NUL, unless it is said to be binary; what is sound
//! arrives as it is, and what is not never arrives.

use mailwright_core::framing::BodyFault;
use mailwright_core::testing::Budget;
use mailwright_smtp::Body;
use mailwright_smtp::client::{self, Error, Failure, Limits};
use proptest::prelude::*;

use crate::app::config;
use crate::peer::{Model, OurServer, Peer};
use crate::sender::{Job, Sending, go, output, sending};

/// Octets that matter, and texts without and with faults.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let sound =
        prop::sample::select(vec![&b"\r\n"[..], b".", b"..", b"a", b".\r\n", b"\r\n.\r\n", b"text", b"\xff"]);
    let faulty = prop::sample::select(vec![&b"\r"[..], b"\n", b"\0", b"\r\n", b".", b"x"]);
    prop_oneof![
        4 => prop::collection::vec(sound, 0..40).prop_map(|parts| parts.concat()),
        2 => prop::collection::vec(faulty, 0..20).prop_map(|parts| parts.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

/// The first fault, found as naively as can be.
fn fault(content: &[u8]) -> Option<BodyFault> {
    (0..content.len()).find_map(|at| match content[at] {
        0 => Some(BodyFault::Nul),
        b'\r' if content.get(at + 1) != Some(&b'\n') => Some(BodyFault::BareCr),
        b'\n' if at == 0 || content[at - 1] != b'\r' => Some(BodyFault::BareLf),
        _ => None,
    })
}

/// Sends a message to the end; gives all that was written.
fn send(client: &mut Sending, peer: &mut dyn Peer) -> Vec<u8> {
    let mut sent = Vec::new();
    loop {
        let there = output(&go(client));
        let back = peer.take(&there);
        sent.extend(there);
        if client.is_over() {
            break;
        }
        client.input.extend_from_slice(&back);
    }
    peer.hang_up();
    sent
}

fn check(config: client::Config, peer: &mut dyn Peer, content: &[u8], step: usize) {
    let mut client = sending(config, &[Job::new(&["<ann@example.org>"], content)], step);
    let sent = send(&mut client, peer);
    let written = sent.escape_ascii();
    assert_eq!(fault(&sent), None, "{written}");
    let result = &client.app.outcomes[0][0].result;
    let delivered: Vec<&[u8]> = peer.delivered().iter().map(|mail| &mail.content[..]).collect();
    if let Some(fault) = fault(content) {
        assert_eq!(result, &Err(Failure::NotSent(Error::Content(fault))), "{written}");
        assert!(delivered.is_empty(), "{written}");
    } else {
        assert!(result.is_ok(), "{result:?}");
        let mut expected = content.to_vec();
        if !(content.is_empty() || content.ends_with(b"\r\n")) {
            expected.extend(b"\r\n");
        }
        assert_eq!(delivered, [&expected[..]], "{written}");
    }
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(300).seconds(2).long(100_000))]

    #[test]
    fn behind_data(content in content(), step in 1..30usize, output in 1..200usize) {
        let limits = Limits { output, ..Limits::default() };
        check(client::Config { limits, ..config() }, &mut OurServer::new(), &content, step);
    }

    #[test]
    fn in_chunks(content in content(), step in 1..30usize, chunk in 0..30usize, ahead in 0..4usize) {
        let limits = Limits { chunk, chunks_ahead: ahead, output: 50, ..Limits::default() };
        let mut peer = Model::new(false, "250-PIPELINING\r\n250 CHUNKING\r\n");
        check(client::Config { limits, ..config() }, &mut peer, &content, step);
    }

    /// RFC 3030 §3: octet for octet.
    #[test]
    fn binary(content in content(), step in 1..30usize, chunk in 0..30usize, ahead in 0..4usize) {
        let limits = Limits { chunk, chunks_ahead: ahead, output: 50, ..Limits::default() };
        let mut peer = Model::new(false, "250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME\r\n");
        let job = Job { body: Some(Body::BinaryMime), ..Job::new(&["<ann@example.org>"], &content[..]) };
        let mut client = sending(client::Config { limits, ..config() }, &[job], step);
        send(&mut client, &mut peer);
        let result = &client.app.outcomes[0][0].result;
        prop_assert!(result.is_ok(), "{:?}", result);
        let delivered: Vec<&[u8]> = peer.delivered().iter().map(|mail| &mail.content[..]).collect();
        prop_assert_eq!(delivered, [&content[..]]);
    }
}
