//! How far long work has come through the log: a bar on a terminal, a line now and then
//! elsewhere; both on stderr.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dragoman_core::Position;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// How often a line is written where no terminal shows a bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How far it has come.
pub(crate) struct Progress {
    name: String,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Of work on a projection of that name.
    pub(crate) fn start(name: &str) -> Self {
        let bar = output::is_watched().then(|| {
            let style = "{prefix} {wide_bar} {human_pos} of {human_len} positions, {eta} left";
            let bar = ProgressBar::new(0).with_prefix(name.to_owned());
            match ProgressStyle::with_template(style) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self {
            name: name.to_owned(),
            bar,
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// It is at a position, of those up to `end`.
    pub(crate) fn show(&self, position: Position, end: Position) {
        let number = |position: Position| u64::try_from(position.0).unwrap_or(0);
        if let Some(bar) = &self.bar {
            bar.set_length(number(end));
            bar.set_position(number(position));
            return;
        }
        let mut last = self
            .last_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            output::error_line(&format!("{}: position {position} of {end}", self.name));
        }
    }

    /// The bar goes.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
