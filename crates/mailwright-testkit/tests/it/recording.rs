//! Sessions as text, and played again.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mailwright_core::{Machine as _, Progress};
use mailwright_smtp::{Event, Server};
use mailwright_testkit::machine::{self, App, Bench, Note};
use mailwright_testkit::{
    Compare, Limits, MailServer, NotATranscript, Protocol, Recorder, Recording, ReplayConfig, ReplayError,
};

use crate::app;
use crate::talk::Talk;

/// A session of each protocol.
fn sessions(mail: &MailServer) -> [Recording; 3] {
    let mut smtp = Talk::to(mail.addr(Protocol::Smtp));
    smtp.hear();
    smtp.ask_until("EHLO c.example", "250 ");
    smtp.ask::<1>("AUTH PLAIN AGFubgBzZWNyZXQ=");
    smtp.ask::<1>("MAIL FROM:<bob@example.net>");
    smtp.ask::<2>("RCPT TO:<ann@localhost>\nDATA");
    smtp.ask::<1>("Subject: \u{e9} {3*a}\n\n..\nAUTH PLAIN this is no secret\n.");
    smtp.ask::<1>("QUIT");
    let mut pop3 = Talk::to(mail.addr(Protocol::Pop3));
    pop3.hear();
    pop3.ask::<1>("USER ann@localhost");
    pop3.ask::<1>("PASS secret");
    pop3.ask_until("CAPA", ".");
    pop3.ask_until("RETR 1", "AUTH");
    pop3.hear();
    pop3.ask::<1>("QUIT");
    let mut imap = Talk::to(mail.addr(Protocol::Imap));
    imap.hear();
    imap.ask_until("a LOGIN {13}", "+ ");
    imap.ask_until("ann@localhost {6}", "+ ");
    imap.ask_until("secret", "a OK");
    imap.ask_until("b SELECT INBOX", "b OK");
    imap.ask_until("c APPEND INBOX {16+}\nSubject: two\n\n\n", "c OK");
    imap.ask_until("d FETCH 1 (INTERNALDATE BODY[])", "d OK");
    imap.ask_until("e LOGOUT", "e OK");
    <[Recording; 3]>::try_from(mail.recordings()).unwrap()
}

fn secrets(protocol: Protocol) -> ReplayConfig {
    let secrets: &[&str] = match protocol {
        Protocol::Smtp => &["AGFubgBzZWNyZXQ="],
        Protocol::Pop3 => &["secret"],
        Protocol::Imap => &["{13}", "ann@localhost {6}", "secret"],
    };
    ReplayConfig {
        secrets: secrets.iter().map(|secret| (*secret).into()).collect(),
        ..ReplayConfig::default()
    }
}

#[test]
fn a_session_is_text_and_played_again_it_is_the_same() {
    let recorded = sessions(&MailServer::builder().password("ann", "secret").start_blocking());
    for compare in [Compare::Text, Compare::Codes] {
        let again = MailServer::builder().password("ann", "secret").start_blocking();
        for recording in &recorded {
            let text = recording.to_string();
            assert!(
                !text.contains("AGFub") && !text.contains("PASS s") && !text.contains(": secret"),
                "{text}"
            );
            assert_eq!(&text.parse::<Recording>().unwrap(), recording, "{text}");
            let played = match compare {
                Compare::Text => recording.with_wildcards().to_string().parse().unwrap(),
                Compare::Codes => recording.clone(),
            };
            let config = ReplayConfig { compare, ..secrets(recording.protocol()) };
            let came = played.replay(again.addr(recording.protocol()), &config);
            came.unwrap_or_else(|error| panic!("{compare:?}: {error}\n\n{played}"));
            let now = again.recordings().last().unwrap().with_wildcards().to_string();
            let same = |text: &str| {
                text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(same(&now), same(&recording.with_wildcards().to_string()), "{compare:?}");
        }
        assert_eq!(again.messages().len(), 1);
        assert_eq!(again.messages()[0].text(), ".\nAUTH PLAIN this is no secret");
    }
}

#[test]
fn a_transcript_shows_what_was_sent_together() {
    let mail = MailServer::start_blocking();
    sessions(&mail);
    let text = mail.recordings()[0].to_string();
    assert!(text.contains("C: AUTH PLAIN ***\nS: 235 "), "{text}");
    assert!(text.contains("C& RCPT TO:<ann@localhost>\nC: DATA\n"), "{text}");
    assert!(
        text.contains("C: Subject: \\xc3\\xa9 \\{3*a}\nC:\nC: ..\nC: AUTH PLAIN this is no secret\nC: .\n"),
        "{text}"
    );
}

#[test]
fn what_is_another_reply_is_told() {
    let mail = MailServer::start_blocking();
    let config = ReplayConfig::default();
    let played = |text: &str, config: &ReplayConfig| {
        let recording: Recording = text.parse().unwrap();
        recording.replay(mail.addr(Protocol::Smtp), config)
    };
    let wrong = played("S: 220 {*}\nC: NOOP\nS: 250 2.0.0 no\n", &config).unwrap_err();
    assert_eq!(wrong.to_string(), "line 3 should be\n  250 2.0.0 no\nand is\n  250 2.0.0 ok");
    let codes = ReplayConfig { compare: Compare::Codes, ..ReplayConfig::default() };
    played("S: 220 x\nC: NOOP\nS: 250-2.0.0 no\nS: 250 2.0.0 no\n", &codes).unwrap();
    let wrong = played("S: 220 x\nC: NOOP\nS: 500 5.5.1 no\n", &codes).unwrap_err();
    assert!(matches!(wrong, ReplayError::Differs { line: 3, .. }), "{wrong}");
    let silent = ReplayConfig { timeout: Duration::from_millis(30), ..ReplayConfig::default() };
    let wrong = played("S: 220 {*}\nS: 220 again\n", &silent).unwrap_err();
    assert!(matches!(wrong, ReplayError::Lost { line: 2, .. }), "{wrong}");
    let wrong = played("S: 220 {*}\nC: AUTH PLAIN ***\n", &config).unwrap_err();
    assert!(matches!(wrong, ReplayError::NoSecret(2)), "{wrong}");
    let wrong = played("upgraded Tls\n", &config).unwrap_err();
    assert!(matches!(wrong, ReplayError::Tls(1)), "{wrong}");
    assert_eq!("S: 220\nEHLO x\n".parse::<Recording>(), Err(NotATranscript { line: 2 }));
    assert_eq!("@ protocol x400\n".parse::<Recording>(), Err(NotATranscript { line: 1 }));
}

#[test]
fn a_server_without_end_is_not_read_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        for flood in ["x", "250-x\r\n"] {
            let (mut client, _) = listener.accept().unwrap();
            while client.write_all(flood.repeat(1_000).as_bytes()).is_ok() {}
        }
    });
    let config = ReplayConfig { compare: Compare::Codes, lines: 5_000, ..ReplayConfig::default() };
    let recording: Recording = "S: 250 x\n".parse().unwrap();
    for _ in 0..2 {
        let wrong = recording.replay(addr, &config).unwrap_err();
        assert!(matches!(wrong, ReplayError::Lost { line: 1, .. }), "{wrong}");
    }
    server.join().unwrap();
}

