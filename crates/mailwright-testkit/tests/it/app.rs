//! The program under test: it sends mail with lettre, and is not very clever.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::response::Response;
use lettre::{Message, SmtpTransport, Transport as _};

pub(crate) fn welcome(address: &str) -> Message {
    Message::builder()
        .from("The app <app@example.org>".parse().unwrap())
        .to(address.parse().unwrap())
        .subject("Welcome, née Müller")
        .multipart(
            MultiPart::mixed()
                .multipart(MultiPart::alternative_plain_html(
                    "Grüße!\nhttps://example.org/confirm/42?a=1&b=2.".to_owned(),
                    "<p>Grüße! <a href=\"https://example.org/confirm/42?a=1&amp;b=2\">here</a>".to_owned(),
                ))
                .singlepart(
                    Attachment::new("café.txt".to_owned()).body(vec![1, 2, 255], ContentType::TEXT_PLAIN),
                )
                .singlepart(SinglePart::html("<p>second".to_owned())),
        )
        .unwrap()
}

/// Sends it once. The URL is like `smtp://user:password@127.0.0.1:25`, or without the user.
pub(crate) fn send(smtp: &str, message: &Message) -> Result<Response, Error> {
    let (login, server) = smtp.strip_prefix("smtp://").unwrap().rsplit_once('@').unwrap_or(("", &smtp[7..]));
    let (host, port) = server.split_once(':').unwrap();
    let transport = SmtpTransport::builder_dangerous(host).port(port.parse().unwrap());
    let transport = match login.split_once(':') {
        Some((user, password)) => {
            transport.credentials(Credentials::new(user.replace("%40", "@"), password.into()))
        }
        None => transport,
    };
    transport.build().send(message)
}

pub(crate) fn signup(smtp: &str, address: &str) -> Result<Response, Error> {
    send(smtp, &welcome(address))
}

/// Sends it until somebody has it, or says that nobody will.
pub(crate) fn send_patiently(smtp: &str, address: &str) -> Result<usize, Error> {
    let message = welcome(address);
    let mut tries = 0;
    loop {
        tries += 1;
        match send(smtp, &message) {
            Ok(_) => return Ok(tries),
            Err(error) if error.is_permanent() || tries == 5 => return Err(error),
            Err(_) => {}
        }
    }
}
