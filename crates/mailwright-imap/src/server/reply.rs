//! Responses on the wire (RFC 9051 §7). All are held; the machine releases them when it waits.

use mailwright_core::{ModSeq, Output, TlsInfo, mechanisms_on};

use super::config::{Config, Literals};
use super::event::{Copied, ListRow, MailboxStatus, Permanent};
use super::selected::Selected;
use super::state::{Code, Listing, Reply};
use crate::rejection::Rejection;
use crate::types::StatusItem;
use crate::wire;

/// What a session has switched on (RFC 5161).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Enabled {
    /// IMAP4rev2.
    pub(super) rev2: bool,
    /// MODSEQs are told (RFC 7162 §3.1).
    pub(super) condstore: bool,
    /// VANISHED instead of EXPUNGE (RFC 7162 §3.2).
    pub(super) qresync: bool,
}

impl Enabled {
    /// Names are UTF-8.
    pub(super) fn utf8(self) -> bool {
        self.rev2
    }

    /// UIDs are told with flags that nobody has asked for.
    pub(super) fn tells_uids(self) -> bool {
        self.rev2 || self.condstore
    }
}

/// What is told at the end of a command besides its code.
pub(super) struct Told<'a> {
    pub(super) config: &'a Config,
    pub(super) tls: Option<&'a TlsInfo>,
    pub(super) logged_in: bool,
    pub(super) modseq: Option<ModSeq>,
}

/// `tag OK`, `tag NO`, `tag BAD`.
pub(super) fn tagged(out: &mut Output, tag: Option<&str>, reply: &Reply, told: &Told<'_>) {
    out.put(tag.unwrap_or("*").as_bytes());
    match reply {
        Reply::Ok(ok, text) => {
            out.put(b" OK ");
            code(out, ok, told);
            wire::text(out, text);
        }
        Reply::No(rejection) => {
            out.put(b" NO ");
            refusal(out, rejection);
        }
        Reply::Bad(text) => {
            out.put(b" BAD ");
            wire::text(out, text);
        }
    }
    out.put(b"\r\n");
}

fn code(out: &mut Output, code: &Code, told: &Told<'_>) {
    match code {
        Code::None => return,
        Code::ReadOnly => out.put(b"[READ-ONLY"),
        Code::ReadWrite => out.put(b"[READ-WRITE"),
        Code::Capability => {
            out.put(b"[");
            capability(out, told);
        }
        Code::AppendUid(appended) => {
            out.put(b"[APPENDUID ");
            wire::number(out, appended.uid_validity.get().into());
            out.put(b" ");
            wire::uid_set(out, &appended.uids);
        }
        Code::CopyUid(copied) => {
            out.put(b"[");
            copy_uid(out, copied);
        }
        Code::HighestModSeq => {
            let Some(modseq) = told.modseq else { return };
            out.put(b"[HIGHESTMODSEQ ");
            wire::number(out, modseq.get());
        }
        Code::Modified(set) => {
            out.put(b"[MODIFIED ");
            out.put(set.as_bytes());
        }
    }
    out.put(b"] ");
}

/// RFC 4315 §3
pub(super) fn copy_uid(out: &mut Output, copied: &Copied) {
    out.put(b"COPYUID ");
    wire::number(out, copied.uid_validity.get().into());
    out.put(b" ");
    wire::uid_set(out, &copied.from);
    out.put(b" ");
    wire::uid_set(out, &copied.to);
}

/// The text of a refusal, with its code.
pub(super) fn refusal(out: &mut Output, rejection: &Rejection) {
    if let Some(code) = rejection.code() {
        out.put(b"[");
        out.put(code.as_str().as_bytes());
        out.put(b"] ");
    }
    // A text that began with `[` would be taken for a code.
    wire::text(out, rejection.text().trim_start_matches('['));
}

/// `* BYE`
pub(super) fn bye(out: &mut Output, rejection: &Rejection) {
    out.put(b"* BYE ");
    refusal(out, rejection);
    out.put(b"\r\n");
}

/// `CAPABILITY ...` without the begin and the end of the line.
pub(super) fn capability(out: &mut Output, told: &Told<'_>) {
    let config = told.config;
    out.put(b"CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE IDLE");
    match config.literals {
        Literals::Plus => out.put(b" LITERAL+"),
        Literals::Minus => out.put(b" LITERAL-"),
        Literals::Synchronizing => {}
    }
    if told.logged_in {
        out.put(
            b" NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE LIST-EXTENDED LIST-STATUS ESEARCH SEARCHRES \
              STATUS=SIZE WITHIN MULTIAPPEND CONDSTORE QRESYNC BINARY",
        );
        if config.create_special_use {
            out.put(b" CREATE-SPECIAL-USE");
        }
        out.put(b" APPENDLIMIT=");
        wire::number(out, config.limits.message);
        return;
    }
    if config.start_tls && told.tls.is_none() {
        out.put(b" STARTTLS");
    }
    let is_private = told.tls.is_some() || config.login_without_tls;
    if !is_private || !config.login {
        out.put(b" LOGINDISABLED");
    }
    if is_private {
        for mechanism in mechanisms_on(told.tls, &config.auth_mechanisms) {
            out.put(b" AUTH=");
            out.put(mechanism.as_bytes());
        }
    }
}

