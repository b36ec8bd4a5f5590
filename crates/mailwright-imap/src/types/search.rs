//! What SEARCH asks for (RFC 9051 §6.4.4, RFC 4731, RFC 5032, RFC 5182, RFC 7162 §3.1.5).

use bytes::Bytes;
use mailwright_core::ModSeq;

use super::date::Date;
use super::flag::Flag;

/// A search key. `S` names messages: in a [`Command`](crate::Command) a [`MessageSet`](crate::types::MessageSet),
/// in an event a [`UidSet`](mailwright_core::UidSet) of those that are in the view.
///
/// Texts are octets in the command's charset, which is UTF-8 or US-ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchKey<S> {
    /// `ALL`
    All,
    /// These messages.
    Messages(S),
    /// All of these; every message if there is none.
    And(Vec<Self>),
    /// `OR`
    Or(Box<(Self, Self)>),
    /// `NOT`
    Not(Box<Self>),
    /// It has a flag: `SEEN`, `DELETED`, `KEYWORD ...`. (`UNSEEN` is one of these in a [`Not`](Self::Not).)
    Flag(Flag),
    /// `BEFORE`: its INTERNALDATE, in its own offset, is earlier than that day.
    Before(Date),
    /// `ON`
    On(Date),
    /// `SINCE`
    Since(Date),
    /// `SENTBEFORE`: the same of its Date field.
    SentBefore(Date),
    /// `SENTON`
    SentOn(Date),
    /// `SENTSINCE`
    SentSince(Date),
    /// `LARGER`: more octets than this.
    Larger(u64),
    /// `SMALLER`
    Smaller(u64),
    /// `OLDER`: its INTERNALDATE lies that many seconds back, or more (RFC 5032).
    Older(u32),
    /// `YOUNGER`: or less.
    Younger(u32),
    /// `FROM`, `TO`, `CC`, `BCC`, `SUBJECT`, `HEADER name text`: that header field has that text.
    Header {
        /// The field's name.
        name: String,
        /// What it has in it; empty: the field is there.
        text: Bytes,
    },
    /// `BODY`
    Body(Bytes),
    /// `TEXT`
    Text(Bytes),
    /// `MODSEQ`: this one or a later one.
    ModSeq(ModSeq),
}

/// What SEARCH is to return (RFC 4731 §3.1, RFC 5182).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchReturn {
    /// `MIN`
    pub min: bool,
    /// `MAX`
    pub max: bool,
    /// `ALL`
    pub all: bool,
    /// `COUNT`
    pub count: bool,
    /// `SAVE`
    pub save: bool,
}

impl<S> SearchKey<S> {
    /// The same key with other names of messages, say UIDs for message numbers.
    ///
    /// # Errors
    /// The first that `map` returns.
    pub fn try_map<T, E>(self, map: &mut impl FnMut(S) -> Result<T, E>) -> Result<SearchKey<T>, E> {
        Ok(match self {
            Self::All => SearchKey::All,
            Self::Messages(set) => SearchKey::Messages(map(set)?),
            Self::And(keys) => {
                SearchKey::And(keys.into_iter().map(|key| key.try_map(map)).collect::<Result<_, E>>()?)
            }
            Self::Or(keys) => SearchKey::Or(Box::new((keys.0.try_map(map)?, keys.1.try_map(map)?))),
            Self::Not(key) => SearchKey::Not(Box::new(key.try_map(map)?)),
            Self::Flag(flag) => SearchKey::Flag(flag),
            Self::Before(date) => SearchKey::Before(date),
            Self::On(date) => SearchKey::On(date),
            Self::Since(date) => SearchKey::Since(date),
            Self::SentBefore(date) => SearchKey::SentBefore(date),
            Self::SentOn(date) => SearchKey::SentOn(date),
            Self::SentSince(date) => SearchKey::SentSince(date),
            Self::Larger(size) => SearchKey::Larger(size),
            Self::Smaller(size) => SearchKey::Smaller(size),
            Self::Older(seconds) => SearchKey::Older(seconds),
            Self::Younger(seconds) => SearchKey::Younger(seconds),
            Self::Header { name, text } => SearchKey::Header { name, text },
            Self::Body(text) => SearchKey::Body(text),
            Self::Text(text) => SearchKey::Text(text),
            Self::ModSeq(modseq) => SearchKey::ModSeq(modseq),
        })
    }
}
