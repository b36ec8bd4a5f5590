//! ENVELOPE (RFC 9051 §7.5.2).

use mailwright_core::{Envelope, EnvelopeAddress, Output};

use super::text::nstring;

/// `envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc
/// SP env-in-reply-to SP env-message-id ")"`
pub(crate) fn envelope<T: AsRef<[u8]>>(out: &mut Output, envelope: &Envelope<T>) {
    out.put(b"(");
    nstring(out, envelope.date.as_ref());
    out.put(b" ");
    nstring(out, envelope.subject.as_ref());
    let Envelope { from, to, cc, bcc, .. } = envelope;
    for list in [from, envelope.shown_sender(), envelope.shown_reply_to(), to, cc, bcc] {
        out.put(b" ");
        addresses(out, list);
    }
    out.put(b" ");
    nstring(out, envelope.in_reply_to.as_ref());
    out.put(b" ");
    nstring(out, envelope.message_id.as_ref());
    out.put(b")");
}

/// `"(" 1*address ")" / nil`
fn addresses<T: AsRef<[u8]>>(out: &mut Output, list: &[EnvelopeAddress<T>]) {
    if list.is_empty() {
        return out.put(b"NIL");
    }
    out.put(b"(");
    for one in list {
        address(out, one);
    }
    out.put(b")");
}

/// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`
fn address<T: AsRef<[u8]>>(out: &mut Output, address: &EnvelopeAddress<T>) {
    let EnvelopeAddress { name, route, mailbox, host } = address;
    for (before, part) in [(b"(", name), (b" ", route), (b" ", mailbox), (b" ", host)] {
        out.put(before);
        nstring(out, part.as_ref());
    }
    out.put(b")");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::text::tests::written;
    use super::*;

    fn some(text: &'static str) -> Option<Bytes> {
        Some(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn one_that_has_nothing() {
        let expected = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";
        assert_eq!(written(|out| envelope(out, &Envelope::<Bytes>::default())), expected);
    }

    /// RFC 9051 §8
    #[test]
    fn one_of_the_rfc() {
        let address = |name, mailbox, host| EnvelopeAddress { name, route: None, mailbox, host };
        let terry = vec![address(some("Terry Gray"), some("gray"), some("cac.washington.edu"))];
        let cc = vec![
            address(None, some("minutes"), some("CNRI.Reston.VA.US")),
            address(some("John Klensin"), some("KLENSIN"), some("MIT.EDU")),
        ];
        let of_the_rfc = Envelope {
            date: some("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)"),
            subject: some("IMAP4rev2 WG mtg summary and minutes"),
            from: terry.clone(),
            sender: terry.clone(),
            reply_to: terry,
            to: vec![address(None, some("imap"), some("cac.washington.edu"))],
            cc,
            message_id: some("<B27397-0100000@cac.washington.edu>"),
            ..Envelope::default()
        };
        assert_eq!(
            written(|out| envelope(out, &of_the_rfc)),
            "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" \
             ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
             ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
             ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
             ((NIL NIL \"imap\" \"cac.washington.edu\")) \
             ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) \
             NIL NIL \"<B27397-0100000@cac.washington.edu>\")"
        );
    }

    #[test]
    fn groups_and_hostile_subjects() {
        let address = |mailbox| EnvelopeAddress { mailbox, ..EnvelopeAddress::default() };
        let hostile = Envelope {
            subject: some("x\r\n* BYE gone"),
            to: vec![address(some("friends")), address(None)],
            ..Envelope::default()
        };
        assert_eq!(
            written(|out| envelope(out, &hostile)),
            r#"(NIL {13}\r\nx\r\n* BYE gone NIL NIL NIL ((NIL NIL "friends" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)"#
        );
    }
}
