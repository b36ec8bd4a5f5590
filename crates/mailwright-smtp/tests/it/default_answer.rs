//! What is answered for an application without opinions.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use mailwright_core::{Machine, Progress};
use mailwright_smtp::{Config, Server};

use crate::app::TestBench;

/// What a client is told that says this.
fn told(config: Config, said: &str) -> String {
    // All that is said lies there at once.
    let config = Config { refuse_early_input: false, ..config };
    let mut server = Server::new(Arc::new(config), None);
    let (mut input, mut told, now) = (BytesMut::from(said), Vec::new(), TestBench::start());
    loop {
        let step = server.poll_event(&mut input, now).unwrap();
        let output = server.output();
        told.extend_from_slice(&output.copy_to_bytes(output.remaining()));
        match step {
            Progress::Event(event) => server.answer_default(event).unwrap(),
            _ => return String::from_utf8(told).unwrap(),
        }
    }
}

#[test]
fn a_message_that_nobody_takes_stays_with_the_client() {
    let said =
        "HELO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nHi\r\n.\r\nQUIT\r\n";
    let told = told(Config::default(), said);
    let codes: Vec<&str> = told.lines().filter_map(|line| line.get(..3)).collect();
    assert_eq!(codes, ["220", "250", "250", "250", "354", "451", "221"], "{told}");
}

#[test]
fn nobody_is_let_in() {
    let auth_mechanisms = vec!["PLAIN".to_owned()];
    let config = Config { auth_mechanisms, auth_without_tls: true, ..Config::default() };
    let told = told(config, "EHLO c.example\r\nAUTH PLAIN AGFubgByaWdodA==\r\nAUTH PLAIN\r\n");
    assert_eq!(told.matches("535 5.7.8 ").count(), 2, "{told}");
}
