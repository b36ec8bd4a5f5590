use std::sync::Arc;
use std::time::Duration;

use mailwright_core::TlsInfo;
use mailwright_smtp::server::{Extensions, FutureRelease, Limits, Protocol};
use mailwright_smtp::{Config, DateTime, Server};

use crate::machine::{Bench, Seen, Step, bytes_only, script};
use crate::pieces::splits;
use crate::smtp_app::Application;
use crate::smtp_model::{self, Rules};

// The first octet of configuration.
const START_TLS: u8 = 1;
const AUTH: u8 = 2;
const AUTH_WITHOUT_TLS: u8 = 4;
const AUTH_REQUIRED: u8 = 8;
const TLS: u8 = 16;
const SMALL_OUTPUT: u8 = 32;
const FEW_ERRORS: u8 = 64;
const SLOW: u8 = 128;

// The second one.
const LMTP: u8 = 1;
const BINARY: u8 = 2;
const UTF8: u8 = 4;
const PARAMETERS: u8 = 8;
const COMMANDS: u8 = 16;
const TRUSTED: u8 = 32;
const REFUSE_EARLY: u8 = 64;
const BARE: u8 = 128;

const RULES: Rules = Rules { is_lmtp: false, line: 100, auth_line: 120, endless: 900 };

/// The whole server machine. Two octets of configuration, one of how far the session has come, one of how many
/// answers of the application follow, these, and what happens then (see `machine::script`).
pub fn smtp_server(data: &[u8]) {
    let Some((&[flags, extensions, prelude, count], rest)) = data.split_first_chunk() else { return };
    let (answers, rest) = rest.split_at_checked(usize::from(count & 15)).unwrap_or((rest, &[]));
    let setting = Setting::new(flags, extensions, prelude, answers);
    let steps = script(rest);
    let mut bench = setting.start(flags & SLOW != 0, true);
    for step in &steps {
        bench.take(step);
    }
    setting.finish(bench);

    // No time passes, and nothing is checked that depends on what has arrived: any split is the same.
    let depends = setting.may_begin_tls() || setting.extensions & REFUSE_EARLY != 0;
    let Some(bytes) = bytes_only(&steps).filter(|_| !depends) else { return };
    let [whole, cut, octets] = splits(&bytes, count).map(|pieces| {
        let mut bench = setting.start(false, false);
        pieces.iter().for_each(|piece| bench.feed(piece));
        bench.take(&Step::Eof);
        setting.finish(bench)
    });
    same(&cut, &whole);
    same(&octets, &whole);
}

fn same(left: &Seen, right: &Seen) {
    assert_eq!(left.notes, right.notes);
    assert_eq!(left.sent.escape_ascii().to_string(), right.sent.escape_ascii().to_string());
    assert_eq!(left.end, right.end);
}

/// How a session begins.
struct Setting<'a> {
    flags: u8,
    extensions: u8,
    /// What the client has said before, each waiting for its answer; `None` if it has not been greeted.
    before: Option<Vec<&'static [u8]>>,
    answers: &'a [u8],
}

const MAIL: &[u8] = b"MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\n";

impl<'a> Setting<'a> {
    fn new(mut flags: u8, mut extensions: u8, prelude: u8, answers: &'a [u8]) -> Self {
        let hello: &[u8] = if extensions & LMTP == 0 { b"EHLO c\r\n" } else { b"LHLO c\r\n" };
        let mut before = vec![hello];
        match prelude % 12 {
            0 => before.clear(),
            1 => {}
            2 => before.push(MAIL),
            3 => before.extend([MAIL, b"DATA\r\n"]),
            4 => {
                flags = flags & !TLS | START_TLS;
                before.extend([b"STARTTLS\r\n", hello]);
            }
            5 => {
                flags |= AUTH | AUTH_WITHOUT_TLS;
                before.push(b"AUTH LOGIN\r\n");
            }
            6 => before.extend([MAIL, b"BDAT 12\r\nab\r"]),
            7 => before.extend([MAIL, b"RCPT TO:<bob@c>\r\nBDAT 4\r\nab\r\n"]),
            8 => before.extend([&b"MAIL FROM:<a@b>\r\n"[..], b"BDAT 12 LAST\r\nab"]),
            9 => {
                extensions = extensions & !BARE | BINARY;
                before.extend([
                    &b"MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<ann@c>\r\n"[..],
                    b"BDAT 3\r\n\0\n\r",
                ]);
            }
            10 => {
                (flags, extensions) = (flags | AUTH | AUTH_WITHOUT_TLS, extensions & !LMTP | COMMANDS);
                before = vec![b"EHLO c\r\n", b"AUTH PLAIN =\r\n", MAIL];
            }
            _ => return Self { flags, extensions, before: None, answers },
        }
        if matches!(prelude % 12, 2..=3 | 6..=9) {
            flags &= !AUTH_REQUIRED;
        }
        Self { flags, extensions, before: Some(before), answers }
    }

