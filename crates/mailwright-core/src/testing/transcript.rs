//! Conversations as files that read as conversations.
//!
//! ```text
//! # what this is about
//! @ max-size 100            a setting, for whoever makes the machine
//! S: 220 mx.example.org ESMTP
//! C: EHLO c.example         a line from the peer
//! S: 250 mx.example.org
//! C& MAIL FROM:<a@b>        a line that is sent together with the next
//! C+ \x00abc                octets without a line end: \r \n \\ \xNN, {3*a} for aaa
//! A> mail <a@b>             what the application is told
//! A< refuse 550 5.1.1 no    what the application is told to do next
//! +5m                       time passes: ms, s, m, h
//! eof                       the peer will send no more
//! shutdown                  the machine is asked to close
//! = Closed                  how it ended
//! ```
//!
//! `S`, `A>`, `=` and `upgraded` lines are what must come of the others. `UPDATE_EXPECT=1` writes them.

#![expect(clippy::disallowed_methods, reason = "test files are read, and the environment is asked")]
#![expect(clippy::panic, reason = "that is how tests fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::bench::{App, Bench, Seen};
use crate::machine::Machine;

/// The `@ name value` lines of a transcript.
pub type Settings = BTreeMap<String, String>;

/// Plays every `.txt` file of a folder against a machine from `make`.
///
/// # Panics
/// If one does not come out as written, or there is none.
pub fn run_transcripts<M: Machine, A: App<M>>(
    folder: impl AsRef<Path>,
    make: impl Fn(&Settings) -> Bench<M, A>,
) {
    let folder = folder.as_ref();
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = listing.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(!files.is_empty(), "no transcripts in {}", folder.display());
    let mut failures = String::new();
    for file in files {
        let expected =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let played = play(&expected, &make).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if played == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, &played).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        } else {
            failures += &format!("\n{}:\n{}", file.display(), difference(&expected, &played));
        }
    }
    assert!(failures.is_empty(), "transcripts differ (UPDATE_EXPECT=1 rewrites them):{failures}");
}

/// The transcript as it comes out.
fn play<M: Machine, A: App<M>>(
    text: &str,
    make: &impl Fn(&Settings) -> Bench<M, A>,
) -> Result<String, String> {
    let setting = |line: &str| {
        let (name, value) = line.strip_prefix("@ ")?.split_once(' ')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    let mut bench = make(&text.lines().filter_map(setting).collect());
    let mut played = String::new();
    let mut started = false;
    let mut sent = Vec::new();
    for line in text.lines() {
        let is_about = line.is_empty() || line.starts_with(['#', '@']);
        if !started && !is_about {
            started = true;
            show(&mut played, &bench.settle());
        }
        if is_expected(line) {
            continue;
        }
        played += line;
        played.push('\n');
        if let Some((octets, together)) = input(line)? {
            sent.extend(octets);
            if !together {
                show(&mut played, &bench.feed(&std::mem::take(&mut sent)));
            }
        } else if let Some(order) = line.strip_prefix("A< ") {
            bench.app.tell(&mut bench.machine, order)?;
            show(&mut played, &bench.settle());
        } else if let Some(duration) = line.strip_prefix('+') {
            show(&mut played, &bench.advance(parse_duration(duration)?));
        } else if line == "eof" {
            bench.machine.handle_eof();
            show(&mut played, &bench.settle());
        } else if line == "shutdown" {
            bench.machine.handle_shutdown();
            show(&mut played, &bench.settle());
        } else if !is_about {
            return Err(format!("not a line of a transcript: {line}"));
        }
    }
    if !started {
        show(&mut played, &bench.settle());
    }
    if sent.is_empty() { Ok(played) } else { Err("a `C&` line at the end".to_owned()) }
}

fn is_expected(line: &str) -> bool {
    ["S: ", "S+ ", "A> ", "= ", "upgraded "].iter().any(|start| line.starts_with(start)) || line == "S:"
}

/// The octets of a line from the peer, and whether they wait for the next line's.
fn input(line: &str) -> Result<Option<(Vec<u8>, bool)>, String> {
    let (kind, text) = line.split_at_checked(3).unwrap_or((line, ""));
    Ok(match kind {
        "C+ " => Some((unescape(text)?, false)),
        "C: " | "C:" | "C& " | "C&" => {
            let mut octets = unescape(text)?;
            octets.extend(b"\r\n");
            Some((octets, kind.starts_with("C&")))
        }
        _ => None,
    })
}

fn show(played: &mut String, seen: &[Seen]) {
    for next in seen {
        match next {
            Seen::Event(line) => *played += &format!("A> {line}\n"),
            Seen::Body(body) => *played += &format!("A> body {}\n", escape(body)),
            Seen::Upgraded(upgrade) => *played += &format!("upgraded {upgrade:?}\n"),
            Seen::End(how) => *played += &format!("= {how}\n"),
            Seen::Output(bytes) => {
                for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                    *played += &match line.strip_suffix(b"\r\n") {
                        Some(b"") => "S:\n".to_owned(),
                        Some(line) => format!("S: {}\n", escape(line)),
                        None => format!("S+ {}\n", escape(line)),
                    };
                }
            }
        }
    }
}

