//! The messages: as different as real ones in what servers take apart, and the same in every run.

use std::fmt::Write as _;

/// Octets of a message, about.
const SIZE: usize = 2048;
/// This one's octets: for APPEND.
const LARGE: usize = 10 << 10;

/// How many messages lie between two that have it.
const READ_BUT: usize = 10;
const INVOICES: usize = 20;
const NEEDLES: usize = 100;
const WITH_PARTS: usize = 5;
const REPLIES: usize = 3;

/// A word of some subjects, and one of some bodies; neither is anywhere else.
pub(crate) const INVOICE: &str = "invoice";
pub(crate) const NEEDLE: &str = "haystack";

const NAMES: [&str; 12] = [
    "Ann Smith",
    "\"Bergstrom, Carl\"",
    "=?utf-8?q?Andr=C3=A9_Dupont?=",
    "Eve O'Neill",
    "\"Fatima al-Fihri\"",
    "Grace Hopper",
    "Heinrich Hertz",
    "=?utf-8?b?SXbDoW4gSMOhasOhc3o=?=",
    "Jun'ichiro",
    "Katherine J.",
    "Lists of example.org",
    "M. Curie",
];
const WORDS: [&str; 32] = [
    "about", "again", "answer", "before", "between", "calendar", "change", "draft", "early", "every",
    "figure", "garden", "house", "indeed", "journey", "kitchen", "later", "meeting", "morning", "never",
    "office", "people", "question", "report", "second", "through", "under", "village", "weather", "window",
    "yellow", "zero",
];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// How many of `count` messages are unread, have an invoice, have the needle.
pub(crate) fn unread(count: usize) -> usize {
    count.div_ceil(READ_BUT)
}

pub(crate) fn invoices(count: usize) -> usize {
    count.div_ceil(INVOICES)
}

pub(crate) fn needles(count: usize) -> usize {
    count.div_ceil(NEEDLES)
}

/// Its flags when it comes in.
pub(crate) fn flags(number: usize) -> &'static str {
    if number.is_multiple_of(READ_BUT) { "" } else { "\\Seen" }
}

/// Message `number` of a mailbox.
pub(crate) fn message(number: usize) -> Vec<u8> {
    let mut text = header(number);
    if number.is_multiple_of(WITH_PARTS) {
        parts(&mut text, number);
    } else {
        text += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n";
        prose(&mut text, number, SIZE);
    }
    text.into_bytes()
}

/// A message for APPEND.
pub(crate) fn large(number: usize) -> Vec<u8> {
    let mut text = header(number) + "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    prose(&mut text, number, LARGE);
    text.truncate(LARGE - 2);
    text += "\r\n";
    text.into_bytes()
}

fn header(number: usize) -> String {
    let mut dice = Dice(number as u64 + 1);
    let mut subject = String::new();
    if number.is_multiple_of(REPLIES) {
        subject += "Re: ";
    }
    for _ in 0..3 + dice.below(4) {
        subject = subject + dice.of(&WORDS) + " ";
    }
    subject += if number.is_multiple_of(INVOICES) { INVOICE } else { dice.of(&WORDS) };
    let (from, to) = (person(&mut dice), person(&mut dice));
    // Each minute one, 28 days a month.
    let (minute, hour, day) = (number % 60, number / 60 % 24, number / 1440);
    let mut text = format!(
        "Return-Path: <bounces+{number}@example.org>\r\n\
         Received: from mail{}.example.org ([192.0.2.{}]) by mx.example.com with ESMTPS id q{number:x}\r\n\
         \tfor <ann@example.com>; {} {hour:02}:{minute:02}:30 +0000\r\n\
         From: {from}\r\n\
         To: {to}\r\n\
         Subject: {subject}\r\n\
         Date: {} {hour:02}:{minute:02}:00 +0000\r\n\
         Message-ID: <{:016x}.{number}@example.org>\r\n\
         MIME-Version: 1.0\r\n",
        dice.below(9),
        dice.below(255),
        date(day),
        date(day),
        dice.next(),
    );
    if dice.below(2) == 0 {
        let (one, other) = (person(&mut dice), person(&mut dice));
        let _ = write!(text, "Cc: {one},\r\n {other}\r\n");
    }
    if number.is_multiple_of(REPLIES) {
        let (first, last) = (dice.next(), dice.next());
        let _ = write!(
            text,
            "In-Reply-To: <{last:016x}@example.net>\r\n\
             References: <{first:016x}@example.net>\r\n <{last:016x}@example.net>\r\n",
        );
    }
    text
}

fn person(dice: &mut Dice) -> String {
    format!("{} <{}{}@example.org>", dice.of(&NAMES), dice.of(&WORDS), dice.below(500))
}

fn date(day: usize) -> String {
    let (of_week, of_month) = (DAYS[day % DAYS.len()], day % 28 + 1);
    format!("{of_week}, {of_month} {} {}", MONTHS[day / 28 % MONTHS.len()], 2024 + day / 336)
}

/// Text, HTML and an attachment.
fn parts(text: &mut String, number: usize) {
    let outer = format!("outer-{number:x}");
    let inner = format!("inner-{number:x}");
    let _ = write!(
        text,
        "Content-Type: multipart/mixed; boundary=\"{outer}\"\r\n\r\n\
         This has several parts.\r\n\
         --{outer}\r\nContent-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n\
         --{inner}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
    );
    let length = text.len() + 400;
    prose(text, number, length);
    let _ = write!(
        text,
        "--{inner}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n\
         <html><body><p>Hello.</p></body></html>\r\n\
         --{inner}--\r\n\
         --{outer}\r\nContent-Type: application/pdf; name=\"figures-{number}.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"figures-{number}.pdf\"; size=600\r\n\r\n",
    );
    while text.len() < SIZE {
        *text += &"JVBERi0xLjQK".repeat(6);
        *text += "\r\n";
    }
    let _ = write!(text, "--{outer}--\r\n");
}

/// Lines of words until there are so many octets.
fn prose(text: &mut String, number: usize, length: usize) {
    let mut dice = Dice(!(number as u64));
    if number.is_multiple_of(NEEDLES) {
        *text = std::mem::take(text) + "A " + NEEDLE + ".\r\n";
    }
    while text.len() < length {
        for _ in 0..9 {
            *text += dice.of(&WORDS);
            text.push(' ');
        }
        *text += "and so on.\r\n";
    }
}

/// Numbers that look random: splitmix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }
}
