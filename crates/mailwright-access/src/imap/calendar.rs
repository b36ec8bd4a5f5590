//! Dates, between client and store.

use jiff::civil;
use jiff::tz::Offset;
use mailwright_core::Timestamp;
use mailwright_imap::types::{Date, DateTime};
use mailwright_store::InternalDate;

const SECONDS_PER_DAY: i64 = 86_400;

/// A stored date as it is shown: in the offset that it was written with.
pub(super) fn shown(date: InternalDate) -> DateTime {
    let local = local_seconds(date);
    let time = jiff::Timestamp::from_second(local).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let time = Offset::UTC.to_datetime(time);
    DateTime {
        date: Date {
            // RFC 9051 §9: four digits.
            year: u16::try_from(time.year()).unwrap_or_default(),
            month: time.month().unsigned_abs(),
            day: time.day().unsigned_abs(),
        },
        hour: time.hour().unsigned_abs(),
        minute: time.minute().unsigned_abs(),
        second: time.second().unsigned_abs(),
        offset: date.offset,
    }
}

/// A date as it is stored; nothing if there is no such day.
pub(super) fn stored(date: &DateTime) -> Option<InternalDate> {
    let day = i64::from(day(date.date)?);
    let of_day = i64::from(date.hour) * 3600 + i64::from(date.minute) * 60 + i64::from(date.second);
    let seconds = day * SECONDS_PER_DAY + of_day - i64::from(date.offset) * 60;
    Some(InternalDate { at: Timestamp(seconds * 1000), offset: date.offset })
}

/// The day of a date, counted from 1970; nothing if there is no such day.
pub(super) fn day(date: Date) -> Option<i32> {
    let year = i16::try_from(date.year).ok()?;
    let date = civil::Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()?;
    Some((date - civil::date(1970, 1, 1)).get_days())
}

/// The day of a stored date in its own offset, counted from 1970.
pub(super) fn local_day(date: InternalDate) -> i32 {
    i32::try_from(local_seconds(date).div_euclid(SECONDS_PER_DAY)).unwrap_or(i32::MAX)
}

fn local_seconds(date: InternalDate) -> i64 {
    date.at.as_secs().saturating_add(i64::from(date.offset) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_keeps_its_offset() {
        let date = DateTime {
            date: Date { year: 2026, month: 2, day: 1 },
            hour: 0,
            minute: 30,
            second: 7,
            offset: 120,
        };
        let kept = stored(&date).unwrap();
        assert_eq!(kept.at, Timestamp(1_769_898_607_000));
        assert_eq!(shown(kept), date);
        assert_eq!(local_day(kept), day(date.date).unwrap());
        assert_eq!(day(Date { year: 2026, month: 2, day: 29 }), None);
        assert_eq!(local_day(InternalDate { at: Timestamp(-1), offset: 0 }), -1);
    }
}
