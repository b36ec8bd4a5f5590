//! A task that panics is not noticed by itself.

use std::cell::Cell;
use std::sync::Once;

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// How many panics there were on this thread meanwhile.
pub(crate) fn count<T>(run: impl FnOnce() -> T) -> (T, u64) {
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
    let before = PANICS.get();
    let done = run();
    (done, PANICS.get() - before)
}
