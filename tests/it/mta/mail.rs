//! A message, and what servers put in front of it.

/// Text that servers like to damage: dots, a long line, `From`, octets beyond ASCII, empty lines at the end; filled up
/// to so many octets, if it has fewer. No field is missing that a server would add.
pub(super) fn message(subject: &str, octets: usize) -> String {
    let long = "x".repeat(990);
    let mut message = format!(
        "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\nFrom: ann@a.example\r\nTo: you@peer.example\r\n\
         Message-ID: <{subject}@a.example>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         .\r\n..two\r\n{long}\r\nFrom here\r\ngrün\r\n"
    );
    let end = "\r\n\r\n";
    for number in 0.. {
        let left = octets.saturating_sub(message.len() + end.len());
        if left < 2 {
            break;
        }
        let width = (left - 2).min(number % 800);
        message.push_str(&".".repeat(width));
        message.push_str("\r\n");
    }
    message + end
}

/// A message as it lies in a mailbox.
#[derive(Debug)]
pub(super) struct Mail<'a> {
    /// The fields in front that say how it came here, unfolded, with their names in lower case.
    trace: Vec<(String, String)>,
    content: &'a str,
}

impl<'a> Mail<'a> {
    const TRACE: [&'static str; 5] =
        ["return-path", "delivered-to", "envelope-to", "x-original-to", "received"];

    pub(super) fn new(text: &'a str) -> Self {
        let mut mail = Self { trace: Vec::new(), content: text };
        while let Some((line, rest)) = mail.content.split_once('\n') {
            let line = line.trim_end_matches('\r');
            if let Some((_, value)) = mail.trace.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
                *value = format!("{value} {}", line.trim_start());
            } else {
                let (name, value) = line.split_once(": ").unwrap_or_default();
                let name = name.to_ascii_lowercase();
                if !Self::TRACE.contains(&name.as_str()) {
                    break;
                }
                mail.trace.push((name, value.to_owned()));
            }
            mail.content = rest;
        }
        mail
    }

    /// The fields of a name, those of the last server first.
    pub(super) fn fields(&self, name: &str) -> Vec<&str> {
        let fields = self.trace.iter().filter(|(named, _)| named == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// Who says to have got it, from whom and by which protocol: of so many hops the last one.
    #[track_caller]
    pub(super) fn assert_hop(&self, hops: usize, from: &str, protocol: &str) {
        let received = self.fields("received");
        assert_eq!(received.len(), hops, "{:#?}", self.trace);
        let (client, server) = received[0].split_once(" by ").unwrap_or_default();
        let mut words = server.split([' ', ';']).skip_while(|word| *word != "with").skip(1);
        let is_with = words.next().is_some_and(|with| with.eq_ignore_ascii_case(protocol));
        assert!(client.contains(from) && is_with, "not from {from} with {protocol}: {}", received[0]);
    }

    /// The envelope, as far as the last server tells.
    #[track_caller]
    pub(super) fn assert_envelope(&self, from: &str, to: &str) {
        assert_eq!(self.fields("return-path"), [format!("<{from}>")], "{:#?}", self.trace);
        assert_eq!(self.recipient(), to, "{:#?}", self.trace);
    }

    /// Whom the last server has it for.
    #[track_caller]
    pub(super) fn recipient(&self) -> &str {
        let told = [self.fields("delivered-to"), self.fields("envelope-to")].concat();
        let received = self.fields("received")[0].split_once(" for <");
        let received = received.and_then(|(_, to)| to.split_once('>')).map(|(to, _)| to);
        told.first().copied().or(received).unwrap_or_else(|| panic!("for nobody: {:#?}", self.trace))
    }

    /// The rest is what was sent, but for the ends of lines, which a Maildir has in the form of its system.
    #[track_caller]
    pub(super) fn assert_content(&self, sent: &str) {
        let is_crlf = self.content.contains("\r\n");
        let sent = if is_crlf { sent.to_owned() } else { sent.replace("\r\n", "\n") };
        let differs = self.content.bytes().zip(sent.bytes()).position(|(received, sent)| received != sent);
        let shown = |text: &str| {
            let start = differs.unwrap_or(0).saturating_sub(100);
            String::from_utf8_lossy(&text.as_bytes()[start..text.len().min(start + 300)]).into_owned()
        };
        assert_eq!(
            (self.content.len(), differs),
            (sent.len(), None),
            "length, and where it differs first:\n{}\n{}",
            shown(self.content),
            shown(&sent)
        );
    }
}

/// What a FETCH response has in its only literal.
#[track_caller]
pub(super) fn literal(response: &str) -> &str {
    let (_, literal) = response.split_once("}\r\n").unwrap();
    literal.strip_suffix(')').unwrap()
}
