//! SQLite as sorted tables of octets: the log's index.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::{Bound, RangeInclusive};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailwright_store::model::{Base, Nothing, State};
use mailwright_store::{Checksum, Unavailable};
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

/// Where the octets of blobs stand.
pub(crate) const PLACES: u8 = 200;
/// What the index knows of itself.
pub(crate) const META: u8 = 201;

/// Where the index lies.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// In this file, and two beside it.
    File(PathBuf),
    /// Nowhere, or as [`Index::image`] gave it: tests and simulations drive the engine without a disk.
    #[cfg(any(test, feature = "testing"))]
    Memory(Option<Image>),
}

/// All rows, by table and key.
#[cfg(any(test, feature = "testing"))]
pub(crate) type Image = std::collections::BTreeMap<(u8, Vec<u8>), Vec<u8>>;

impl Location {
    /// Octets of its file; zero if there is none.
    pub(crate) fn octets(&self) -> u64 {
        match self {
            Self::File(path) => std::fs::metadata(path).map_or(0, |found| found.len()),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(_) => 0,
        }
    }

    /// Nothing is there any more.
    pub(crate) fn clear(&self) {
        #[cfg_attr(
            not(any(test, feature = "testing")),
            expect(irrefutable_let_patterns, reason = "tests have another")
        )]
        if let Self::File(path) = self {
            for ending in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(ending);
                // If it is not there it need not be removed; if it cannot be, what opens it next says so.
                let _ = std::fs::remove_file(name);
            }
        }
    }
}

/// A connection to the index. All that read and write through it share what went wrong.
#[derive(Clone)]
pub(crate) struct Index(Rc<Inner>);

struct Inner {
    connection: Connection,
    /// The first thing that went wrong since it was last asked.
    fault: RefCell<Option<Fault>>,
    /// Whether anything ever was not as it was written.
    damaged: Cell<bool>,
    /// Octets of the write-ahead log that are in use.
    wal: Arc<AtomicU64>,
    /// By table.
    sql: Vec<Sql>,
    /// By table: whether it may have rows. Only whoever writes can know that it has none.
    filled: Vec<Cell<bool>>,
    /// For tables that there are not: SQLite refuses it.
    no_sql: Sql,
    /// Those of [`Index::OFTEN_EMPTY`] of which rows were removed since the last commit.
    thinned: RefCell<BTreeSet<u8>>,
}

/// The statements for a table, written once: they are looked up by their text.
#[derive(Default)]
struct Sql {
    get: String,
    any: String,
    put: String,
    remove: String,
    /// By what bounds them below, then above. Each finds its first row at once, as one with conditions would not.
    walk: [[String; 3]; 2],
}

impl Sql {
    fn new(table: u8) -> Self {
        let walk = |above: &str, below: &str| {
            format!("SELECT k, v FROM t{table} WHERE k {above} ?1 AND {below} ORDER BY k LIMIT ?3")
        };
        let walks = |above| [walk(above, "k <= ?2"), walk(above, "k < ?2"), walk(above, "?2 IS NOT NULL")];
        Self {
            get: format!("SELECT v FROM t{table} WHERE k = ?1"),
            any: format!("SELECT 1 FROM t{table} LIMIT 1"),
            put: format!("INSERT OR REPLACE INTO t{table} VALUES (?1, ?2)"),
            remove: format!("DELETE FROM t{table} WHERE k = ?1"),
            walk: [walks(">="), walks(">")],
        }
    }

    fn walk(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> &str {
        let [including, excluding] = &self.walk;
        let [upto, below, all] = if matches!(from, Bound::Excluded(_)) { excluding } else { including };
        match to {
            Bound::Included(_) => upto,
            Bound::Excluded(_) => below,
            Bound::Unbounded => all,
        }
    }
}

/// What stands for no bound does not matter above, and comes first below.
fn key_of(bound: Bound<&[u8]>) -> &[u8] {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => key,
        Bound::Unbounded => &[],
    }
}

/// Keys and values.
type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite cannot.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// SQLite finds it malformed.
    #[error("SQLite finds it malformed")]
    Shape,
    /// A row is not what was written.
    #[error("a row of table {table} is damaged")]
    Row {
        /// Of which table.
        table: u8,
    },
}

