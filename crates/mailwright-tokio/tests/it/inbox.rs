//! A handler whose behaviour is asked for by the recipient's name.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mailwright_auth::Credentials;
use mailwright_core::{Address, Clock, Entropy, ReversePath, Timestamp};
use mailwright_smtp::{Config, Hello, MailParams, Rejection};
use mailwright_tokio::smtp::{Body, Ctx, Envelope, SmtpHandler, Verdict};
use mailwright_tokio::{SmtpServer, SystemClock};
use tokio::sync::Notify;
use tracing_subscriber::fmt::MakeWriter;

/// What the handler was told, and did.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) mails: Mutex<Vec<(Envelope, Vec<u8>)>>,
    pub(crate) notes: Mutex<Vec<String>>,
    /// Lets go of who is `held`.
    pub(crate) release: Notify,
    /// Where mail for `disk` goes.
    pub(crate) folder: PathBuf,
}

/// * `nobody` is refused, `broken` fails, at RCPT; `late` takes ten minutes there
/// * `early` refuses without reading, `quick` accepts without reading
/// * `stall` never reads; `held` reads, and waits for `release`; `full` fails when all is read
/// * `disk` saves to `folder`
pub(crate) struct Handler(pub(crate) Arc<Inbox>);

impl Inbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn server(self: &Arc<Self>) -> SmtpServer<Handler> {
        self.server_with(Config::default())
    }

    pub(crate) fn server_with(self: &Arc<Self>, config: Config) -> SmtpServer<Handler> {
        let config = Config { hostname: "mx.example.org".to_owned(), ..config };
        SmtpServer::with_config(config, Handler(Arc::clone(self)))
            .environment(Arc::new(Frozen), Arc::new(Frozen))
    }

    fn note(&self, note: impl Into<String>) {
        self.notes.lock().unwrap().push(note.into());
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }

    /// The contents of all messages.
    pub(crate) fn contents(&self) -> Vec<String> {
        let mails = self.mails.lock().unwrap();
        mails.iter().map(|(_, content)| String::from_utf8(content.clone()).unwrap()).collect()
    }
}

impl SmtpHandler for Handler {
    async fn hello(&self, cx: &Ctx, hello: &Hello) -> Verdict {
        let before = cx.hello().map(|before| before.name.as_str());
        self.0.note(format!("hello {} before={before:?} tls={}", hello.name, cx.tls().is_some()));
        if hello.name == "spam.example" { Err(Rejection::relay_denied()) } else { Ok(()) }
    }

    async fn auth(&self, cx: &Ctx, credentials: Credentials) -> Verdict<String> {
        if credentials.user == "slow" {
            tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        }
        self.0.note(format!(
            "auth {} authzid={:?} as={:?}",
            credentials.user,
            credentials.authzid,
            cx.user()
        ));
        if credentials.password.expose() == b"right" {
            Ok(credentials.user)
        } else {
            Err(Rejection::auth_failed())
        }
    }

    async fn mail(&self, cx: &Ctx, from: &ReversePath, _params: &MailParams) -> Verdict {
        self.0.note(format!("mail {from} user={:?} hello={:?}", cx.user(), cx.hello().map(|h| &h.name)));
        Ok(())
    }

    async fn rcpt(&self, _cx: &Ctx, to: &Address) -> Verdict {
        self.0.note(format!("rcpt {to}"));
        match to.local() {
            "nobody" => Err(Rejection::no_such_user()),
            "broken" => Err(io::Error::other("the directory burns"))?,
            "late" => {
                tokio::time::sleep(std::time::Duration::from_secs(600)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn message(&self, cx: &Ctx, envelope: &Envelope, mut body: Body) -> Verdict<String> {
        let _told = Told(self);
        match envelope.to[0].local() {
            "early" => return Err(Rejection::bad_content()),
            "quick" => return Ok("quick".to_owned()),
            "stall" => std::future::pending().await,
            "disk" => {
                body.save_to(self.0.folder.join(cx.trace_id().to_string())).await?;
                return Ok("saved".to_owned());
            }
            _ => {}
        }
        let mut content = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            content.extend_from_slice(&chunk);
        }
        match envelope.to[0].local() {
            "held" => self.0.release.notified().await,
            "full" => Err(io::Error::from(io::ErrorKind::StorageFull))?,
            _ => {}
        }
        self.0.note("whole");
        self.0.mails.lock().unwrap().push((envelope.clone(), content));
        Ok(format!("stored as {}", cx.trace_id()))
    }
}

/// Notes that the handler's future is gone.
struct Told<'a>(&'a Handler);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.0.note("done");
    }
}

/// Tokio's clock, always the same date, and no randomness: [`TRACE`] is every trace id.
struct Frozen;

pub(crate) const TRACE: &str = "06DQDPN800000000";

impl Clock for Frozen {
    fn mono(&self) -> std::time::Instant {
        SystemClock.mono()
    }

    fn wall(&self) -> Timestamp {
        Timestamp(1_767_225_600_000)
    }
}

impl Entropy for Frozen {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// What is logged on this thread while it lives.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn keep() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).without_time();
        (log, tracing::subscriber::set_default(subscriber.finish()))
    }

    /// Lines of level INFO and above.
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn has(&self, words: &[&str]) -> bool {
        self.lines().iter().any(|line| words.iter().all(|word| line.contains(word)))
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
