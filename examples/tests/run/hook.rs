//! The other side of the webhook.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// An HTTP server that takes JSON, as many times as it has something to say.
pub(crate) struct Hook {
    addr: SocketAddr,
    requests: Receiver<Value>,
}

impl Hook {
    pub(crate) fn start(statuses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, requests) = sync_channel(statuses.len());
        thread::spawn(move || {
            for status in statuses {
                let _ = sender.send(serve(listener.accept().unwrap().0, status));
            }
        });
        Self { addr, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mail", self.addr)
    }

    /// The next one that came.
    pub(crate) fn request(&self) -> Value {
        self.requests.recv_timeout(Duration::from_secs(60)).unwrap()
    }
}

fn serve(stream: TcpStream, status: &str) -> Value {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    for (number, line) in stream.by_ref().lines().map(Result::unwrap).enumerate() {
        if number == 0 {
            assert_eq!(line, "POST /mail HTTP/1.1");
        }
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("Content-Length: ").map_or(length, |length| length.parse().unwrap());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\nConnection: close\r\n\r\n");
    stream.get_mut().write_all(&[head.as_bytes(), b"caf\xe9"].concat()).unwrap(); // no UTF-8
    serde_json::from_slice(&body).unwrap()
}
