//! Delivery status notifications (RFC 3464, RFC 6522; with UTF-8, RFC 6533): a text for people, fields for programs,
//! and the message that they are about.
//!
//! The message itself is never in memory: [`WrittenReport`] says which octets of it belong between two texts.

mod advice;
mod field;
mod model;
mod notice;
mod write;

pub use self::model::{
    Action, DeliveryReport, Diagnostic, OriginalRecipient, ReportRecipient, Returned, ReturnedPart,
};
pub use self::write::WrittenReport;
