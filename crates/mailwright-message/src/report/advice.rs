//! What a status code means to the person who sent the message: why, who can help, what to do.

use mailwright_core::EnhancedCode;

/// What to tell about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) why: &'static str,
    pub(super) who: &'static str,
    pub(super) what: &'static str,
}

const SENDER: &str = "you";
const RECIPIENT: &str = "the recipient, if you can reach them in another way";
const THEIR_ADMIN: &str = "those who run the recipient's mail server";
const OUR_ADMIN: &str = "those who run your mail server: send them this report";

/// RFC 3463 §3, and the registry that RFC 5248 §2.4 began. The detail decides, or else the subject.
pub(super) fn advice(status: EnhancedCode) -> Advice {
    let (why, who, what) = match (status.subject(), status.detail()) {
        (1, 1) => (
            "there is no such mailbox at that server.",
            SENDER,
            "look for a typing error in the address, or ask for the new one; then send the message again.",
        ),
        (1, 2) => (
            "there is no such domain, or it has no mail server.",
            SENDER,
            "look for a typing error in what follows the @; then send the message again.",
        ),
        (1, 3..=5) => (
            "the address is not one that the server can use.",
            SENDER,
            "compare the address with the one you were given; then send the message again.",
        ),
        (1, 6) => {
            ("the mailbox has moved.", RECIPIENT, "ask for the new address; the server's words may tell it.")
        }
        (1, 7 | 8) => {
            ("the server does not accept your address as a sender.", OUR_ADMIN, "have your address checked.")
        }
        (1, 10) => (
            "the domain says that it takes no mail.",
            SENDER,
            "look for a typing error in what follows the @; then send the message again.",
        ),
        (1, _) => (
            "the server does not accept the address.",
            SENDER,
            "compare the address with the one you were given; then send the message again.",
        ),
        (2, 1) => ("the mailbox is switched off.", RECIPIENT, "ask for another address."),
        (2, 2) => ("the mailbox is full.", RECIPIENT, "send the message again when there is room."),
        (2, 3) => (
            "the message is larger than that mailbox takes.",
            SENDER,
            "send a smaller message, or a link to the large part.",
        ),
        (2, _) => (
            "something is wrong with the mailbox.",
            RECIPIENT,
            "ask for another address, or try again later.",
        ),
        (3, 1) => ("the server has no room for mail.", THEIR_ADMIN, "send the message again later."),
        (3, 4) => (
            "the message is larger than that server takes.",
            SENDER,
            "send a smaller message, or a link to the large part.",
        ),
        (3, _) => ("the server cannot take mail.", THEIR_ADMIN, "send the message again later."),
        (4, 1) => ("the server did not answer.", THEIR_ADMIN, "send the message again later."),
        (4, 2) => ("the connection broke off.", THEIR_ADMIN, "send the message again later."),
        (4, 3) => (
            "it could not be found out which server takes the recipient's mail.",
            THEIR_ADMIN,
            "send the message again later.",
        ),
        (4, 4) => (
            "there is no way to the recipient's mail server.",
            THEIR_ADMIN,
            "look for a typing error in what follows the @; else send the message again later.",
        ),
        (4, 6) => (
            "the message went round in a circle: somewhere mail is forwarded back to where it came from.",
            "those who set up forwarding for the recipient",
            "tell the recipient, and send the message again when that has ended.",
        ),
        (4, 7) => ("it could not be delivered in time.", THEIR_ADMIN, "send the message again later."),
        (4, _) => ("the way to the server is disturbed.", THEIR_ADMIN, "send the message again later."),
        (5, 3) => (
            "the message has too many recipients.",
            SENDER,
            "send the message to fewer recipients at a time.",
        ),
        (5, _) => ("the two mail servers did not understand each other.", OUR_ADMIN, "have it looked into."),
        (6, 7) => (
            "the recipient's server cannot take addresses or headers that are not ASCII.",
            SENDER,
            "use addresses in plain ASCII for all who are named in the message.",
        ),
        (6, _) => (
            "the server does not accept the content of the message.",
            SENDER,
            "read the server's words, change the message, and send it again.",
        ),
        (7, 4 | 5 | 10 | 30) => (
            "the message may only travel encrypted, and the recipient's server does not offer that as it must.",
            THEIR_ADMIN,
            "tell the recipient; do not send what is secret without encryption.",
        ),
        (7, 20..=24 | 26..=29) => (
            "the server found no proof that the message comes from your domain (SPF, DKIM, DMARC).",
            OUR_ADMIN,
            "have the DNS records and signatures of your domain checked.",
        ),
        (7, 25) => (
            "the name and the address of your mail server do not belong together in the DNS.",
            OUR_ADMIN,
            "have the reverse DNS record of your mail server set.",
        ),
        (7, _) => (
            "the server refused the message by its own rules.",
            OUR_ADMIN,
            "read the server's words: they often tell the rule, and whom to ask.",
        ),
        _ => (
            "the server does not say more.",
            THEIR_ADMIN,
            "read the server's words, or reach the recipient in another way.",
        ),
    };
    Advice { why, who, what }
}
