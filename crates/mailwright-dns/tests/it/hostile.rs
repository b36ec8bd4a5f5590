//! Servers that send what they should not.

use std::net::SocketAddr;
use std::time::Duration;

use mailwright_core::Entropy;
use mailwright_core::testing::{Budget, SeededEntropy};
use mailwright_dns::{Hickory, HickoryConfig, LookupError, Malformed, Resolver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::show::{ask, question};

/// Answers each query over UDP with whatever messages `reply` makes of it.
async fn server(reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1_500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            for message in reply(&buffer[..length]) {
                socket.send_to(&message, from).await.unwrap();
            }
        }
    });
    address
}

fn resolver(server: SocketAddr, timeout: u64) -> Hickory {
    let timeout = Duration::from_millis(timeout);
    Hickory::new(HickoryConfig { timeout, attempts: 1, ..HickoryConfig::new([server]) })
}

const SHORT: u64 = 100;
const LONG: u64 = 20_000;

/// The question as it came: without the OPT record at its end.
fn asked(query: &[u8]) -> &[u8] {
    let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
    &query[12..end]
}

/// A header with these flags and counts, the question, and the rest. `\xc0\x0c` is the name of the question.
fn message(query: &[u8], flags: [u8; 2], counts: [u8; 3], rest: &[u8]) -> Vec<u8> {
    let [answers, authorities, additionals] = counts;
    let header = [&query[..2], &flags, &[0, 1, 0, answers, 0, authorities, 0, additionals]].concat();
    [&header, asked(query), rest].concat()
}

const NO_ERROR: [u8; 2] = [0x81, 0x80];
const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

#[tokio::test]
async fn a_whole_answer_is_read() {
    let address = server(|query| vec![message(query, NO_ERROR, [1, 0, 0], ADDRESS)]).await;
    assert_eq!(ask(&resolver(address, LONG), "a.example A").await, "a.example 60: 192.0.2.1");
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_waited_out() {
    let good = |query: &[u8]| message(query, NO_ERROR, [1, 0, 0], ADDRESS);
    let wrong_id = move |query: &[u8]| {
        let mut message = good(query);
        message[0] ^= 1;
        message
    };
    let wrong_name = move |query: &[u8]| {
        let mut message = good(query);
        message[13] ^= 1;
        message
    };
    let address = server(move |query| vec![wrong_id(query), wrong_name(query), vec![], vec![7]]).await;
    assert_eq!(ask(&resolver(address, SHORT), "a.example A").await, "no name server answered in time");
    let address = server(move |query| vec![wrong_id(query), wrong_name(query), vec![1], good(query)]).await;
    assert_eq!(ask(&resolver(address, LONG), "a.example A").await, "a.example 60: 192.0.2.1");
}

#[tokio::test]
async fn codes_and_contents_are_told_apart() {
    let cname_root = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x01\0";
    let cname_self = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c";
    let referral = b"\xc0\x0c\0\x02\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x0c";
    let other_owner = b"\x01b\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    let other_class = b"\xc0\x0c\0\x01\0\x03\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    let endless_ttl = b"\xc0\x0c\0\x01\0\x01\xff\xff\xff\xff\0\x04\xc0\0\x02\x01";
    let bogus = b"\0\0\x29\x04\xd0\0\0\0\0\0\x06\0\x0f\0\x02\0\x06";
    let pointer_to_itself = b"\xc0\x1b\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    let cut = &ADDRESS[..ADDRESS.len() - 1];
    for (case, flags, counts, rest, words) in [
        ("FORMERR", [0x81, 0x81], [0, 0, 0], &b""[..], "the name server answered with error 1"),
        ("SERVFAIL", [0x81, 0x82], [0, 0, 0], b"", "the name server failed to find out"),
        (
            "DNSSEC bogus",
            [0x81, 0x82],
            [0, 0, 1],
            bogus,
            "the name server failed to find out (extended error 6)",
        ),
        ("NXDOMAIN", [0x81, 0x83], [0, 0, 0], b"", "no such domain ?"),
        ("NOTIMP", [0x81, 0x84], [0, 0, 0], b"", "the name server answered with error 4"),
        ("REFUSED", [0x81, 0x85], [0, 0, 1], bogus, "the name server refused to answer (extended error 6)"),
        ("SERVFAIL with records", [0x81, 0x82], [1, 0, 0], ADDRESS, "the name server failed to find out"),
        ("nothing", NO_ERROR, [0, 0, 0], b"", "no records ?"),
        ("a referral", NO_ERROR, [0, 1, 0], referral, "the name server only refers to others"),
        ("another's address", NO_ERROR, [1, 0, 0], other_owner, "no records ?"),
        ("another class", NO_ERROR, [1, 0, 0], other_class, "no records ?"),
        ("a time without end", NO_ERROR, [1, 0, 0], endless_ttl, "a.example 0: 192.0.2.1"),
        ("an alias to itself", NO_ERROR, [1, 0, 0], cname_self, "the name leads from alias to alias"),
        ("an alias to the root", NO_ERROR, [1, 0, 0], cname_root, "the name leads from alias to alias"),
        ("half a record", NO_ERROR, [1, 0, 0], cut, "the name server sent no DNS message"),
        (
            "more records than there are",
            NO_ERROR,
            [255, 0, 0],
            ADDRESS,
            "the name server sent no DNS message",
        ),
        ("a name in a circle", NO_ERROR, [1, 0, 0], pointer_to_itself, "the name server sent no DNS message"),
        ("a query", [0x01, 0x00], [0, 0, 0], b"", "the name server sent no DNS message"),
    ] {
        let rest = rest.to_vec();
        let address = server(move |query| vec![message(query, flags, counts, &rest)]).await;
        let said = ask(&resolver(address, LONG), "a.example A").await;
        assert_eq!(said, words, "{case}");
    }
}

#[tokio::test]
async fn names_that_could_break_a_header_are_left_out() {
    let evil = b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c\0\x06\x04a\r\nb\0";
    let dotted = b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c\0\x05\x03a.b\0";
    let good = b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c\0\x05\x03a-b\0";
    let all = [&evil[..], dotted, good].concat();
    let address = server(move |query| vec![message(query, NO_ERROR, [3, 0, 0], &all)]).await;
    assert_eq!(ask(&resolver(address, LONG), "x.arpa PTR").await, "x.arpa 60: a-b");
    let none = [&evil[..], dotted].concat();
    let address = server(move |query| vec![message(query, NO_ERROR, [2, 0, 0], &none)]).await;
    let failed = Err(LookupError::Malformed(Malformed::UnusableName));
    assert_eq!(resolver(address, LONG).lookup(&question("x.arpa PTR")).await, failed);
}

/// A server that leaves the aliases to us.
#[tokio::test]
async fn aliases_without_records_are_asked_for() {
    let address = server(|query| {
        let alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x0a\0\x04\x01b\xc0\x0e";
        let name = asked(query);
        vec![match name[1] {
            b'a' => message(query, NO_ERROR, [1, 0, 0], alias),
            _ => message(query, NO_ERROR, [1, 0, 0], ADDRESS),
        }]
    });
    assert_eq!(ask(&resolver(address.await, LONG), "a.example A").await, "b.example 10: 192.0.2.1");
}

/// Each name is an alias for a longer one.
#[tokio::test]
async fn aliases_without_end_end() {
    let address = server(|query| {
        vec![message(query, NO_ERROR, [1, 0, 0], b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x0c")]
    });
    let failed = Err(LookupError::Malformed(Malformed::TooManyAliases));
    assert_eq!(resolver(address.await, LONG).lookup(&question("a.example A")).await, failed);
}

/// A port where UDP says "truncated", and TCP what `reply` makes of the query.
async fn truncating(reply: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let (address, listener) = loop {
        let address = server(|query| vec![message(query, [0x83, 0x80], [0, 0, 0], b"")]).await;
        if let Ok(listener) = TcpListener::bind(address).await {
            break (address, listener);
        }
    };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut query).await.unwrap();
            stream.write_all(&reply(&query)).await.unwrap();
            // What is sent is read before the end is.
            let _ = stream.read_u8().await;
        }
    });
    address
}

