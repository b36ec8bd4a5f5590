//! A server of threads, without a runtime: one a connection, as many as there are seats, and none that waits for ever.
//!
//! `cargo run -p mailwright-examples --example blocking_server`, then `swaks --server ADDRESS --to ann@example.org`.

use std::error::Error;
use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mailwright::bytes::{Buf, BytesMut};
use mailwright::core::{Machine, Progress};
use mailwright::smtp::{Accepted, Config, Event, Rejection, Server};

/// Connections at once. Each costs a thread.
const SEATS: usize = 64;

/// How long a client may take nothing of what it is told.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    let config = Arc::new(Config { hostname: "mx.example.org".to_owned(), ..Config::default() });
    // Whoever is served holds a clone, so that the count of them tells how many seats are taken.
    let seats = Arc::new(());
    loop {
        let (stream, config) = (listener.accept()?.0, Arc::clone(&config));
        if Arc::strong_count(&seats) > SEATS {
            // A few octets into a new socket: nothing to wait for.
            let _ = serve(stream, Server::turn_away(config, &Rejection::too_many_connections()));
            continue;
        }
        let seat = Arc::clone(&seats);
        thread::spawn(move || {
            if let Err(error) = serve(stream, Server::new(config, None)) {
                eprintln!("{error}");
            }
            drop(seat);
        });
    }
}

/// A session, from the greeting to the end.
fn serve(mut stream: TcpStream, mut server: Server) -> Result<(), Box<dyn Error>> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut input = BytesMut::new();
    loop {
        let step = server.poll_event(&mut input, Instant::now());
        // Before any `?`: when the machine gives up, what it says last is still to be written.
        io::copy(&mut server.output().reader(), &mut stream)?;
        match step? {
            Progress::Event(Event::BodyEnd { size, ticket }) => {
                println!("{size} octets");
                server.answer(ticket, Ok(Accepted::new("counted")))?;
            }
            Progress::Event(event) => server.answer_default(event)?,
            Progress::NeedInput => read(&mut stream, &mut server, &mut input)?,
            Progress::NeedDrain => {} // all was written above
            _ => return Ok(()),
        }
    }
}

/// Waits for the client, as long as the machine does (RFC 5321 §4.5.3.2).
fn read(stream: &mut TcpStream, server: &mut Server, input: &mut BytesMut) -> io::Result<()> {
    let left = server.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
    // Zero would be no timeout at all.
    stream.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => server.handle_eof(),
        Ok(count) => input.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            server.handle_timeout(Instant::now());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
