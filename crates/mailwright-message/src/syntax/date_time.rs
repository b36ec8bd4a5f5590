//! Dates, written (RFC 5322 §3.3).

use mailwright_core::Timestamp;

/// A time as header fields have it, `date-time` of RFC 5322 §3.3, in UTC. One that no calendar has is 1970.
///
/// ```
/// use mailwright_core::Timestamp;
///
/// let text = mailwright_message::date_time(Timestamp(1_763_821_801_500));
/// assert_eq!(text, "Sat, 22 Nov 2025 14:30:01 +0000");
/// ```
pub fn date_time(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_rfc_5322() {
        for (at, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (1_763_821_801_500, "Sat, 22 Nov 2025 14:30:01 +0000"),
            (i64::MAX, "Thu, 01 Jan 1970 00:00:00 +0000"),
        ] {
            assert_eq!(date_time(Timestamp(at)), text);
        }
    }
}
