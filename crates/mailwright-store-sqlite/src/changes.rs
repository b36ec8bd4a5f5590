//! What a group changes, as the log keeps it: rows and their new values.

/// Rows that change together, in order: for each the number of its table, the length of its key, the key, the length
/// of its value or [`REMOVED`], the value.
#[derive(Debug, Default)]
pub(crate) struct Changes(Vec<u8>);

/// Stands where a value's length would: the row goes away.
const REMOVED: u32 = u32::MAX;

impl Changes {
    pub(crate) fn push(&mut self, table: u8, key: &[u8], value: Option<&[u8]>) {
        self.0.push(table);
        self.put(key);
        match value {
            Some(value) => self.put(value),
            None => self.0.extend_from_slice(&REMOVED.to_le_bytes()),
        }
    }

    fn put(&mut self, octets: &[u8]) {
        // Keys and values come from limits that are far below 4 GiB.
        let length = u32::try_from(octets.len()).unwrap_or(REMOVED - 1);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(octets);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_octets(&self) -> &[u8] {
        &self.0
    }
}

/// A row that changes: table, key, new value.
pub(crate) type Change<'a> = (u8, &'a [u8], Option<&'a [u8]>);

/// Reads what [`Changes`] wrote. `None` in the end if there is something else.
pub(crate) fn read(mut octets: &[u8]) -> impl Iterator<Item = Option<Change<'_>>> {
    std::iter::from_fn(move || {
        if octets.is_empty() {
            return None;
        }
        let change = take(&mut octets);
        if change.is_none() {
            octets = &[];
        }
        Some(change)
    })
}

fn take<'a>(octets: &mut &'a [u8]) -> Option<Change<'a>> {
    let (&table, rest) = octets.split_first()?;
    *octets = rest;
    let length = take_length(octets)?;
    let key = take_octets(octets, length)?;
    let value = match take_length(octets)? {
        REMOVED => None,
        length => Some(take_octets(octets, length)?),
    };
    Some((table, key, value))
}

fn take_length(octets: &mut &[u8]) -> Option<u32> {
    let (length, rest) = octets.split_first_chunk()?;
    *octets = rest;
    Some(u32::from_le_bytes(*length))
}

fn take_octets<'a>(octets: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (taken, rest) = octets.split_at_checked(usize::try_from(length).ok()?)?;
    *octets = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let mut changes = Changes::default();
        changes.push(1, b"key", Some(b"value"));
        changes.push(2, b"", None);
        changes.push(3, b"", Some(b""));
        let octets = changes.as_octets();
        let all: Vec<_> = read(octets).collect();
        let (one, two, three): (Change<'_>, Change<'_>, Change<'_>) =
            ((1, b"key", Some(b"value")), (2, b"", None), (3, b"", Some(b"")));
        assert_eq!(all, [Some(one), Some(two), Some(three)]);
        assert_eq!(read(&octets[..octets.len() - 1]).last(), Some(None));
    }
}
