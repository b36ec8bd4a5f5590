//! What a header lacks, and which is none.

use mailwright_core::testing::Budget;
use mailwright_core::{Address, Domain, Timestamp};
use mailwright_message::submission::{Completion, Fed, HeaderLimits, HeaderReader, InvalidHeader};
use proptest::prelude::*;

/// A message, its header held back: the fields that go in front, the header, the body, and from whom it is.
#[derive(Debug, PartialEq)]
struct Submitted {
    missing: String,
    header: Vec<u8>,
    body: Vec<u8>,
    from: Vec<String>,
    sender: Option<String>,
    unqualified: String,
}

fn submit_with(limits: HeaderLimits, message: &[u8], piece: usize) -> Result<Submitted, InvalidHeader> {
    let mut reader = HeaderReader::new(limits);
    let mut at = 0;
    let header = loop {
        let Some(next) = message[at..].chunks(piece).next() else { break reader.finish()? };
        match reader.feed(next)? {
            Fed::More(more) => (reader, at) = (more, at + next.len()),
            Fed::Whole { header, taken } => {
                at += taken;
                break header;
            }
        }
    };
    let (from, hostname) = ("ann@example.org".parse().unwrap(), "mx.example.org".parse().unwrap());
    let completion =
        Completion { from: &from, hostname: &hostname, now: Timestamp(1_763_821_801_500), nonce: [0xAB; 16] };
    Ok(Submitted {
        missing: header.missing(&completion),
        from: header.from().iter().map(Address::to_string).collect(),
        sender: header.sender().map(Address::to_string),
        unqualified: header.unqualified().map(Domain::as_str).collect::<Vec<_>>().join(" "),
        header: header.into_octets().to_vec(),
        body: message[at..].to_vec(),
    })
}

fn submit(message: &[u8]) -> Result<Submitted, InvalidHeader> {
    submit_with(HeaderLimits::default(), message, usize::MAX)
}

const FROM: &str = "From: ann@example.org\r\n";
const DATE: &str = "Date: Sat, 22 Nov 2025 14:30:01 +0000\r\n";
const ID: &str = "Message-ID: <abababababababababababababababab@mx.example.org>\r\n";

/// RFC 5322 §3.6, RFC 6409 §8.2, §8.3
#[test]
fn what_is_missing_goes_in_front() {
    for (header, missing) in [
        ("", [FROM, DATE, ID].concat()),
        ("Subject: x\r\n", [FROM, DATE, ID].concat()),
        ("From: ann@example.org\r\n", [DATE, ID].concat()),
        ("DATE: today\r\n", [FROM, ID].concat()),
        ("message-id:\r\n <1@x>\r\n", [FROM, DATE].concat()),
        ("Date:\r\nMessage-ID: none\r\nfrom: Ann\r\n <ann@example.org>\r\n", String::new()),
        ("Resent-Date: x\r\nX-From: y\r\nResent-Message-ID: z\r\n", [FROM, DATE, ID].concat()),
        ("Subject: Date: x\r\n\tMessage-ID: y\r\n From: z\r\n", [FROM, DATE, ID].concat()),
        ("Sender: bob@example.org\r\n", [FROM, DATE, ID].concat()),
    ] {
        for body in ["\r\n", "\r\nDate: x\r\n\r\nFrom: y\r\n", ""] {
            let found = submit(format!("{header}{body}").as_bytes()).unwrap();
            assert_eq!(found.missing, missing, "{header}{body}");
        }
    }
}

#[test]
fn from_whom_it_is() {
    for (header, from, sender) in [
        ("Subject: x\r\n", &[][..], None),
        ("From: Ann <ann@example.org>\r\n", &["ann@example.org"], None),
        (
            "From: Ann\r\n <ann@example.org>,\r\n\tbob@x.example\r\n",
            &["ann@example.org", "bob@x.example"],
            None,
        ),
        ("Sender:\r\n bob@x.example\r\nFrom: a@b.example\r\n", &["a@b.example"], Some("bob@x.example")),
    ] {
        let found = submit(format!("{header}\r\nFrom: body\r\n").as_bytes()).unwrap();
        assert_eq!((found.from.join(" "), found.sender.as_deref()), (from.join(" "), sender), "{header}");
    }
}

/// RFC 6409 §4.2
#[test]
fn names_that_say_something_only_here_are_told() {
    for (header, domains) in [
        ("From: ann@example.org\r\nTo: bob@[192.0.2.1], carl@x.example\r\n", ""),
        ("From: ann@sales\r\nSender: ann@Desk\r\n", "desk sales"),
        (
            "To: bob@sales,\r\n Carl <carl@desk>\r\nCc: Team: a@one, b@two.example;\r\nTo: x@two\r\n",
            "desk one sales two",
        ),
        ("Reply-To: a@b\r\nBCC: a@b\r\nResent-From: a@c\r\nX-To: a@d\r\nSubject: a@e\r\n", "b c"),
        ("To: undisclosed-recipients:;\r\nCc: root\r\nBcc: \r\n", ""),
        ("To: a@b\u{e5}\r\n", ""),
        ("To: a@b0,a@b1,a@b2,a@b3,a@b4,a@b5,a@b6,a@b7,a@b8,a@b9,a@c\r\n", "b0 b1 b2 b3 b4 b5 b6 b7 b8 b9"),
    ] {
        let found = submit(format!("{header}\r\nTo: a@body\r\n").as_bytes()).unwrap();
        assert_eq!(found.unqualified, domains, "{header}");
    }
}

