//! Data of your own as a mailbox: `cargo run -p mailwright-examples --example c_imap_from_my_data`, then
//! `curl --user ann:secret 'imap://ADDRESS/INBOX;UID=1'`.

use mailwright::access::{Entry, Folder, Source, SourceResult, SourceServer};

/// Articles, of which each is a message.
struct Blog(Vec<String>);

impl Source for Blog {
    type User = String;

    async fn login(&self, user: &str, password: &str) -> Option<String> {
        (password == "secret").then(|| user.to_owned())
    }

    async fn folders(&self, _user: &String) -> SourceResult<Vec<Folder>> {
        Ok(vec![Folder::new("INBOX").uid_validity(1)])
    }

    async fn entries(&self, _user: &String, _folder: &str) -> SourceResult<Vec<Entry>> {
        Ok((1..).zip(&self.0).map(|(uid, article)| Entry::new(uid, article.len() as u64)).collect())
    }

    async fn message(&self, _user: &String, _folder: &str, uid: u32) -> SourceResult<Vec<u8>> {
        Ok(self.0.get(uid as usize - 1).cloned().unwrap_or_default().into_bytes())
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let article = "From: blog@example.org\r\nSubject: Tea\r\n\r\nAt four.\r\n";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    SourceServer::new(Blog(vec![article.to_owned()])).serve(listener).await;
    Ok(())
}
