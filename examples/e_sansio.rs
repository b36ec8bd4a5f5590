//! The SMTP machine over a blocking socket, without a runtime: one client at a time, mail to stdout.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use mailwright_core::{Machine, Progress, Stale};
use mailwright_smtp::{Accepted, Config, Event, Server};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:2525")?;
    println!("listening on {}", listener.local_addr()?);
    listener
        .incoming()
        .try_for_each(|stream| serve(stream?).or_else(|error| writeln!(io::stderr(), "{error}")))
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut server = Server::new(Arc::new(Config::default()), None);
    let mut input = BytesMut::new();
    loop {
        let step = server.poll_event(&mut input, Instant::now());
        if let Ok(Progress::Event(event)) = step {
            handle(&mut server, event).map_err(io::Error::other)?;
            continue;
        }
        while server.output().has_remaining() {
            let written = stream.write(server.output().chunk())?;
            server.output().advance(written);
        }
        match step {
            Ok(Progress::NeedInput) => {
                let mut buffer = [0; 4096];
                match stream.read(&mut buffer)? {
                    0 => server.handle_eof(),
                    count => input.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                }
            }
            Ok(Progress::NeedDrain) => {}
            _ => return Ok(()),
        }
    }
}

fn handle(server: &mut Server, event: Event) -> Result<(), Stale> {
    match event {
        Event::Hello { ticket, .. } => server.answer(ticket, Ok(())),
        Event::Mail { ticket, .. } => server.answer(ticket, Ok(())),
        Event::Rcpt { ticket, .. } => server.answer(ticket, Ok(())),
        Event::Data { ticket } => server.answer(ticket, Ok(())),
        Event::Body(chunk) => {
            print!("{}", String::from_utf8_lossy(&chunk));
            Ok(())
        }
        Event::BodyEnd { ticket, .. } => server.answer(ticket, Ok(Accepted::new("printed"))),
        _ => Ok(()),
    }
}
