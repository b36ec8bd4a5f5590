//! What a scan of common mail costs. `cargo test --release -p mailwright-message costs -- --nocapture` tells.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mailwright_message::{
    EnvelopeField, Needle, Scan, ScanLimits, Scanner, SearchScope, SectionText, TextSearch, scan,
};

/// About 2 KB of text, as a mail program sends it.
fn plain() -> String {
    format!(
        "Return-Path: <ann.archer@mail.example.org>\r\n\
         Received: from mail.example.org (mail.example.org [192.0.2.1])\r\n\tby mx.example.net with ESMTPS id 0123456789ABCDEF\r\n\
         \tfor <bob@example.net>; Mon, 6 Jun 2005 22:21:24 +0200\r\n\
         Date: Mon, 6 Jun 2005 22:21:22 +0200\r\n\
         From: Ann Archer <ann.archer@mail.example.org>\r\n\
         To: Bob Baker <bob@example.net>\r\n\
         Cc: carl@example.com\r\n\
         Subject: Re: What we said about tea at four o'clock\r\n\
         Message-ID: <20050606202122.A1B2C3D4@mail.example.org>\r\n\
         In-Reply-To: <20050606101112.F0F1F2F3@example.net>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\
         User-Agent: Mail/1.0\r\n\r\n{}",
        "The quick brown fox jumps over the lazy dog, and then it goes home.\r\n".repeat(18)
    )
}

fn alternative() -> String {
    let plain = plain();
    let (header, body) = plain.split_once("\r\n\r\n").unwrap();
    let header = header
        .replace("text/plain; charset=utf-8", "multipart/mixed; boundary=\"000000000000a1b2c3\"")
        .replace("8bit", "7bit");
    format!(
        "{header}\r\n\r\n--000000000000a1b2c3\r\nContent-Type: multipart/alternative; boundary=\"000000000000d4e5f6\"\r\n\r\n\
         --000000000000d4e5f6\r\nContent-Type: text/plain; charset=\"UTF-8\"\r\n\r\n{body}\r\n\
         --000000000000d4e5f6\r\nContent-Type: text/html; charset=\"UTF-8\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{body}\r\n\
         --000000000000d4e5f6--\r\n--000000000000a1b2c3\r\nContent-Type: application/pdf; name=\"tea.pdf\"\r\n\
         Content-Disposition: attachment; filename=\"tea.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <f_1>\r\n\r\n{}\
         --000000000000a1b2c3--\r\n",
        format!("{}\r\n", "QUJD".repeat(19)).repeat(1_000)
    )
}

/// An octet more for each message is a mebibyte more for a million.
#[test]
fn sizes() {
    let octets = |message: &str| scan(message.as_bytes()).octets().len();
    let (plain, alternative) = (octets(&plain()), octets(&alternative()));
    println!("scans: plain {plain} octets, alternative with attachment {alternative} octets");
    assert!(plain < 300, "{plain}");
    assert!(alternative < 460, "{alternative}");
}

/// The best of some rounds: other programs take time too.
#[expect(clippy::disallowed_methods, reason = "that is what it is about")]
fn time(what: &str, octets: usize, mut call: impl FnMut()) {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    while begin.elapsed().as_millis() < 30 {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        best = best.min(start.elapsed() / CALLS);
    }
    let rate = octets as f64 / best.as_secs_f64() / 1e6;
    println!(
        "{what:45} {best:>10.2?} {}",
        if octets > 0 { format!("{rate:7.0} MB/s") } else { String::new() }
    );
}

const CALLS: u32 = 20;

#[test]
fn times() {
    let messages = [
        ("plain", plain().into_bytes()),
        ("with attachment", alternative().into_bytes()),
        ("not ASCII", plain().replace("fox", "füchs").into_bytes()),
        (
            "iso-8859-1",
            plain().replace("charset=utf-8", "charset=iso-8859-1").replace("fox", "f\u{fc}x").into_bytes(),
        ),
        (
            "quoted-printable",
            plain().replace("8bit", "quoted-printable").replace("fox", "f=C3=BCx").into_bytes(),
        ),
    ];
    for (name, message) in &messages {
        let size = message.len();
        let scan = scan(message);
        let kept = scan.octets().clone();
        let decoded = || Scan::decode(Scan::VERSION, kept.clone()).unwrap();
        time(&format!("{name}, {size} octets: scan"), size, || {
            let mut scanner = Scanner::new(ScanLimits::default());
            scanner.feed(black_box(message));
            black_box(scanner.finish());
        });
        time(&format!("{name}: decode"), 0, || {
            black_box(decoded().size());
        });
        time(&format!("{name}: decode, ENVELOPE"), 0, || {
            black_box(decoded().envelope().unwrap());
        });
        time(&format!("{name}: decode, BODYSTRUCTURE"), 0, || {
            black_box(decoded().body_structure().unwrap());
        });
        time(&format!("{name}: decode, BODY[1]"), 0, || {
            black_box(decoded().section(&[1], SectionText::All).unwrap());
        });
        let needle = Needle::new("is not in it");
        time(&format!("{name}: decode, SEARCH SUBJECT"), 0, || {
            black_box(needle.matches_envelope(&decoded(), EnvelopeField::Subject).unwrap());
        });
        time(&format!("{name}: decode, SEARCH FROM"), 0, || {
            black_box(needle.matches_envelope(&decoded(), EnvelopeField::From).unwrap());
        });
        for scope in [SearchScope::Body, SearchScope::Text] {
            let mut search = TextSearch::new(needle.clone(), scope);
            time(&format!("{name}: decode, SEARCH {scope:?}"), size, || {
                search.begin(&decoded()).unwrap();
                search.feed(0, black_box(message));
                assert!(!search.found());
            });
        }
    }
}
