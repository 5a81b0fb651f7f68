//! What an example says: its results, on stdout.

use std::io::{self, Write};

/// Prints a line. That nobody reads it any more is nobody's to know.
pub fn line(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}
