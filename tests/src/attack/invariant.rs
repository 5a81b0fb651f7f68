//! Which invariant is being judged, so that a failure can be named by it.

use std::cell::Cell;

thread_local! {
    static JUDGED: Cell<&'static str> = const { Cell::new(STARTS) };
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// What is so before anything is judged.
pub const STARTS: &str = "the hub starts, and starts again";

/// Says what is judged from here on, on this thread.
pub(super) fn judging(invariant: &'static str) {
    JUDGED.set(invariant);
}

/// What is judged on this thread.
#[must_use]
pub fn invariant() -> &'static str {
    JUDGED.get()
}

/// Says whether failures of this thread are expected, and nobody wants to read its logs.
pub(crate) fn fail_silently(silent: bool) {
    SILENT.set(silent);
}

/// Whether failures of this thread are expected.
#[must_use]
pub fn fails_silently() -> bool {
    SILENT.get()
}
