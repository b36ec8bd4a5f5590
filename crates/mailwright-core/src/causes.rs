//! Errors with their causes.

use std::error::Error;
use std::fmt;

/// Shows an error and what caused it, down to the first cause: what belongs in a log, since an error shows itself alone.
///
/// ```
/// use std::io::Error;
///
/// use mailwright_core::Causes;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the store is unavailable")]
/// struct Unavailable(#[source] Error);
///
/// let error = Unavailable(Error::other("the disk is gone"));
/// assert_eq!(Causes(&error).to_string(), "the store is unavailable: the disk is gone");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Causes<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some errors show their cause themselves.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            (said, next) = (text, cause.source());
        }
        Ok(())
    }
}