/// What one program reads so and another otherwise is refused, and the user is told where.
#[test]
fn what_is_no_header_is_refused() {
    use InvalidHeader::{Addresses, NoField, Nul, Twice};
    for (message, error) in [
        ("hello\r\n", NoField { line: 1 }),
        ("hello", NoField { line: 1 }),
        ("Subject: x\r\nhello there: x\r\n", NoField { line: 2 }),
        ("From ann@example.org Sat Nov 22 14:30:01 2025\r\nSubject: x\r\n\r\n", NoField { line: 1 }),
        (" folded\r\nSubject: x\r\n\r\n", NoField { line: 1 }),
        (": no name\r\n\r\n", NoField { line: 1 }),
        ("From : ann@example.org\r\n\r\n", NoField { line: 1 }),
        ("Fr\u{f6}m: ann@example.org\r\n\r\n", NoField { line: 1 }),
        ("Subject: x\r\n y\r\n\0\r\n", Nul { line: 3 }),
        ("From: a@b.example\r\nfrom: c@d.example\r\n\r\n", Twice { name: "From" }),
        ("Sender: a@b.example\r\nSubject: x\r\nSENDER: a@b.example\r\n\r\n", Twice { name: "Sender" }),
        ("Date: x\r\nDate: x\r\n\r\n", Twice { name: "Date" }),
        ("Message-Id: x\r\nMessage-ID: x\r\n\r\n", Twice { name: "Message-ID" }),
        ("From: Ann\r\n\r\n", Addresses { name: "From" }),
        ("From:\r\n\r\n", Addresses { name: "From" }),
        ("From: ann@example.org <boss@bank.example>\r\n\r\n", Addresses { name: "From" }),
        ("From: <ann@example.org>\r\n <boss@bank.example>\r\n\r\n", Addresses { name: "From" }),
        ("Sender: a@b.example, c@d.example\r\n\r\n", Addresses { name: "Sender" }),
    ] {
        for piece in [1, 7, usize::MAX] {
            let found = submit_with(HeaderLimits::default(), message.as_bytes(), piece);
            assert_eq!(found, Err(error), "{message:?} in pieces of {piece}");
        }
    }
}

#[test]
fn no_more_is_held_than_may_be() {
    let mut limits = HeaderLimits::default();
    (limits.octets, limits.from) = (40, 2);
    let check = |message: &str| submit_with(limits.clone(), message.as_bytes(), 3);
    // 40 octets with the empty line.
    let header = format!("Subject: {}\r\n\r\n", "x".repeat(27));
    assert_eq!(check(&format!("{header}{}", "body\r\n".repeat(100))).unwrap().header, header.as_bytes());
    let too_large = Err(InvalidHeader::TooLarge { limit: 40 });
    assert_eq!(check(&format!("x{header}")), too_large);
    assert_eq!(check(&"x".repeat(41)), too_large);
    assert_eq!(check("From: a@b.c,\r\n a@b.d\r\n\r\n").unwrap().from, ["a@b.c", "a@b.d"]);
    assert_eq!(
        check("From: a@b.c,\r\n a@b.d, a@b.e\r\n\r\n"),
        Err(InvalidHeader::Addresses { name: "From" })
    );
}

/// Lines that mean something next to one another, and some that mean nothing.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "From: ann@example.org",
        "From: Ann <ann@example.org>, Bob (x) <bob@x.example>",
        "from:",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        " x",
        "\t",
        ":",
        "Sender: ann@example.org",
        "Date: x",
        "DATE: ",
        "Message-ID: <x@y>",
        "Subject: x",
        "X",
        "\0",
        "\u{e9}",
    ])
    .prop_map(str::as_bytes);
    let line = known.clone().prop_map(|text| [text, b"\r\n"].concat());
    let junk = prop::collection::vec(any::<u8>(), 0..4);
    let piece = prop_oneof![60 => line, 3 => known.prop_map(<[u8]>::to_vec), 1 => junk];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(500).seconds(1))]

    /// Whatever is added, what came is there as it came, and what was added is not missing any more.
    #[test]
    fn a_completed_message_is_complete_and_has_its_octets(message in message()) {
        if let Ok(found) = submit(&message) {
            prop_assert_eq!([&found.header[..], &found.body].concat(), message.clone());
            let again = submit(&[found.missing.as_bytes(), &message].concat()).unwrap();
            prop_assert_eq!((again.missing.as_str(), again.body), ("", found.body));
            prop_assert_eq!(again.from.len(), found.from.len().max(1));
        }
    }

    #[test]
    fn any_split_is_the_same_header(message in message(), piece in 1..30usize) {
        let limits = HeaderLimits::default;
        prop_assert_eq!(submit_with(limits(), &message, piece), submit(&message));
    }
}
