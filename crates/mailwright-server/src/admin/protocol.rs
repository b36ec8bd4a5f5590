//! The control socket's language: a JSON object a line, a request and then its answer.
//!
//! ```text
//! {"version":1,"do":"user-list","after":null}
//! {"version":1,"ok":{"users":{"rows":[],"next":null}}}
//! {"version":1,"error":{"exit":"no-user","message":"..."}}
//! ```

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::exit::Failure;

/// Of the language. Who does not know it is told so.
pub(crate) const VERSION: u32 = 1;

/// Octets of a request.
pub(crate) const REQUEST_MAX: u64 = 16 << 10;

/// Octets of an answer: a page of accounts, with all their addresses.
pub(crate) const ANSWER_MAX: u64 = 64 << 20;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) request: Request,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Is anybody there?
    Ping,
    /// Read the configuration again.
    Reload,
    UserAdd {
        address: String,
        hash: Hash,
    },
    UserPasswd {
        address: String,
        hash: Hash,
    },
    UserRemove {
        address: String,
    },
    /// A page of accounts.
    UserList {
        after: Option<u64>,
    },
    DomainAdd {
        domain: String,
    },
    /// A page of domains.
    DomainList {
        after: Option<String>,
    },
    /// A page of the queue.
    QueueList {
        route: Option<String>,
        after: Option<String>,
    },
    /// An entry of the queue, and what has happened to its message.
    QueueShow {
        entry: String,
    },
    QueueChange {
        entry: String,
        change: QueueChange,
    },
}

/// What is done to an entry of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum QueueChange {
    Retry,
    Hold,
    Release,
    Bounce,
    Delete,
}

/// The hash of a password, never shown: with it, passwords can be guessed at leisure.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hash(pub(crate) String);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) result: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Ok(Reply),
    Error(Failure),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    Done,
    Pong {
        /// The server's process.
        pid: u32,
        /// Service and address.
        listening: Vec<(String, String)>,
    },
    Reloaded(Reloaded),
    Users {
        rows: Vec<UserRow>,
        next: Option<u64>,
    },
    Domains {
        rows: Vec<DomainRow>,
        next: Option<String>,
    },
    Queue {
        rows: Vec<QueueRow>,
        next: Option<String>,
    },
    QueueEntry {
        row: QueueRow,
        trace: Vec<TraceRow>,
    },
}

/// An entry of the queue. The first seven keys are those of `postqueue -j`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueRow {
    /// `active`, `deferred` or `hold`.
    pub(crate) queue_name: String,
    pub(crate) queue_id: String,
    /// In seconds since 1970, as all times here.
    pub(crate) arrival_time: i64,
    pub(crate) message_size: u64,
    pub(crate) forced_expire: bool,
    /// Empty for the null reverse-path.
    pub(crate) sender: String,
    pub(crate) recipients: Vec<RecipientRow>,
    /// The domain that decides on the way.
    pub(crate) route: String,
    pub(crate) attempts: u32,
    pub(crate) next_attempt: i64,
    pub(crate) expires: i64,
    /// Until when its sender has it held, if so (RFC 4865).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release_time: Option<i64>,
}

/// Who has not got it yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecipientRow {
    pub(crate) address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_reason: Option<String>,
}

/// What has happened to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraceRow {
    pub(crate) time: String,
    pub(crate) stage: String,
    pub(crate) verdict: String,
    pub(crate) text: String,
    pub(crate) evidence: Vec<(String, String)>,
}

/// What a reload has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// The keys that changed and are in use.
    pub(crate) changed: Vec<String>,
    /// Those that will be after a restart.
    pub(crate) restart: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRow {
    pub(crate) login: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) password: PasswordIn,
}

/// Where an account's password stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PasswordIn {
    Configuration,
    Store,
    /// Nobody can log in.
    Nowhere,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DomainRow {
    pub(crate) domain: String,
    /// Whether it stands in the configuration, and not in the store.
    pub(crate) configured: bool,
}

/// Why a line is none.
#[derive(Debug, Error)]
pub(crate) enum LineError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("a line longer than {0} octets, or cut off")]
    Long(u64),
    /// What it says is not repeated: there may be a hash in it.
    #[error("not understood, column {}", _0.column())]
    Json(serde_json::Error),
}

/// Reads a line of at most `max` octets; `None` at the end.
pub(crate) async fn read<T: DeserializeOwned>(
    reader: &mut (impl AsyncBufRead + Unpin),
    max: u64,
) -> Result<Option<T>, LineError> {
    let mut line = Vec::new();
    reader.take(max).read_until(b'\n', &mut line).await?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => serde_json::from_slice(&line).map(Some).map_err(LineError::Json),
        Some(_) => Err(LineError::Long(max)),
    }
}

/// Writes a line.
pub(crate) async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    value: &impl Serialize,
) -> Result<(), LineError> {
    let mut line = serde_json::to_vec(value).map_err(LineError::Json)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    Ok(writer.flush().await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn requests_are_stable() {
        let hash = Hash("$argon2id$x".to_owned());
        let add = Request::UserAdd { address: "ann@a.example".to_owned(), hash };
        assert!(!format!("{add:?}").contains("argon2"));
        let text = r#"{"version":1,"do":"user-add","address":"ann@a.example","hash":"$argon2id$x"}"#;
        let asked = Asked { version: VERSION, request: add };
        assert_eq!(serde_json::to_string(&asked).unwrap(), text);
        assert_eq!(serde_json::from_str::<Asked>(text).unwrap(), asked);
        for (text, request) in [
            (r#"{"version":1,"do":"ping"}"#, Request::Ping),
            (r#"{"version":1,"do":"user-list","after":7}"#, Request::UserList { after: Some(7) }),
        ] {
            assert_eq!(serde_json::from_str::<Asked>(text).unwrap().request, request);
        }
    }

    #[test]
    fn answers_are_stable() {
        let answer = |result| serde_json::to_string(&Answered { version: VERSION, result }).unwrap();
        assert_eq!(answer(Outcome::Ok(Reply::Done)), r#"{"version":1,"ok":"done"}"#);
        assert_eq!(
            answer(Outcome::Error(Failure::new(Exit::NoUser, "no such user"))),
            r#"{"version":1,"error":{"exit":"no-user","message":"no such user"}}"#,
        );
    }

    #[tokio::test]
    async fn lines_are_bounded() {
        let mut long = &[b'x'; 100][..];
        assert!(matches!(read::<Asked>(&mut long, 50).await, Err(LineError::Long(50))));
        let mut cut = &b"{\"version\""[..];
        assert!(matches!(read::<Asked>(&mut cut, 50).await, Err(LineError::Long(50))));
        let mut none = &b""[..];
        assert!(matches!(read::<Asked>(&mut none, 50).await, Ok(None)));
        let mut other = &b"{\"hash\":\"secret\"}\n"[..];
        let error = read::<Asked>(&mut other, 50).await.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
