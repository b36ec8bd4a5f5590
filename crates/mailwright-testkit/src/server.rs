//! The server.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::account::Account;
use crate::engine::{Engine, block_on};
use crate::fault::{Fault, Stage, refusal};
use crate::greylist::Greylist;
use crate::message::Message;
use crate::protocol::Protocol;
use crate::report;
use crate::shared::{Encryption, Shared};
use crate::tape::{Cut, Recording};

/// A mail server for one test: SMTP, IMAP and POP3 on free ports of 127.0.0.1, in memory, gone when dropped.
///
/// It takes mail for any address and lets in whoever logs in; each address has a mailbox of its own. It runs in a
/// thread of its own, so the test may block, and may have any runtime or none.
pub struct MailServer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) addrs: BTreeMap<Protocol, SocketAddr>,
    pub(crate) patience: Duration,
    pub(crate) engine: Engine,
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailServer").field("addrs", &self.addrs).finish_non_exhaustive()
    }
}

impl MailServer {
    /// Where it listens.
    pub fn addr(&self, protocol: Protocol) -> SocketAddr {
        // All three are there.
        self.addrs.get(&protocol).copied().unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// As `smtp://127.0.0.1:40025`; `smtps` if it begins with TLS. See [`addr`](Self::addr) for its parts.
    pub fn smtp_url(&self) -> String {
        self.url(Protocol::Smtp)
    }

    /// As `imap://127.0.0.1:40143`; `imaps` if it begins with TLS.
    pub fn imap_url(&self) -> String {
        self.url(Protocol::Imap)
    }

    /// As `pop3://127.0.0.1:40110`; `pop3s` if it begins with TLS.
    pub fn pop3_url(&self) -> String {
        self.url(Protocol::Pop3)
    }

    fn url(&self, protocol: Protocol) -> String {
        let s = if let Encryption::Implicit(_) = self.shared.encryption { "s" } else { "" };
        format!("{protocol}{s}://{}", self.addr(protocol))
    }

    /// The first message that is `wanted`, of those that have arrived and those that will. It stays: who asks again gets
    /// it again.
    ///
    /// # Panics
    /// If none comes within [the time](crate::Builder::patience): with what came instead, and what was said by whom.
    #[track_caller]
    pub fn wait_for(&self, wanted: impl Fn(&Message) -> bool) -> impl Future<Output = Message> {
        let caller = Location::caller();
        async move {
            match self.found(wanted).await {
                Some(message) => message,
                None => report::fail(&self.shared, self.patience, caller),
            }
        }
    }

    /// The same in a test that is not asynchronous.
    ///
    /// # Panics
    /// If none comes within [the time](crate::Builder::patience): with what came instead, and what was said by whom.
    #[track_caller]
    pub fn wait_for_blocking(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        match block_on(self.found(wanted)) {
            Some(message) => message,
            None => report::fail(&self.shared, self.patience, Location::caller()),
        }
    }

    /// The first message that is `wanted`, if it comes in time.
    async fn found(&self, wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        tokio::select! {
            biased;
            found = self.shared.arrivals.first(wanted) => Some(found),
            () = self.engine.sleep(self.patience) => None,
        }
    }

    /// What has arrived so far, in order. A message is here before the client is told 250.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.arrivals.all()
    }

    /// Forgets what has arrived so far. In the mailboxes it stays.
    pub fn forget_messages(&self) {
        self.shared.arrivals.forget();
    }

    /// The account of an address, or of a name at this host; made if there is none.
    ///
    /// # Panics
    /// If it is no address.
    #[track_caller]
    pub fn account(&self, login: &str) -> Account<'_> {
        Account::of(&self.shared.logins.mailboxes, login)
    }

    /// The next time, the client is told `reply` there: a code of 4yz or 5yz, an enhanced code of RFC 3463 if you like,
    /// and a text, behind which comes the trace id of the transaction, in parentheses. Called again, it is for the
    /// time after that.
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use std::io::{Read, Write};
    ///
    /// use mailwright_testkit::{MailServer, Protocol, Stage};
    ///
    /// let mail = MailServer::start_blocking();
    /// mail.fail_next(Stage::Mail, "451 4.3.0 try later");
    /// let mut program = TcpStream::connect(mail.addr(Protocol::Smtp))?;
    /// for line in ["HELO c.example", "MAIL FROM:<ann@example.org>", "MAIL FROM:<ann@example.org>", "QUIT"] {
    ///     program.read(&mut [0; 512])?; // the reply before
    ///     program.write_all(format!("{line}\r\n").as_bytes())?;
    /// }
    /// program.read_to_string(&mut String::new())?;
    /// // The program was refused, and tried again.
    /// let said = mail.transcript();
    /// assert!(said.contains("S: 451 4.3.0 try later ("), "{said}");
    /// assert_eq!(said.matches("MAIL FROM:").count(), 2, "{said}");
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `reply` is no refusal.
    #[track_caller]
    pub fn fail_next(&self, stage: Stage, reply: &str) {
        self.shared.faults.add(stage, Fault::Refuse(refusal(reply)));
    }

    /// From now on the client is always told `reply` there, once what was to go wrong [next](Self::fail_next) has.
    ///
    /// # Panics
    /// If `reply` is no refusal.
    #[track_caller]
    pub fn fail_always(&self, stage: Stage, reply: &str) {
        self.shared.faults.always(stage, Fault::Refuse(refusal(reply)));
    }

    /// The next time, the client waits so long for the reply.
    pub fn delay_next(&self, stage: Stage, time: Duration) {
        self.shared.faults.add(stage, Fault::Delay(time));
    }

    /// The next time, the connection breaks there, and nothing was done.
    pub fn disconnect_next(&self, stage: Stage) {
        self.shared.faults.add(stage, Fault::Disconnect);
    }

    /// The next message is taken, and the connection breaks before the client hears of it (RFC 1047): who sends it
    /// again, sends it twice.
    pub fn lose_next_reply(&self) {
        self.shared.faults.add(Stage::Message, Fault::LoseReply);
    }

    /// The next connection of this protocol breaks there. Called again, it is for the one after that. Within TLS,
    /// octets of the plain text count.
    pub fn cut_next(&self, protocol: Protocol, cut: Cut) {
        self.shared.cuts().push((protocol, cut));
    }

    /// Each sender is told 451 the first time that it has mail for a recipient (RFC 6647 §2.4), and may try again at
    /// once.
    pub fn greylist(&self) {
        *self.shared.greylist() = Some(Greylist::default());
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.shared.faults.clear();
        self.shared.cuts().clear();
        *self.shared.greylist() = None;
    }

    /// What was said in each session, in the order of connections.
    pub fn recordings(&self) -> Vec<Recording> {
        self.shared.recordings()
    }

    /// The same as one text: `C: ` before lines of the client, `S: ` before those of the server, and the like, see
    /// [`Recording`].
    pub fn transcript(&self) -> String {
        self.recordings().iter().map(|recording| format!("{recording}\n")).collect()
    }
}