    fn may_begin_tls(&self) -> bool {
        let is_begun = self.before.as_ref().is_some_and(|before| before.contains(&&b"STARTTLS\r\n"[..]));
        self.flags & (START_TLS | TLS) == START_TLS && !is_begun
    }

    fn config(&self) -> Config {
        let has = |flag: u8| self.flags & flag != 0;
        let mut limits = Limits {
            message_size: 600,
            message_discard: 300,
            recipients: 3,
            idle_commands: 10,
            ..Limits::default()
        };
        (limits.line.max, limits.line.discard) = (RULES.line, 300);
        (limits.auth_line.max, limits.auth_line.discard) = (RULES.auth_line, 300);
        limits.errors = if has(FEW_ERRORS) { 2 } else { 20 };
        if has(SMALL_OUTPUT) {
            limits.output = 48;
        }
        Config {
            hostname: "mx.example.org".to_owned(),
            protocol: if self.extensions & LMTP != 0 { Protocol::Lmtp } else { Protocol::Smtp },
            start_tls: has(START_TLS),
            auth_mechanisms: if has(AUTH) { vec!["PLAIN".to_owned(), "LOGIN".to_owned()] } else { vec![] },
            auth_without_tls: has(AUTH_WITHOUT_TLS),
            auth_required: has(AUTH_REQUIRED),
            refuse_early_input: self.extensions & REFUSE_EARLY != 0,
            extensions: self.offered(),
            limits,
            ..Config::default()
        }
    }

    fn offered(&self) -> Extensions {
        let has = |flag: u8| self.extensions & flag != 0;
        let of_parameters = |text: &str| has(PARAMETERS).then(|| text.to_owned());
        let held = || FutureRelease { max_interval: Duration::from_secs(86_400) };
        Extensions {
            pipelining: !has(BARE),
            size: !has(BARE),
            eight_bit_mime: !has(BARE),
            enhanced_status_codes: !has(BARE),
            chunking: !has(BARE),
            limits: !has(BARE),
            binary_mime: has(BINARY),
            smtp_utf8: has(UTF8),
            dsn: has(PARAMETERS),
            require_tls: has(PARAMETERS),
            future_release: has(PARAMETERS).then(held),
            deliver_by: has(PARAMETERS).then(|| Duration::from_secs(60)),
            mt_priority: of_parameters("MIXER"),
            rrvs: has(PARAMETERS),
            no_soliciting: of_parameters(""),
            // For submission, which LMTP is not.
            burl: (has(COMMANDS) && !has(LMTP)).then(|| "imap".to_owned()),
            etrn: has(COMMANDS),
            vrfy: has(COMMANDS),
            expn: has(COMMANDS),
        }
    }

    fn start(&self, is_slow: bool, may_hold: bool) -> Bench<Server, Application> {
        let config = Arc::new(self.config());
        let mut server = Server::new(Arc::clone(&config), (self.flags & TLS != 0).then(TlsInfo::default));
        if self.extensions & PARAMETERS != 0 {
            server = server.holding_until(DateTime::new("2027-01-01T00:00:00Z").expect("a moment"));
        }
        if self.extensions & TRUSTED != 0 {
            server = server.trusting();
        }
        let app = Application::new(config);
        let mut bench = Bench::new(server, app, is_slow);
        if let Some(before) = &self.before {
            bench.settle();
            before.iter().for_each(|bytes| bench.feed(bytes));
        }
        bench.app.answers = self.answers.iter().copied().collect();
        bench.app.may_hold = may_hold;
        bench.settle();
        bench
    }

    /// Compares what has happened with what a model makes of the same octets.
    fn finish(&self, bench: Bench<Server, Application>) -> Seen {
        let (said, waits, taken) = (bench.fed.clone(), bench.app.waits, bench.app.taken.clone());
        let seen = bench.finish();
        let rules = Rules { is_lmtp: self.extensions & LMTP != 0, ..RULES };
        let expected = smtp_model::messages(&said, &seen.sent, rules, seen.end.is_some(), waits);
        // What the application has taken and the client has not been told of yet is at the end.
        assert_eq!(taken.get(..expected.len()), Some(&expected[..]));
        assert!(taken.len() == expected.len() || waits, "taken, and nobody was told");
        seen
    }
}
