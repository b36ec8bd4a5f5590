//! A client that believes what it is told, and knows nothing else.

use std::collections::{BTreeMap, BTreeSet};

use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split,
};

/// A message as the client has been told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row {
    pub(super) uid: Option<u32>,
    /// Sorted, in lower case.
    pub(super) flags: Option<BTreeSet<String>>,
}

/// What of a mailbox survives the session.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    pub(super) uid_validity: u32,
    pub(super) modseq: u64,
    pub(super) flags: BTreeMap<u32, BTreeSet<String>>,
}

/// What has come until a command was answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) search: Vec<u32>,
    pub(super) copied: Option<(Vec<u32>, Vec<u32>)>,
    /// UIDs of `VANISHED (EARLIER)`.
    pub(super) earlier: BTreeSet<u32>,
    /// UIDs and flags of all FETCH responses.
    pub(super) fetched: Vec<(Option<u32>, Option<BTreeSet<String>>)>,
    expunges: u32,
}

impl Answer {
    pub(super) fn is_ok(&self) -> bool {
        self.status.starts_with("OK")
    }
}

pub(super) struct Client {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    tags: u32,
    pub(super) mailbox: Option<usize>,
    pub(super) rows: Vec<Row>,
    pub(super) uid_validity: u32,
    /// HIGHESTMODSEQ, as SELECT or a tagged OK has told it.
    pub(super) modseq: u64,
    pub(super) qresync: bool,
    pub(super) idle: Option<String>,
    /// All that was said, for who looks for a mistake.
    pub(super) log: String,
}

impl Client {
    pub(super) async fn connect(io: DuplexStream) -> Self {
        let (read, write) = split(io);
        let mut client = Self {
            read: BufReader::new(read),
            write,
            tags: 0,
            mailbox: None,
            rows: Vec::new(),
            uid_validity: 0,
            modseq: 0,
            qresync: false,
            idle: None,
            log: String::new(),
        };
        let greeting = client.response().await;
        assert!(greeting.starts_with("* OK"), "{greeting}");
        assert!(client.ask("LOGIN ann secret").await.is_ok());
        client
    }

    async fn send(&mut self, text: &str) {
        self.log += &format!("C: {text}\n");
        self.write.write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
    }

    /// A response, with its literals, without its CRLF.
    async fn response(&mut self) -> String {
        let mut octets = Vec::new();
        loop {
            let count = self.read.read_until(b'\n', &mut octets).await.unwrap();
            assert!(count > 0, "the connection was closed:\n{}", self.log);
            let line = octets.strip_suffix(b"\r\n").expect("lines end in CRLF");
            let literal = line.strip_suffix(b"}").and_then(|line| {
                let at = line.iter().rposition(|&octet| octet == b'{')?;
                std::str::from_utf8(&line[at + 1..]).ok()?.parse::<usize>().ok()
            });
            match literal {
                Some(size) => {
                    let end = octets.len();
                    octets.resize(end + size, 0);
                    self.read.read_exact(&mut octets[end..]).await.unwrap();
                }
                None => break,
            }
        }
        let text = String::from_utf8_lossy(&octets).trim_end().to_owned();
        self.log += &format!("S: {text}\n");
        text
    }

    /// Sends a command and believes what comes until it is answered.
    pub(super) async fn ask(&mut self, command: &str) -> Answer {
        let tag = self.begin(command).await;
        self.end(&tag, command).await
    }

    async fn begin(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("a{}", self.tags);
        self.send(&format!("{tag} {command}")).await;
        tag
    }

    async fn end(&mut self, tag: &str, command: &str) -> Answer {
        let mut answer = Answer::default();
        // RFC 9051 §7.5.1: numbers must not change under these.
        let numbers = ["FETCH", "STORE", "SEARCH"].iter().any(|name| command.starts_with(name));
        loop {
            let response = self.response().await;
            if let Some(status) = response.strip_prefix(tag) {
                answer.status = status.trim().to_owned();
                if let Some(modseq) = number_after(&answer.status, "[HIGHESTMODSEQ ") {
                    self.modseq = modseq;
                }
                answer.copied = answer.copied.take().or_else(|| copied(&answer.status));
                assert!(!numbers || answer.expunges == 0, "numbers changed during {command}:\n{}", self.log);
                return answer;
            }
            self.believe(&response, &mut answer);
        }
    }

    pub(super) async fn append(&mut self, mailbox: &str, flags: &str, message: &str) -> Answer {
        let command = format!("APPEND {mailbox} ({flags}) {{{}+}}\r\n{message}", message.len());
        self.ask(&command).await
    }

    pub(super) async fn begin_idle(&mut self) {
        let tag = self.begin("IDLE").await;
        loop {
            let response = self.response().await;
            if response.starts_with("+ ") {
                break;
            }
            self.believe(&response, &mut Answer::default());
        }
        self.idle = Some(tag);
    }

    pub(super) async fn end_idle(&mut self) {
        let Some(tag) = self.idle.take() else { return };
        self.send("DONE").await;
        assert!(self.end(&tag, "IDLE").await.is_ok());
    }

    /// Takes in one response that nobody has asked for.
    pub(super) async fn listen(&mut self) {
        let response = self.response().await;
        self.believe(&response, &mut Answer::default());
    }

