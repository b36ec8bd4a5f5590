//! How clients speak that everybody has, and how they must be answered.

use super::server::Server;
use super::transcript::speak;
use crate::support::{Imap, Wire};

/// A new server, to which somebody says this.
fn quirk(conversation: &str) {
    let Some(server) = Server::start() else { return };
    let mut wire = Wire::connect(server.imap());
    speak(&mut wire, "S: * OK...");
    speak(&mut wire, conversation);
}

/// The same to one that has two messages for Ann.
fn quirk_with_mail(conversation: &str) {
    let Some(server) = Server::start() else { return };
    let mut imap = Imap::login(server.imap(), "ann");
    imap.append("INBOX", r"(\Seen)", "From: a@example.org\r\nSubject: first\r\n\r\nhello\r\n");
    imap.append("INBOX", "()", "From: b@example.org\r\nSubject: second\r\n\r\nhello again\r\n");
    let mut wire = Wire::connect(server.imap());
    speak(&mut wire, "S: * OK...");
    speak(&mut wire, conversation);
}

/// iOS 18: what follows DONE is a command, though it comes with it.
#[test]
fn ios_ends_idle_and_selects_in_one_segment() {
    let Some(server) = Server::start() else { return };
    let mut wire = Wire::connect(server.imap());
    speak(
        &mut wire,
        "S: * OK...
         C: A1 LOGIN ann@localhost ann
         S: A1 OK...
         C: A2 SELECT INBOX
         S: A2 OK...
         C: A3 IDLE
         S: +...",
    );
    Imap::login(server.imap(), "ann").append("INBOX", "()", "Subject: new\r\n\r\n");
    speak(
        &mut wire,
        "S: * 1 EXISTS
         C: DONE
         C: A5 SELECT INBOX
         S: * 1 EXISTS
         S: A3 OK...
         S: A5 OK [READ-WRITE]...
         C: A6 IDLE
         S: +...
         C: DONE
         C: A7 IDLE
         S: A6 OK...
         S: +...
         C: DONE
         S: A7 OK...",
    );
}

/// RFC 3501 §7.5: there is a space behind the `+`, and clients wait for it.
#[test]
fn a_challenge_without_text_is_a_plus_and_a_space() {
    let Some(server) = Server::start() else { return };
    let mut wire = Wire::connect(server.imap());
    speak(&mut wire, "S: * OK...");
    wire.send("A1 AUTHENTICATE PLAIN\r\n");
    assert_eq!(String::from_utf8(wire.try_response().unwrap()).unwrap(), "+ \r\n");
    speak(
        &mut wire,
        "C: AGFubkBsb2NhbGhvc3QAYW5u
         S: A1 OK...",
    );
}

/// RFC 4959: the first response may come with the command.
#[test]
fn authentication_is_begun_cancelled_and_begun_again() {
    quirk(
        "C: A1 AUTHENTICATE PLAIN
         S: +...
         C: *
         S: A1 BAD...
         C: A2 AUTHENTICATE PLAIN AGFubkBsb2NhbGhvc3QAd3Jvbmc=
         S: A2 NO [AUTHENTICATIONFAILED]...
         C: A3 AUTHENTICATE PLAIN AGFubkBsb2NhbGhvc3QAYW5u
         S: A3 OK...",
    );
}

/// A client that is not told of IDLE polls.
#[test]
fn capabilities_have_idle_before_and_after_login() {
    quirk(
        "C: A1 CAPABILITY
         S: * CAPABILITY IMAP4rev1... IDLE...
         !: * CAPABILITY... COMPRESS...
         S: A1 OK...
         C: A2 LOGIN ann@localhost ann
         S: A2 OK...
         C: A3 CAPABILITY
         S: * CAPABILITY IMAP4rev1... IDLE...
         S: A3 OK...",
    );
}

/// RFC 3501 §5.1.3: names come back as they were created.
#[test]
fn names_that_are_not_ascii_come_back() {
    quirk(
        r#"C: A1 LOGIN ann@localhost ann
           S: A1 OK...
           C: A2 CREATE "Entw&APw-rfe"
           S: A2 OK...
           C: A3 CREATE R&-D
           S: A3 OK...
           C: A4 CREATE "&ZeVnLIqe-/&U,BTFw-"
           S: A4 OK...
           C: A5 LIST "" "*"
           S: * LIST (...) "/" ...Entw&APw-rfe...
           S: * LIST (...) "/" ...R&-D...
           S: * LIST (...) "/" ...&ZeVnLIqe-/&U,BTFw-...
           S: A5 OK...
           C: A6 SELECT "&ZeVnLIqe-/&U,BTFw-"
           S: A6 OK [READ-WRITE]...
           C: A7 STATUS "R&-D" (MESSAGES)
           S: * STATUS ...R&-D... (MESSAGES 0)
           S: A7 OK..."#,
    );
}

