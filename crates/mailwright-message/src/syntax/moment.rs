//! Moments as commands have them (RFC 3339 §5.6).

use mailwright_core::Timestamp;

/// A time as parameters of SMTP have it, `date-time` of RFC 3339 §5.6, in UTC and whole seconds, rounded down. One that no
/// calendar has is 1970.
///
/// ```
/// use mailwright_core::Timestamp;
///
/// let text = mailwright_message::moment(Timestamp(1_763_821_801_500));
/// assert_eq!(text, "2025-11-22T14:30:01Z");
/// ```
pub fn moment(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(at.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time that a `date-time` of RFC 3339 §5.6 means; a leap second is the one before. `None` if no calendar has it.
///
/// ```
/// use mailwright_core::Timestamp;
///
/// let at = mailwright_message::read_moment("2025-11-22T15:30:01.5+01:00");
/// assert_eq!(at, Some(Timestamp(1_763_821_801_500)));
/// assert_eq!(mailwright_message::read_moment("2025-02-30T00:00:00Z"), None);
/// ```
pub fn read_moment(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_rfc_3339() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_420_800_000, "2026-11-23T08:00:00Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
            (253_402_207_199_000, "9999-12-30T21:59:59Z"),
        ] {
            assert_eq!(moment(Timestamp(at)), text);
            assert_eq!(read_moment(text), Some(Timestamp(at)));
        }
        assert_eq!(moment(Timestamp(i64::MAX)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn other_ways_to_write_them() {
        let at = Some(Timestamp(1_795_420_800_000));
        for text in ["2026-11-23t08:00:00z", "2026-11-23T13:30:00+05:30", "2026-11-23T08:00:00.000-00:00"] {
            assert_eq!(read_moment(text), at, "{text}");
        }
        assert_eq!(read_moment("2026-11-23T07:59:60Z"), Some(Timestamp(1_795_420_799_000)));
        for text in
            ["", "2026-11-23", "2026-11-23T08:00:00", "2026-13-23T08:00:00Z", "2026-02-29T08:00:00Z", "noon"]
        {
            assert_eq!(read_moment(text), None, "{text}");
        }
    }
}