impl Fault {
    /// Whether the index is not what was written, rather than out of reach.
    fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Shape | Self::Row { .. } => true,
            Self::Sqlite(error) => matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)),
        }
    }

    /// Whether it is for want of room, memory or file descriptors: then nothing has happened, and the index is as good
    /// as it was.
    pub(crate) fn is_of_surroundings(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, OutOfMemory, PermissionDenied};
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(CannotOpen | DiskFull | OutOfMemory | PermissionDenied))
    }

    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}

impl Index {
    /// The queue's tables, which have nothing where mail leaves soon. Of others it is not worth asking.
    const OFTEN_EMPTY: RangeInclusive<u8> = 40..=45;

    /// Statements that are kept ready: a few for each table.
    const STATEMENTS: usize = 512;

    /// Opens it for writing, and creates what is missing.
    pub(crate) fn open(location: &Location) -> Result<Self, Fault> {
        let mut connection = match location {
            Location::File(path) => {
                own(path);
                Connection::open(path)?
            }
            #[cfg(any(test, feature = "testing"))]
            Location::Memory(_) => Connection::open_in_memory()?,
        };
        // The log is what is synced before an answer: the index may lose its end, not its shape.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
             PRAGMA locking_mode = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
        )?;
        let mut schema = String::from("BEGIN;");
        for table in Self::tables() {
            let _ = write!(
                schema,
                "CREATE TABLE IF NOT EXISTS t{table} (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;"
            );
        }
        connection.execute_batch(&(schema + "COMMIT;"))?;
        let wal = Arc::new(AtomicU64::new(0));
        // After the pragmas, of which one takes such a hook away.
        connection.wal_hook(Some(measure_into(Arc::clone(&wal))))?;
        let index = Self::new(connection, wal);
        Self::tables().try_for_each(|table| index.look_into(table))?;
        #[cfg(any(test, feature = "testing"))]
        if let Location::Memory(Some(image)) = location {
            for ((table, key), value) in image {
                index.set(*table, key, Some(value))?;
            }
        }
        Ok(index)
    }

    /// Opens it for reading.
    pub(crate) fn open_for_reading(path: &Path) -> Result<Self, Fault> {
        // A connection stays with its thread: it needs no lock.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")?;
        Ok(Self::new(connection, Arc::default()))
    }

    /// The numbers of all its tables.
    pub(crate) fn tables() -> impl Iterator<Item = u8> {
        State::<Nothing>::TABLES.iter().map(|(number, _)| *number).chain([PLACES, META])
    }

    fn new(connection: Connection, wal: Arc<AtomicU64>) -> Self {
        connection.set_prepared_statement_cache_capacity(Self::STATEMENTS);
        // Otherwise a statement is compiled anew when a bound that might matter to its plan has changed. There are no
        // statistics, so that it never matters. If SQLite does not know the switch, it only takes longer.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
        let sql = (0..=u8::MAX).map(|table| match Self::tables().any(|one| one == table) {
            true => Sql::new(table),
            false => Sql::default(),
        });
        let (sql, no_sql) = (sql.collect::<Vec<_>>(), Sql::default());
        Self(Rc::new(Inner {
            connection,
            fault: RefCell::new(None),
            damaged: Cell::new(false),
            wal,
            filled: sql.iter().map(|_| Cell::new(true)).collect(),
            sql,
            no_sql,
            thinned: RefCell::default(),
        }))
    }

    /// Finds out whether a table has rows: a queue that is soon delivered has none here, and is looked at all the time.
    fn look_into(&self, table: u8) -> Result<(), Fault> {
        let has_rows = self.0.connection.prepare_cached(&self.sql(table).any)?.exists([])?;
        if let Some(filled) = self.0.filled.get(usize::from(table)) {
            filled.set(has_rows);
        }
        Ok(())
    }

    fn is_empty(&self, table: u8) -> bool {
        self.0.filled.get(usize::from(table)).is_some_and(|filled| !filled.get())
    }

    /// All that it has, as it is after the last commit.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn image(&self) -> Image {
        let mut image = Image::new();
        for table in Self::tables() {
            let rows = self.page(table, Bound::Unbounded, Bound::Unbounded, usize::MAX);
            image.extend(rows.into_iter().map(|(key, value)| ((table, key), value)));
        }
        image
    }

    pub(crate) fn begin(&self) -> Result<(), Fault> {
        self.run("BEGIN IMMEDIATE")
    }

    /// Begins to read: what others commit from here on is not seen.
    pub(crate) fn begin_reading(&self) -> Result<(), Fault> {
        self.run("BEGIN")
    }

    pub(crate) fn end_reading(&self) -> Result<(), Fault> {
        if self.0.connection.is_autocommit() { Ok(()) } else { self.run("COMMIT") }
    }

    pub(crate) fn commit(&self) -> Result<(), Fault> {
        for table in self.0.thinned.take() {
            self.look_into(table)?;
        }
        self.run("COMMIT")
    }

    /// Takes back what was written since [`begin`](Self::begin), as far as SQLite has not done so itself.
    pub(crate) fn roll_back(&self) {
        if !self.0.connection.is_autocommit() {
            let _ = self.run("ROLLBACK");
            // What was removed is back.
            self.0.thinned.take();
            self.0.filled.iter().for_each(|filled| filled.set(true));
        }
    }

    fn run(&self, sql: &str) -> Result<(), Fault> {
        self.0.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Writes out all that is only in SQLite's cache, so that the commit needs no more room; and makes sure that the
    /// transaction is still open, since SQLite ends it itself when a write fails.
    pub(crate) fn flush(&self) -> Result<(), Fault> {
        self.0.connection.cache_flush()?;
        if self.0.connection.is_autocommit() {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT),
                None,
            )
            .into());
        }
        Ok(())
    }

    /// Sets a row, or removes it.
    pub(crate) fn set(&self, table: u8, key: &[u8], value: Option<&[u8]>) -> Result<(), Fault> {
        let connection = &self.0.connection;
        match value {
            Some(value) => {
                if let Some(filled) = self.0.filled.get(usize::from(table)) {
                    filled.set(true);
                }
                let value = seal(table, key, value);
                connection.prepare_cached(&self.sql(table).put)?.execute(params![key, value])?;
            }
            None => {
                connection.prepare_cached(&self.sql(table).remove)?.execute([key])?;
                if Self::OFTEN_EMPTY.contains(&table) {
                    self.0.thinned.borrow_mut().insert(table);
                }
            }
        }
        Ok(())
    }

    /// The statements for a table.
    fn sql(&self, table: u8) -> &Sql {
        self.0.sql.get(usize::from(table)).unwrap_or(&self.0.no_sql)
    }

    /// At most `limit` rows from `from` to `to`, ascending.
    pub(crate) fn page(&self, table: u8, from: Bound<&[u8]>, to: Bound<&[u8]>, limit: usize) -> Rows {
        let mut rows = Rows::new();
        self.walk(table, from, to, limit, &mut |key, value| rows.push((key.to_vec(), value.to_vec())));
        rows
    }

    fn try_get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if self.is_empty(table) {
            return Ok(None);
        }
        let mut get = self.0.connection.prepare_cached(&self.sql(table).get)?;
        let mut rows = get.query([key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(unseal(table, key, octets(row, 0)?)?.to_vec()))
    }

    fn try_walk(
        &self,
        table: u8,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), Fault> {
        if self.is_empty(table) {
            return Ok(());
        }
        let sql = self.sql(table).walk(from, to);
        let mut page = self.0.connection.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = page.query(params![key_of(from), key_of(to), limit])?;
        while let Some(row) = rows.next()? {
            let key = octets(row, 0)?;
            show(key, unseal(table, key, octets(row, 1)?)?);
        }
        Ok(())
    }

    /// Octets of the write-ahead log that are in use after the last commit: once all of it is copied it begins anew.
    pub(crate) fn wal_octets(&self) -> u64 {
        self.0.wal.load(Ordering::Relaxed)
    }

    /// Copies the write-ahead log into the index, and syncs both. Whether all of it was copied.
    pub(crate) fn checkpoint(&self, mode: &str) -> Result<bool, Fault> {
        let row = self.0.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        let (busy, pages, copied) = row?;
        Ok(busy == 0 && pages == copied)
    }

    /// Looks at all of it: SQLite's own check of its shape, which has no checksums, then the checksum of every row. A
    /// pointer that leads elsewhere hides rows, and no look at those that are left would tell.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let shape =
            self.0.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
        if shape != "ok" {
            return Err(Fault::Shape);
        }
        for table in Self::tables() {
            // Whatever is no octets, the same as text even, comes before all octets: nobody would find it.
            let hidden = format!("SELECT 1 FROM t{table} WHERE k < x'' LIMIT 1");
            if self.0.connection.query_row(&hidden, [], |_| Ok(())).optional()?.is_some() {
                return Err(Fault::Shape);
            }
            let mut from = Bound::Unbounded;
            loop {
                let mut last = None;
                let above = from.as_ref().map(Vec::as_slice);
                self.try_walk(table, above, Bound::Unbounded, 1000, &mut |key, _| last = Some(key.to_vec()))?;
                let Some(last) = last else { break };
                from = Bound::Excluded(last);
            }
        }
        Ok(())
    }

    /// Whether it was ever found to be other than it was written: then it is to be thrown away.
    pub(crate) fn is_damaged(&self) -> bool {
        self.0.damaged.get()
    }

    /// What went wrong since this was last asked.
    pub(crate) fn take_fault(&self) -> Result<(), Fault> {
        self.0.fault.take().map_or(Ok(()), Err)
    }

    fn note(&self, fault: Fault) {
        if fault.is_damage() {
            self.0.damaged.set(true);
        }
        self.0.fault.borrow_mut().get_or_insert(fault);
    }
}

