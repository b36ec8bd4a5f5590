//! A table of a database as a mailbox: support tickets that any mail client can read and search, and none can change.
//!
//! `cargo run -p mailwright-examples --example imap_view_of_table`, then `curl --user ann:secret
//! 'imap://ADDRESS/INBOX?TEXT%20printer'`. Rows that are added show by themselves, within `SourceServer::poll`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mailwright::access::{Entry, Folder, Source, SourceResult, SourceServer};
use mailwright::core::Timestamp;
use mailwright::store::{Flags, SystemFlag};
use rusqlite::{Connection, Row};
use tokio::net::TcpListener;

const TABLE: &str = "
    CREATE TABLE ticket (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: just what IMAP wants of a UID
        customer TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
        opened INTEGER NOT NULL,              -- seconds since 1970
        done INTEGER NOT NULL
    );
    INSERT INTO ticket (customer, title, text, opened, done) VALUES
        ('bob@example.net', 'No tea', 'The kettle is cold.', 1795363200, 1),
        ('carl@example.com', 'No paper', 'The printer is hungry.', 1795449600, 0);";

/// One connection, which takes turns. A real one would be a pool, and asked by `spawn_blocking`.
struct Tickets(Mutex<Connection>);

impl Tickets {
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row as a message. What stands in a header field must not have a line end, or a customer writes fields.
fn message(row: &Row<'_>) -> rusqlite::Result<String> {
    let field = |name| row.get(name).map(|text: String| text.replace(['\r', '\n'], " "));
    let text: String = row.get("text")?;
    let text = text.lines().collect::<Vec<_>>().join("\r\n");
    let kind =
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit";
    Ok(format!("From: {}\r\nSubject: {}\r\n{kind}\r\n\r\n{text}\r\n", field("customer")?, field("title")?))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let size = message(row)?.len() as u64; // must be right: clients ask for octets by their place
    let flags = if row.get("done")? { SystemFlag::Seen.into() } else { Flags::new() };
    let opened = Timestamp(row.get::<_, i64>("opened")?.saturating_mul(1000));
    Ok(Entry::new(row.get("id")?, size).flags(flags).date(opened))
}

impl Source for Tickets {
    type User = ();

    async fn login(&self, user: &str, password: &str) -> Option<()> {
        (user == "ann" && password == "secret").then_some(())
    }

    async fn folders(&self, (): &()) -> SourceResult<Vec<Folder>> {
        // Told by the database, so that a number is not used again even if the newest ticket is deleted.
        let last = "SELECT seq FROM sqlite_sequence WHERE name = 'ticket'";
        let last: u32 = self.database().query_row(last, (), |row| row.get(0))?;
        Ok(vec![Folder::new("INBOX").uid_next(last.saturating_add(1))])
    }

    async fn entries(&self, (): &(), _folder: &str) -> SourceResult<Vec<Entry>> {
        let database = self.database();
        let mut rows = database.prepare_cached("SELECT * FROM ticket")?;
        Ok(rows.query_map((), entry)?.collect::<Result<_, _>>()?)
    }

    async fn message(&self, (): &(), _folder: &str, uid: u32) -> SourceResult<Vec<u8>> {
        let row = self.database().query_row("SELECT * FROM ticket WHERE id = ?", (uid,), message);
        Ok(row?.into_bytes())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let database = Connection::open_in_memory()?;
    database.execute_batch(TABLE)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    SourceServer::new(Tickets(Mutex::new(database))).serve(listener).await;
    Ok(())
}