    /// SELECT, maybe with what is known from an earlier session. What is then known is the view.
    pub(super) async fn select(&mut self, index: usize, mailbox: &str, cache: Option<&Cache>) {
        (self.rows, self.mailbox) = (Vec::new(), None);
        let parameters = match cache {
            Some(cache) if self.qresync => format!(" (QRESYNC ({} {}))", cache.uid_validity, cache.modseq),
            _ => String::new(),
        };
        let answer = self.ask(&format!("SELECT {mailbox}{parameters}")).await;
        assert!(answer.is_ok(), "{}", self.log);
        self.mailbox = Some(index);
        let resumed = cache.filter(|cache| self.qresync && cache.uid_validity == self.uid_validity);
        let Some(cache) = resumed else {
            return self.learn().await;
        };
        // What was known, less what has vanished, and with what has changed, is what there is.
        let mut known = cache.flags.clone();
        known.retain(|uid, _| !answer.earlier.contains(uid));
        for (uid, flags) in answer.fetched {
            known.insert(uid.expect("a UID is told"), flags.expect("flags are told"));
        }
        assert_eq!(known.len(), self.rows.len(), "resumed from {cache:?}:\n{}", self.log);
        self.rows =
            known.into_iter().map(|(uid, flags)| Row { uid: Some(uid), flags: Some(flags) }).collect();
    }

    /// Asks for all of which nothing is known.
    pub(super) async fn learn(&mut self) {
        let unknown = |row: &Row| row.uid.is_none() || row.flags.is_none();
        let Some(first) = self.rows.iter().position(unknown) else { return };
        let answer = self.ask(&format!("FETCH {}:* (UID FLAGS)", first + 1)).await;
        assert!(answer.is_ok() || answer.status.starts_with("NO [EXPUNGEISSUED]"), "{}", self.log);
    }

    pub(super) fn cache(&self) -> Option<(usize, Cache)> {
        let flags = self.rows.iter().map(|row| Some((row.uid?, row.flags.clone()?)));
        let cache = Cache {
            uid_validity: self.uid_validity,
            modseq: self.modseq,
            flags: flags.collect::<Option<_>>()?,
        };
        Some((self.mailbox?, cache)).filter(|_| self.modseq > 0)
    }

    fn believe(&mut self, response: &str, answer: &mut Answer) {
        let rest = response.strip_prefix("* ").unwrap_or_else(|| panic!("{response}:\n{}", self.log));
        if let Some(uids) = rest.strip_prefix("VANISHED (EARLIER) ") {
            answer.earlier.extend(set(uids));
        } else if let Some(uids) = rest.strip_prefix("VANISHED ") {
            assert!(self.qresync, "{}", self.log);
            answer.expunges += 1;
            let gone: BTreeSet<u32> = set(uids).collect();
            let before = self.rows.len();
            self.rows.retain(|row| row.uid.is_none_or(|uid| !gone.contains(&uid)));
            // Of those whose UIDs are not known yet the client can only count: they are the last ones.
            let unknown = gone.len() - (before - self.rows.len());
            self.rows.truncate(self.rows.len() - unknown);
        } else if let Some(numbers) = rest.strip_prefix("SEARCH") {
            answer.search = numbers.split_whitespace().map_while(|number| number.parse().ok()).collect();
        } else if rest.starts_with("ESEARCH") {
            answer.search = rest.split_once(" ALL ").map(|(_, all)| set(all).collect()).unwrap_or_default();
        } else if let Some(modseq) = number_after(rest, "OK [HIGHESTMODSEQ ") {
            self.modseq = modseq;
        } else if let Some(validity) = number_after(rest, "OK [UIDVALIDITY ") {
            self.uid_validity = validity as u32;
        } else if rest.starts_with("OK [COPYUID ") {
            answer.copied = copied(rest);
        } else if let Some((number, what)) = numbered(rest) {
            match what {
                "EXISTS" => {
                    assert!(number >= self.rows.len(), "messages vanish by EXPUNGE:\n{}", self.log);
                    self.rows.resize(number, Row::default());
                }
                "EXPUNGE" => {
                    assert!(!self.qresync && number <= self.rows.len(), "{response}:\n{}", self.log);
                    answer.expunges += 1;
                    self.rows.remove(number - 1);
                }
                "RECENT" => assert_eq!(number, 0),
                _ => self.fetched(number, what, answer),
            }
        }
    }

    fn fetched(&mut self, number: usize, what: &str, answer: &mut Answer) {
        let items = what.strip_prefix("FETCH (").unwrap_or_else(|| panic!("{what}:\n{}", self.log));
        let uid = number_after(items, "UID ").map(|uid| uid as u32);
        let flags = items
            .split_once("FLAGS (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map(|(flags, _)| flags.split_whitespace().map(str::to_lowercase).collect::<BTreeSet<String>>());
        answer.fetched.push((uid, flags.clone()));
        let Some(row) = self.rows.get_mut(number - 1) else {
            panic!("no message {number}:\n{}", self.log);
        };
        if let (Some(known), Some(told)) = (row.uid, uid) {
            assert_eq!(known, told, "message {number} is another one:\n{}", self.log);
        }
        row.uid = row.uid.or(uid);
        row.flags = flags.or_else(|| row.flags.take());
    }
}

fn numbered(rest: &str) -> Option<(usize, &str)> {
    let (number, what) = rest.split_once(' ')?;
    Some((number.parse().ok()?, what))
}

fn number_after(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// `COPYUID validity from to`
fn copied(text: &str) -> Option<(Vec<u32>, Vec<u32>)> {
    let (_, rest) = text.split_once("COPYUID ")?;
    let mut words = rest.split([' ', ']']).skip(1);
    Some((set(words.next()?).collect(), set(words.next()?).collect()))
}

/// `2,4:7`
fn set(text: &str) -> impl Iterator<Item = u32> {
    let ranges = text.split(' ').next().unwrap_or_default().split(',');
    ranges.filter(|range| !range.is_empty()).flat_map(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.parse::<u32>().unwrap()..=last.parse().unwrap()
    })
}
