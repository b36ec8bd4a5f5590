//! The SMTP machine over a blocking socket, without a runtime: one client, then the end.
//!
//! `cargo run -p mailwright-examples --example e_sansio`, then `swaks --server ADDRESS --to ann@example.org`. For many
//! clients, and for those who say nothing, see `blocking_server`.

use std::io::{Read, Write};

use mailwright::bytes::{Buf, BytesMut};
use mailwright::core::{Machine, Progress};
use mailwright::smtp::{Accepted, Event, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    let ((mut stream, _), mut buffer) = (listener.accept()?, [0; 4096]);
    let (mut smtp, mut input) = (Server::new(Default::default(), None), BytesMut::new());
    loop {
        let step = smtp.poll_event(&mut input, std::time::Instant::now())?;
        std::io::copy(&mut smtp.output().reader(), &mut stream)?;
        match step {
            // A ticket is a question. Who does not answer it hears nothing more.
            Progress::Event(Event::BodyEnd { ticket, .. }) => smtp.answer(ticket, Ok(Accepted::default()))?,
            Progress::Event(Event::Body(chunk)) => std::io::stdout().write_all(&chunk)?,
            Progress::Event(event) => smtp.answer_default(event)?, // yes to all who ask for less
            Progress::NeedInput => match stream.read(&mut buffer)? {
                0 => smtp.handle_eof(),
                count => input.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            },
            Progress::NeedDrain => {} // all was written above
            _ => return Ok(()),
        }
    }
}
