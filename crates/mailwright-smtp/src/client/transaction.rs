//! What is to be sent, and whether this server can be asked to take it.

use std::collections::BTreeSet;
use std::fmt;

use mailwright_core::{Address, ForwardPath, ReversePath};

use super::capabilities::Capabilities;
use super::unsendable::Unsendable;
use crate::params::{Body, DeliverBy, Hold, Late, MailParams, OriginalRecipient, RcptParams};

/// The envelope of one message. Its content is asked for when the server wants it.
///
/// Parameters that change the meaning of a message are sent or else it is refused before an octet is written, see
/// [`Unsendable`]. Those that are hints are left out where they were not offered:
///
/// | parameter | where its extension was not offered |
/// |---|---|
/// | `SIZE`, `AUTH`, `BODY=7BIT` | left out: they say what holds without them |
/// | `MT-PRIORITY` | left out (RFC 6710 §4.3) |
/// | `SOLICIT` | left out: the header says the same (RFC 3865 §2.7) |
/// | `BY` that [notifies](Late::Notify) | left out; who relays tells the sender (RFC 2852 §4.1.4.2) |
/// | `BY` that [returns](Late::Return) | unsendable (RFC 2852 §4.1.4.1) |
/// | `RRVS` with `C` | left out (RFC 7293 §5.1.1) |
/// | `RRVS` otherwise | unsendable to this recipient |
/// | `BODY=8BITMIME`, `BODY=BINARYMIME`, `SMTPUTF8`, `REQUIRETLS` | unsendable |
/// | `RET`, `ENVID`, `NOTIFY`, `ORCPT` | unsendable, see [`without_dsn`](Self::without_dsn) |
/// | `HOLDFOR`, `HOLDUNTIL` | unsendable: they are for who submits, and not relayed (RFC 4865) |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Where failures are reported to.
    pub from: ReversePath,
    /// What else is said of the message. Whether the peer's name was checked, for `require_tls`, is for whoever has
    /// checked it.
    pub params: MailParams,
    /// Who is to get it, each with an [`Outcome`](super::Outcome) of its own, which names it by its place here. If
    /// there is nobody, nothing is said.
    pub recipients: Vec<Recipient>,
}

impl Transaction {
    /// Without parameters.
    pub fn new(from: ReversePath, recipients: Vec<Recipient>) -> Self {
        Self { from, params: MailParams::default(), recipients }
    }

    /// Without what asks for notifications, for a server that does not know them. The client then tells the
    /// sender itself that the message was relayed (RFC 3461 §5.2.2).
    #[must_use]
    pub fn without_dsn(mut self) -> Self {
        (self.params.ret, self.params.envid) = (None, None);
        for Recipient { params, .. } in &mut self.recipients {
            (params.notify, params.orcpt) = (None, None);
        }
        self
    }

    /// Whether the content need not have lines.
    pub(super) fn is_binary(&self) -> bool {
        self.params.body == Some(Body::BinaryMime)
    }

    /// Leaves out what a server that offers this has no use for, and what means the same without it.
    pub(super) fn leave_out_hints(&mut self, offered: &Capabilities) {
        let MailParams { size, body, smtp_utf8, auth, priority, solicit, by, .. } = &mut self.params;
        size.take_if(|_| offered.size.is_none());
        body.take_if(|body| *body == Body::SevenBit && !offered.eight_bit_mime);
        let is_ascii = |by: &ReversePath| by.address().is_none_or(Address::is_ascii);
        auth.take_if(|by| offered.auth.is_empty() || !*smtp_utf8 && !is_ascii(by));
        priority.take_if(|_| !offered.mt_priority);
        solicit.take_if(|_| offered.no_soliciting.is_none());
        by.take_if(|by| by.late == Late::Notify && offered.deliver_by.is_none());
        for Recipient { params, .. } in &mut self.recipients {
            params.valid_since.take_if(|since| !since.or_reject() && !offered.rrvs);
        }
    }

