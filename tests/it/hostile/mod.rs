//! Those who mean harm, or know no better: the server answers as it should, lives on, and nobody else suffers.

mod auth;
mod floods;
mod lines;
