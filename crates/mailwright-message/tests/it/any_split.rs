//! However a message is cut, and whatever it is, what is found is the same and makes sense.

use mailwright_core::testing::Budget;
use mailwright_message::scan;
use mailwright_message::testing::exercise;
use proptest::prelude::*;

/// Pieces that mean something next to one another.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\n\n",
        "\r",
        " ",
        "\t",
        "-",
        "--",
        "--a",
        "--a--",
        "--a\r\n",
        "\r\n--a\r\n",
        "\r\n--a--\r\n",
        "--ab",
        "\r\n--ab\r\n",
        "--b",
        "\r\n--b\r\n",
        "\r\n--b--",
        "Content-Type: multipart/mixed; boundary=a\r\n",
        "Content-Type: multipart/digest; boundary=\"ab\"\r\n\r\n",
        "content-type: MULTIPART/x; boundary*0=a; boundary*1=b\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "Content-Type: multipart/mixed\r\n",
        "Content-Type: message/rfc822\r\n\r\n",
        "Content-Type: message/global\r\n",
        "Content-Type: text/html; charset=iso-8859-1\r\n",
        "Content-Type: text/plain; charset=iso-2022-jp; x*=y\r\n",
        "Content-Type: image/png; name=\"a b\"\r\n\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Disposition: attachment; filename*0*=''a%20; filename*1=b\r\n",
        "Content-Language: de, en\r\n",
        "Content-ID: <x>\r\n",
        "Subject: =?utf-8?q?=C3=A9?= t\r\n",
        "subject : é t\r\n",
        "From: Ann <a@b>, g: \"c\\\"\"@[d];\r\n",
        "To: a@b (c), <@d:e@f>\r\n",
        "Date: Mon, 6 Jun 2005 22:21:22 +0200\r\n",
        "w6kgdA==",
        "=C3=A9 t",
        "\u{e9} t",
        "e\u{301}",
        " T",
        "=\r\n",
        "(",
        "\"",
        "<",
        ":",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![20 => known, 1 => prop::collection::vec(any::<u8>(), 0..8)]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..30).prop_map(|pieces| pieces.concat())
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(500).seconds(1))]

    /// Pieces of one size by `exercise`, of others by its choice of the size.
    #[test]
    fn any_split_is_the_same_scan(message in message()) {
        exercise(&message);
    }

    #[test]
    fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&octets);
    }

    /// As a disk may damage it.
    #[test]
    fn damaged_scans_are_no_panic(message in message(), damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let mut octets = scan(&message).octets().to_vec();
        for (at, octet) in damage {
            let at = at % octets.len();
            octets[at] = octet;
        }
        exercise(&octets);
    }
}