    /// Whether a server that offers this, and has seen so many transactions, can be asked. Without hints.
    pub(super) fn check(
        &self,
        offered: &Capabilities,
        has_tls: bool,
        transactions: u32,
    ) -> Result<(), Unsendable> {
        if offered.mail_max.is_some_and(|max| transactions >= max) {
            return Err(Unsendable::AnotherConnection);
        }
        let from_is_ascii = self.from.address().is_none_or(Address::is_ascii);
        self.check_ascii(from_is_ascii, offered)?;
        if self.params.require_tls && !has_tls {
            return Err(Unsendable::NoTls);
        }
        let mut needed = self.params.extensions().map(|(extension, _)| extension);
        if let Some(extension) = needed.find(|extension| !offered.offers(*extension)) {
            return Err(Unsendable::NotOffered(extension));
        }
        if let (Some(size), Some(max)) = (self.params.size, offered.size)
            && size > max
        {
            return Err(Unsendable::TooBig { max });
        }
        if let (Some(Hold::For(seconds)), Some(held)) = (&self.params.hold, &offered.future_release)
            && *seconds > held.seconds
        {
            return Err(Unsendable::HeldTooLong { max: held.seconds });
        }
        match (self.params.by, offered.deliver_by) {
            // RFC 2852 §4: not zero either.
            (Some(DeliverBy { seconds, late: Late::Return, .. }), Some(min))
                if i64::from(seconds) < min.max(1).into() =>
            {
                Err(Unsendable::TooSoon { min })
            }
            _ => Ok(()),
        }
    }

    /// RFC 6531 §3.4: what goes beyond ASCII needs the parameter, and that the extension.
    fn check_ascii(&self, is_ascii: bool, offered: &Capabilities) -> Result<(), Unsendable> {
        let may_go_beyond = self.params.smtp_utf8 && offered.smtp_utf8;
        if is_ascii || may_go_beyond { Ok(()) } else { Err(Unsendable::NonAsciiAddress) }
    }

    /// Which of the recipients can be asked about. Without hints.
    pub(super) fn check_recipients(&self, offered: &Capabilities) -> Vec<Result<(), Unsendable>> {
        let mut room = Room::new(offered);
        let mut verdicts = Vec::with_capacity(self.recipients.len());
        for recipient in &self.recipients {
            let mut needed = recipient.params.extensions().map(|(extension, _)| extension);
            let lacking = needed.find(|extension| !offered.offers(*extension)).map(Unsendable::NotOffered);
            let verdict = self.check_ascii(recipient.is_ascii(), offered).and(lacking.map_or(Ok(()), Err));
            verdicts.push(verdict.and_then(|()| room.take(&recipient.to)));
        }
        verdicts
    }
}

/// The MAIL command, without its end (RFC 5321 §4.1.1.2).
impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAIL FROM:{}{}", self.from, self.params)
    }
}

/// Who is to get a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address.
    pub to: ForwardPath,
    /// What else is said of it.
    pub params: RcptParams,
}

impl Recipient {
    /// Without parameters.
    pub fn new(to: ForwardPath) -> Self {
        Self { to, params: RcptParams::default() }
    }

    fn is_ascii(&self) -> bool {
        self.to.address().is_none_or(Address::is_ascii)
            && self.params.orcpt.as_ref().is_none_or(OriginalRecipient::is_ascii)
    }
}

/// The RCPT command, without its end (RFC 5321 §4.1.1.3).
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RCPT TO:{}{}", self.to, self.params)
    }
}

/// The room that a transaction has for recipients (RFC 9422 §4).
struct Room<'a> {
    recipients: u32,
    domains_max: u32,
    domains: BTreeSet<&'a str>,
}

impl<'a> Room<'a> {
    fn new(offered: &Capabilities) -> Self {
        Self {
            recipients: offered.rcpt_max.unwrap_or(u32::MAX),
            domains_max: offered.rcpt_domain_max.unwrap_or(u32::MAX),
            domains: BTreeSet::new(),
        }
    }