impl Base for Index {
    fn get(&self, table: u8, key: &[u8]) -> Option<Vec<u8>> {
        self.try_get(table, key).unwrap_or_else(|fault| {
            self.note(fault);
            None
        })
    }

    fn walk(
        &self,
        table: u8,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        limit: usize,
        row: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        if let Err(fault) = self.try_walk(table, from, to, limit, row) {
            self.note(fault);
        }
    }

    fn damaged(&self, table: u8, _: &[u8]) {
        self.note(Fault::Row { table });
    }

    fn fault(&self) -> Result<(), Unavailable> {
        self.take_fault().map_err(Unavailable::new)
    }
}

/// Makes the file, if it is not there, for its owner only: SQLite gives its other files the same mode.
fn own(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    // If it cannot be made, SQLite says why.
    let _ = options.write(true).create_new(true).mode(0o600).open(path);
}

/// Notes how long the write-ahead log is after each commit.
fn measure_into(octets: Arc<AtomicU64>) -> impl FnMut(&mut Wal, i32) -> rusqlite::Result<()> + Send {
    /// SQLite's default, and a header.
    const PAGE: u64 = 4096 + 24;
    move |_, pages| {
        octets.store(u64::try_from(pages).unwrap_or_default() * PAGE, Ordering::Relaxed);
        Ok(())
    }
}

