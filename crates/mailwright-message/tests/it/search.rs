//! Known answers: SEARCH BODY and TEXT.

use mailwright_message::{Needle, SearchScope, TextSearch, decode_header, scan};

fn finds(message: &[u8], text: &str) -> (bool, bool) {
    let scan = scan(message);
    let search = |scope, piece: usize| {
        let mut search = TextSearch::new(Needle::new(text), scope);
        search.begin(&scan).unwrap();
        while let Some(wanted) = search.wanted() {
            let (start, end) = (usize::try_from(wanted.start).unwrap(), usize::try_from(wanted.end).unwrap());
            search.feed(wanted.start, &message[start..end.min(start + piece)]);
        }
        search.found()
    };
    let found = (search(SearchScope::Body, 1 << 20), search(SearchScope::Text, 1 << 20));
    assert_eq!((search(SearchScope::Body, 1), search(SearchScope::Text, 1)), found, "{text} octet by octet");
    found
}

const NOWHERE: (bool, bool) = (false, false);
const IN_HEADER: (bool, bool) = (false, true);
const IN_BODY: (bool, bool) = (true, true);

/// RFC 9051 §6.4.4
#[test]
fn decoded_texts_are_searched() {
    let message = b"Subject: =?iso-8859-1?q?caf=E9?=\r\n au lait\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n\
        --a\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        th=E9 =\r\nvert\r\n\
        --a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nU2NobMO8\r\nc3NlbA==\r\n\
        --a\r\nContent-Type: text/plain; charset=shift_jis\r\n\r\n\x93\xfa\x83\x5c\r\n\
        --a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ne\xcc\x81t\xc3\xa9 stra\xc3\x9fe\r\n\
        --a\r\nContent-Type: application/pdf; name=secret.pdf\r\n\r\nhidden\r\n\
        --a\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?=C3=BCber?=\r\n\r\ninside\r\n\
        --a--\r\nepilogue\r\n";
    for (text, where_it_is) in [
        ("", IN_BODY),
        ("CAFÉ AU LAIT", IN_HEADER),
        ("Subject: caf", IN_HEADER),
        ("multipart/mixed", IN_HEADER),
        ("Thé VERT", IN_BODY),
        ("schlüssel", IN_BODY),
        ("日ソ", IN_BODY),
        ("été STRASSE", IN_BODY),
        ("Secret.pdf", IN_HEADER),
        ("hidden", NOWHERE),
        ("preamble", NOWHERE),
        ("epilogue", NOWHERE),
        ("subject: ÜBER", IN_BODY),
        ("Inside", IN_BODY),
        ("vertS", NOWHERE),
        ("--a", NOWHERE),
    ] {
        assert_eq!(finds(message, text), where_it_is, "{text}");
    }
}

/// Against RFC 2047, but in mail all the same (docs/decisions/009).
#[test]
fn words_are_decoded_as_senders_write_them() {
    for (value, text) in [
        // A character cut between two, without padding, with foreign octets.
        ("=?utf-8?B?w6nD?=\t=?UTF-8?b?qQ==?=", "éé"),
        ("=?utf-8?b?w6k?=", "é"),
        ("=?utf-8?b?w6!k=?=", "é"),
        // An equals sign that is one.
        ("=?utf-8?q?50=_off?=", "50= off"),
        // In other words, and with blanks at the ends.
        (" [List]=?utf-8?q?th=C3=A9?=, (=?utf-8?q?hot?=) ", " [List]thé, (hot) "),
        ("=?us-ascii?q?th=C3=A9?=", "thé"),
        // In tables that are not easily right.
        ("=?iso-8859-16?q?=A5=AB?=", "„«"),
        ("=?macintosh?q?=BD=CD=DB?=", "ΩÕ€"),
    ] {
        assert_eq!(decode_header(value.as_bytes()), text, "{value}");
    }
}

#[test]
fn long_texts_have_no_seams() {
    let mut message = b"X: y\r\n\r\n".to_vec();
    for number in 0..20_000 {
        message.extend_from_slice(format!("line é {number} ").as_bytes());
    }
    let scan = scan(&message);
    for number in [0, 1, 1_000, 1_023, 1_024, 1_025, 19_999] {
        let mut search = TextSearch::new(Needle::new(&format!(" É {number} ")), SearchScope::Body);
        search.begin(&scan).unwrap();
        search.feed(0, &message);
        assert!(search.found(), "{number}");
    }
}

#[test]
fn a_search_is_used_again() {
    let mut search = TextSearch::new(Needle::new("tea"), SearchScope::Body);
    for (message, found) in
        [(&b"\r\nte"[..], false), (b"\r\na", false), (b"\r\nTea", true), (b"\r\nte", false)]
    {
        search.begin(&scan(message)).unwrap();
        search.feed(0, message);
        assert_eq!(search.found(), found);
    }
}
