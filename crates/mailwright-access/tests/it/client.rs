//! A client of IMAP.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::time::timeout;

/// A client, which gives up after a while.
pub(crate) struct Client {
    io: BufReader<DuplexStream>,
    commands: u32,
}

impl Client {
    pub(crate) fn new(io: DuplexStream) -> Self {
        Self { io: BufReader::new(io), commands: 0 }
    }

    pub(crate) async fn login(&mut self) {
        assert!(self.line().await.starts_with("* OK "));
        assert!(self.ask("LOGIN ann secret").await.ends_with("logged in"));
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.unwrap();
    }

    /// A line, with the literals in it.
    pub(crate) async fn line(&mut self) -> String {
        let mut whole = Vec::new();
        loop {
            let read = timeout(Duration::from_secs(10), self.io.read_until(b'\n', &mut whole)).await;
            assert_ne!(
                read.expect("a line in time").unwrap(),
                0,
                "closed after {}",
                String::from_utf8_lossy(&whole)
            );
            let text = String::from_utf8_lossy(&whole).into_owned();
            let Some(size) = text.strip_suffix("}\r\n").and_then(|text| text.rsplit_once('{')) else {
                return text.trim_end_matches("\r\n").to_owned();
            };
            let mut literal = vec![0; size.1.parse().unwrap()];
            self.io.read_exact(&mut literal).await.unwrap();
            whole.extend(literal);
        }
    }

    /// All lines of the answer to a command, the tag left out.
    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.commands += 1;
        let tag = format!("a{} ", self.commands);
        self.send(&format!("{tag}{command}\r\n")).await;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if let Some(last) = line.strip_prefix(&tag) {
                lines.push(last.to_owned());
                return lines.join("\n");
            }
            lines.push(line);
        }
    }

    pub(crate) async fn ok(&mut self, command: &str) -> String {
        let answer = self.ask(command).await;
        assert!(answer.lines().last().unwrap().starts_with("OK"), "{command}: {answer}");
        answer
    }

    pub(crate) async fn append(&mut self, options: &str, text: &str) -> String {
        self.ok(&format!("APPEND INBOX {options}{{{}+}}\r\n{text}", text.len())).await
    }
}