#[test]
fn login_with_literals() {
    quirk(
        "C: A1 LOGIN {13}
         S: + ...
         C: ann@localhost {3}
         S: + ...
         C: ann
         S: A1 OK...",
    );
}

/// RFC 7888
#[test]
fn login_with_literals_that_do_not_wait() {
    quirk(
        "C: A1 LOGIN {13+}
         C: ann@localhost {3+}
         C: ann
         C: A2 NOOP
         S: A1 OK...
         S: A2 OK...",
    );
}

#[test]
fn login_with_quoted_strings() {
    quirk(
        r#"C: A1 LOGIN "ann@localhost" "an\\n"
           S: A1 NO [AUTHENTICATIONFAILED]...
           C: A2 LOGIN "ann@localhost" "ann"
           S: A2 OK..."#,
    );
}

/// RFC 3501 §9: a tag is any ASTRING-CHAR but `+`.
#[test]
fn lower_case_and_odd_tags() {
    quirk(
        r#"C: a login ann@localhost ann
           S: a OK...
           C: !#$&',-./:;<=>?@[^_`|}~ sElEcT inbox
           S: !#$&',-./:;<=>?@[^_`|}~ OK...
           C: 1.2 uid fetch 1:* (flags)
           S: 1.2 OK...
           C: OK NoOp
           S: OK OK...
           C: z logout
           S: * BYE...
           S: z OK..."#,
    );
}

/// Old clients, and people at a terminal.
#[test]
fn spaces_at_the_end() {
    let conversation = "C: A1 LOGIN ann@localhost ann_
         S: A1 OK...
         C: A2 SELECT INBOX_
         S: A2 OK...
         C: A3 NOOP_
         S: A3 OK...
         C: A4 FETCH 1:* FLAGS_
         S: A4 OK...";
    quirk_with_mail(&conversation.replace('_', " "));
}

#[test]
fn inbox_in_any_case() {
    quirk_with_mail(
        r#"C: A1 LOGIN ann@localhost ann
           S: A1 OK...
           C: A2 SELECT Inbox
           S: * 2 EXISTS
           S: A2 OK [READ-WRITE]...
           C: A3 STATUS iNBOX (MESSAGES)
           S: * STATUS ... (MESSAGES 2)
           S: A3 OK...
           C: A4 CREATE inbox
           S: A4 NO...
           C: A5 LIST "" "inbox"
           S: * LIST (...) "/" ...INBOX...
           S: A5 OK..."#,
    );
}

/// Asks for all that an empty mailbox has.
#[test]
fn an_empty_mailbox_has_nothing_and_that_is_fine() {
    quirk(
        "C: A1 LOGIN ann@localhost ann
         S: A1 OK...
         C: A2 SELECT INBOX
         S: * 0 EXISTS
         S: A2 OK...
         C: A3 UID FETCH 1:* (FLAGS)
         !: * ... FETCH...
         S: A3 OK...
         C: A4 UID SEARCH ALL
         S: * SEARCH
         S: A4 OK...
         C: A5 UID STORE 1:* +FLAGS (\\Seen)
         S: A5 OK...
         C: A6 EXPUNGE
         S: A6 OK...",
    );
}

/// Several commands at once, as mutt and mbsync send them.
#[test]
fn commands_in_one_segment() {
    quirk_with_mail(
        "C: A1 LOGIN ann@localhost ann
         C: A2 SELECT INBOX
         C: A3 UID FETCH 1:* (FLAGS)
         C: A4 SEARCH UNSEEN
         C: A5 STATUS INBOX (UIDNEXT)
         C: A6 NOOP
         S: A1 OK...
         S: A2 OK...
         S: A3 OK...
         S: * SEARCH 2
         S: A4 OK...
         S: * STATUS ...INBOX... (UIDNEXT 3)
         S: A5 OK...
         S: A6 OK...",
    );
}

