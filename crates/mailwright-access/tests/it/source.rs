//! Over data of one's own.

use std::io;
use std::sync::{Arc, Mutex};

use mailwright_access::{Entry, Folder, Source, SourceResult, SourceServer};
use mailwright_store::{Flags, InternalDate, SystemFlag};
use mailwright_tokio::Peer;
use tokio::sync::Notify;

use crate::client::Client;

#[derive(Clone, Default)]
struct Blog(Arc<Inner>);

#[derive(Default)]
struct Inner {
    articles: Mutex<Vec<(u32, Flags, String)>>,
    changed: Notify,
}

impl Source for Blog {
    type User = String;

    async fn login(&self, user: &str, password: &str) -> Option<String> {
        (password == "secret").then(|| user.to_owned())
    }

    async fn folders(&self, _user: &String) -> SourceResult<Vec<Folder>> {
        Ok(vec![Folder::new("INBOX").uid_validity(7)])
    }

    async fn entries(&self, _user: &String, _folder: &str) -> SourceResult<Vec<Entry>> {
        let articles = self.0.articles.lock().unwrap();
        let entry = |(uid, flags, text): &(u32, Flags, String)| {
            Entry::new(*uid, text.len() as u64).flags(flags.clone())
        };
        Ok(articles.iter().map(entry).collect())
    }

    async fn message(&self, _user: &String, _folder: &str, uid: u32) -> SourceResult<Vec<u8>> {
        let articles = self.0.articles.lock().unwrap();
        let found = articles.iter().find(|(of, ..)| *of == uid).ok_or(io::ErrorKind::NotFound);
        Ok(found.map_err(io::Error::from)?.2.clone().into_bytes())
    }

    async fn set_flags(&self, _user: &String, _folder: &str, uid: u32, flags: &Flags) -> SourceResult<()> {
        let mut articles = self.0.articles.lock().unwrap();
        articles.iter_mut().filter(|(of, ..)| *of == uid).for_each(|(_, of, _)| of.clone_from(flags));
        Ok(())
    }

    async fn append(
        &self,
        _user: &String,
        _folder: &str,
        flags: &Flags,
        _date: InternalDate,
        message: Vec<u8>,
    ) -> SourceResult<u32> {
        let mut articles = self.0.articles.lock().unwrap();
        let uid = articles.last().map_or(1, |(uid, ..)| uid + 1);
        articles.push((uid, flags.clone(), String::from_utf8(message)?));
        Ok(uid)
    }

    async fn changed(&self, _user: &String) {
        self.0.changed.notified().await;
    }
}

impl Blog {
    fn put(&self, uid: u32, text: &str) {
        self.0.articles.lock().unwrap().push((uid, Flags::new(), text.to_owned()));
        self.0.changed.notify_waiters();
    }
}

fn connect(blog: &Blog) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = SourceServer::new(blog.clone());
    let addr = ([127, 0, 0, 1], 9).into();
    tokio::spawn(async move { server.session(Box::new(theirs), Peer { remote: addr, local: addr }).await });
    Client::new(ours)
}

#[tokio::test]
async fn it_is_a_mailbox() {
    let blog = Blog::default();
    blog.put(3, "Subject: one\r\n\r\nAt four.\r\n");
    blog.put(9, "Subject: two\r\n\r\nAt five.\r\n");
    let mut client = connect(&blog);
    client.login().await;
    let list = client.ok("LIST \"\" *").await;
    assert!(list.contains("\"/\" INBOX"), "{list}");
    let selected = client.ok("SELECT INBOX").await;
    assert!(selected.contains("* 2 EXISTS") && selected.contains("[UIDVALIDITY 7]"), "{selected}");
    assert!(selected.contains("[UIDNEXT 10]"), "{selected}");
    let row = client.ok("UID FETCH 3:9 (ENVELOPE BODY.PEEK[1])").await;
    assert!(row.contains("* 2 FETCH (UID 9 ENVELOPE (NIL \"two\" NIL"), "{row}");
    assert!(row.contains("BODY[1] {10}\r\nAt five.\r\n)"), "{row}");
    assert!(client.ok("SEARCH BODY four").await.starts_with("* SEARCH 1\n"));
    let stored = client.ok("STORE 1 +FLAGS (\\Flagged)").await;
    assert!(stored.contains("* 1 FETCH (FLAGS (\\Flagged))"), "{stored}");
    assert!(blog.0.articles.lock().unwrap()[0].1.has(SystemFlag::Flagged));
    let appended = client.append("(\\Seen) ", "Subject: three\r\n\r\n").await;
    assert!(appended.contains("[APPENDUID 7 10]") && appended.contains("* 3 EXISTS"), "{appended}");
    assert!(client.ask("CREATE x").await.contains("NO [CANNOT]"));
    assert!(client.ask("COPY 1 INBOX").await.contains("NO [CANNOT]"));
    client.send("i IDLE\r\n").await;
    assert!(client.line().await.starts_with("+ "));
    blog.put(20, "Subject: four\r\n\r\n");
    assert_eq!(client.line().await, "* 4 EXISTS");
    blog.0.articles.lock().unwrap().remove(0);
    blog.0.changed.notify_waiters();
    assert_eq!(client.line().await, "* 1 EXPUNGE");
    client.send("DONE\r\n").await;
    assert!(client.line().await.starts_with("i OK"));
}
