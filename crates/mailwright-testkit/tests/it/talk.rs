//! Talking to a server line by line.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Talk(BufReader<TcpStream>);

impl Talk {
    pub(crate) fn to(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next line of the server; empty when it has closed.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        // A connection that breaks may be reset.
        let _ = self.0.read_line(&mut line);
        line.trim_end().to_owned()
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.replace('\n', "\r\n").as_bytes()).unwrap();
    }

    /// Says a line, and hears so many.
    pub(crate) fn ask<const N: usize>(&mut self, line: &str) -> [String; N] {
        self.say(&format!("{line}\n"));
        std::array::from_fn(|_| self.hear())
    }

    /// Says a line, and hears up to the one that begins so.
    pub(crate) fn ask_until(&mut self, line: &str, begin: &str) -> Vec<String> {
        self.say(&format!("{line}\n"));
        let mut lines = Vec::new();
        loop {
            let line = self.hear();
            assert!(!line.is_empty() || lines.len() < 100, "no {begin}: {lines:?}");
            let is_last = line.starts_with(begin);
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }

    /// Everything up to the end.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8(rest).unwrap()
    }
}
