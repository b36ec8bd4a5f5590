//! By POP3 (RFC 1939). Nothing is deleted.

use std::io;

use super::unexpected;
use crate::ledger::Read;
use crate::scenario::password;
use crate::wire::Wire;

/// A message is what UIDL says.
pub(super) async fn session(mut wire: Wire, user: &str, read: &mut Vec<Read>) -> io::Result<()> {
    is_ok(&mut wire).await?;
    ask(&mut wire, &format!("USER {user}")).await?;
    ask(&mut wire, &format!("PASS {}", password(user))).await?;
    ask(&mut wire, "UIDL").await?;
    for listed in lines(&mut wire).await? {
        let (number, id) = listed.split_once(' ').ok_or_else(|| unexpected(&listed))?;
        ask(&mut wire, &format!("RETR {number}")).await?;
        let content = lines(&mut wire).await?.into_iter().map(|line| line + "\r\n").collect();
        read.push(Read { id: id.to_owned(), content });
    }
    ask(&mut wire, "QUIT").await
}

async fn ask(wire: &mut Wire, command: &str) -> io::Result<()> {
    wire.send(&format!("{command}\r\n")).await?;
    is_ok(wire).await
}

async fn is_ok(wire: &mut Wire) -> io::Result<()> {
    let line = wire.some_line().await?;
    if line.starts_with("+OK") { Ok(()) } else { Err(unexpected(&line)) }
}

/// The lines of a response, without transparency.
async fn lines(wire: &mut Wire) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let line = wire.some_line().await?;
        if line == "." {
            return Ok(lines);
        }
        lines.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
    }
}
