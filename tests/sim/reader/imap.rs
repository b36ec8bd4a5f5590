//! By IMAP (RFC 9051).

use std::io;

use super::unexpected;
use crate::ledger::Read;
use crate::scenario::password;
use crate::wire::Wire;

/// A message is `<UIDVALIDITY>/<UID>`.
pub(super) async fn session(mut wire: Wire, user: &str, read: &mut Vec<Read>) -> io::Result<()> {
    let greeting = wire.some_line().await?;
    if !greeting.starts_with("* OK ") {
        return Err(unexpected(&greeting));
    }
    ask(&mut wire, &format!("LOGIN {user} \"{}\"", password(user)), |_, _| {}).await?;
    let mut validity = String::new();
    ask(&mut wire, "SELECT INBOX", |line, _| {
        if let Some(rest) = line.strip_prefix("* OK [UIDVALIDITY ") {
            validity = rest.chars().take_while(char::is_ascii_digit).collect();
        }
    })
    .await?;
    ask(&mut wire, "UID FETCH 1:* BODY.PEEK[]", |line, literal| {
        if let (Some(uid), Some(content)) = (uid(line), literal) {
            read.push(Read { id: format!("{validity}/{uid}"), content });
        }
    })
    .await?;
    ask(&mut wire, "LOGOUT", |_, _| {}).await
}

/// Does a command to its end; `each` sees each response, with its literal if it has one.
async fn ask(wire: &mut Wire, command: &str, mut each: impl FnMut(&str, Option<String>)) -> io::Result<()> {
    wire.send(&format!("a {command}\r\n")).await?;
    loop {
        let mut line = wire.some_line().await?;
        let mut literal = None;
        while let Some(count) = announced(&line) {
            literal = Some(wire.octets(count).await?);
            line += &wire.some_line().await?;
        }
        match line.strip_prefix("a ") {
            Some(done) if done.starts_with("OK ") => return Ok(()),
            Some(_) => return Err(unexpected(&line)),
            None => each(&line, literal),
        }
    }
}

/// Octets of the literal that follows a line.
fn announced(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

fn uid(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("UID ")?;
    rest.split([' ', ')']).next()
}
