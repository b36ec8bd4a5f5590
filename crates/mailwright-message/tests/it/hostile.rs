//! Messages that are meant to use up time or memory (`I6`: those that other servers have died of). Each is scanned,
//! kept, and read entirely; in a debug build too that takes less than two seconds and 64 MiB.

use std::fs;
use std::time::Duration;

use mailwright_message::{
    EnvelopeField, Needle, Scan, ScanLimits, Scanner, SearchScope, SectionText, TextSearch, decode_header,
    filter_header, scan,
};

const STORED: usize = 64 * 1024;

type Feed<'a> = dyn FnMut(&[u8]) + 'a;

/// All in one test: what the process needs at most can only be told of one at a time.
#[test]
fn bombs() {
    let mut table = String::new();
    for (name, make) in BOMBS {
        let took = bomb(name, *make, &mut table);
        assert!(took < Duration::from_secs(2), "{name} took {took:?}");
    }
    println!("{table}");
}

type Make = fn(&mut Feed<'_>);

const BOMBS: &[(&str, Make)] = &[
    ("20k nested multiparts", |feed| {
        for level in 0..20_000 {
            feed(
                format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").as_bytes(),
            );
        }
    }),
    ("50k nested messages", |feed| {
        repeat(feed, 50_000, "Subject: x\r\nContent-Type: message/rfc822\r\n\r\n");
    }),
    ("50k nested digests", |feed| {
        repeat(feed, 50_000, "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\n");
    }),
    ("100k parts", |feed| {
        feed(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n");
        repeat(feed, 100_000, "--a\r\n\r\nx\r\n");
    }),
    ("100k empty delimiters", |feed| {
        feed(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n");
        repeat(feed, 100_000, "--a\r\n");
    }),
    ("100k parts with parameters", |feed| {
        feed(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n");
        let name = "n".repeat(200);
        repeat(
            feed,
            100_000,
            &format!("--a\r\nContent-Type: a/b; name={name}\r\nContent-ID: <{name}>\r\n\r\n"),
        );
    }),
    ("50k continuations", |feed| continuations(feed, &mut (0..50_000))),
    ("50k continuations, the last first", |feed| continuations(feed, &mut (0..50_000).rev())),
    ("50k continuations, all the same", |feed| continuations(feed, &mut (0..50_000).map(|_| 0))),
    ("200k addresses", |feed| field(feed, "To", 200_000, "a@b, ")),
    ("200k fields of addresses", |feed| {
        repeat(feed, 200_000, "To: a@b\r\n");
        feed(b"\r\n");
    }),
    ("200k addresses on lines of their own", |feed| field(feed, "From", 200_000, "\"A B\" <a@b>,\r\n ")),
    ("50k groups", |feed| field(feed, "Cc", 50_000, "g:;,")),
    ("50k groups within one", |feed| field(feed, "Cc", 50_000, "g:")),
    ("100k comments", |feed| fields(feed, 100_000, "(c) ")),
    ("100k comments, nested", |feed| fields(feed, 100_000, "(")),
    ("100k angles", |feed| fields(feed, 100_000, "<")),
    ("100k closed angles", |feed| fields(feed, 100_000, "<>")),
    ("100k at signs", |feed| fields(feed, 100_000, "@")),
    ("100k routes", |feed| fields(feed, 100_000, "<@a,")),
    ("100k quotes", |feed| fields(feed, 100_000, "\" ")),
    ("100k backslashes", |feed| fields(feed, 100_000, "\"\\")),
    ("100k dots and brackets", |feed| fields(feed, 100_000, "a@[.")),
    ("100k encoded words", |feed| fields(feed, 100_000, "=?utf-8?q?=C3=A9?= ")),
    ("100k begun encoded words", |feed| fields(feed, 100_000, "=?utf-8?q?")),
    // Since `=?aa` may be an escaped octet, a decoder that looks for the end reads each again from where it begins.
    ("100k encoded words without end", |feed| fields(feed, 100_000, "=?aa?q?x")),
    ("100k semicolons", |feed| fields(feed, 100_000, ";")),
    ("100k equals signs", |feed| fields(feed, 100_000, "x = ")),
    ("100k words", |feed| fields(feed, 100_000, "a ")),
    ("200k fields", |feed| {
        repeat(feed, 200_000, "Subject: x\r\nX-Y: z\r\nContent-Type: text/plain\r\nDate: x\r\n");
        feed(b"\r\n");
    }),
    ("200k folds", |feed| fields(feed, 200_000, "x\r\n ")),
    ("a field of 32 MiB", |feed| {
        feed(b"Subject: ");
        for _ in 0..32 {
            feed(&[b'x'; 1 << 20]);
        }
    }),
    ("a field name of 8 MiB", |feed| (0..8).for_each(|_| feed(&[b'x'; 1 << 20]))),
    ("a line of 32 MiB in a multipart", |feed| {
        feed(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--");
        for _ in 0..32 {
            feed(&[b'-'; 1 << 20]);
        }
    }),
    ("boundaries that are prefixes", |feed| {
        for level in 1..100 {
            let boundary = "a".repeat(level * 10);
            feed(
                format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n")
                    .as_bytes(),
            );
        }
        let line = format!("--{}b\r\n", "a".repeat(985));
        repeat(feed, 5_000, &line);
    }),
    ("the same boundary again and again", |feed| {
        repeat(feed, 100, "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n");
        repeat(feed, 100_000, "x\r\n--a\r\n\r\ny\r\n--a--\r\n");
    }),
    ("200k lines that are nearly delimiters", |feed| {
        for level in 1..100 {
            feed(
                format!("Content-Type: multipart/mixed; boundary=x{level}\r\n\r\n--x{level}\r\n").as_bytes(),
            );
        }
        feed(b"\r\n");
        repeat(feed, 200_000, "--x\r\n");
    }),
];

fn repeat(feed: &mut Feed<'_>, times: usize, text: &str) {
    // In pieces as they come from a socket.
    let piece = (16 * 1024 / text.len()).clamp(1, times);
    let pieces = text.repeat(piece);
    for _ in 0..times / piece {
        feed(pieces.as_bytes());
    }
    feed(text.repeat(times % piece).as_bytes());
}

fn field(feed: &mut Feed<'_>, name: &str, times: usize, text: &str) {
    feed(format!("{name}: ").as_bytes());
    repeat(feed, times, text);
    feed(b"\r\n\r\n");
}

/// The same in each field that has a grammar.
fn fields(feed: &mut Feed<'_>, times: usize, text: &str) {
    const NAMES: [&str; 7] = [
        "From",
        "To",
        "Subject",
        "Date",
        "Content-Disposition",
        "Content-Language",
        "Content-Transfer-Encoding",
    ];
    for name in NAMES {
        feed(format!("{name}: ").as_bytes());
        repeat(feed, times / NAMES.len(), text);
        feed(b"\r\n");
    }
    feed(b"Content-Type: a/b; ");
    repeat(feed, times, text);
    feed(b"\r\n\r\n");
}

fn continuations(feed: &mut Feed<'_>, numbers: &mut dyn Iterator<Item = usize>) {
    for name in ["Content-Type: a/b", "Content-Disposition: attachment"] {
        feed(name.as_bytes());
        for number in &mut *numbers {
            feed(format!(";\r\n n*{number}*=x").as_bytes());
        }
        feed(b"\r\n");
    }
    feed(b"\r\n");
}

fn bomb(name: &str, make: Make, table: &mut String) -> Duration {
    let peak = Peak::begin();
    let start = Spent::begin();
    let mut scanner = Scanner::new(ScanLimits::default());
    let mut size = 0;
    make(&mut |octets| {
        size += octets.len() as u64;
        scanner.feed(octets);
    });
    let scan = scanner.finish();
    let scanned = start.elapsed();
    assert_eq!(scan.size(), size);
    read(&scan);
    let took = start.elapsed();
    let stored = scan.fit(STORED).octets().len();
    assert!(stored <= STORED);
    let peak = peak.mib();
    assert!(peak.is_none_or(|peak| peak < 64), "{name} needed {peak:?} MiB");
    table.push_str(&format!(
        "{name:42} {:5} KiB scanned in {:4} ms, read in {:4} ms; scan {:4} KiB, stored {:5}; {} MiB\n",
        size / 1024,
        scanned.as_millis(),
        (took - scanned).as_millis(),
        scan.octets().len() / 1024,
        stored,
        peak.map_or("?".into(), |peak| peak.to_string()),
    ));
    took
}

/// What FETCH and SEARCH may ask.
fn read(scan: &Scan) {
    scan.envelope().unwrap();
    scan.body_structure().unwrap();
    let needle = Needle::new("not in any of them");
    for field in [EnvelopeField::Subject, EnvelopeField::From, EnvelopeField::To, EnvelopeField::Cc] {
        assert!(!needle.matches_envelope(scan, field).unwrap());
    }
    for path in [&[1; 200][..], &[9_999], &[10_001], &[u32::MAX]] {
        scan.section(path, SectionText::All).unwrap();
    }
    TextSearch::new(needle, SearchScope::Text).begin(scan).unwrap();
}

/// Headers are searched and filtered as they are, without a scan; and texts are searched with one.
#[test]
fn headers_and_texts() {
    let needle = Needle::new("not in any of them");
    for (name, make) in BOMBS {
        let mut header = Vec::new();
        make(&mut |octets| {
            if header.len() < 1 << 20 {
                header.extend_from_slice(octets);
            }
        });
        let start = Spent::begin();
        for field in ["subject", "content-type", "to"] {
            assert!(!needle.matches_header(&header, field));
        }
        filter_header(&header, &["To"; 20], true);
        decode_header(&header);
        let mut search = TextSearch::new(needle.clone(), SearchScope::Text);
        search.begin(&scan(&header)).unwrap();
        header.chunks(16 * 1024).zip(0..).for_each(|(piece, at)| search.feed(at * 16 * 1024, piece));
        assert!(!search.found() && search.wanted().is_none());
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "{name} took {took:?}");
    }
}

/// The time that this thread has had since, other programs' left out; if the system does not tell, the time.
struct Spent {
    before: Duration,
}

impl Spent {
    fn begin() -> Self {
        Self { before: Self::now() }
    }

    fn elapsed(&self) -> Duration {
        Self::now() - self.before
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test may look at the clock, and this is a file in name only"
    )]
    fn now() -> Duration {
        let thread = fs::read_to_string("/proc/thread-self/schedstat").ok();
        let spent = thread.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let since = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        spent.map_or_else(since, Duration::from_nanos)
    }
}

/// How much more memory the process has needed since; only Linux tells.
struct Peak {
    before: Option<u64>,
}

impl Peak {
    #[expect(clippy::disallowed_methods, reason = "it is a file in name only")]
    fn begin() -> Self {
        // The peak from now on.
        let cleared = fs::write("/proc/self/clear_refs", "5");
        Self { before: cleared.ok().and_then(|()| Self::read()) }
    }

    #[expect(clippy::disallowed_methods, reason = "it is a file in name only")]
    fn read() -> Option<u64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    fn mib(self) -> Option<u64> {
        Some(Self::read()?.saturating_sub(self.before?) / 1024)
    }
}
