//! Programs that read mail.

use mailwright_testkit::{MailServer, Protocol};

use crate::app;
use crate::talk::Talk;

#[test]
fn what_was_sent_is_read_by_imap_and_leaves_flags() {
    let mail = MailServer::start_blocking();
    app::signup(&mail.smtp_url(), "ann@example.org").unwrap();
    let ann = mail.account("ann@example.org");
    let mut imap = Talk::to(mail.addr(Protocol::Imap));
    imap.hear();
    imap.ask_until("a LOGIN ann@example.org \"any password\"", "a OK");
    assert!(imap.ask_until("b SELECT INBOX", "b OK").contains(&"* 1 EXISTS".to_owned()));
    let fetched = imap.ask_until("c FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]", "c OK");
    assert!(fetched.iter().any(|line| line.starts_with("Subject: Welcome")), "{fetched:?}");
    imap.ask_until("d STORE 1 +FLAGS (work)", "d OK");
    imap.ask_until("e CREATE Archive", "e OK");
    imap.ask_until("f COPY 1 Archive", "f OK");
    let kept = &ann.inbox()[0];
    assert_eq!((kept.uid(), kept.flags().to_vec()), (1, vec!["\\Seen".to_owned(), "work".to_owned()]));
    assert!(kept.has_flag("\\SEEN") && !kept.has_flag("\\Deleted"));
    assert_eq!(kept.message().subject(), "Welcome, née Müller");
    assert_eq!(kept.message().recipients(), [""; 0]);
    assert_eq!(ann.mailboxes(), ["Archive", "INBOX"]);
    assert_eq!(ann.mailbox("Archive").len(), 1);
}

#[test]
fn what_is_put_there_is_read_by_pop3() {
    let mail = MailServer::builder().password("ann", "secret").start_blocking();
    let ann = mail.account("ann");
    assert_eq!(ann.login(), "ann@localhost");
    ann.receive("Subject: one\n\n.dot\r\nlast");
    ann.receive(b"Subject: two\r\n\r\n");
    let mut pop3 = Talk::to(mail.addr(Protocol::Pop3));
    pop3.hear();
    assert_eq!(
        pop3.ask::<2>("USER ann\nPASS wrong").map(|line| line[..4].trim().to_owned()),
        ["+OK", "-ERR"]
    );
    assert_eq!(pop3.ask::<2>("USER ann\nPASS secret").map(|line| line[..3].to_owned()), ["+OK", "+OK"]);
    assert_eq!(pop3.ask_until("RETR 1", ".")[1..], ["Subject: one", "", "..dot"]);
    assert_eq!(pop3.hear(), "last");
    assert_eq!(pop3.hear(), ".");
    pop3.ask::<1>("DELE 1");
    pop3.ask::<1>("QUIT");
    let left: Vec<_> = ann.inbox().iter().map(|kept| kept.message().subject().to_owned()).collect();
    assert_eq!(left, ["two"]);
    assert!(mail.messages().is_empty());
}

#[test]
#[should_panic(expected = "ann@localhost has no mailbox \"Sent\"")]
fn a_mailbox_has_to_be_there() {
    MailServer::start_blocking().account("ann").mailbox("Sent");
}

#[test]
#[should_panic(expected = "no account for \"a b\"")]
fn an_account_has_an_address() {
    MailServer::start_blocking().account("a b");
}
