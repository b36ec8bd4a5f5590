//! The test kit, with lettre as the program under test where that sends mail.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "that is how tests fail")]

mod app;
mod faults;
mod hostile;
mod network;
mod reading;
mod recording;
mod sending;
mod talk;
mod tls;
mod waiting;
