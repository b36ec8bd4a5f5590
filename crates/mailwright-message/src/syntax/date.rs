//! Dates (RFC 5322 §3.3, §4.3).

use super::lexer::Lexer;

/// When a message says it was written, as it says it: in the zone of its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentDate {
    /// Year, four digits.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Seconds since midnight; zero if no time of day can be made out.
    pub second: u32,
    /// Minutes that the zone is ahead of UTC; zero if it is unknown.
    pub offset: i16,
}

impl SentDate {
    /// Seconds since 1970, UTC (RFC 5256 §2.2 sorts by them).
    pub fn unix_seconds(&self) -> i64 {
        // Days from 1 March of the year 0, in eras of 400 years; then shifted to 1970.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        days * 86_400 + i64::from(self.second) - i64::from(self.offset) * 60
    }

    /// Nothing if there is no date in it, or one that never was.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut lexer = Lexer::new(text);
        // [ day-of-week "," ]
        let mut word = next(&mut lexer);
        if !word.first().is_some_and(u8::is_ascii_digit) {
            word = next(&mut lexer);
        }
        let day: u8 = number(word)?.try_into().ok()?;
        let month = month(next(&mut lexer))?;
        let year = next(&mut lexer);
        // RFC 5322 §4.3: two digits up to 49 are of this century, other two and three of the last.
        let year = match (number(year)?, year.len()) {
            (short @ 0..=49, 1 | 2) => 2000 + short,
            (short, 1..=3) => 1900 + short,
            (year, _) => year,
        };
        let (hour, minute, second) = time(&mut lexer).unwrap_or_default();
        let date = Self {
            year: year.try_into().ok()?,
            month,
            day,
            second: hour * 3600 + minute * 60 + second,
            offset: zone(&mut lexer),
        };
        date.is_possible().then_some(date)
    }

    fn is_possible(&self) -> bool {
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (1..=9999).contains(&self.year) && (1..=days).contains(&self.day)
    }
}

/// ```abnf
/// time-of-day = hour ":" minute [ ":" second ]
/// ```
fn time(lexer: &mut Lexer<'_>) -> Option<(u32, u32, u32)> {
    let mut ahead = *lexer;
    let hour = number(next(&mut ahead)).filter(|hour| *hour < 24)?;
    if !colon(&mut ahead) {
        return None;
    }
    let minute = number(next(&mut ahead)).filter(|minute| *minute < 60)?;
    let second =
        if colon(&mut ahead) { number(next(&mut ahead)).filter(|second| *second <= 60)? } else { 0 };
    *lexer = ahead;
    Some((hour, minute, second))
}

fn colon(lexer: &mut Lexer<'_>) -> bool {
    lexer.skip_between();
    lexer.take(b':')
}

/// ```abnf
/// zone = (FWS ( "+" / "-" ) 4DIGIT) / obs-zone
/// ```
fn zone(lexer: &mut Lexer<'_>) -> i16 {
    let hours = |hours: i16| hours * 60;
    lexer.skip_between();
    let sign = match lexer.peek() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => {
            // RFC 5322 §4.3: any other is as if it were -0000.
            return match next(lexer).to_ascii_uppercase().as_slice() {
                b"EDT" => hours(-4),
                b"EST" | b"CDT" => hours(-5),
                b"CST" | b"MDT" => hours(-6),
                b"MST" | b"PDT" => hours(-7),
                b"PST" => hours(-8),
                _ => 0,
            };
        }
    };
    lexer.skip(1);
    let digits = Some(next(lexer)).filter(|digits| digits.len() == 4).and_then(number);
    let minutes = digits.and_then(|digits| i16::try_from(digits / 100 * 60 + digits % 100).ok());
    sign * minutes.unwrap_or_default()
}

/// The next word or number, without what may stand before it: `1-Jan-2000` is a date too.
fn next<'a>(lexer: &mut Lexer<'a>) -> &'a [u8] {
    lexer.skip_between();
    while matches!(lexer.peek(), Some(b',' | b'.' | b'-')) {
        lexer.skip(1);
        lexer.skip_between();
    }
    match lexer.peek() {
        Some(octet) if octet.is_ascii_digit() => lexer.take_while(|octet| octet.is_ascii_digit()),
        _ => lexer.take_while(|octet| octet.is_ascii_alphabetic()),
    }
}

fn number(word: &[u8]) -> Option<u32> {
    let is_number = word.len() <= 9 && word.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(word).ok()?.parse().ok()).flatten()
}

fn month(word: &[u8]) -> Option<u8> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let begin = word.get(..3)?;
    let at = MONTHS.iter().position(|month| begin.eq_ignore_ascii_case(*month))?;
    u8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5322 §3.3, §4.3, appendix A; and what is not in it.
    #[test]
    fn known_dates() {
        for (text, date) in [
            ("Mon, 6 Jun 2005 22:21:22 +0200", Some((2005, 6, 6, 80_482, 120))),
            ("6 Jun 05 22:21", Some((2005, 6, 6, 80_460, 0))),
            (
                "Thu,      13        Feb 1969 23:32 -0330 (Newfoundland Time)",
                Some((1969, 2, 13, 84_720, -210)),
            ),
            ("Wed, 20 Dec 95 19:59 CST", Some((1995, 12, 20, 71_940, -360))),
            ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", Some((1997, 11, 21, 35_706, -360))),
            ("Tuesday, 1 January 108 00:00:60 EDT", Some((2008, 1, 1, 60, -240))),
            ("29 Feb 2000", Some((2000, 2, 29, 0, 0))),
            ("1-Jan-2000 01:00 -0130", Some((2000, 1, 1, 3600, -90))),
            ("1-Jan-2000", Some((2000, 1, 1, 0, 0))),
            ("Wed, 15 Dec 2010    59:10 -0500", Some((2010, 12, 15, 0, 0))),
            ("Wed, 15 Dec 2010", Some((2010, 12, 15, 0, 0))),
            ("29 Feb 1900", None),
            ("31 Apr 2000", None),
            ("0 Apr 2000", None),
            ("32 Jan 2000", None),
            ("1 Foo 2000", None),
            ("1 Jan 99999", None),
            ("<HR>", None),
            ("", None),
            ("999999999999 Jan 2000", None),
        ] {
            let shown = SentDate::parse(text.as_bytes())
                .map(|date| (date.year, date.month, date.day, date.second, date.offset));
            assert_eq!(shown, date, "{text}");
        }
    }

    #[test]
    fn known_seconds() {
        for (text, seconds) in [
            ("1 Jan 1970 00:00:00 +0000", 0),
            ("1 Jan 1970 00:00:00 +0100", -3600),
            ("31 Dec 1969 23:59:59 +0000", -1),
            ("29 Feb 2024 12:00:00 -0500", 1_709_226_000),
            ("1 Mar 2000 00:00:00 +0000", 951_868_800),
        ] {
            assert_eq!(SentDate::parse(text.as_bytes()).unwrap().unix_seconds(), seconds, "{text}");
        }
    }
}
