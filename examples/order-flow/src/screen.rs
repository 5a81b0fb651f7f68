//! Progress: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use stage::thousands;

/// How often a plain line is printed.
const PLAIN_PACE: Duration = Duration::from_secs(5);

/// What is shown, one bar each.
const BARS: [&str; 9] = [
    "orders",
    "sealed",
    "published",
    "charged",
    "released",
    "dispatched",
    "in the CRM",
    "messages",
    "order_state",
];

/// How far everybody is, in events. `None`: there is no such thing in this run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Done and to be done, in the order of [`BARS`].
    pub(crate) parts: [Option<(u64, u64)>; BARS.len()],
}

impl Progress {
    /// All that is done: it grows as long as something moves.
    pub(crate) fn sum(&self) -> u64 {
        self.parts.iter().flatten().map(|(done, _)| done).sum()
    }
}

/// Where progress is shown.
#[derive(Debug)]
pub(crate) struct Screen {
    bars: Option<(MultiProgress, Vec<ProgressBar>)>,
    started: Instant,
    last_line: Mutex<Option<Instant>>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            bars: std::io::stderr()
                .is_terminal()
                .then(|| (MultiProgress::new(), Vec::new())),
            started: Instant::now(),
            last_line: Mutex::new(None),
        }
    }

    /// Shows the bars from now on.
    pub(crate) fn open(&mut self) {
        let Some((all, bars)) = &mut self.bars else {
            return;
        };
        // The template is a constant; with another style the bars would only look plain.
        let style =
            ProgressStyle::with_template("{msg:>13} {bar:40} {human_pos:>8} of {human_len}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        for name in BARS {
            let bar = all.add(ProgressBar::new(0).with_style(style.clone()));
            bar.set_message(name);
            bars.push(bar);
        }
    }

    /// Takes the bars away.
    pub(crate) fn close(&mut self) {
        if let Some((all, bars)) = &mut self.bars {
            bars.clear();
            // A terminal that cannot be cleared only looks untidy.
            let _ = all.clear();
        }
    }

    /// Says something, above the bars.
    pub(crate) fn say(&self, text: &str) {
        let text = format!("{:>4} s  {text}", self.started.elapsed().as_secs());
        match &self.bars {
            Some((all, bars)) if !bars.is_empty() => all.suspend(|| stage::line(&text)),
            _ => stage::line(&text),
        }
    }

    /// Shows how far everybody is.
    pub(crate) fn show(&self, progress: &Progress) {
        if let Some((_, bars)) = &self.bars {
            for (bar, part) in bars.iter().zip(progress.parts) {
                match part {
                    Some((done, all)) => {
                        bar.set_length(all.max(done));
                        bar.set_position(done);
                    }
                    None => bar.finish_and_clear(),
                }
            }
        } else if self.is_time_for_a_line() {
            let parts: Vec<String> = BARS
                .iter()
                .zip(progress.parts)
                .filter_map(|(name, part)| Some(format!("{name} {}", thousands(part?.0))))
                .collect();
            self.say(&parts.join(" · "));
        }
    }

    fn is_time_for_a_line(&self) -> bool {
        let mut last = self
            .last_line
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|at| at.elapsed() >= PLAIN_PACE);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}