/// Outlook for Windows: asks whether there is XLIST, lists twice, and looks for what is deleted.
#[test]
fn outlook_begins() {
    quirk_with_mail(
        r#"C: n08h CAPABILITY
           S: * CAPABILITY...
           S: n08h OK...
           C: zlrf LOGIN "ann@localhost" "ann"
           S: zlrf OK...
           C: 2yiq CAPABILITY
           S: * CAPABILITY...
           S: 2yiq OK...
           C: 4fwg XLIST "" "*"
           S: 4fwg ...
           C: f8ss LIST "" ""
           S: * LIST (...) "/" ""
           S: f8ss OK...
           C: s2xu LSUB "" "*"
           S: s2xu OK...
           C: 9x5q LIST "" "*"
           S: * LIST (...) "/" ...INBOX...
           S: 9x5q OK...
           C: a8xj SELECT "INBOX"
           S: * FLAGS (...)
           S: * 2 EXISTS
           S: * OK [UIDVALIDITY ...
           S: * OK [PERMANENTFLAGS (...\*)...
           S: a8xj OK [READ-WRITE]...
           C: 1t1q UID SEARCH 1:* NOT DELETED
           S: * SEARCH 1 2
           S: 1t1q OK...
           C: kk5r UID SEARCH UNDELETED
           S: * SEARCH 1 2
           S: kk5r OK...
           C: 0u4a UID FETCH 1:2 (UID FLAGS)
           S: * 1 FETCH (...FLAGS (...\Seen...)...)
           S: * 2 FETCH (...UID 2...)
           S: 0u4a OK...
           C: 6xpb UID FETCH 2 (UID FLAGS RFC822.SIZE BODY.PEEK[] INTERNALDATE)
           S: * 2 FETCH (...BODY[] {...hello again...)
           S: 6xpb OK...
           C: ag2v UID STORE 2 +FLAGS.SILENT (\Deleted \Seen)
           S: ag2v OK...
           C: i4qt EXPUNGE
           S: * 2 EXPUNGE
           S: i4qt OK...
           C: 8dss STATUS "INBOX" (UNSEEN MESSAGES RECENT UIDNEXT UIDVALIDITY)
           S: * STATUS ...INBOX... (...MESSAGES 1...)
           S: 8dss OK...
           C: jdur IDLE
           S: +...
           C: DONE
           S: jdur OK..."#,
    );
}

/// Thunderbird: tags are numbers; it moves to the trash (RFC 6851 §3.1), and learns the new UID (RFC 4315 §3).
#[test]
fn thunderbird_begins() {
    quirk_with_mail(
        r#"C: 1 capability
           S: * CAPABILITY...
           S: 1 OK...
           C: 2 ID ("name" "Thunderbird" "version" "128.5.0")
           S: * ID ...
           S: 2 OK...
           C: 3 authenticate PLAIN AGFubkBsb2NhbGhvc3QAYW5u
           S: 3 OK...
           C: 4 capability
           S: 4 OK...
           C: 5 namespace
           S: * NAMESPACE (("" "/")) NIL NIL
           S: 5 OK...
           C: 6 lsub "" "*"
           S: 6 OK...
           C: 7 list (subscribed) "" "*" return (special-use)
           S: 7 OK...
           C: 8 list "" "INBOX"
           S: * LIST (...) "/" ...INBOX...
           S: 8 OK...
           C: 9 list "" "Trash"
           S: 9 OK...
           C: 10 select "INBOX" (CONDSTORE)
           S: * OK [HIGHESTMODSEQ ...
           S: * 2 EXISTS
           S: 10 OK [READ-WRITE]...
           C: 11 UID fetch 1:* (FLAGS)
           S: * 1 FETCH (...UID 1...)
           S: * 2 FETCH (...UID 2...)
           S: 11 OK...
           C: 12 UID fetch 1:2 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])
           S: * 2 FETCH (...Subject: second...)
           S: 12 OK...
           C: 13 UID fetch 2 (UID RFC822.SIZE BODY.PEEK[]<0.65536>)
           S: * 2 FETCH (...BODY[]<0> {...hello again...)
           S: 13 OK...
           C: 14 uid store 2 +FLAGS (\Seen $Label1 NonJunk)
           S: * 2 FETCH (...$Label1...)
           S: 14 OK...
           C: 15 create "Trash"
           S: 15 OK...
           C: 16 subscribe "Trash"
           S: 16 OK...
           C: 17 uid move 2 "Trash"
           S: * OK [COPYUID ...
           S: * 2 EXPUNGE
           S: 17 OK...
           C: 18 noop
           S: 18 OK...
           C: 19 IDLE
           S: +...
           C: DONE
           S: 19 OK...
           C: 20 close
           S: 20 OK...
           C: 21 logout
           S: * BYE...
           S: 21 OK..."#,
    );
}

/// Mail on macOS and iOS: tags with dots, statuses with the list (RFC 5258 §3, RFC 5819 §2), STATUS of what is
/// selected, searches that return sets (RFC 4731 §3.1).
#[test]
fn apple_mail_begins() {
    quirk_with_mail(
        r#"C: 1.1 CAPABILITY
           S: * CAPABILITY...
           S: 1.1 OK...
           C: 1.2 AUTHENTICATE PLAIN
           S: +...
           C: AGFubkBsb2NhbGhvc3QAYW5u
           S: 1.2 OK...
           C: 2.1 ID ("name" "Mac OS X Mail" "version" "16.0 (3774.600.62)" "os" "Mac OS X" "os-version" "14.5 (23F79)" "vendor" "Apple Inc.")
           S: * ID ...
           S: 2.1 OK...
           C: 3.1 ENABLE CONDSTORE QRESYNC
           S: * ENABLED ...
           S: 3.1 OK...
           C: 4.1 NAMESPACE
           S: * NAMESPACE ...
           S: 4.1 OK...
           C: 5.1 LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))
           S: * LIST (...) "/" ...INBOX...
           S: * STATUS ...INBOX... (...MESSAGES 2...)
           S: 5.1 OK...
           C: 6.1 LIST "" "" RETURN (CHILDREN)
           S: 6.1 OK...
           C: 7.1 SELECT INBOX (CONDSTORE)
           S: * 2 EXISTS
           S: 7.1 OK...
           C: 8.1 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)
           S: * STATUS ...INBOX... (...UNSEEN 1...)
           S: 8.1 OK...
           C: 9.1 UID SEARCH RETURN (ALL) UNDELETED
           S: * ESEARCH (TAG "9.1") UID ALL 1:2
           S: 9.1 OK...
           C: 10.1 FETCH 1:2 (FLAGS UID MODSEQ)
           S: * 1 FETCH (...MODSEQ (...)
           S: 10.1 OK...
           C: 11.1 UID FETCH 1:2 (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (date subject from to cc message-id in-reply-to references content-type x-priority x-uniform-type-identifier x-universally-unique-identifier list-id list-unsubscribe)])
           S: * 1 FETCH (...Subject: first...)
           S: 11.1 OK...
           C: 12.1 UID FETCH 2 (BODYSTRUCTURE BODY.PEEK[HEADER])
           S: * 2 FETCH (...BODYSTRUCTURE ("text" "plain" ...)
           S: 12.1 OK...
           C: 13.1 UID FETCH 2 (BODY.PEEK[1])
           S: * 2 FETCH (...hello again...)
           S: 13.1 OK...
           C: 14.1 UID STORE 2 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\Seen)
           S: 14.1 ...
           C: 15.1 UID STORE 2 +FLAGS.SILENT (\Seen $NotJunk)
           S: 15.1 OK...
           C: 16.1 IDLE
           S: +...
           C: DONE
           C: 17.1 CLOSE
           S: 16.1 OK...
           S: 17.1 OK..."#,
    );
}

/// RFC 3501 §6.4.4: what is searched for may be a literal, in a charset.
#[test]
fn searches_with_a_literal() {
    quirk_with_mail(
        "C: A1 LOGIN ann@localhost ann
         S: A1 OK...
         C: A2 SELECT INBOX
         S: A2 OK...
         C: A3 UID SEARCH CHARSET UTF-8 SUBJECT {6}
         S: +...
         C: SECOND
         S: * SEARCH 2
         S: A3 OK...
         C: A4 SEARCH CHARSET KLINGON SUBJECT x
         S: A4 NO [BADCHARSET...",
    );
}

/// RFC 3501 §9: as may `]`, though Dovecot does not take it.
#[test]
fn a_bracket_in_a_tag() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    speak(
        &mut Wire::connect(server.imap()),
        "S: * OK...
         C: a]b NOOP
         S: a]b OK...",
    );
}

/// What is not offered is refused as what it is not: a client that tries learns that, and goes on.
#[test]
fn what_is_not_offered_is_bad() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    let mut wire = Wire::connect(server.imap());
    speak(
        &mut wire,
        r#"S: * OK...
           C: A1 LOGIN ann@localhost ann
           S: A1 OK...
           C: A2 XLIST "" "*"
           S: A2 BAD...
           C: A3 COMPRESS DEFLATE
           S: A3 BAD...
           C: A4 GETQUOTAROOT INBOX
           S: A4 BAD...
           C: * NOOP
           S: * BAD...
           C: A5 NOOP
           S: A5 OK..."#,
    );
}
