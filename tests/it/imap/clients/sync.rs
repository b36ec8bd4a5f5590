//! mbsync and offlineimap keep a copy of the mail, and changes go both ways.

use super::maildir::Maildir;
use super::{Implicit, Plain, Server, StartTls, Transport, message};
use crate::support::{Imap, Program, run};

/// New mail, flags and deletions, on either side.
fn goes_both_ways(server: &Server, sync: &dyn Fn(), inbox: &Maildir, plans: &Maildir) {
    let mut imap = Imap::login(server.imap(), "ann");
    imap.append("INBOX", "()", message("a"));
    imap.append("INBOX", "()", message("b"));
    imap.ok("CREATE Work/Plans");
    imap.append("Work/Plans", r"(\Flagged)", message("c"));
    sync();
    assert_eq!(inbox.messages(), ["a", "b"]);
    assert_eq!(plans.messages(), ["c F"]);

    // `S`een, `R`eplied, `F`lagged.
    inbox.flag("a", "S");
    inbox.remove("b");
    inbox.add("d");
    imap.append("INBOX", "()", message("e"));
    imap.ok("SELECT Work/Plans");
    imap.ok(r"STORE 1 +FLAGS.SILENT (\Answered)");
    sync();
    assert_eq!(inbox.messages(), ["a S", "d", "e"]);
    assert_eq!(plans.messages(), ["c FR"]);
    let mut there = imap.messages("INBOX");
    there.sort();
    assert_eq!(there, [r"a \Seen", "d", "e"]);
    assert_eq!(imap.messages("Work/Plans"), [r"c \Answered \Flagged"]);

    imap.ok("SELECT INBOX");
    imap.ok(r"STORE 1 FLAGS (\Deleted)");
    imap.ok("EXPUNGE");
    inbox.flag("e", "F");
    sync();
    assert_eq!(inbox.messages(), ["d", "e F"]);
    sync();
    assert_eq!(inbox.messages(), ["d", "e F"]);
    let mut there = imap.messages("INBOX");
    there.sort();
    assert_eq!(there, ["d", r"e \Flagged"], "nothing is there twice");
}

fn mbsync(transport: Transport) {
    let Some(server) = Server::start() else { return };
    let Some(mbsync) = Program::find("mbsync", "isync") else { return };
    let home = mbsync.home().path();
    let tls = match transport {
        Plain => "None",
        StartTls => "STARTTLS",
        Implicit => "IMAPS",
    };
    let config = format!(
        "IMAPAccount far\nHost localhost\nPort {}\nUser ann@localhost\nPass ann\nTimeout 30\n\
         SSLType {tls}\nCertificateFile {}\nSystemCertificates no\n\n\
         IMAPStore far\nAccount far\n\n\
         MaildirStore near\nPath {home}/mail/\nInbox {home}/mail/INBOX\nSubFolders Verbatim\n\n\
         Channel both\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\nSyncState *\n",
        transport.addr(&server).port(),
        server.ca().display(),
        home = home.display(),
    );
    let config = mbsync.home().write("config", config);
    std::fs::create_dir(home.join("mail")).unwrap();
    let sync =
        || drop(run(mbsync.command().arg("--verbose").arg("--config").arg(&config).arg("both"), b"").ok());
    let [inbox, plans] = ["INBOX", "Work/Plans"].map(|name| Maildir(home.join("mail").join(name)));
    goes_both_ways(&server, &sync, &inbox, &plans);
}

#[test]
fn mbsync_in_plain_text() {
    mbsync(Plain);
}

#[test]
fn mbsync_with_starttls() {
    mbsync(StartTls);
}

#[test]
fn mbsync_inside_tls() {
    mbsync(Implicit);
}

#[test]
fn offlineimap() {
    let Some(server) = Server::start() else { return };
    let Some(offlineimap) = Program::find("offlineimap", "offlineimap3") else { return };
    let home = offlineimap.home().path();
    let config = format!(
        "[general]\naccounts = both\nmetadata = {home}/state\nfsync = false\nsocktimeout = 30\n\
         [Account both]\nlocalrepository = near\nremoterepository = far\n\
         [Repository near]\ntype = Maildir\nlocalfolders = {home}/mail\n\
         [Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {}\n\
         remoteuser = ann@localhost\nremotepass = ann\nssl = yes\nsslcacertfile = {}\n",
        server.imaps().port(),
        server.ca().display(),
        home = home.display(),
    );
    let config = offlineimap.home().write("config", config);
    let sync = || {
        run(offlineimap.command().args(["-o", "-u", "basic", "-c"]).arg(&config), b"").ok();
    };
    let [inbox, plans] = ["INBOX", "Work.Plans"].map(|name| Maildir(home.join("mail").join(name)));
    goes_both_ways(&server, &sync, &inbox, &plans);
}
