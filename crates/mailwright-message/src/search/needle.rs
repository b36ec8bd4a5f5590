//! What is searched for.

use memchr::memmem::Finder;

use super::fold::fold;

/// A text to be searched for, made ready once for any number of messages.
#[derive(Debug, Clone)]
pub struct Needle {
    finder: Finder<'static>,
}

impl Needle {
    /// The text that a search has to find as part of another, without regard to case.
    pub fn new(text: &str) -> Self {
        let mut folded = Vec::new();
        fold(text, &mut folded);
        Self { finder: Finder::new(&folded).into_owned() }
    }

    /// Whether there is nothing to search for, which everything has that is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets of it, folded.
    pub(crate) fn len(&self) -> usize {
        self.finder.needle().len()
    }

    /// Whether it is in a text that is folded.
    pub(crate) fn is_in(&self, folded: &[u8]) -> bool {
        self.finder.find(folded).is_some()
    }

    /// Whether it is in a text.
    ///
    /// ```
    /// assert!(mailwright_message::Needle::new("HÉ").matches("café, thé"));
    /// # assert!(!mailwright_message::Needle::new("tee").matches("tea"));
    /// ```
    pub fn matches(&self, text: &str) -> bool {
        let mut folded = Vec::with_capacity(text.len());
        fold(text, &mut folded);
        self.is_in(&folded)
    }
}
