//! A test of the mail that a program sends: `cargo run -p mailwright-examples --example d_test_my_app`. In earnest the body
//! of `main` is that of a `#[tokio::test]`.

use mailwright::testkit::{MailServer, Stage};

#[tokio::main]
async fn main() {
    let mail = MailServer::start().await;
    mail.fail_next(Stage::Rcpt, "451 4.7.1 greylisted, try later"); // does my app retry?
    my_app::signup(&mail.smtp_url(), "ann@example.org").await;
    let m = mail.wait_for(|m| m.to("ann@example.org")).await; // 5 s, panics with all that was said
    assert_eq!(m.subject(), "Welcome");
    assert!(m.links().iter().any(|link| link.contains("/confirm/")));
    println!("what was said:\n\n{}", mail.transcript());
}

/// The program: it sends mail with lettre, and tries again.
mod my_app {
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

    pub(super) async fn signup(smtp: &str, address: &str) {
        if let Err(error) = try_signup(smtp, address).await {
            eprintln!("{address} is not welcomed: {error}");
        }
    }

    async fn try_signup(smtp: &str, address: &str) -> Result<(), Box<dyn std::error::Error>> {
        let (host, port) = smtp.trim_start_matches("smtp://").split_once(':').ok_or("no port")?;
        let relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port.parse()?).build();
        let message =
            Message::builder().from("app@example.org".parse()?).to(address.parse()?).subject("Welcome");
        let message = message.body("Was it you?\nhttps://example.org/confirm/42\n".to_owned())?;
        for _ in 0..3 {
            match relay.send(message.clone()).await {
                Err(error) if error.is_transient() => {}
                sent => return sent.map(drop).map_err(Into::into),
            }
        }
        Err("it was tried three times".into())
    }
}
