//! The one place where a crypto provider is chosen.

#[cfg(feature = "aws-lc-rs")]
pub(crate) use rustls::crypto::aws_lc_rs::default_provider;

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(crate) use rustls::crypto::ring::default_provider;

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("mailwright-server needs a crypto provider: feature `aws-lc-rs` (default) or `ring`");