#[test]
fn a_recording_has_an_end_and_says_so() {
    let limits = Limits { transcript: 300, sessions: 2, ..Limits::default() };
    let mail = MailServer::builder().limits(limits).start_blocking();
    for _ in 0..3 {
        app::signup(&mail.smtp_url(), "ann@example.org").unwrap();
    }
    let recordings = mail.recordings();
    assert_eq!(recordings.len(), 2);
    let text = recordings[0].to_string();
    assert!(text.len() < 1_000 && text.contains("# octets that were left out: "), "{text}");
    let parsed: Recording = text.parse().unwrap();
    assert_eq!(parsed, recordings[0]);
    let wrong = parsed.replay(mail.addr(Protocol::Smtp), &ReplayConfig::default()).unwrap_err();
    assert!(matches!(wrong, ReplayError::LeftOut(_)), "{wrong}");
}

#[test]
fn names_are_taken_out_and_it_still_plays() {
    let mail = MailServer::start_blocking();
    app::signup(&mail.smtp_url(), "ann@example.org").unwrap();
    let redacted = mail.recordings()[0].redact("Ann@example.org").redact("app").with_wildcards();
    let text = redacted.to_string();
    assert!(!text.contains("ann@") && !text.contains("app@"), "{text}");
    assert!(text.contains("C: RCPT TO:<xxx@xxxxxxx.xxx>\n"), "{text}");
    redacted.replay(mail.addr(Protocol::Smtp), &ReplayConfig::default()).unwrap();
    mail.wait_for_blocking(|m| m.to("xxx@xxxxxxx.xxx"));
    assert_eq!(mail.recordings()[0].redact(""), mail.recordings()[0]);
}

#[test]
fn a_session_with_somebody_else_is_recorded() {
    let mail = MailServer::start_blocking();
    let recorder = Recorder::start(Protocol::Smtp, mail.addr(Protocol::Smtp));
    app::signup(&format!("smtp://{}", recorder.addr()), "ann@example.org").unwrap();
    mail.wait_for_blocking(|m| m.to("ann@example.org"));
    let [heard] = <[Recording; 1]>::try_from(recorder.recordings()).unwrap();
    heard.with_wildcards().replay(mail.addr(Protocol::Smtp), &ReplayConfig::default()).unwrap();
    assert_eq!(mail.messages().len(), 2);

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let recorder = Recorder::start(Protocol::Pop3, nobody);
    let mut rest = String::new();
    let _ = std::net::TcpStream::connect(recorder.addr()).unwrap().read_to_string(&mut rest);
    assert_eq!(rest, "");
    assert!(recorder.recordings()[0].to_string().contains("cannot be reached"));
}

/// An application that is told nothing.
struct Silent;

impl App<Server> for Silent {
    fn event(&mut self, _: &mut Server, event: Event) -> Note {
        Note::Line(format!("{event:?}"))
    }
}

/// What is recorded is what machines are tested with.
#[test]
fn a_recording_plays_against_a_machine() {
    let mail = MailServer::start_blocking();
    let mut talk = Talk::to(mail.addr(Protocol::Smtp));
    talk.hear();
    talk.ask::<1>("NOOP {3*a}");
    talk.ask::<2>("RSET\nQUIT");
    let folder = std::env::temp_dir().join(format!("mailwright-testkit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // A machine says at its end how it ended.
    let text = format!("{}= Closed\n", mail.recordings()[0]);
    std::fs::write(folder.join("session.txt"), text).unwrap();
    machine::run_transcripts(&folder, |settings| {
        assert_eq!(settings["protocol"], "smtp");
        let mut server = Server::new(Arc::default(), None);
        // Who was let in is no line of a recording.
        if let Ok(Progress::Event(connect)) = server.poll_event(&mut BytesMut::new(), Instant::now()) {
            server.answer_default(connect).unwrap();
        }
        Bench::new(server, Silent, Bench::<Server, Silent>::start())
    });
    std::fs::remove_dir_all(folder).unwrap();
}
