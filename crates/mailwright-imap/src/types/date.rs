//! Dates as written. What day of the week it is, or which moment, is nothing that the grammar knows.

/// A day: `1-Feb-2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year, 0 to 9999.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day, 1 to 31: those that the month does not have are not found out.
    pub day: u8,
}

/// A moment with the offset that it was written with: `" 1-Feb-2026 12:34:56 +0100"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The day.
    pub date: Date,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
    /// The second, 0 to 60.
    pub second: u8,
    /// Minutes east of UTC, within a day.
    pub offset: i16,
}
