//! `mailwright-sink`: an SMTP server that takes any mail and keeps none, to be measured from outside. It prints
//! its address and serves until it is ended.

use std::env;
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use mailwright_smtp::Config;
use mailwright_smtp::server::Limits;
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{DriverConfig, SmtpServer};
use tokio::net::TcpListener;

const USAGE: &str = "usage: mailwright-sink [--message-size OCTETS] [--idle-commands COUNT] [--write-grace SECONDS] \
                     [--write-min-rate OCTETS]";

struct Sink;

impl SmtpHandler for Sink {
    async fn message(&self, _cx: &Ctx, _envelope: &Envelope, mut body: Body) -> Verdict<String> {
        let mut size = 0;
        while let Some(chunk) = body.chunk().await? {
            size += chunk.len();
        }
        Ok(format!("sank {size} octets"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mut limits, mut driver) = (Limits::default(), DriverConfig::default());
    let mut args = env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or(USAGE)?;
        match name.as_str() {
            "--message-size" => limits.message_size = value.parse()?,
            "--idle-commands" => limits.idle_commands = value.parse()?,
            "--write-grace" => driver.write_grace = Duration::from_secs(value.parse()?),
            "--write-min-rate" => driver.write_min_rate = value.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let config = Config { limits, ..Config::default() };
    SmtpServer::with_config(config, Sink).driver(Arc::new(driver)).serve(listener).await;
    Ok(())
}
