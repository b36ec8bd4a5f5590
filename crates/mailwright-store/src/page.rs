//! Small shapes that are used everywhere: pages and opaque values.

/// A part of a list. The next part is asked for with `next` as its `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Takes at most `limit` items, and looks whether there are more. `limit` of zero is taken for one: a page
    /// that does not advance would be asked for again for ever.
    pub fn collect(items: impl IntoIterator<Item = T>, limit: usize, cursor: impl Fn(&T) -> C) -> Self {
        let mut rest = items.into_iter();
        let items: Vec<T> = rest.by_ref().take(limit.max(1)).collect();
        let next = rest.next().and_then(|_| items.last().map(cursor));
        Self { items, next }
    }
}

/// A value that the store keeps without looking into it, and the version of its format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opaque {
    /// Of the format of `bytes`; zero if there is none.
    pub version: u16,
    /// The value.
    pub bytes: bytes::Bytes,
}