    fn take(&mut self, to: &'a ForwardPath) -> Result<(), Unsendable> {
        let domain = to.address().map(Address::domain).unwrap_or_default();
        let is_new = !self.domains.contains(domain);
        if self.recipients == 0 || is_new && self.domains_max == 0 {
            return Err(Unsendable::AnotherTransaction);
        }
        self.recipients -= 1;
        if is_new {
            self.domains_max -= 1;
            self.domains.insert(domain);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    /// With these parameters of MAIL, to these.
    fn with(mail: &str, recipients: &[&str]) -> Transaction {
        let Ok(Command::Mail(from, params)) = Command::parse(format!("MAIL FROM:{mail}").as_bytes()) else {
            panic!("{mail}")
        };
        let recipients =
            recipients.iter().map(|rcpt| match Command::parse(format!("RCPT TO:{rcpt}").as_bytes()) {
                Ok(Command::Rcpt(to, params)) => Recipient { to, params },
                other => panic!("{rcpt}: {other:?}"),
            });
        Transaction { from, params: *params, recipients: recipients.collect() }
    }

    fn all() -> Capabilities {
        Capabilities {
            size: Some(1000),
            eight_bit_mime: true,
            binary_mime: true,
            chunking: true,
            smtp_utf8: true,
            dsn: true,
            require_tls: true,
            auth: vec!["PLAIN".to_owned()],
            deliver_by: Some(60),
            mt_priority: true,
            rrvs: true,
            no_soliciting: Some(vec![]),
            ..Capabilities::default()
        }
    }

    /// What would be said to a server that offers this; or why nothing.
    fn said(mut transaction: Transaction, offered: &Capabilities, has_tls: bool) -> Vec<String> {
        transaction.leave_out_hints(offered);
        if let Err(why) = transaction.check(offered, has_tls, 0) {
            return vec![format!("{} {why}", why.enhanced().unwrap())];
        }
        let verdicts = transaction.check_recipients(offered);
        let each = transaction.recipients.iter().zip(verdicts).map(|(recipient, verdict)| match verdict {
            Ok(()) => recipient.to_string(),
            Err(why) => format!("{} {why}", why.enhanced().unwrap()),
        });
        [transaction.to_string()].into_iter().chain(each).collect()
    }

    const FULL: &str = "<> SIZE=10 BODY=8BITMIME SMTPUTF8 AUTH=a+3Db@c.example RET=HDRS ENVID=QQ+20314159 REQUIRETLS \
                        BY=120;R MT-PRIORITY=3 SOLICIT=net.example:ADV";
    const RCPT: &str =
        "<\"c d\"@e.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y RRVS=2014-04-03T23:01:00Z;R";

    #[test]
    fn what_is_offered_is_written() {
        let expected = [format!("MAIL FROM:{FULL}"), format!("RCPT TO:{RCPT}")];
        assert_eq!(said(with(FULL, &[RCPT]), &all(), true), expected);
    }

    #[test]
    fn hints_are_left_out() {
        let hints = "<a@b> SIZE=10 BODY=7BIT AUTH=<> BY=-5;N MT-PRIORITY=-9 SOLICIT=a";
        let rcpt = "<c@d> RRVS=2014-04-03T23:01:00Z;C";
        let nothing = Capabilities::default();
        assert_eq!(said(with(hints, &[rcpt]), &nothing, false), ["MAIL FROM:<a@b>", "RCPT TO:<c@d>"]);
        assert_eq!(
            said(with(hints, &[rcpt]), &all(), false),
            [format!("MAIL FROM:{hints}"), format!("RCPT TO:{rcpt}")]
        );
        let mut foreign = with("<a@b>", &["<c@d>"]);
        foreign.params.auth = Some(ReversePath::Address("ä@b".parse().unwrap()));
        assert_eq!(said(foreign, &all(), false), ["MAIL FROM:<a@b>", "RCPT TO:<c@d>"]);
    }

    #[test]
    fn what_is_not_offered_is_not_sent() {
        let lacking = |lack: fn(&mut Capabilities)| {
            let mut offered = all();
            lack(&mut offered);
            said(with(FULL, &[RCPT]), &offered, true).remove(0)
        };
        for (told, expected) in [
            (lacking(|o| o.eight_bit_mime = false), "5.6.3 the server does not offer 8BITMIME"),
            (lacking(|o| o.smtp_utf8 = false), "5.6.9 the server does not offer SMTPUTF8"),
            (lacking(|o| o.dsn = false), "5.3.3 the server does not offer DSN"),
            (lacking(|o| o.require_tls = false), "5.7.30 the server does not offer REQUIRETLS"),
            (lacking(|o| o.deliver_by = None), "5.4.7 the server does not offer DELIVERBY"),
            (
                lacking(|o| o.deliver_by = Some(121)),
                "5.4.7 the message is to be delivered sooner than in the 121 s that the server needs",
            ),
            (
                lacking(|o| o.size = Some(9)),
                "5.3.4 the message is larger than the 9 octets that the server takes",
            ),
            (lacking(|o| o.mail_max = Some(0)), "4.5.0 the server takes no more messages on this connection"),
            (said(with(FULL, &[RCPT]), &all(), false).remove(0), "5.7.10 the message needs TLS"),
            (
                said(
                    with("<> BODY=BINARYMIME", &["<a@b>"]),
                    &Capabilities { chunking: false, ..all() },
                    false,
                )
                .remove(0),
                "5.6.3 the server does not offer BINARYMIME",
            ),
            (
                said(with("<> HOLDFOR=60", &["<a@b>"]), &all(), false).remove(0),
                "5.3.3 the server does not offer FUTURERELEASE",
            ),
        ] {
            assert_eq!(told, expected);
        }
        let offered = Capabilities { dsn: false, rrvs: false, ..all() };
        let since = "<a@b> RRVS=2014-04-03T23:01:00Z";
        assert_eq!(
            said(with("<>", &[RCPT, since, "<c@d>"]).without_dsn(), &offered, false)[1..],
            [
                "5.7.19 the server does not offer RRVS",
                "5.7.19 the server does not offer RRVS",
                "RCPT TO:<c@d>"
            ]
        );
    }

    #[test]
    fn beyond_ascii_only_with_smtputf8() {
        let no = "5.6.7 an address goes beyond ASCII, and the message goes without SMTPUTF8";
        let without = Capabilities { smtp_utf8: false, ..all() };
        let plain = with("<a@b>", &["<ä@b>", "<c@d>", "<c@d> ORCPT=utf-8;ä@b"]);
        assert_eq!(said(plain.clone(), &all(), false), ["MAIL FROM:<a@b>", no, "RCPT TO:<c@d>", no]);
        assert_eq!(said(with("<ä@b>", &["<c@d>"]), &all(), false), [no]);
        assert_eq!(said(with("<ä@b> SMTPUTF8", &["<c@d>"]), &without, false), [no]);
        let mut utf8 = plain;
        utf8.params.smtp_utf8 = true;
        assert_eq!(
            said(utf8, &all(), false),
            ["MAIL FROM:<a@b> SMTPUTF8", "RCPT TO:<ä@b>", "RCPT TO:<c@d>", "RCPT TO:<c@d> ORCPT=utf-8;ä@b"]
        );
    }

    #[test]
    fn limits_are_kept() {
        let take = |rcpt_max, rcpt_domain_max, to: &[&str]| {
            let offered = Capabilities { rcpt_max, rcpt_domain_max, ..Capabilities::default() };
            let verdicts = with("<>", to).check_recipients(&offered);
            verdicts.iter().map(|verdict| if verdict.is_ok() { '+' } else { '-' }).collect::<String>()
        };
        let to = ["<a@x>", "<a@y>", "<b@x>", "<Postmaster>", "<c@x>"];
        assert_eq!(take(None, None, &to), "+++++");
        assert_eq!(take(Some(3), None, &to), "+++--");
        assert_eq!(take(None, Some(1), &to), "+-+-+");
        assert_eq!(take(Some(2), Some(1), &to), "+-+--");
        assert_eq!(take(Some(5), Some(2), &to), "+++-+");
    }
}