/// SQLite has no checksums of its own: each value ends with one over table, key and value.
fn seal(table: u8, key: &[u8], value: &[u8]) -> Vec<u8> {
    let sum = checksum(table, key, value);
    let mut sealed = Vec::with_capacity(value.len() + sum.len());
    sealed.extend_from_slice(value);
    sealed.extend_from_slice(&sum);
    sealed
}

/// A column, which holds octets in each row that was written.
fn octets<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Result<&'r [u8], Fault> {
    row.get_ref(column)?.as_blob().map_err(|_| Fault::Shape)
}

fn unseal<'v>(table: u8, key: &[u8], value: &'v [u8]) -> Result<&'v [u8], Fault> {
    match value.split_last_chunk() {
        Some((value, sum)) if checksum(table, key, value) == *sum => Ok(value),
        _ => Err(Fault::Row { table }),
    }
}

fn checksum(table: u8, key: &[u8], value: &[u8]) -> [u8; 4] {
    let mut sum = Checksum::default();
    sum.update(&[table]);
    sum.update(key);
    sum.update(value);
    sum.value().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one bit in the header of a row does: the same key, and nobody finds it.
    #[test]
    fn a_key_that_is_text_is_damage() {
        let index = Index::open(&Location::Memory(None)).unwrap();
        let table = Index::tables().next().unwrap();
        index.set(table, b"key", Some(b"value")).unwrap();
        assert!(index.check().is_ok() && index.try_get(table, b"key").unwrap().is_some());
        index.0.connection.execute(&format!("UPDATE t{table} SET k = CAST(k AS TEXT)"), []).unwrap();
        assert!(index.try_get(table, b"key").unwrap().is_none());
        assert!(matches!(index.check(), Err(Fault::Shape)));
    }
}
