//! neomutt, with somebody at its keys.

use std::process::Command;

use super::{Server, message};
use crate::support::{Imap, Program, run};

#[test]
fn neomutt() {
    let Some(server) = Server::start() else { return };
    let Some(neomutt) = Program::find("neomutt", "neomutt") else { return };
    // It wants a terminal.
    let Some(terminal) = Program::find("script", "bsdutils") else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    for subject in ["a", "b", "c"] {
        imap.append("INBOX", "()", message(subject));
    }
    let home = neomutt.home();
    let config = format!(
        "set imap_user = \"ann@localhost\"\nset imap_pass = \"ann\"\nset imap_authenticators = \"plain\"\n\
         set folder = \"imaps://localhost:{}/\"\nset spoolfile = +INBOX\n\
         set ssl_force_tls = yes\nset certificate_file = {}\nset tmpdir = {}\n\
         set quit = yes\nset delete = yes\nset move = no\nset sort = mailbox-order\nset wait_key = no\n\
         set confirmappend = no\nset confirmcreate = no\nset mark_old = no\nset pager_stop = yes\n",
        server.imaps().port(),
        server.ca().display(),
        home.path().display(),
    );
    let config = home.write("config", config);
    // Flags the first, copies it to a folder that is not there yet, deletes the last, and looks at the second.
    let keys = "push <first-entry><flag-message><first-entry><copy-message>=Archive<enter>\
                <last-entry><delete-message>2<enter><display-message><exit><quit>";
    let whole = format!("neomutt -n -F {} -e '{keys}'", config.display());
    let mut command: Command = terminal.command();
    command.env("TERM", "vt100").env("HOME", home.path()).current_dir(home.path());
    run(command.args(["-qec", &whole, "/dev/null"]), b"").ok();
    assert_eq!(imap.messages("INBOX"), [r"a \Flagged", r"b \Seen"]);
    assert_eq!(imap.messages("Archive"), [r"a \Flagged"]);
}