/// Text as it is, other octets as `\xNN`; long bodies are cut and counted.
fn escape(bytes: &[u8]) -> String {
    const SHOWN: usize = 200;
    let mut text = String::new();
    for &byte in bytes.iter().take(SHOWN) {
        match byte {
            b'\r' => text += "\\r",
            b'\n' => text += "\\n",
            b'\\' => text += "\\\\",
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text += &format!("\\x{byte:02x}"),
        }
    }
    if bytes.len() > SHOWN {
        text += &format!("... ({} octets)", bytes.len());
    }
    text
}

/// The octets of a line; `{n*text}` repeats.
fn unescape(line: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' => {
                let (octet, used) = match rest.as_bytes() {
                    [b'r', ..] => (b'\r', 1),
                    [b'n', ..] => (b'\n', 1),
                    [b'\\', ..] => (b'\\', 1),
                    [b'{', ..] => (b'{', 1),
                    [b'x', ..] => {
                        let hex = rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                        (hex.ok_or_else(|| format!("not \\xNN: {line}"))?, 3)
                    }
                    _ => return Err(format!("unknown escape: {line}")),
                };
                octets.push(octet);
                rest = rest.get(used..).unwrap_or_default();
            }
            '{' if rest.contains('*') && rest.contains('}') => {
                let (inner, after) = rest.split_once('}').unwrap_or((rest, ""));
                match inner.split_once('*').map(|(count, text)| (count.parse::<usize>(), text)) {
                    Some((Ok(count), text)) => {
                        octets.extend(unescape(text)?.repeat(count));
                        rest = after;
                    }
                    _ => octets.push(b'{'),
                }
            }
            c => octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(octets)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let number: u64 = number.parse().map_err(|_| format!("not a duration: {text}"))?;
    match unit.split(' ').next() {
        Some("ms") => Ok(Duration::from_millis(number)),
        Some("s") => Ok(Duration::from_secs(number)),
        Some("m") => Ok(Duration::from_secs(number * 60)),
        Some("h") => Ok(Duration::from_secs(number * 3600)),
        _ => Err(format!("not a duration: {text}")),
    }
}

/// The first lines that differ, with what stands before them.
fn difference(expected: &str, played: &str) -> String {
    let same = expected.lines().zip(played.lines()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(4);
    let part = |text: &str, mark: &str| -> String {
        text.lines().enumerate().skip(from).take(same - from + 6).fold(String::new(), |all, (at, line)| {
            all + &format!("  {} {line}\n", if at < same { " " } else { mark })
        })
    };
    format!("  expected:\n{}  came:\n{}", part(expected, "-"), part(played, "+"))
}
