//! All that happens, a line each: two runs of one seed have the same.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::SimClock;

/// Clones write the same trace.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    clock: SimClock,
    text: Arc<Mutex<String>>,
}

impl Trace {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self { clock, text: Arc::default() }
    }

    pub(crate) fn now(&self) -> std::time::Duration {
        self.clock.elapsed()
    }

    /// Something has happened now.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        use fmt::Write;
        let now = self.clock.elapsed().as_millis();
        let mut text = self.lock();
        writeln!(text, "{now:>10} {what}").unwrap();
    }

    pub(crate) fn text(&self) -> String {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a trace for who looks for a mistake.
pub(crate) fn save(seed: u64, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mailwright-sim-{seed}.trace"));
    std::fs::write(&path, text).unwrap();
    path
}

/// Its end.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(100)..].join("\n")
}

/// Notes into a trace as `println!` writes.
macro_rules! note {
    ($trace:expr, $($what:tt)*) => { $trace.note(format_args!($($what)*)) };
}
pub(crate) use note;