fn framed(message: Vec<u8>) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
}

#[tokio::test]
async fn tcp_is_not_trusted_either() {
    let good = |query: &[u8]| message(query, NO_ERROR, [1, 0, 0], ADDRESS);
    let address = truncating(move |query| framed(good(query))).await;
    assert_eq!(ask(&resolver(address, LONG), "a.example A").await, "a.example 60: 192.0.2.1");

    let address = truncating(|query| framed(message(query, [0x83, 0x80], [1, 0, 0], ADDRESS))).await;
    assert_eq!(ask(&resolver(address, LONG), "a.example A").await, "the name server sent half an answer");

    let address = truncating(move |query| {
        let mut message = good(query);
        message[13] ^= 1;
        framed(message)
    });
    let said = ask(&resolver(address.await, LONG), "a.example A").await;
    assert_eq!(said, "the name server answered another question");

    let address = truncating(|_| vec![0xff; 3]).await;
    assert_eq!(ask(&resolver(address, SHORT), "a.example A").await, "no name server answered in time");
}

#[tokio::test]
async fn without_tcp_a_long_answer_is_not_had() {
    let address = server(|query| vec![message(query, [0x83, 0x80], [1, 0, 0], ADDRESS)]).await;
    let outcome = resolver(address, LONG).lookup(&question("a.example A")).await;
    assert_eq!(outcome, Err(LookupError::Unreachable(std::io::ErrorKind::ConnectionRefused)));
}

/// Whatever comes with the right id is read or refused, and nothing that was not said is believed.
#[test]
fn rubbish_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Budget::new().floor(32).run("rubbish_is_refused", |seed| {
        runtime.block_on(async {
            let address = server(move |query| {
                let entropy = SeededEntropy::new(seed);
                let mut rest = [0; 64];
                entropy.fill(&mut rest);
                let counts = [rest[0] % 4, rest[1] % 4, rest[2] % 4];
                let mut whole = message(query, NO_ERROR, counts, &[ADDRESS, &rest[3..]].concat());
                for change in rest.chunks_exact(4).take(usize::from(rest[3] % 4)) {
                    let at = 3 + usize::from(change[0]) % (whole.len() - 3);
                    whole[at] = change[1];
                }
                vec![whole]
            });
            match resolver(address.await, 5).lookup(&question("a.example A")).await {
                Ok(answer) => assert!(!answer.records.is_empty()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        });
    });
}
