//! Lines to and fro.

use std::io;

use mailwright_tokio::Io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// A connection, by lines.
pub(crate) struct Wire(BufReader<Box<dyn Io>>);

impl Wire {
    pub(crate) fn new(io: Box<dyn Io>) -> Self {
        Self(BufReader::new(io))
    }

    /// The next line, without its CRLF; `None` at the end.
    pub(crate) async fn line(&mut self) -> io::Result<Option<String>> {
        let mut octets = Vec::new();
        self.0.read_until(b'\n', &mut octets).await?;
        let line = octets.strip_suffix(b"\r\n").map(|line| String::from_utf8_lossy(line).into_owned());
        // What is cut off in the middle of a line is no line.
        Ok(line)
    }

    /// The next line, which must come.
    pub(crate) async fn some_line(&mut self) -> io::Result<String> {
        self.line().await?.ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    /// So many octets.
    pub(crate) async fn octets(&mut self, count: usize) -> io::Result<String> {
        let mut octets = vec![0; count];
        self.0.read_exact(&mut octets).await?;
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(text.as_bytes()).await
    }

    /// The code of the next reply, of however many lines.
    pub(crate) async fn reply(&mut self) -> io::Result<u16> {
        Ok(self.reply_lines().await?.0)
    }

    /// The code of the next reply, and the text of its lines.
    pub(crate) async fn reply_lines(&mut self) -> io::Result<(u16, Vec<String>)> {
        let mut lines = Vec::new();
        loop {
            let line = self.some_line().await?;
            let text = line.get(4..).unwrap_or_default().to_owned();
            lines.push(text);
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|code| code.parse().ok());
                return code.map(|code| (code, lines)).ok_or(io::ErrorKind::InvalidData.into());
            }
        }
    }
}
