//! Why something was refused, for programs.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal,)*) => {
        /// Why something was refused: a code that stays the same from version to version, for logs, metrics and traces,
        /// while the text is for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])* $name,)*
            /// One of the application's own.
            Other(&'static str),
        }

        impl Reason {
            /// All but those of applications.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code: words of lower case, with hyphens between them.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }
        }
    };
}

reasons! {
    /// AUTH: user name or password is wrong, or what was said made no sense.
    AuthFailed = "auth-failed",
    /// MAIL needs AUTH first.
    AuthRequired = "auth-required",
    /// Whether the password is right cannot be told now.
    AuthUnavailable = "auth-unavailable",
    /// The content is not acceptable.
    BadContent = "bad-content",
    /// A response within AUTH is not base64.
    BadEncoding = "bad-encoding",
    /// A line does not end in CRLF.
    BadLineEnd = "bad-line-end",
    /// A value that a parameter cannot have, or that is given twice.
    BadParameter = "bad-parameter",
    /// An address of a recipient that is none.
    BadRecipient = "bad-recipient",
    /// An address of a sender that is none.
    BadSender = "bad-sender",
    /// A command that does not come now.
    BadSequence = "bad-sequence",
    /// A command with something behind it that does not fit.
    BadSyntax = "bad-syntax",
    /// The client has cancelled.
    Cancelled = "cancelled",
    /// The client was not let in.
    Connection = "connection",
    /// It spoke before it was its turn.
    EarlyInput = "early-input",
    /// Not without TLS.
    EncryptionRequired = "encryption-required",
    /// Something failed here.
    LocalError = "local-error",
    /// A line, or a message, is too long for us to see its end.
    Endless = "endless",
    /// A command line, or a response, is too long.
    LineTooLong = "line-too-long",
    /// The mailbox cannot take mail now.
    MailboxBusy = "mailbox-busy",
    /// The mailbox is full.
    MailboxFull = "mailbox-full",
    /// The message is larger than is taken.
    MessageTooBig = "message-too-big",
    /// There is no such mailbox.
    NoSuchUser = "no-such-user",
    /// No recipient was taken.
    NoRecipients = "no-recipients",
    /// A command, or a mechanism, that is not offered.
    NotOffered = "not-offered",
    /// The application has refused, and gave no reason.
    Refused = "refused",
    /// Mail is not passed on.
    RelayDenied = "relay-denied",
    /// The server closes.
    ShuttingDown = "shutting-down",
    /// The disk is full.
    StorageFull = "storage-full",
    /// It took too long.
    Timeout = "timeout",
    /// Too many commands that lead nowhere.
    TooManyCommands = "too-many-commands",
    /// Too many connections.
    TooManyConnections = "too-many-connections",
    /// Too many commands were refused.
    TooManyErrors = "too-many-errors",
    /// Too many messages over one connection.
    TooManyMessages = "too-many-messages",
    /// Too many recipients.
    TooManyRecipients = "too-many-recipients",
    /// The address goes beyond ASCII, and SMTPUTF8 was not said.
    Utf8Address = "utf8-address",
    /// No command that we know.
    UnknownCommand = "unknown-command",
    /// A parameter that nobody knows, or whose extension is not offered.
    UnknownParameter = "unknown-parameter",
    /// Another protocol is spoken.
    WrongProtocol = "wrong-protocol",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<&'static str> for Reason {
    fn from(code: &'static str) -> Self {
        Self::Other(code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_and_no_two_are_the_same() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        assert!(codes.iter().all(|code| code.bytes().all(is_word)));
    }
}
