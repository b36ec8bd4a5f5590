//! The part for people: what happened, why, who can help, what to do.

use super::advice::advice;
use super::field::{clean, pieces};
use super::model::{Action, DeliveryReport, Diagnostic, ReportRecipient};
use crate::syntax::date_time::date_time;

/// Where a line is broken.
const WIDTH: usize = 76;
/// How far what belongs to a recipient stands in.
const INDENT: usize = 4;

impl DeliveryReport {
    /// In a few words.
    pub(super) fn subject(&self) -> String {
        let worst = self.recipients().max_by_key(|recipient| weight(recipient.action));
        let Some(worst) = worst else { return String::new() };
        let what = match worst.action {
            Action::Failed | Action::Expired => "Not delivered",
            Action::Delayed { .. } => "Delayed, not lost",
            Action::Delivered => "Delivered",
            Action::Relayed => "Passed on",
            Action::Expanded => "Passed on to a group",
        };
        let others = match self.recipients().count() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        format!("{what}: your message to {}{others}", worst.address)
    }

    pub(super) fn notice(&self) -> String {
        let mut text = String::new();
        paragraph(&mut text, 0, &format!("This is the mail server {}.", self.reporting_mta));
        let arrived = self.arrived.map_or(String::new(), |at| format!(" of {}", date_time(at)));
        let mut last = None;
        // The worst first; what is alike stays in order.
        for group in (0..=4).rev() {
            for recipient in self.recipients().filter(|recipient| weight(recipient.action) == group) {
                let heading = heading(recipient.action, &arrived);
                if last.as_ref() != Some(&heading) {
                    text.push_str("\r\n");
                    paragraph(&mut text, 0, &heading);
                    last = Some(heading);
                }
                text.push_str("\r\n");
                self.about(&mut text, recipient);
            }
        }
        text.push_str("\r\n");
        if let Some(trace) = self.trace {
            let ask = "Whoever you ask for help will want to see this report.";
            paragraph(&mut text, 0, &format!("{ask} The number of your message is {trace}."));
        }
        paragraph(&mut text, 0, "This report was written by a program, and answers to it by a person.");
        text
    }

    fn about(&self, text: &mut String, recipient: &ReportRecipient) {
        let advice = advice(recipient.status);
        paragraph(text, 0, &format!("<{}>", clean(&recipient.address.to_string(), self.utf8)));
        let mut say = |label: &str, words: &str| paragraph(text, INDENT, &format!("{label}: {words}"));
        if let Some(original) = &recipient.original
            && !original.address.eq_ignore_ascii_case(&recipient.address.to_string())
        {
            say("You wrote to", &clean(&original.address, self.utf8));
        }
        if let Some(words) = self.words(recipient) {
            say("What happened", &words);
        }
        match recipient.action {
            Action::Failed | Action::Expired => {
                say("Why", advice.why);
                say("Who can help", &format!("{}.", advice.who));
                say("What to do", advice.what);
            }
            Action::Delayed { until } => {
                say("Why", advice.why);
                say("Who can help", "nobody needs to; most delays end by themselves.");
                let retried = "nothing. Do not send it again: it is tried again until";
                say("What to do", &format!("{retried} {}.", date_time(until)));
            }
            Action::Relayed => say("What to do", "nothing. That server does not confirm delivery."),
            Action::Expanded => say("What to do", "nothing. Should one of the group fail, you are told."),
            Action::Delivered => {}
        }
    }

    /// Who said what, or what was seen and where.
    fn words(&self, recipient: &ReportRecipient) -> Option<String> {
        let remote = recipient.remote_mta.as_ref().map(|remote| clean(remote, self.utf8));
        let words = match (recipient.diagnostic.as_ref()?, remote) {
            (Diagnostic::Smtp { code, enhanced, text }, remote) => {
                let who = remote.map_or(String::new(), |remote| format!("{remote} said: "));
                let enhanced = enhanced.map_or(String::new(), |enhanced| format!("{enhanced} "));
                format!("{who}{code} {enhanced}{}", clean(text, self.utf8))
            }
            (Diagnostic::Local(text), Some(remote)) => format!("{} ({remote})", clean(text, self.utf8)),
            (Diagnostic::Local(text), None) => clean(text, self.utf8),
        };
        Some(words.trim_end().to_owned())
    }
}

/// Who is told of first: those for whom something is to be done.
fn weight(action: Action) -> u8 {
    match action {
        Action::Failed | Action::Expired => 4,
        Action::Delayed { .. } => 3,
        Action::Expanded => 2,
        Action::Relayed => 1,
        Action::Delivered => 0,
    }
}

fn heading(action: Action, arrived: &str) -> String {
    let what = match action {
        Action::Failed => "was refused. It was not delivered and will not be tried again:",
        Action::Expired => {
            "could not be delivered for so long that it was given up. It will not be tried again:"
        }
        Action::Delayed { .. } => "could not be delivered yet. It is not lost:",
        Action::Delivered => "was delivered:",
        Action::Relayed => "was passed on to another server:",
        Action::Expanded => "was delivered to a group and is passed on to its members:",
    };
    format!("Your message{arrived} {what}")
}

/// Lines of at most [`WIDTH`] where words allow it.
fn paragraph(out: &mut String, indent: usize, text: &str) {
    let mut column = 0;
    for word in text.split(' ').flat_map(pieces) {
        if column > 0 && column + 1 + word.len() > WIDTH {
            out.push_str("\r\n");
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        } else {
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        out.push_str(word);
        column += word.len();
    }
    out.push_str("\r\n");
}
