//! What belongs to others is not there.

use super::Server;
use crate::support::Imap;

/// Whatever Bob does with Ann's mailbox, by whatever name, he is answered as if there were none.
#[test]
fn what_belongs_to_another_is_as_if_it_were_not() {
    let Some(server) = Server::start() else { return };
    let mut ann = Imap::login(server.imap(), "ann");
    ann.ok("CREATE Secret");
    ann.ok("CREATE Secret/Inner");
    ann.ok("SUBSCRIBE Secret");
    for mailbox in ["Secret", "INBOX"] {
        ann.append(mailbox, r"(\Flagged)", "Subject: secret\r\n\r\n");
    }
    let forms = [
        "THEIRS",
        "\"/THEIRS\"",
        "\"../ann/THEIRS\"",
        "\"../ann@localhost/THEIRS\"",
        "\"~ann/THEIRS\"",
        "\"~ann@localhost/THEIRS\"",
        "\"user/ann/THEIRS\"",
        "\"user.ann.THEIRS\"",
        "\"#user/ann@localhost/THEIRS\"",
        "\"#shared/ann@localhost/THEIRS\"",
        "\"Other Users/ann@localhost/THEIRS\"",
        "\"ann@localhost/THEIRS\"",
    ];
    let commands = [
        "SELECT THEIRS",
        "EXAMINE THEIRS",
        "STATUS THEIRS (MESSAGES UIDNEXT UIDVALIDITY)",
        "DELETE THEIRS",
        "RENAME THEIRS Mine",
        "UNSUBSCRIBE THEIRS",
        "COPY 1 THEIRS",
        "MOVE 1 THEIRS",
        "LIST \"\" THEIRS",
        "LSUB \"\" THEIRS",
        "LIST (SUBSCRIBED) \"\" THEIRS",
        "APPEND THEIRS {5+}\r\nhello",
    ];
    let mut bob = Imap::login(server.imap(), "bob");
    bob.append("INBOX", "()", "Subject: his own\r\n\r\n");
    for form in forms {
        for command in commands {
            let mut ask = |name: &str| {
                bob.ok("SELECT INBOX");
                let whole = command.replace("THEIRS", &form.replace("THEIRS", name));
                let answer = bob.ask(&whole).to_string();
                // How long it took is told by some.
                answer.split(" (0.").next().unwrap_or_default().replace(name, "theirs")
            };
            let (secret, nowhere) = (ask("Secret"), ask("Nowher"));
            assert_eq!(secret, nowhere, "{command} of {form}");
            assert!(
                !secret.contains("Flagged") && !secret.contains("EXISTS"),
                "{command} of {form}: {secret}"
            );
        }
    }
    assert_eq!(bob.messages("INBOX"), ["his own"]);
    assert_eq!(ann.messages("Secret"), [r"secret \Flagged"]);
    assert_eq!(ann.messages("INBOX"), [r"secret \Flagged"]);
}

/// Who has logged in speaks for nobody else (RFC 4616).
#[test]
fn nobody_acts_for_another() {
    let Some(server) = Server::start() else { return };
    // ann@localhost NUL bob@localhost NUL bob
    let mut imap = Imap::connect(server.imap());
    let answer = imap.ask("AUTHENTICATE PLAIN YW5uQGxvY2FsaG9zdABib2JAbG9jYWxob3N0AGJvYg==");
    assert!(answer.status.starts_with("NO"), "{answer}");
    assert!(imap.ask("SELECT INBOX").status.starts_with("BAD"));
}

/// One who is there, and one who is not, cannot be told apart.
#[test]
fn users_cannot_be_found_out() {
    let Some(server) = Server::start() else { return };
    let ask = |user: &str| {
        let mut imap = Imap::connect(server.imap());
        imap.ask(format!("LOGIN {user} wrong")).status
    };
    // With `mailwright dev` anybody is there, but not everywhere.
    assert_eq!(ask("ann@localhost"), ask("nobody@elsewhere.example"));
    assert!(ask("ann@localhost").starts_with("NO [AUTHENTICATIONFAILED]"));
}

/// Nothing of one session is left to the next on the same connection, and none of its mailbox to the next one.
#[test]
fn a_user_logs_in_once() {
    let Some(server) = Server::start() else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    assert!(imap.ask("LOGIN bob@localhost bob").status.starts_with("BAD"));
    let again = imap.ask("AUTHENTICATE PLAIN AGJvYkBsb2NhbGhvc3QAYm9i");
    assert!(again.status.starts_with("BAD") || again.status.starts_with("NO"), "{again}");
    imap.ok("SELECT INBOX");
    assert!(imap.ask("SELECT Nowhere").status.starts_with("NO"));
    assert!(imap.ask("FETCH 1:* FLAGS").status.starts_with("BAD"), "nothing is selected");
}
