use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use mailwright_core::{EnhancedCode, ForwardPath, Machine, Progress, ReplyCode, ReversePath};
use mailwright_smtp::client::{
    Client, Config, Error, Event, Failure, Limits, Outcome, Recipient, ReplyFault, StartTls, Transaction,
    Work,
};

use crate::pieces::splits;

const LINE_MAX: usize = 60;
const LINES_MAX: usize = 4;
const REPLY_MAX: usize = 150;

/// Replies, as a client reads the one to its content: the same as a plain reader makes of them, however they are cut.
pub fn smtp_reply(data: &[u8]) {
    let Some((&seed, data)) = data.split_first() else { return };
    let expected = read(data);
    for pieces in splits(data, seed) {
        let outcome = outcome(&pieces);
        match (&expected, &outcome.result) {
            (Read::Reply(code, enhanced, text), Ok(reply) | Err(Failure::Refused(reply))) => {
                assert_eq!((&reply.code, &reply.enhanced, &reply.text), (code, enhanced, text));
                assert_eq!(outcome.result.is_ok(), code.get() < 300);
                assert!(!outcome.result.is_ok() || code.get() >= 200);
            }
            (Read::Reply(code, ..), Err(Failure::AnswerLost(Error::Unexpected { .. }))) => {
                assert_eq!(code.get() / 100, 3);
            }
            (Read::Fault(fault), Err(Failure::AnswerLost(Error::BadReply { fault: seen, .. }))) => {
                assert_eq!(seen, fault);
            }
            (Read::Pending, Err(Failure::AnswerLost(Error::Disconnected(_)))) => {}
            _ => panic!("{outcome:?}"),
        }
    }
}

/// What becomes of a message to whose end the server says this, and nothing more.
fn outcome(pieces: &[&[u8]]) -> Outcome {
    let limits = Limits {
        reply_line: LINE_MAX,
        reply_lines: LINES_MAX,
        reply: REPLY_MAX,
        reply_text: 1000,
        ..Limits::default()
    };
    let name = "me.example.net".parse().expect("a domain");
    let config = Config { start_tls: StartTls::Never, limits, ..Config::new(name) };
    let mut client = Client::new(Arc::new(config), None);
    let to = Recipient::new(ForwardPath::Postmaster);
    let mut work = Some(Work::Send(Transaction::new(ReversePath::Null, vec![to])));
    let (mut input, now) = (BytesMut::new(), Instant::now());
    let before = [&b"220 mx\r\n"[..], b"250 mx\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"];
    let mut pieces = before.iter().chain(pieces);
    loop {
        let progress = client.poll_event(&mut input, now);
        let output = client.output();
        output.advance(output.remaining());
        match progress {
            Ok(Progress::Event(Event::Ready { ticket })) => {
                client.answer(ticket, work.take().unwrap_or(Work::Quit)).expect("in time");
            }
            Ok(Progress::Event(Event::Body { ticket })) => client.answer(ticket, Ok(())).expect("in time"),
            Ok(Progress::Event(Event::Outcome(outcome))) => return outcome,
            Ok(Progress::NeedDrain) => {}
            Ok(Progress::NeedInput) => match pieces.next() {
                Some(piece) => input.extend_from_slice(piece),
                None => client.handle_eof(),
            },
            other => panic!("no outcome: {other:?}"),
        }
    }
}

enum Read {
    Reply(ReplyCode, Option<EnhancedCode>, String),
    Fault(ReplyFault),
    /// Not all of it has come.
    Pending,
}

/// The first reply in `text`.
fn read(text: &[u8]) -> Read {
    let (mut begun, mut octets): (Option<(ReplyCode, Option<EnhancedCode>, Vec<String>)>, _) = (None, 0);
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        let Some(line) = line.strip_suffix(b"\r\n").filter(|_| line.len() <= LINE_MAX) else {
            return match line.last() {
                _ if line.len() > LINE_MAX => Read::Fault(ReplyFault::LongLine),
                Some(b'\n') => Read::Fault(ReplyFault::BareLf),
                _ => Read::Pending,
            };
        };
        let shown = String::from_utf8_lossy(line);
        let code = line.get(..3).filter(|code| code.iter().all(u8::is_ascii_digit));
        let code = code.and_then(|_| ReplyCode::new(shown[..3].parse().ok()?));
        let (Some(code), None | Some(b' ' | b'-')) = (code, line.get(3)) else {
            return Read::Fault(ReplyFault::Syntax);
        };
        let mut shown = shown.get(4..).unwrap_or_default();
        let (word, behind) = shown.split_once(' ').unwrap_or((shown, ""));
        let enhanced = enhanced(word).filter(|enhanced| u16::from(enhanced.class()) == code.get() / 100);
        let (first, first_enhanced, lines) = begun.get_or_insert((code, enhanced, vec![]));
        if enhanced.is_some() && enhanced == *first_enhanced {
            shown = behind;
        }
        lines.push(shown.chars().map(|c| if c.is_control() { '?' } else { c }).collect());
        octets += line.len() + 2;
        if *first != code {
            return Read::Fault(ReplyFault::MixedCodes);
        }
        if lines.len() > LINES_MAX || octets > REPLY_MAX {
            return Read::Fault(ReplyFault::Endless);
        }
        if line.get(3) != Some(&b'-') {
            return Read::Reply(code, *first_enhanced, lines.join("\n"));
        }
    }
    Read::Pending
}

/// `X.Y.Z`, of one to three digits each.
fn enhanced(word: &str) -> Option<EnhancedCode> {
    let number = |digits: &str| {
        let is_one = (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|_| is_one)
    };
    let numbers: Vec<u16> = word.split('.').map(number).collect::<Option<_>>()?;
    let [class, subject, detail] = numbers[..] else { return None };
    EnhancedCode::new(u8::try_from(class).ok()?, subject, detail)
}