/// What SELECT tells of a mailbox (RFC 9051 §6.3.2).
pub(super) fn selected(out: &mut Output, selected: &Selected, unseen: Option<u32>, uid_next: u32) {
    out.put(b"* FLAGS ");
    wire::flags(out, &selected.flags);
    out.put(b"\r\n* OK [PERMANENTFLAGS ");
    match &selected.permanent {
        _ if selected.read_only => out.put(b"()"),
        Permanent::All => wire::permanent_flags(out, &selected.flags, true),
        Permanent::Some(flags) => wire::permanent_flags(out, flags, false),
        Permanent::None => out.put(b"()"),
    }
    out.put(b"] flags that are kept\r\n* ");
    wire::number(out, selected.numbering.len().into());
    // \Recent is not kept.
    out.put(b" EXISTS\r\n* 0 RECENT\r\n");
    if let Some(unseen) = unseen {
        numbered(out, b"UNSEEN ", unseen.into(), b"] the first unseen message\r\n");
    }
    numbered(out, b"UIDVALIDITY ", selected.uid_validity.get().into(), b"] UIDs are valid\r\n");
    numbered(out, b"UIDNEXT ", uid_next.into(), b"] the next UID\r\n");
    if selected.has_modseqs {
        numbered(out, b"HIGHESTMODSEQ ", selected.rows_since.get(), b"] the latest change\r\n");
    } else {
        out.put(b"* OK [NOMODSEQ] no modification sequences are kept\r\n");
    }
}

pub(super) fn numbered(out: &mut Output, name: &[u8], number: u64, text: &[u8]) {
    out.put(b"* OK [");
    out.put(name);
    wire::number(out, number);
    out.put(text);
}

/// `* LIST`, `* LSUB`
pub(super) fn list_row(out: &mut Output, row: &ListRow, listing: &Listing, utf8: bool) {
    let lsub = listing.lsub;
    out.put(if lsub { b"* LSUB (" } else { b"* LIST (" });
    let special_use = row.special_use.as_ref().map_or("", |flag| flag.as_str());
    let attributes = [
        // RFC 5258 §3: what does not exist cannot be selected, which goes without saying for those who know the word.
        (row.nonexistent && !lsub, "\\NonExistent"),
        ((row.no_select && !row.nonexistent) || (row.nonexistent && !listing.extended), "\\Noselect"),
        (row.no_inferiors, "\\NoInferiors"),
        (row.subscribed && !lsub, "\\Subscribed"),
        // RFC 3348 §3
        (row.has_children == Some(true), "\\HasChildren"),
        (row.has_children == Some(false), "\\HasNoChildren"),
        (!special_use.is_empty() && !lsub, special_use),
    ];
    wire_attributes(out, attributes.into_iter().filter_map(|(has, name)| has.then_some(name)));
    out.put(b") \"/\" ");
    wire::mailbox(out, &row.name, utf8);
    if row.child_subscribed && !lsub {
        out.put(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    }
    out.put(b"\r\n");
}

fn wire_attributes<'a>(out: &mut Output, names: impl Iterator<Item = &'a str>) {
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.put(b" ");
        }
        out.put(name.as_bytes());
    }
}

/// `* STATUS`
pub(super) fn status(
    out: &mut Output,
    mailbox: &str,
    items: &[StatusItem],
    status: &MailboxStatus,
    config: &Config,
    utf8: bool,
) {
    out.put(b"* STATUS ");
    wire::mailbox(out, mailbox, utf8);
    out.put(b" (");
    let mut any = false;
    for item in items {
        let (name, value): (&[u8], Option<u64>) = match item {
            StatusItem::Messages => (b"MESSAGES", status.messages.map(u64::from)),
            StatusItem::Recent => (b"RECENT", Some(0)),
            StatusItem::UidNext => (b"UIDNEXT", status.uid_next.map(|uid| uid.get().into())),
            StatusItem::UidValidity => (b"UIDVALIDITY", status.uid_validity.map(|uid| uid.get().into())),
            StatusItem::Unseen => (b"UNSEEN", status.unseen.map(u64::from)),
            StatusItem::Deleted => (b"DELETED", status.deleted.map(u64::from)),
            // RFC 8438 §2
            StatusItem::Size => (b"SIZE", status.size),
            // RFC 7162 §3.1.7: 0 if it keeps none.
            StatusItem::HighestModSeq => {
                (b"HIGHESTMODSEQ", Some(status.highest_modseq.map_or(0, ModSeq::get)))
            }
            StatusItem::AppendLimit => (b"APPENDLIMIT", Some(config.limits.message)),
        };
        let Some(value) = value else { continue };
        if any {
            out.put(b" ");
        }
        any = true;
        out.put(name);
        out.put(b" ");
        wire::number(out, value);
    }
    out.put(b")\r\n");
}
